"""Failed entries, which are not retried any more: listing them without their content, and replaying them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select, update

from airflow_provider_lark.core.accounts.tables import inbox
from airflow_provider_lark.core.accounts.transactions import look, transact
from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.dbtime import NowMs, epoch_ms
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.receiving.envelope import Kind


@dataclass(frozen=True, slots=True)
class SetAside:
    """An entry that is not tried any more.

    :param received_ms: when it came, UTC milliseconds.
    :param error: why.
    """

    id: int
    kind: Kind
    type: str
    event_id: str
    subject: str
    received_ms: int
    attempts: int
    error: str


def list_set_aside(engine: Engine, app_id: str, *, limit: int, clock: Clock | None = None) -> list[SetAside]:
    """Return up to *limit* entries of the app that were set aside, the latest of them last.

    :raises ConfigError: the table is missing, or the database user has no right to it.
    :raises Unreachable: the database does not answer.
    """
    columns = (inbox.c.id, inbox.c.kind, inbox.c.event_type, inbox.c.event_id, inbox.c.subject)
    asked = (
        select(*columns, epoch_ms(inbox.c.received_at), inbox.c.attempts, inbox.c.error)
        .where(inbox.c.app_id == app_id, inbox.c.status == "failed")
        .order_by(inbox.c.id.desc())
        .limit(limit)
    )
    rows = look(engine, lambda conn: conn.execute(asked).all(), table=inbox.name, clock=clock or SystemClock())
    return [
        SetAside(id_, kind, type_, event_id, subject or "", int(received), attempts, error or "")
        for id_, kind, type_, event_id, subject, received, attempts, error in reversed(rows)
    ]


def replay(engine: Engine, app_id: str, ids: Sequence[int] | None = None, *, clock: Clock | None = None) -> int:
    """Let entries of the app that were set aside be handled again (default: all), and return how many.

    :raises ConfigError: the table is missing, or the database user has no right to it.
    :raises Unreachable: the database does not answer.
    """
    aside = (inbox.c.app_id == app_id, inbox.c.status == "failed")
    # due now, and not since it came: it is as good as new to whoever deletes what nobody handles
    again = {"status": "pending", "attempts": 0, "next_attempt_ms": NowMs(), "finished_at": None}

    def work(conn: Connection) -> int:
        if ids is None:
            return conn.execute(update(inbox).where(*aside).values(again)).rowcount
        some = (is_among(inbox.c.id, part) for part in split(list(ids)))
        return sum(conn.execute(update(inbox).where(*aside, each).values(again)).rowcount for each in some)

    return transact(engine, work, table=inbox.name, clock=clock or SystemClock())
