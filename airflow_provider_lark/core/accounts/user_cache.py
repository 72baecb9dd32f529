"""Where the workers of an app share whose an e-mail address or mobile number is: in the table ``user_cache``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeVar

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.core.accounts.tables import user_cache
from airflow_provider_lark.core.api.wire.results import UserIdType
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.database.connections import open_session, write_transaction
from airflow_provider_lark.core.database.dbtime import Now, NowMs, epoch_ms, now_plus
from airflow_provider_lark.core.database.insert import upsert_many
from airflow_provider_lark.core.errors import LarkError

log = logging.getLogger(__name__)

T = TypeVar("T")

LookupType = Literal["email", "mobile"]
UserKey = tuple[LookupType, str]
"""A kind and the address or number, tidy."""

ID_TYPES: Final[tuple[UserIdType, ...]] = ("open_id", "user_id", "union_id")

# a cache is left alone for so long after it failed, or each lookup would wait for it
_REST_SECONDS = 60.0
# a lock that others hold must not hold up a lookup: Lark answers faster
_LOCK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class KnownUser:
    """What is known of an address: an id per kind, None where Lark has none; a kind that was not asked for is absent.

    :param expires_at: on the clock that never jumps.
    """

    ids: Mapping[UserIdType, str | None]
    expires_at: float

    @property
    def is_certain(self) -> bool:
        """Whether others may be told: a user_id alone may only be hidden from this app for want of a scope."""
        return any(self.ids.values()) or len(self.ids) == len(ID_TYPES)


class UserCache(Protocol):
    """Keeps what is known of addresses for all workers of an app, until it expires. What it raises costs a lookup only
    the time until then.
    """

    def read(self, keys: Sequence[UserKey], *, now: float) -> dict[UserKey, KnownUser]:
        """Return what is known of *keys*; *now* is on the clock that never jumps."""
        ...

    def write(self, users: Mapping[UserKey, KnownUser], *, now: float) -> None:
        """Keep *users* in place of what is known of them."""
        ...


class TriedCache:
    """A cache that never fails a lookup: one that failed is left alone for a minute, and that is said.

    :param called: what it is, *instead*: what is done without it; for people.
    """

    def __init__(self, cache: UserCache, clock: Clock, *, called: str, instead: str) -> None:
        self._cache, self._clock = cache, clock
        self._called, self._instead = called, instead
        self._rests_until = float("-inf")

    def read(self, keys: Sequence[UserKey]) -> dict[UserKey, KnownUser]:
        """Return what is known of *keys*."""
        return self._try("read", lambda now: self._cache.read(keys, now=now)) or {}

    def write(self, users: Mapping[UserKey, KnownUser]) -> None:
        """Keep those of *users* that are certain."""
        kept = {key: user for key, user in users.items() if user.is_certain}
        if kept:
            self._try("written", lambda now: self._cache.write(kept, now=now))

    def _try(self, done: str, work: Callable[[float], T]) -> T | None:
        now = self._clock.monotonic()
        if now < self._rests_until:
            return None
        try:
            return work(now)
        except (SQLAlchemyError, LarkError) as exc:
            self._rests_until = self._clock.monotonic() + _REST_SECONDS
            # without its text, which may hold the database's address
            log.warning("%s cannot be %s (%s); %s instead", self._called, done, type(exc).__name__, self._instead)
            return None


class SqlUserCache:
    """See :class:`UserCache`.

    :param engine: of a database with the tables of :mod:`.tables`.
    """

    def __init__(self, engine: Engine, host: str, app_id: str) -> None:
        self._engine = engine
        self._owner = {"host": host, "app_id": app_id}

    def read(self, keys: Sequence[UserKey], *, now: float) -> dict[UserKey, KnownUser]:
        """Return what is known of *keys*."""
        columns = user_cache.c
        left_ms = (epoch_ms(columns.expires_at) - NowMs()).label("left_ms")
        query = select(user_cache, left_ms).where(
            columns.host == self._owner["host"],
            columns.app_id == self._owner["app_id"],
            columns.lookup.in_([text for _, text in keys]),
            columns.expires_at > Now(),
        )
        with open_session(self._engine, lock_seconds=_LOCK_SECONDS) as conn:
            rows = conn.execute(query).all()
        return {(row.lookup_type, row.lookup): KnownUser(_ids_of(row), now + row.left_ms / 1000) for row in rows}

    def write(self, users: Mapping[UserKey, KnownUser], *, now: float) -> None:
        """Keep *users*."""
        # in one order, or two workers could wait for each other
        rows = [self._row(key, user, user.expires_at - now) for key, user in sorted(users.items())]
        with write_transaction(self._engine, lock_seconds=_LOCK_SECONDS) as conn:
            conn.execute(upsert_many(conn, user_cache, rows))

    def _row(self, key: UserKey, user: KnownUser, left_seconds: float) -> dict[str, Any]:
        return {
            **self._owner,
            "lookup_type": key[0],
            "lookup": key[1],
            "is_known": any(user.ids.values()),
            **{id_type: user.ids.get(id_type) for id_type in ID_TYPES},
            "fetched_at": Now(),
            "expires_at": now_plus(left_seconds),
        }


def _ids_of(row: Any) -> dict[UserIdType, str | None]:
    ids: dict[UserIdType, str | None] = {"open_id": row.open_id, "user_id": row.user_id, "union_id": row.union_id}
    if not row.is_known:
        return dict.fromkeys(ID_TYPES)
    return {id_type: id_ for id_type, id_ in ids.items() if id_ is not None}
