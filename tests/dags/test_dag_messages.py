"""The examples that write to a chat, run by Airflow against the emulator over HTTP and a real SQLite database."""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from types import SimpleNamespace

import pytest
from packaging.version import Version
from sqlalchemy import text

from tests.databases import open_sqlite

ORDERS = """
CREATE TABLE orders (code VARCHAR(20) PRIMARY KEY, customer VARCHAR(80), total NUMERIC(10, 2), ordered_at TIMESTAMP);
INSERT INTO orders VALUES ('A-1', '陈', 120.5, '2026-11-01 09:00:00');
INSERT INTO orders VALUES ('A-2', '王', 80, '2026-11-02 09:00:00');
INSERT INTO orders VALUES ('A-3', '王', 300, '2026-11-02 10:00:00');
"""

# dag.test() of Airflow 3.2 hands callbacks no exception, as its task runner does: to them the process just ended
GIVES_EXCEPTION = Version(version("apache-airflow-core")) >= Version("3.3")
REASON = "the warehouse says 'no space left'" if GIVES_EXCEPTION else "the task process was lost"


@pytest.fixture
def sales(monkeypatch, tmp_path):
    """A chat called Sales, a base, and a database with orders, behind the connections that the DAGs name."""
    from airflow_provider_lark.emulator import Emulator

    engine = open_sqlite(tmp_path / "shop.db")

    def execute(sql):
        with engine.begin() as conn:
            for statement in sql.strip().split(";\n"):
                conn.execute(text(statement.rstrip(";")))

    execute(ORDERS)
    with Emulator() as emulator:
        base = emulator.state.create_base("Shop").app_token
        emulator.state.add_chat("Sales")
        lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark | {"extra": {"bases": {"MyDB": base}}}))
        database = {"conn_type": "sqlite", "host": str(tmp_path / "shop.db")}
        monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps(database))
        yield SimpleNamespace(
            emulator=emulator, execute=execute, cards=lambda: [json.loads(each.content) for each in emulator.messages]
        )
    engine.dispose()


def title(card):
    found = card["header"]["title"]
    return found["content"], card["header"]["template"]


def test_etl_loads_sums_and_announces_what_changed(run_dag, sales):
    state, states, values = run_dag("etl_to_lark")
    assert (state, set(states.values())) == ("success", {"success"})
    assert values["upsert", -1]["created"] == 2
    sales.execute("INSERT INTO orders VALUES ('A-4', '陈', 900, '2026-11-03')")
    state, _, values = run_dag("etl_to_lark")
    assert (values["upsert", -1]["updated"], values["upsert", -1]["unchanged"]) == (1, 1)
    first, second = sales.cards()
    assert title(second) == ("Customers are up to date", "green")
    said, table = second["body"]["elements"]
    assert said["content"] == "**0** new, **1** changed, **1** as before"
    assert table["rows"][0] == {"c0": "陈", "c1": 2, "c2": 1020.5}
    assert first["body"]["elements"][0]["content"] == "**2** new, **0** changed, **0** as before"


def test_daily_report_sends_chart_table_and_file_or_skips(run_dag, sales):
    state, states, values = run_dag("lark_daily_report", since="2026-11-02")
    assert (state, set(states.values())) == ("success", {"success"})
    card, file = sales.cards()
    assert [each["tag"] for each in card["body"]["elements"]] == ["chart", "table"]
    assert (title(card)[0], file["file_name"]) == ("Orders since 2026-11-02", "orders since 2026-11-02.csv")
    assert (values["by_customer", -1]["rows"], values["all_orders", -1]["rows"]) == (1, 2)
    # the day before the run, which has no orders
    state, states, _ = run_dag("lark_daily_report")
    assert set(states.values()) == {"skipped"}
    assert len(sales.cards()) == 2


def test_failure_notifier_turns_its_one_card_green(run_dag, sales, monkeypatch):
    lark = json.loads(os.environ["AIRFLOW_CONN_LARK_DEFAULT"])
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark | {"extra": {"store_conn_id": "shop_db"}}))
    state, states, values = run_dag("lark_failure_notifier")
    assert (state, states) == ("success", {("load_orders", -1): "success"})
    assert values["load_orders", -1] == "made it on try 2"
    (card,) = sales.cards()
    assert title(card)[1] == "green"
    assert sales.emulator.messages[0].is_updated


def test_failure_notifier_without_a_database_tells_of_the_failure(run_dag, sales):
    run_dag("lark_failure_notifier")
    (card,) = sales.cards()
    assert title(card)[1] == "orange"
    assert REASON in json.dumps(card, ensure_ascii=False)
