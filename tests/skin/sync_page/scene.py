"""A database with a ledger in which everything waits that the page can show."""

from __future__ import annotations

import json

import yaml
from sqlalchemy import insert, text

from airflow_provider_lark.core.database.dbtime import now_plus
from airflow_provider_lark.core.ledger import Ledger, migrate
from airflow_provider_lark.core.ledger.conflicts import Conflict
from airflow_provider_lark.core.ledger.history.changes import RowChange
from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.ledger.tables import queue, run
from airflow_provider_lark.core.side import Key, RecordId

NASTY = '<img src=x onerror=alert(1)>"&{{constructor}}'


def write_mappings(path, *names, conn_id="shop_db", **more):
    """Write a file of mappings, each for a table of its name."""
    lark = {"app_token": "basShop"}
    mappings = [
        {
            "name": name,
            "lark": {**lark, "table": name},
            "sql": {"table": name, **({"conn_id": conn_id} if conn_id else {})},
        }
        | more
        for name in names
    ]
    path.write_text(yaml.safe_dump({"mappings": mappings}, allow_unicode=True), encoding="utf-8")
    return path


def connection(engine):
    """Return Airflow's connection to the database of *engine*."""
    url = engine.url
    if engine.dialect.name == "sqlite":
        return json.dumps({"conn_type": "sqlite", "host": url.database})
    kind = "postgres" if engine.dialect.name == "postgresql" else "mysql"
    parts = {"conn_type": kind, "host": url.host, "port": url.port, "login": url.username, "schema": url.database}
    return json.dumps(parts | ({"password": url.password} if url.password else {}))


def add_failed(conn, table, count, *, error="constraint ux_email, column email (UniqueViolation, 23505)", first=1):
    """Let rows fail."""
    entry = {"table_name": table, "operation": "UPDATE", "status": "failed", "retry_count": 6, "error_message": error}
    rows = [entry | {"key": str(number)} for number in range(first, first + count)]
    for at in range(0, count, 5000):
        conn.execute(insert(queue).values(processed_at=now_plus(-120)), rows[at : at + 5000])


def add_entries(conn, table, count, *, status="pending", operation="UPDATE", first=1, age=300):
    """Put entries into the queue."""
    entry = {"table_name": table, "operation": operation, "status": status}
    rows = [entry | {"key": str(number)} for number in range(first, first + count)]
    for at in range(0, count, 5000):
        conn.execute(insert(queue).values(created_at=now_plus(-age)), rows[at : at + 5000])


def add_runs(conn, table, count, *, every=300, status="ok"):
    """Let runs have ended, the last one two minutes ago."""
    for number in range(count):
        age = 120 + (count - 1 - number) * every
        wave = (number * 37) % 11
        counts = {
            "lark_updated": wave * 9,
            "sql_updated": (number * 53) % 7 * 6,
            "lark_created": wave % 3,
            "failed": wave // 8,
        }
        conn.execute(
            insert(run).values(
                table_name=table,
                mapping=table,
                run_id=f"scheduled__{number}",
                operation="full" if number % 12 == 0 else "incremental",
                status=status if number == count - 1 else "partial" if counts["failed"] else "ok",
                started_at=now_plus(-age - 4),
                finished_at=now_plus(-age),
                duration_ms=2100 + wave * 340,
                oldest_ms=(wave * 21 + 3) * 1000,
                pending=wave * 17 + number % 5,
                api_calls=3 + wave,
                **counts,
            )
        )


def conflict(key, lark, sql, base=None):
    """Return a conflict of a row."""
    return Conflict(Key(key), RecordId(f"rec{key}"), base, lark, sql, "manual")


def fill(engine, table="orders"):
    """Make a ledger in which all that the page shows is there."""
    migrate.upgrade(engine)
    with engine.begin() as conn:
        ledger = Ledger(conn, table)
        add_runs(conn, table, 40)
        add_entries(conn, table, 34, first=5000)
        add_entries(conn, table, 40, status="held", operation="DELETE", first=7000)
        add_entries(conn, table, 3, status="held", operation="PULL", first=8000)
        add_failed(conn, table, 7)
        add_failed(conn, table, 3, error="column amount (NumericValueOutOfRange, 22003)", first=60)
        conn.execute(
            text(
                "INSERT INTO sync_queue (table_name, record_id, operation, status, processed_at) SELECT table_name, "
                "record_id, 'UPDATE', 'completed', created_at FROM sync_queue WHERE status = 'pending'"
            )
        )
        ledger.conflicts.add(
            [
                conflict(
                    "42",
                    {"name": "王小明", "phone": "138 0000 0001"},
                    {"name": "Wang X.", "phone": "138 0000 0001"},
                    {"name": "Wang", "phone": "138 0000 0001"},
                ),
                conflict("43", None, {"name": "Li", "phone": "139"}, {"name": "Li", "phone": "138"}),
                conflict(
                    "44",
                    {"name": NASTY, "note": None},
                    {"name": "</script><script>alert(1)</script>", "note": "b"},
                    {"name": "x", "note": "a"},
                ),
            ]
        )
        ledger.blacklist.add(["99"], reason="test data", seconds=3600)
        wrote = RowChange("42", "rec42", "lark", "UPDATE", {"name": "W."}, None, {"name": "Wang", "phone": "1"}, None)
        clash = ({"name": "Wang"}, {"name": "王小明"}, {"name": "Wang X."})
        ledger.changes.write("scheduled__38", [wrote])
        ledger.changes.write(
            "scheduled__39", [RowChange("42", "rec42", "none", "UPDATE", *clash, None, "open", "manual")]
        )
        lines = [
            LogLine("42", "to_lark", "UPDATE", "applied"),
            LogLine("42", "to_lark", "UPDATE", "failed", "no answer"),
        ]
        ledger.sync_log.write("scheduled__38", lines)
        ledger.sync_log.write("scheduled__39", [LogLine("42", "both", "UPDATE", "conflict", "both sides changed name")])
