"""Users by e-mail address or mobile number: looked up 50 at a time, cached in memory and, for all workers, in Redis and
in SQL.

Misses are cached too, for a shorter time. The caches only save calls: when they cannot be
read or written, Lark is asked.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence

from sqlalchemy import Engine, delete

from airflow_provider_lark.core.accounts.tables import LOOKUP_LENGTH, user_cache
from airflow_provider_lark.core.accounts.user_cache import (
    ID_TYPES,
    KnownUser,
    SqlUserCache,
    TriedCache,
    UserCache,
    UserKey,
)
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.api.wire.limits import CONTACT_BATCH_MAX
from airflow_provider_lark.core.api.wire.results import UserIdType
from airflow_provider_lark.core.bisect import bisect_batch
from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.database.dbtime import Now
from airflow_provider_lark.core.errors import BadRequest, LarkError
from airflow_provider_lark.core.fields.canonical.text import PHONE, is_clean, tidy_phone

log = logging.getLogger(__name__)

DAY_SECONDS, HOUR_SECONDS = 86_400.0, 3_600.0
_REMEMBERED_MAX = 50_000
_READ_MAX = 500
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class UserDirectory:
    """Finds people's ids by e-mail address or mobile number; safe to share between threads.

    >>> directory.find_ids(emails=["ann@example.com", "nobody@example.com"])
    {'ann@example.com': 'ou_84aad35d084aa403a838cf73ee18467', 'nobody@example.com': None}

    :param engine: of a database with the tables of :mod:`.tables`; without it or *cache* only this process remembers.
    :param cache: asked before the database, such as a :class:`.RedisUserCache`; both are kept up to date.
    :param ttl_seconds: how long an id is good for.
    :param negative_ttl_seconds: how long nobody is asked again about an address that Lark does not know.
    """

    def __init__(
        self,
        client: LarkClient,
        engine: Engine | None = None,
        *,
        cache: UserCache | None = None,
        ttl_seconds: float = DAY_SECONDS,
        negative_ttl_seconds: float = HOUR_SECONDS,
    ) -> None:
        settings = client.contact.session.settings
        self._client = client
        self._clock = settings.clock
        self._caches: list[TriedCache] = []
        if cache is not None:
            instead = "querying Lark" if engine is None else "using the database"
            self._caches.append(TriedCache(cache, self._clock, called="the user cache in Redis", instead=instead))
        if engine is not None:
            kept = SqlUserCache(engine, settings.app.host, settings.app.app_id)
            self._caches.append(TriedCache(kept, self._clock, called="the user cache", instead="querying Lark"))
        self._ttl_seconds = ttl_seconds
        self._negative_ttl_seconds = negative_ttl_seconds
        self._users: dict[UserKey, KnownUser] = {}

    def find_ids(
        self, *, emails: Iterable[str] = (), mobiles: Iterable[str] = (), id_type: UserIdType = "open_id"
    ) -> dict[str, str | None]:
        """Return the id of each user by the address or number as it was given, None for nobody.

        E-mail addresses are compared without regard to case and outer blanks; in numbers blanks, dots, hyphens and
        brackets do not count. What is no address or number belongs to nobody, and is not asked.

        :raises AccessDenied: the app lacks the scope ``contact:user.id:readonly``.
        """
        wanted: dict[str, UserKey | None] = {text: _email_key(text) for text in emails}
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

    def _remembered(self, keys: Iterable[UserKey], id_type: UserIdType) -> dict[UserKey, str | None]:
        now = self._clock.monotonic()
        found = {key: user for key in keys if (user := self._users.get(key)) and user.expires_at > now}
        return {key: user.ids[id_type] for key, user in found.items() if id_type in user.ids}

    def _cached(self, keys: Sequence[UserKey], id_type: UserIdType) -> dict[UserKey, str | None]:
        found: dict[UserKey, str | None] = {}
        for place, cache in enumerate(self._caches):
            known: dict[UserKey, KnownUser] = {}
            for some in split([key for key in keys if key not in found], _READ_MAX):
                known |= cache.read(some)
            for key, user in known.items():
                self._remember(key, user)
                if id_type in user.ids:
                    found[key] = user.ids[id_type]
            for quicker in self._caches[:place]:
                quicker.write(known)
        return found

    def _ask(self, keys: Sequence[UserKey], id_type: UserIdType) -> dict[UserKey, str | None]:
        """Ask Lark about at most 50 addresses, or numbers; one that Lark refuses as malformed is nobody's."""
        found: dict[UserKey, str | None] = dict.fromkeys(keys)

        def send(part: Sequence[UserKey]) -> None:
            texts = [text for _, text in part]
            kind = part[0][0]
            answer = self._client.contact.batch_get_id(
                emails=texts if kind == "email" else (),
                mobiles=texts if kind == "mobile" else (),
                user_id_type=id_type,
            )
            found.update({(kind, text): id_ for text, id_ in answer.items()})

        def refuse(key: UserKey, error: LarkError) -> None:
            if not isinstance(error, BadRequest):
                raise error
            log.info("Lark rejected a malformed %s: code %s", key[0], error.code)

        bisect_batch(keys, send, refuse)
        users = {key: self._merge(key, id_type, id_) for key, id_ in found.items()}
        for cache in self._caches:
            cache.write(users)
        return found

    def _merge(self, key: UserKey, id_type: UserIdType, id_: str | None) -> KnownUser:
        """Remember an answer beside what is known of the same user."""
        now = self._clock.monotonic()
        ttl = self._negative_ttl_seconds if id_ is None else self._ttl_seconds
        ids: dict[UserIdType, str | None] = {id_type: id_}
        known = self._users.get(key)
        if id_ is None and id_type != "user_id":
            # a user_id may only be hidden, for want of the scope contact:user.employee_id:readonly
            ids = dict.fromkeys(ID_TYPES)
        elif known is not None and known.expires_at > now and any(known.ids.values()):
            ids = {**known.ids, **ids}
            ttl = min(ttl, known.expires_at - now)
        user = KnownUser(ids, now + ttl)
        self._remember(key, user)
        return user

    def _remember(self, key: UserKey, user: KnownUser) -> None:
        if len(self._users) >= _REMEMBERED_MAX:
            self._users.clear()
        self._users[key] = user


def _email_key(text: str) -> UserKey | None:
    tidy = text.strip().lower()
    return ("email", tidy) if len(tidy) <= LOOKUP_LENGTH and _EMAIL.fullmatch(tidy) and is_clean(tidy) else None


def _mobile_key(text: str) -> UserKey | None:
    tidy = tidy_phone(text)
    # a country code is neither added nor taken away: that would be a guess
    return ("mobile", tidy) if len(tidy) <= LOOKUP_LENGTH and PHONE.fullmatch(tidy) else None


def purge(engine: Engine) -> int:
    """Delete what has expired, and return how many rows that were; the same as the SQL of the operations page."""
    with write_transaction(engine) as conn:
        return conn.execute(delete(user_cache).where(user_cache.c.expires_at < Now())).rowcount
