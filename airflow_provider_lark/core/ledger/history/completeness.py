"""Since when the history is complete: a retention that drops lines says so, or what is left would look like all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, select, update

from airflow_provider_lark.core.database.dbtime import epoch_ms, now_plus
from airflow_provider_lark.core.database.insert import insert_if_new
from airflow_provider_lark.core.ledger.tables import history

_LINE = 1


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing of the history.

    :param until_ms: what happened before is not known, or not wholly, by the database's clock.
    :param reason: dropped by the ``retention``, or from before an ``upgrade`` of a ledger that kept no values.
    """

    until_ms: int
    reason: Literal["retention", "upgrade"]


def read_gap(conn: Connection) -> Gap | None:
    """Return what is missing; None where all is known from the first run on."""
    row = conn.execute(select(epoch_ms(history.c.complete_since).label("until_ms"), history.c.reason)).one_or_none()
    return None if row is None else Gap(row.until_ms, row.reason)


def note_dropped(conn: Connection, older_than_seconds: float) -> None:
    """Note that what is so old was dropped."""
    until = now_plus(-older_than_seconds)
    if not insert_if_new(conn, history, {"id": _LINE, "complete_since": until, "reason": "retention"}):
        later = update(history).where(history.c.complete_since < until)
        conn.execute(later.values(complete_since=until, reason="retention"))
