"""The section on results of queries: its DAG runs as it stands, and every parameter and key is told."""

from __future__ import annotations

import json
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


@EXEMPT
def test_both_tasks_of_the_dag_send_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_lark.emulator import Emulator

    engine = open_sqlite(tmp_path / "shop.db")
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE orders (id INTEGER PRIMARY KEY, day TEXT, region TEXT, total NUMERIC)"))
        conn.execute(text("INSERT INTO orders VALUES (1, '2026-11-01', '华东', 5), (2, '2026-11-01', '华南', 7.5)"))
    engine.dispose()
    dag = dag_bag(tmp_path, block_with("docs/messages.md", "sales_told").text).dags["sales_told"]
    with Emulator() as emulator:
        emulator.state.add_chat("Sales")
        lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
        monkeypatch.setenv(
            "AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "shop.db")})
        )
        told = []
        for task in dag.tasks:
            ti = SimpleNamespace(dag_id="d", task_id=task.task_id, map_index=-1)
            context: Any = {"run_id": "r", "ti": ti, "ds": "2026-11-01"}
            task.render_template_fields(context)
            told.append(task.execute(context))
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


def test_every_parameter_is_told() -> None:
    from airflow_provider_lark.transfers.sql_to_message import SqlToLarkMessageOperator

    own = [each for each in SqlToLarkMessageOperator.__mro__ if each.__module__.startswith("airflow_provider_lark.")]
    given = {name for each in own if "__init__" in vars(each) for name in signature(each).parameters}
    assert sorted(name for name in given - {"kwargs", "args"} if f"`{name}`" not in SECTION) == []
