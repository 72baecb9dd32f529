"""What waits in the inbox, without claiming it: for triggers that wake a consumer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, and_, func, or_, select

from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.accounts.tables import inbox
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


class WaitingEvents:
    """Looks for events of some types of one app; one small query a look.

    Its methods block, and raise what :class:`.SqlInbox` raises.
    """

    def __init__(self, engine: Engine, app_id: str, types: Sequence[str], *, clock: Clock | None = None) -> None:
        self._engine = engine
        self._app_id = app_id
        self._types = tuple(types)
        self._clock = clock or SystemClock()
        self._is_ready = False

    def look(self) -> dict[str, Waiting]:
        """Return what waits by subject, see :attr:`.Delivery.subject`."""
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
        rows = look(self._engine, lambda conn: conn.execute(asked).all(), table=inbox.name, clock=self._clock)
        return {subject or "": Waiting(int(entries), int(newest)) for subject, entries, newest in rows}

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
