"""Retention: how long the ledger keeps completed entries."""

from __future__ import annotations

from sqlalchemy import Connection

from airflow_provider_lark.core.ledger import conflicts, decisions, intents, queue, scans
from airflow_provider_lark.core.ledger.history import runs, sync_log

DAY_SECONDS = 86_400.0


def purge(conn: Connection, retention_days: int) -> None:
    """Drop what is older than *retention_days*, of every table: the log, runs, completed entries, what was decided.

    Finished intents and scans that never ended go after a day. What waits, failed or is open stays.
    """
    kept_seconds = retention_days * DAY_SECONDS
    sync_log.purge(conn, kept_seconds)
    runs.purge(conn, kept_seconds)
    conflicts.purge(conn, kept_seconds)
    decisions.purge(conn, kept_seconds)
    queue.purge(conn, completed_older_than_seconds=kept_seconds)
    intents.purge(conn, DAY_SECONDS)
    scans.purge(conn, DAY_SECONDS)
