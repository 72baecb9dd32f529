"""The section on results of queries: its DAG runs as it stands, and every parameter and key is told."""

from __future__ import annotations

import json
from importlib import import_module
from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from tests.databases import open_sqlite
from tests.docs.pages import page
from tests.docs.test_docs_python import EXEMPT, block_with, dag_bag

SECTION = page("docs/messages.md").section("## The result of a query")


ORDERS = """(1, '2026-11-01', '华东', 5, '*Ann*', 0), (2, '2026-11-01', '华南', 1700.5, 'Bob', 0)"""


def run_dag(folder: Path, monkeypatch: pytest.MonkeyPatch, emulator: Any, dag_id: str, ds: str = "2026-11-01") -> Any:
    """Run the tasks of a DAG of the page, and return what they return."""
    engine = open_sqlite(folder / "shop.db")
    with engine.begin() as conn:
        columns = "id INTEGER PRIMARY KEY, day TEXT, region TEXT, total NUMERIC, customer TEXT, paid INTEGER"
        conn.execute(text(f"CREATE TABLE orders ({columns})"))
        conn.execute(text(f"INSERT INTO orders VALUES {ORDERS}"))
    engine.dispose()
    emulator.state.add_chat("Sales")
    lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    bot = {
        "conn_type": "lark_webhook",
        "password": emulator.state.add_webhook().url,
        "extra": {"avoid_peak_seconds": 0},
    }
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    monkeypatch.setenv("AIRFLOW_CONN_LARK_WEBHOOK_DEFAULT", json.dumps(bot))
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "sqlite", "host": str(folder / "shop.db")}))
    told = []
    for task in dag_bag(folder, block_with("docs/messages.md", f'"{dag_id}"').text).dags[dag_id].tasks:
        ti = SimpleNamespace(dag_id="d", task_id=task.task_id, map_index=-1)
        context: Any = {"run_id": "r", "ti": ti, "ds": ds}
        task.render_template_fields(context)
        told.append(task.execute(context))
    return told


@EXEMPT
def test_both_tasks_of_the_dag_send_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_lark.emulator import Emulator

    with Emulator() as emulator:
        told = run_dag(tmp_path, monkeypatch, emulator, "sales_told")
        card, file = (json.loads(each.content) for each in emulator.messages)
    assert [each["tag"] for each in card["body"]["elements"]] == ["chart", "table"]
    assert (card["header"]["title"]["content"], file["file_name"]) == ("Sales of 2026-11-01", "orders 2026-11-01.xlsx")
    assert [each["rows"] for each in told] == [2, 2]
    assert sorted(key for key in told[0] if f"`{key}`" not in SECTION) == [
        "chat_id",
        "created_ms",
        "message_id",
        "thread_id",
    ]


@EXEMPT
def test_words_of_the_page_say_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_lark.emulator import Emulator

    with Emulator() as emulator:
        (told,) = run_dag(tmp_path, monkeypatch, emulator, "late_told", ds="2026-11-02")
        card = json.loads(emulator.messages[0].content)
    assert card["header"]["title"]["content"] == "Unpaid before 2026-11-02"
    lines = card["body"]["elements"][0]["content"].split("\n")
    assert [line for line in lines if line] == [
        "**2** orders are unpaid, 1,705.50 in these 2.",
        "| id | customer | total |",
        "| ---: | --- | ---: |",
        "| 2 | Bob | 1700.5 |",
        "| 1 | &#42;Ann&#42; | 5 |",
        "- call **Bob** about 2",
    ]
    assert told["shown"] == 2


@EXEMPT
def test_bot_of_the_page_sends_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_lark.emulator import Emulator

    with Emulator() as emulator:
        (told,) = run_dag(tmp_path, monkeypatch, emulator, "sales_told_by_bot")
        card = json.loads(emulator.messages[0].content)
    assert [each["tag"] for each in card["body"]["elements"]][:2] == ["chart", "table"]
    assert sorted(key for key in told if f"`{key}`" not in SECTION) == []


@pytest.mark.parametrize("name", ["sql_to_message.SqlToLarkMessageOperator", "sql_to_webhook.SqlToLarkWebhookOperator"])
def test_every_parameter_is_told(name: str) -> None:
    module, _, operator = name.partition(".")
    found = vars(import_module(f"airflow_provider_lark.transfers.{module}"))[operator]
    own = [each for each in found.__mro__ if each.__module__.startswith("airflow_provider_lark.")]
    given = {name for each in own if "__init__" in vars(each) for name in signature(each).parameters}
    assert sorted(name for name in given - {"kwargs", "args"} if f"`{name}`" not in SECTION) == []
