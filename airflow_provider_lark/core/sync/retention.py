"""Retention: how long the ledger keeps completed entries."""

from __future__ import annotations

from sqlalchemy import Connection

from airflow_provider_lark.core.ledger import conflicts, decisions, intents, queue, scans
from airflow_provider_lark.core.ledger.history import changes, completeness, runs, sync_log

DAY_SECONDS = 86_400.0


def purge(conn: Connection, retention_days: int) -> None:
    """Drop what is older than *retention_days*, of every table: the log, runs and what they wrote, completed entries,
    what was decided. Where some of the history goes, the ledger knows since when it is complete.

    Finished intents and scans that never ended go after a day. What waits, failed or is open stays.
    """
    kept_seconds = retention_days * DAY_SECONDS
    dropped = sync_log.purge(conn, kept_seconds) + changes.purge(conn, kept_seconds) + runs.purge(conn, kept_seconds)
    if dropped > 0:
        completeness.note_dropped(conn, kept_seconds)
    conflicts.purge(conn, kept_seconds)
    decisions.purge(conn, kept_seconds)
    queue.purge(conn, completed_older_than_seconds=kept_seconds)
    intents.purge(conn, DAY_SECONDS)
    scans.purge(conn, DAY_SECONDS)
