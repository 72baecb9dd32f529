"""What waits in the inbox, without claiming it: for triggers that wake a consumer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, and_, func, or_, select

from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.accounts.tables import connections, inbox
from airflow_provider_lark.core.accounts.transactions import look
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.dbtime import NowMs


@dataclass(frozen=True, slots=True)
class Waiting:
    """Entries that a consumer could take now.

    :param newest_id: of the one that came last.
    """

    entries: int
    newest_id: int


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the inbox has found.

    :param by_subject: what waits, by :attr:`.Delivery.subject`.
    :param connections: how many long connections have been made for the app, by whomever; one more is a gap before it.
    """

    by_subject: dict[str, Waiting]
    connections: int


class WaitingEvents:
    """Looks for events of some types of one app; two small queries a look.

    Its methods block, and raise what :class:`.SqlInbox` raises.
    """

    def __init__(self, engine: Engine, app_id: str, types: Sequence[str], *, clock: Clock | None = None) -> None:
        self._engine = engine
        self._app_id = app_id
        self._types = tuple(types)
        self._clock = clock or SystemClock()
        self._is_ready = False

    def look(self) -> Look:
        """Return what waits now."""
        self._prepare()
        due = and_(
            inbox.c.status == "pending", or_(inbox.c.next_attempt_ms.is_(None), inbox.c.next_attempt_ms <= NowMs())
        )
        # whoever took it has died
        left = and_(inbox.c.status == "processing", inbox.c.claim_until_ms <= NowMs())
        asked = (
            select(inbox.c.subject, func.count(), func.max(inbox.c.id))
            .where(
                inbox.c.app_id == self._app_id,
                inbox.c.status.in_(("pending", "processing")),
                # a few, and written out, so that the index is used
                inbox.c.event_type.in_(self._types),
                or_(due, left),
            )
            .group_by(inbox.c.subject)
        )
        made = select(connections.c.generation).where(connections.c.app_id == self._app_id)

        def ask(conn: Connection) -> Look:
            number = conn.scalar(made) or 0
            waits = conn.execute(asked).all()
            return Look({who or "": Waiting(int(entries), int(newest)) for who, entries, newest in waits}, number)

        return look(self._engine, ask, table=inbox.name, clock=self._clock)

    def has_open(self) -> bool:
        """Tell whether an event of any table, and of any type, waits, now or later, or is taken and not finished."""
        self._prepare()
        asked = (
            select(inbox.c.id)
            .where(
                inbox.c.app_id == self._app_id,
                inbox.c.status.in_(("pending", "processing")),
                inbox.c.kind == "event",
                inbox.c.subject.like("%/%"),
            )
            .limit(1)
        )
        return bool(look(self._engine, lambda conn: conn.execute(asked).all(), table=inbox.name, clock=self._clock))

    def _prepare(self) -> None:
        if not self._is_ready:
            upgrade(self._engine)
            self._is_ready = True
