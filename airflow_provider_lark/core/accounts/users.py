"""Users by e-mail address or mobile number: looked up 50 at a time, cached in memory and, for all workers, in SQL.

Misses are cached too, for a shorter time. The cache only saves calls: when the database cannot be
read or written, Lark is asked.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

from sqlalchemy import Engine, delete, select
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.core.accounts.tables import LOOKUP_LENGTH, user_cache
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.wire.limits import CONTACT_BATCH_MAX
from airflow_provider_lark.core.api.wire.results import UserIdType
from airflow_provider_lark.core.bisect import bisect_batch
from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.connections import open_session, write_transaction
from airflow_provider_lark.core.database.dbtime import Now, NowMs, epoch_ms, now_plus
from airflow_provider_lark.core.database.insert import upsert_many
from airflow_provider_lark.core.errors import BadRequest, LarkError
from airflow_provider_lark.core.fields.canonical.text import PHONE, is_clean, tidy_phone

log = logging.getLogger(__name__)

T = TypeVar("T")

LookupType = Literal["email", "mobile"]
DAY_SECONDS, HOUR_SECONDS = 86_400.0, 3_600.0
# the cache is left alone for so long after the database failed, or each lookup would wait for it
_REST_SECONDS = 60.0
# a lock that others hold must not hold up a lookup: Lark answers faster
_LOCK_SECONDS = 5.0
_REMEMBERED_MAX = 50_000
_READ_MAX = 500
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_ID_TYPES: tuple[UserIdType, ...] = ("open_id", "user_id", "union_id")

_Key = tuple[LookupType, str]


@dataclass(frozen=True, slots=True)
class _User:
    """What is known of an address: an id per kind, None where Lark has none; a kind that was not asked for is absent.

    :param expires_at: on the clock that never jumps.
    """

    ids: Mapping[UserIdType, str | None]
    expires_at: float


class UserDirectory:
    """Finds people's ids by e-mail address or mobile number; safe to share between threads.

    >>> directory.find_ids(emails=["ann@example.com", "nobody@example.com"])
    {'ann@example.com': 'ou_84aad35d084aa403a838cf73ee18467', 'nobody@example.com': None}

    :param engine: of a database with the tables of :mod:`.tables`; without it only this process remembers.
    :param ttl_seconds: how long an id is good for.
    :param negative_ttl_seconds: how long nobody is asked again about an address that Lark does not know.
    """

    def __init__(
        self,
        client: LarkClient,
        engine: Engine | None = None,
        *,
        ttl_seconds: float = DAY_SECONDS,
        negative_ttl_seconds: float = HOUR_SECONDS,
    ) -> None:
        settings = client.contact.session.settings
        self._client = client
        self._clock = settings.clock
        self._owner = {"host": settings.app.host, "app_id": settings.app.app_id}
        self._engine = engine
        self._rests_until = float("-inf")
        self._ttl_seconds = ttl_seconds
        self._negative_ttl_seconds = negative_ttl_seconds
        self._users: dict[_Key, _User] = {}

    def find_ids(
        self, *, emails: Iterable[str] = (), mobiles: Iterable[str] = (), id_type: UserIdType = "open_id"
    ) -> dict[str, str | None]:
        """Return the id of each user by the address or number as it was given, None for nobody.

        E-mail addresses are compared without regard to case and outer blanks; in numbers blanks, dots, hyphens and
        brackets do not count. What is no address or number belongs to nobody, and is not asked.

        :raises AccessDenied: the app lacks the scope ``contact:user.id:readonly``.
        """
        wanted: dict[str, _Key | None] = {text: _email_key(text) for text in emails}
        wanted |= {text: _mobile_key(text) for text in mobiles}
        keys = dict.fromkeys(key for key in wanted.values() if key is not None)
        found = self._remembered(keys, id_type)
        found |= self._cached([key for key in keys if key not in found], id_type)
        for kind in ("email", "mobile"):
            asked = [key for key in keys if key not in found and key[0] == kind]
            for batch in split(asked, CONTACT_BATCH_MAX):
                found |= self._ask(batch, id_type)
        return {text: None if key is None else found.get(key) for text, key in wanted.items()}

    def find_by_email(self, emails: Sequence[str]) -> dict[str, str | None]:
        """Return open_ids by e-mail address: what a ``RecordEncoder`` takes as *find_user_ids*."""
        return self.find_ids(emails=emails)

    def find_contacts(self, contacts: Sequence[str]) -> dict[str, str | None]:
        """Return open_ids by e-mail address or mobile number, as both may be mentioned."""
        emails = [each for each in contacts if "@" in each]
        return self.find_ids(emails=emails, mobiles=[each for each in contacts if "@" not in each])

    def _remembered(self, keys: Iterable[_Key], id_type: UserIdType) -> dict[_Key, str | None]:
        now = self._clock.monotonic()
        found = {key: user for key in keys if (user := self._users.get(key)) and user.expires_at > now}
        return {key: user.ids[id_type] for key, user in found.items() if id_type in user.ids}

    def _cached(self, keys: Sequence[_Key], id_type: UserIdType) -> dict[_Key, str | None]:
        found: dict[_Key, str | None] = {}
        for some in split(keys, _READ_MAX):
            for key, user in (self._use_cache("read", partial(self._read, keys=some)) or {}).items():
                self._remember(key, user)
                if id_type in user.ids:
                    found[key] = user.ids[id_type]
        return found

    def _ask(self, keys: Sequence[_Key], id_type: UserIdType) -> dict[_Key, str | None]:
        """Ask Lark about at most 50 addresses, or numbers; one that Lark refuses as malformed is nobody's."""
        found: dict[_Key, str | None] = dict.fromkeys(keys)

        def send(part: Sequence[_Key]) -> None:
            texts = [text for _, text in part]
            kind = part[0][0]
            answer = self._client.contact.batch_get_id(
                emails=texts if kind == "email" else (),
                mobiles=texts if kind == "mobile" else (),
                user_id_type=id_type,
            )
            found.update({(kind, text): id_ for text, id_ in answer.items()})

        def refuse(key: _Key, error: LarkError) -> None:
            if not isinstance(error, BadRequest):
                raise error
            log.info("Lark rejected a malformed %s: code %s", key[0], error.code)

        bisect_batch(keys, send, refuse)
        users = {key: self._merge(key, id_type, id_) for key, id_ in found.items()}
        self._use_cache("written", partial(self._write, users=users))
        return found

    def _merge(self, key: _Key, id_type: UserIdType, id_: str | None) -> _User:
        """Remember an answer beside what is known of the same user."""
        now = self._clock.monotonic()
        ttl = self._negative_ttl_seconds if id_ is None else self._ttl_seconds
        ids: dict[UserIdType, str | None] = {id_type: id_}
        known = self._users.get(key)
        if id_ is None and id_type != "user_id":
            # a user_id may only be hidden, for want of the scope contact:user.employee_id:readonly
            ids = dict.fromkeys(_ID_TYPES)
        elif known is not None and known.expires_at > now and any(known.ids.values()):
            ids = {**known.ids, **ids}
            ttl = min(ttl, known.expires_at - now)
        user = _User(ids, now + ttl)
        self._remember(key, user)
        return user

    def _remember(self, key: _Key, user: _User) -> None:
        if len(self._users) >= _REMEMBERED_MAX:
            self._users.clear()
        self._users[key] = user

    def _use_cache(self, done: str, work: Callable[[Engine], T]) -> T | None:
        """Run *work* on the database; None where there is none, or it failed lately."""
        if self._engine is None or self._clock.monotonic() < self._rests_until:
            return None
        try:
            return work(self._engine)
        except (SQLAlchemyError, LarkError) as exc:
            self._rests_until = self._clock.monotonic() + _REST_SECONDS
            # without its text, which may hold the database's address
            log.warning("the user cache cannot be %s (%s); querying Lark instead", done, type(exc).__name__)
            return None

    def _read(self, engine: Engine, keys: Sequence[_Key]) -> dict[_Key, _User]:
        columns = user_cache.c
        left_ms = (epoch_ms(columns.expires_at) - NowMs()).label("left_ms")
        query = select(user_cache, left_ms).where(
            columns.host == self._owner["host"],
            columns.app_id == self._owner["app_id"],
            columns.lookup.in_([text for _, text in keys]),
            columns.expires_at > Now(),
        )
        now = self._clock.monotonic()
        with open_session(engine, lock_seconds=_LOCK_SECONDS) as conn:
            rows = conn.execute(query).all()
        return {(row.lookup_type, row.lookup): _User(_ids_of(row), now + row.left_ms / 1000) for row in rows}

    def _write(self, engine: Engine, users: Mapping[_Key, _User]) -> None:
        # in one order, or two workers could wait for each other; a user_id that may only be hidden is not kept
        kept = [
            (key, user)
            for key, user in sorted(users.items())
            if any(user.ids.values()) or len(user.ids) == len(_ID_TYPES)
        ]
        if kept:
            with write_transaction(engine, lock_seconds=_LOCK_SECONDS) as conn:
                conn.execute(upsert_many(conn, user_cache, [self._row(key, user) for key, user in kept]))

    def _row(self, key: _Key, user: _User) -> dict[str, Any]:
        return {
            **self._owner,
            "lookup_type": key[0],
            "lookup": key[1],
            "is_known": any(user.ids.values()),
            **{id_type: user.ids.get(id_type) for id_type in _ID_TYPES},
            "fetched_at": Now(),
            "expires_at": now_plus(user.expires_at - self._clock.monotonic()),
        }


def _ids_of(row: Any) -> dict[UserIdType, str | None]:
    ids: dict[UserIdType, str | None] = {"open_id": row.open_id, "user_id": row.user_id, "union_id": row.union_id}
    return (
        {id_type: id_ for id_type, id_ in ids.items() if id_ is not None} if row.is_known else dict.fromkeys(_ID_TYPES)
    )


def _email_key(text: str) -> _Key | None:
    tidy = text.strip().lower()
    return ("email", tidy) if len(tidy) <= LOOKUP_LENGTH and _EMAIL.fullmatch(tidy) and is_clean(tidy) else None


def _mobile_key(text: str) -> _Key | None:
    tidy = tidy_phone(text)
    # a country code is neither added nor taken away: that would be a guess
    return ("mobile", tidy) if len(tidy) <= LOOKUP_LENGTH and PHONE.fullmatch(tidy) else None


def purge(engine: Engine) -> int:
    """Delete what has expired, and return how many rows that were; the same as the SQL of the operations page."""
    with write_transaction(engine) as conn:
        return conn.execute(delete(user_cache).where(user_cache.c.expires_at < Now())).rowcount
