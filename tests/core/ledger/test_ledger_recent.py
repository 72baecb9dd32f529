"""The figures of the last hour cost what came in that hour, however much the retention keeps."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine, func, select, text

from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.recent import came_within
from airflow_provider_lark.core.ledger.tables import queue
from airflow_provider_lark.core.sync.status import read_status
from tests.rows_read import numbers, rows_read

DAY, MINUTE = 86_400, 60
OLD, RECENT = 20_000, 50


AGO = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-{seconds} seconds')",
    "postgresql": "clock_timestamp() - interval '{seconds} seconds'",
    "mysql": "CURRENT_TIMESTAMP(6) - INTERVAL {seconds} SECOND",
}


def add(conn: Connection, count: int, *, age_seconds: int, gap: int = 0) -> None:
    """Add entries, the first one *gap* ids behind those that are there."""
    ago = AGO[conn.dialect.name].format(seconds=age_seconds).replace(":", r"\:")
    last = conn.scalars(select(func.coalesce(func.max(queue.c.id), 0))).one()
    values = f"{last + gap} + n, 't', 'k', 'completed', {ago}, {ago} FROM ({numbers(count)}) numbers ORDER BY n"
    columns = "id, table_name, record_id, status, created_at, processed_at"
    conn.execute(text(f"INSERT INTO sync_queue ({columns}) SELECT {values}"))


def add_lines(conn: Connection, count: int, *, age_seconds: int) -> None:
    ago = AGO[conn.dialect.name].format(seconds=age_seconds).replace(":", r"\:")
    values = f"'t', 'k', 'to_lark', 'UPDATE', 'applied', {ago} FROM ({numbers(count)}) numbers ORDER BY n"
    columns = "table_name, record_id, direction, operation, status, created_at"
    conn.execute(text(f"INSERT INTO sync_log ({columns}) SELECT {values}"))


def test_the_last_hour_is_read_without_what_came_before(engine: Engine):
    with write_transaction(engine) as conn:
        add(conn, OLD, age_seconds=DAY)
        add(conn, RECENT, age_seconds=MINUTE)
        add_lines(conn, OLD, age_seconds=DAY)
        add_lines(conn, RECENT, age_seconds=MINUTE)
        with rows_read(conn) as counted:
            status = read_status(Ledger(conn, "t"))
        conn.rollback()
    assert (status.hour.completed, status.loops) == (RECENT, 1)
    # reading all of either once is more than that, on any database
    assert counted.rows < OLD / 2


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("old", "recent", "gap"),
    [
        pytest.param(0, 0, 0, id="nothing"),
        pytest.param(0, 5_000, 0, id="all of them"),
        pytest.param(5_000, 0, 0, id="none of them"),
        pytest.param(5_000, 10, 0, id="a few"),
        pytest.param(10, 5_000, 0, id="nearly all"),
        pytest.param(10, 10, 9_000_000, id="far apart"),
    ],
)
def test_what_came_recently_is_found_wherever_it_lies(engine: Engine, old: int, recent: int, gap: int):
    with write_transaction(engine) as conn:
        add(conn, old, age_seconds=DAY)
        add(conn, recent, age_seconds=MINUTE, gap=gap)
        with rows_read(conn) as counted:
            recently = came_within(conn, queue, 3600)
            found = conn.scalars(select(func.count()).select_from(queue).where(recently)).one()
        conn.rollback()
    assert found == recent
    # few more than those, beside the first step
    assert counted.rows < 2_000 + 4 * recent
