"""How many entries of an app are in the inbox, by state."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from airflow_provider_lark.core.accounts.tables import inbox
from airflow_provider_lark.core.accounts.transactions import look
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.dbtime import epoch_ms
from airflow_provider_lark.core.receiving.envelope import Kind


@dataclass(frozen=True, slots=True)
class Group:
    """The entries of one type in one status.

    :param oldest_ms: when the oldest of them came, UTC milliseconds; likewise the newest.
    """

    status: str
    kind: Kind
    type: str
    entries: int
    oldest_ms: int
    newest_ms: int


def survey(engine: Engine, app_id: str, *, clock: Clock | None = None) -> list[Group]:
    """Return the entries of the app by status, kind and type, in this order.

    :raises ConfigError: the table is missing, or the database user has no right to it.
    :raises Unreachable: the database does not answer.
    """
    columns = (inbox.c.status, inbox.c.kind, inbox.c.event_type)
    times = epoch_ms(inbox.c.received_at)
    asked = (
        select(*columns, func.count(), func.min(times), func.max(times))
        .where(inbox.c.app_id == app_id)
        .group_by(*columns)
        .order_by(*columns)
    )
    rows = look(engine, lambda conn: conn.execute(asked).all(), table=inbox.name, clock=clock or SystemClock())
    return [
        Group(status, kind, type_, int(entries), int(oldest), int(newest))
        for status, kind, type_, entries, oldest, newest in rows
    ]
