"""Events of one Bitable table as hints: they say that something changed; what changed is read from the table."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.inbox.inbox import Entry, Inbox
from airflow_provider_lark.core.receiving.envelope import to_ms

log = logging.getLogger(__name__)

LEASE_SECONDS = 900.0
"""Longer than a run takes; after a crash others wait so long, or poll sooner."""

TAKEN_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Hint:
    """Something changed in the table.

    :param id: of the inbox's entry; 0 for a gap.
    :param deleted: records that the event says were deleted; whether they are gone, Lark has to say.
    :param records: records that the event says were added or edited.
    :param changed_at: when they were, seconds since the epoch by Lark's clock; None: the event does not say.
    :param is_gap: a connection was made anew: what Lark sent before may have been missed.
    """

    id: int
    deleted: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    changed_at: float | None = None
    is_gap: bool = False


class Ear(Protocol):
    """What hears that something has come for a subject."""

    def wait(self, seconds: float) -> bool:
        """Wait until something has come, *seconds* at most; False, at once, where it cannot hear."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...


class TableHints:
    """The hints for one table. An inbox that is down gives none: the table is polled all the same.

    :param subject: returns the table as :attr:`.Delivery.subject` names it, None while it is not known.
    :param subscribe: asks Lark for the table's events, once it is known.
    :param listen: returns what waits for wake-ups of a subject; None without Redis.
    :param generation: tells how many long connections were made so far; each new one is a hint for every table.
    """

    def __init__(
        self,
        inbox: Inbox,
        subject: Callable[[], str | None],
        subscribe: Callable[[], object] = lambda: None,
        *,
        listen: Callable[[str], Ear] | None = None,
        generation: Callable[[], int] = lambda: 0,
    ) -> None:
        self._inbox = inbox
        self._subject = subject
        self._subscribe = subscribe
        self._listen = listen
        self._ear: Ear | None = None
        self._is_subscribed = False
        self._generation = generation
        self._known_generation: int | None = None
        self._token = uuid4().hex
        self._is_down = False

    def begin(self) -> None:
        """Ask Lark for the table's events, unless that was done before; the table is read after that."""
        subject = self._subject()
        if subject is not None:
            self._subscribe_once(subject)

    def take(self) -> Sequence[Hint]:
        """Return what has come, at most :data:`TAKEN_AT_ONCE`."""
        subject = self._subject()
        if subject is None:
            return ()
        gap: list[Hint] = []
        try:
            gap = self._find_gap()
            taken = self._inbox.claim(
                limit=TAKEN_AT_ONCE, token=self._token, lease_seconds=LEASE_SECONDS, subject=subject
            )
        except LarkError as exc:
            if not self._is_down:
                log.warning("the inbox cannot be read, so the table is polled: %s", exc)
            self._is_down = True
            return gap
        self._is_down = False
        if not taken:
            # what has come shows that they do come
            self._subscribe_once(subject)
        return [*gap, *(_read(entry) for entry in taken)]

    def _find_gap(self) -> list[Hint]:
        known, self._known_generation = self._known_generation, self._generation()
        # at the first look a run has just begun, or is about to
        return [] if known in (None, self._known_generation) else [Hint(0, is_gap=True)]

    def wait(self, seconds: float) -> bool:
        """Wait until something may have come, *seconds* at most; False, at once, where that cannot be heard."""
        if self._ear is None and self._listen is not None and (subject := self._subject()) is not None:
            self._ear = self._listen(subject)
        return self._ear is not None and self._ear.wait(seconds)

    def close(self) -> None:
        """Stop listening."""
        if self._ear is not None:
            self._ear.close()

    def _subscribe_once(self, subject: str) -> None:
        if self._is_subscribed:
            return
        self._is_subscribed = True
        try:
            self._subscribe()
        except LarkError as exc:
            log.warning("Lark may not send events for %s, so the table is polled: %s", subject, exc)

    def done(self, ids: Sequence[int]) -> None:
        """Note that they have been followed."""
        self._tell(lambda: self._inbox.complete(ids, token=self._token))

    def give_back(self, ids: Sequence[int], error: str) -> None:
        """Let them be taken again at once: the next run follows them."""
        self._tell(lambda: self._inbox.give_back(ids, token=self._token))

    def _tell(self, tell: Callable[[], object]) -> None:
        try:
            tell()
        except LarkError as exc:
            # their lease ends by itself, and a run too many costs one call
            log.warning("the results of hints could not be stored in the inbox: %s", exc)


def _read(entry: Entry) -> Hint:
    at_ms = to_ms(entry.event.get("update_time"))
    return Hint(entry.id, _told(entry, _GONE), _told(entry, _THERE), None if at_ms is None else at_ms / 1000)


_GONE, _THERE = frozenset({"record_deleted"}), frozenset({"record_added", "record_edited"})


def _told(entry: Entry, kinds: frozenset[str]) -> tuple[str, ...]:
    actions = entry.event.get("action_list")
    return tuple(
        record_id
        for action in (actions if isinstance(actions, list) else [])
        if isinstance(action, dict) and isinstance(kind := action.get("action"), str) and kind in kinds
        if isinstance(record_id := action.get("record_id"), str)
    )
