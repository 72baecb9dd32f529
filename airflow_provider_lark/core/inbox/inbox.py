"""The port of an inbox: entries are stored once, claimed by one worker, and completed, retried or set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from airflow_provider_lark.core.receiving.envelope import Delivery, JsonObject, Kind

MAX_ATTEMPTS = 10
"""So often an entry is handled; with the waits between, over half an hour."""

_FIRST_WAIT_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery.

    :param is_new: False for one that was there before, under this id or as its double.
    :param at_ms: when it came first, UTC milliseconds by the inbox's clock.
    :param reply: what the person who clicked is told, where that is decided already.
    """

    is_new: bool
    at_ms: int
    reply: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A delivery that is ours to handle until the lease ends.

    :param attempts: how often it has been taken, this time included.
    """

    id: int
    kind: Kind
    type: str
    event_id: str
    body: JsonObject = field(repr=False)
    attempts: int = 1

    @property
    def event(self) -> JsonObject:
        """What happened; for the old kind of click the body itself."""
        event = self.body.get("event")
        return event if isinstance(event, dict) else self.body


@dataclass(frozen=True, slots=True)
class InboxCounts:
    """How an inbox stands.

    :param oldest_ms: since when the oldest of those that wait has waited; None where nothing waits.
    """

    pending: int = 0
    processing: int = 0
    completed: int = 0
    failed: int = 0
    oldest_ms: int | None = None


class Keeper(Protocol):
    """What a door puts deliveries into: an inbox, or what stands before one."""

    def put(self, delivery: Delivery) -> Receipt:
        """Keep *delivery* durably; returns after it is committed, or confirmed.

        :raises LarkError: it is not kept, or nobody knows; Lark must not hear that it is.
        """
        ...


class Inbox(Keeper, Protocol):
    """Deliveries to one app, each kept once."""

    def claim(
        self, *, limit: int, token: str, lease_seconds: float, kind: Kind | None = None, subject: str | None = None
    ) -> list[Entry]:
        """Take up to *limit* entries that are due, the oldest first; no other worker gets them until the lease ends.

        :param token: names the taker.
        :param subject: only what concerns this table or message, see :attr:`.Delivery.subject`.
        """
        ...

    def give_back(self, ids: Sequence[int], *, token: str) -> None:
        """Let entries be taken again at once, as if they had not been."""
        ...

    def complete(self, ids: Sequence[int], *, token: str) -> int:
        """Note that entries are handled, and return how many still were *token*'s."""
        ...

    def retry(self, id_: int, *, token: str, attempts: int, error: str) -> None:
        """Give an entry back for another try, or set it aside after :data:`MAX_ATTEMPTS`."""
        ...

    def give_up(self, id_: int, *, token: str, error: str) -> None:
        """Set an entry aside: no try will make it better."""
        ...

    def replay(self, ids: Sequence[int] | None = None) -> int:
        """Let entries that were set aside be handled again (default: all), and return how many."""
        ...

    def count(self) -> InboxCounts:
        """Tell how many wait, since when, and how many were set aside."""
        ...


def wait_seconds(attempts: int) -> float:
    """Return how long an entry waits after *attempts* tries.

    >>> [wait_seconds(n) for n in (1, 2, 3, 8, 10)]
    [5.0, 10.0, 20.0, 600.0, 600.0]
    """
    return float(min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2 ** (attempts - 1)))
