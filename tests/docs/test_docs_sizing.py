"""The numbers of docs/sizing.md: as the formulas say, and the formulas as runs on the emulator really call."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.api.wire import routes
from airflow_provider_lark.emulator import Emulator
from tests.databases import open_sqlite
from tests.docs import sizing
from tests.docs.pages import page

ROWS = 1_200


def numbers(row: str) -> list[float]:
    return [float(cell.replace(",", "").removesuffix(" min")) for cell in row.strip("| ").split(" | ")]


def test_table_of_calls_a_month_is_computed() -> None:
    section = page("docs/sizing.md").section("## Calls a month")
    rows = [numbers(line) for line in section.splitlines() if re.match(r"\| \d", line)]
    assert len(rows) >= 5
    for tables, records, edits, minutes, run, month, slots in rows:
        assert run == sizing.calls_of_run(edits * minutes, edits * minutes)
        assert month == sizing.calls_a_month(int(tables), int(records), edits, minutes)
        assert slots == sizing.slots(int(tables), minutes)


def test_calls_of_tasks_that_stay_and_rate_limits_are_as_told() -> None:
    text = page("docs/sizing.md").text
    for seconds in (5, 60):
        assert f"{2 * sizing.MINUTES * 60 // seconds:,}" in text
    quotas = [(route.quota.calls, route.quota.seconds) for route in (routes.SEARCH, routes.BATCH_UPDATE)]
    assert quotas == [(20, 1.0), (50, 1.0)]
    assert "20 searches and 50 batch writes a second" in text


@pytest.mark.parametrize(("minutes", "tables"), [(10, 1), (60, 5)])
def test_small_quota_is_enough_for_what_the_page_says(minutes: float, tables: int) -> None:
    assert sizing.calls_a_month(tables, 500, 0.0, minutes) <= 10_000


def test_runs_call_as_often_as_the_formulas_say(tmp_path: Path) -> None:
    sql = open_sqlite(tmp_path / "shop.db")
    table = sa.Table(
        "goods",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(20)),
    )
    table.create(sql)
    with sql.begin() as conn:
        conn.execute(table.insert(), [{"id": number, "name": "x"} for number in range(ROWS)])
    with Emulator() as emulator:
        app = emulator.state.create_base("Shop").app_token
        fields = [{"field_name": "id", "type": 2}, {"field_name": "name", "type": 1}]
        made = emulator.state.create_table(app, "goods", fields)
        mapping = TableMapping.from_dict({"lark": {"app_token": app, "table_id": made.table_id}, "sql": "goods"})
        with LarkClient(emulator.app_id, emulator.app_secret, emulator.url) as client:
            engine = SyncEngine(client, sql, mapping, lease_wait_seconds=0)
            engine.setup()
            load = engine.full().api_calls["total"]
            assert load <= -(-ROWS // sizing.PAGE) + -(-ROWS // sizing.WRITE) + 2
            engine.incremental()
            assert engine.incremental().api_calls["total"] == sizing.calls_of_run(0, 0)
            assert engine.full().api_calls["total"] == sizing.calls_of_full(ROWS)
            assert engine.check().api_calls["total"] == sizing.calls_of_check(ROWS)
            with sql.begin() as conn:
                conn.execute(table.update().where(table.c.id < 600).values(name="y"))
            assert engine.incremental().api_calls["total"] == sizing.calls_of_run(0, 600) - 1
            # it reads back what it wrote
            assert engine.incremental().api_calls["total"] == sizing.calls_of_run(600, 0)
            records = emulator.person.records(app, made.table_id)
            for record in records[:3]:
                emulator.person.edit_record(app, made.table_id, record["record_id"], {"name": "z"})
            with sql.begin() as conn:
                conn.execute(table.update().where(table.c.id.in_([1_100, 1_101])).values(name="w"))
            assert engine.incremental().api_calls["total"] == sizing.calls_of_run(3, 2)
