"""The inbox in SQL, in the database of accounts: SQLite, PostgreSQL, MySQL and MariaDB.

What Lark tells may hold names and messages, so it is sealed with the keys of the token store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, or_, select, update

from airflow_provider_lark.core.accounts.database import AccountsDatabase
from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.tables import EVENT_LENGTH, inbox, inbox_identities
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.database.dbtime import Now, NowMs, epoch_ms, now_plus, now_plus_ms
from airflow_provider_lark.core.database.predicates import is_among
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.inbox import set_aside
from airflow_provider_lark.core.inbox.inbox import (
    MAX_ATTEMPTS,
    Entry,
    InboxCounts,
    Outcome,
    Receipt,
    put_one,
    wait_seconds,
)
from airflow_provider_lark.core.inbox.keeping import NewEntry, Raced, Refused, first_seen_ms, keep_all
from airflow_provider_lark.core.receiving.envelope import Delivery, Kind
from airflow_provider_lark.core.receiving.feed_door import FEED_CHANGED, hint_identity

LEFT_TO_OTHERS_SECONDS = 1800.0
"""As long as an entry that cannot be handled is tried again."""

ERROR_LENGTH = 500
_RACES = 5
_UNCLAIMED = {"claim_token": None, "claim_until_ms": None}


class SqlInbox:
    """The deliveries to one app; safe to share between threads. The tables are made at the first use.

    :param announce: is told, after the commit, what new entries concern; it must neither wait nor fail.

    Its methods raise :class:`.ConfigError`, :class:`.SchemaMismatch` or :class:`.Unreachable` where the database cannot
    be used.
    """

    def __init__(
        self,
        engine: Engine,
        keyring: Keyring,
        app_id: str,
        *,
        announce: Callable[[Sequence[str]], object] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._database = AccountsDatabase(engine, inbox, clock=clock)
        self._keyring = keyring
        self._app_id = app_id
        self._announce = announce or (lambda _: None)

    @property
    def where(self) -> str:
        """The database, without a password."""
        return self._database.where

    def put(self, delivery: Delivery) -> Receipt:
        """Keep *delivery* durably, once; of two processes that do so at once, one is told that it was there."""
        return put_one(self, delivery)

    def put_all(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Store all of them durably, each once, in one transaction; see :meth:`.DeliveryStore.put_all`."""
        outcomes = self._keep([self._new_entry(each) for each in deliveries])
        kept = zip(deliveries, outcomes, strict=True)
        self._announce([each.subject for each, told in kept if isinstance(told, Receipt) and told.is_new])
        return outcomes

    def _keep(self, entries: Sequence[NewEntry]) -> list[Outcome]:
        now_ms, with_savepoints = int(self._database.clock.now() * 1000), False
        for _ in range(_RACES):
            try:
                work = partial(keep_all, entries=entries, now_ms=now_ms, with_savepoints=with_savepoints)
                return self._database.transact(work)
            except Raced:
                continue
            except Refused:
                with_savepoints = True
        if len(entries) > 1:
            # others bring the same, again and again: what is alone waits for no more than one of them
            return [outcome for each in entries for outcome in self._keep([each])]
        return [Receipt(self._database.look(partial(first_seen_ms, entry=entries[0])) or now_ms)]

    def _new_entry(self, delivery: Delivery) -> NewEntry:
        plain = json.dumps([self._app_id, delivery.body], ensure_ascii=False)
        values = {
            "app_id": self._app_id,
            "kind": delivery.kind,
            "event_type": delivery.type[:EVENT_LENGTH],
            "event_id": delivery.event_id[:EVENT_LENGTH],
            "subject": delivery.subject[:EVENT_LENGTH] or None,
            "body": self._keyring.encrypt(Secret(plain)),
            "key_id": self._keyring.current_id,
            "status": "pending",
            "attempts": 0,
        }
        return NewEntry(values, delivery.identities)

    def claim(
        self, *, limit: int, token: str, lease_seconds: float, kind: Kind | None = None, subject: str | None = None
    ) -> list[Entry]:
        """Take up to *limit* entries that are due, the oldest first.

        What was encrypted with a key that this process has not is left to others, while keys are changed one process
        after the other; after :data:`LEFT_TO_OTHERS_SECONDS` it is set aside.
        """
        known = or_(inbox.c.key_id.is_(None), inbox.c.key_id.in_(self._keyring.key_ids))
        mine = [inbox.c.app_id == self._app_id, or_(known, inbox.c.received_at < now_plus(-LEFT_TO_OTHERS_SECONDS))]
        if kind is not None:
            mine.append(inbox.c.kind == kind)
        if subject is not None:
            mine.append(inbox.c.subject == subject)
        open_ = select(inbox.c.id).where(*mine, inbox.c.status.in_(("pending", "processing"))).limit(1)
        if self._database.look(lambda conn: conn.scalar(open_)) is None:
            # the usual answer to one who asks every second, without a transaction that writes
            return []
        return self._database.transact(partial(self._claim, limit, token, lease_seconds, mine))

    def _claim(
        self, limit: int, token: str, lease_seconds: float, mine: Sequence[ColumnElement[bool]], conn: Connection
    ) -> list[Entry]:
        self._take_back_expired(conn)
        due = or_(inbox.c.next_attempt_ms.is_(None), inbox.c.next_attempt_ms <= NowMs())
        # by status and not by "later than the last one": a row with a lower id may be committed after one with a higher
        waiting = (
            select(inbox.c.id)
            .where(*mine, inbox.c.status == "pending", due)
            .order_by(inbox.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        ids = list(conn.scalars(waiting))
        if not ids:
            return []
        lease = {"claim_token": token, "claim_until_ms": now_plus_ms(lease_seconds)}
        taken = {"status": "processing", "attempts": inbox.c.attempts + 1, **lease}
        conn.execute(update(inbox).where(is_among(inbox.c.id, ids)).values(taken))
        rows = conn.execute(select(inbox).where(is_among(inbox.c.id, ids)).order_by(inbox.c.id)).all()
        entries: list[Entry] = []
        for row in rows:
            body = self._unseal(row.body, row.key_id)
            if body is None:
                _set_aside(
                    conn,
                    [row.id],
                    "none of the keys in LARK_CONFIG_ENCRYPTION_KEY can decrypt it; add the key it was encrypted with",
                )
                continue
            entries.append(Entry(row.id, row.kind, row.event_type, row.event_id, body, row.attempts))
        self._forget_hints(conn, entries)
        return entries

    def _forget_hints(self, conn: Connection, entries: Sequence[Entry]) -> None:
        """Let the next hint of an automation for the same record be a new one: it tells of an edit after this claim."""
        known = [hint_identity(self._app_id, each.event) for each in entries if each.type == FEED_CHANGED]
        for some in split(sorted(known)):
            conn.execute(delete(inbox_identities).where(is_among(inbox_identities.c.identity, some)))

    def _take_back_expired(self, conn: Connection) -> None:
        expired = (
            inbox.c.app_id == self._app_id,
            inbox.c.status == "processing",
            inbox.c.claim_until_ms <= NowMs(),
        )
        found = conn.execute(
            select(inbox.c.id, inbox.c.attempts).where(*expired).with_for_update(skip_locked=True)
        ).all()
        again = [row.id for row in found if row.attempts < MAX_ATTEMPTS]
        for some in split(again):
            conn.execute(update(inbox).where(is_among(inbox.c.id, some)).values(status="pending", **_UNCLAIMED))
        _set_aside(
            conn,
            [row.id for row in found if row.attempts >= MAX_ATTEMPTS],
            f"its handling ended the process, or took longer than its lease, {MAX_ATTEMPTS} times",
        )

    def complete(self, ids: Sequence[int], *, token: str) -> int:
        """Note that entries are handled, and return how many still were *token*'s."""

        def work(conn: Connection) -> int:
            done = 0
            for some in split(list(ids)):
                mine = (is_among(inbox.c.id, some), inbox.c.claim_token == token)
                finished = {"status": "completed", "finished_at": Now(), "error": None, **_UNCLAIMED}
                done += conn.execute(update(inbox).where(*mine).values(finished)).rowcount
            return done

        return self._database.transact(work)

    def give_back(self, ids: Sequence[int], *, token: str) -> None:
        """Let entries be taken again at once, as if they had not been."""

        def work(conn: Connection) -> None:
            for some in split(list(ids)):
                mine = (is_among(inbox.c.id, some), inbox.c.claim_token == token)
                free = {"status": "pending", "attempts": inbox.c.attempts - 1, **_UNCLAIMED}
                conn.execute(update(inbox).where(*mine).values(free))

        self._database.transact(work)

    def retry(self, id_: int, *, token: str, attempts: int, error: str) -> None:
        """Give an entry back for another try, or set it aside after :data:`.MAX_ATTEMPTS`."""
        if attempts >= MAX_ATTEMPTS:
            self.give_up(id_, token=token, error=f"tried {attempts} times; the last time: {error}")
            return
        later = {"status": "pending", "next_attempt_ms": now_plus_ms(wait_seconds(attempts)), "error": _cut(error)}
        mine = (inbox.c.id == id_, inbox.c.claim_token == token)
        self._database.transact(lambda conn: conn.execute(update(inbox).where(*mine).values({**later, **_UNCLAIMED})))

    def give_up(self, id_: int, *, token: str, error: str) -> None:
        """Set an entry aside: no try will make it better."""

        def work(conn: Connection) -> None:
            mine = select(inbox.c.id).where(inbox.c.id == id_, inbox.c.claim_token == token)
            _set_aside(conn, list(conn.scalars(mine)), error)

        self._database.transact(work)

    def replay(self, ids: Sequence[int] | None = None) -> int:
        """Let entries that were set aside be handled again (default: all), and return how many."""
        return set_aside.replay(self._database.engine, self._app_id, ids, clock=self._database.clock)

    def check(self) -> None:
        """Make the tables where they are missing, and look at them."""
        self._database.look(lambda conn: conn.execute(select(inbox.c.id).limit(1)).all())

    def count(self) -> InboxCounts:
        """Tell how many wait, since when, and how many were set aside."""

        def work(conn: Connection) -> InboxCounts:
            mine = inbox.c.app_id == self._app_id
            by_status = select(inbox.c.status, func.count()).where(mine).group_by(inbox.c.status)
            counts = {status: int(number) for status, number in conn.execute(by_status)}
            oldest = select(func.min(epoch_ms(inbox.c.received_at))).where(mine, inbox.c.status == "pending")
            oldest_ms = conn.scalar(oldest)
            return InboxCounts(**counts, oldest_ms=None if oldest_ms is None else int(oldest_ms))

        return self._database.look(work)

    def _unseal(self, sealed: str, key_id: str | None) -> dict[str, object] | None:
        plain = self._keyring.decrypt(sealed, key_id=key_id)
        if plain is None:
            return None
        app_id, body = json.loads(plain.reveal())
        if app_id != self._app_id:
            raise ConfigError(f"an entry of the inbox of app {self._app_id} was sealed for app {app_id}; delete it")
        return dict(body)


def _set_aside(conn: Connection, ids: Sequence[int], error: str) -> None:
    failed = {"status": "failed", "finished_at": Now(), "error": _cut(error), **_UNCLAIMED}
    for some in split(list(ids)):
        conn.execute(update(inbox).where(is_among(inbox.c.id, some)).values(failed))


def _cut(error: str) -> str:
    return error[:ERROR_LENGTH]
