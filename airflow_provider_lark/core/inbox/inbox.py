"""The ports of an inbox: entries are stored once, claimed by one worker, and completed, retried or set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.receiving.envelope import Delivery, JsonObject, Kind

MAX_ATTEMPTS = 10
"""So often an entry is handled; with the waits between, over half an hour."""

_FIRST_WAIT_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """A delivery is kept.

    :param first_ms: of one that was there before, under this id or as its double: when it came first, UTC milliseconds
        by the inbox's clock.
    :param reply: what the person who clicked is told, where that is decided already.
    """

    first_ms: int | None = None
    reply: JsonObject | None = None

    @property
    def is_new(self) -> bool:
        """Whether it had not come before, as far as can be told."""
        return self.first_ms is None


Outcome: TypeAlias = Receipt | LarkError
"""What became of one delivery of several: kept, or why not."""


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


class DeliveryStore(Protocol):
    """Stores deliveries: an inbox, or what stands before one."""

    def put_all(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Store *deliveries* durably; returns after they are committed, or confirmed.

        :returns: what became of each, in their order; one that cannot be stored does not affect the others.
        :raises LarkError: none is stored, or that is not known; Lark must not get a positive answer.
        """
        ...


class AsyncDeliveryStore(Protocol):
    """Where a door hands deliveries in; its methods belong to one event loop."""

    async def put(self, delivery: Delivery, *, seconds: float) -> Receipt:
        """Store *delivery* durably, as :meth:`DeliveryStore.put_all` does.

        :param seconds: how long the caller waits for an answer.
        :raises LarkError: it is not stored, or that is not known.
        """
        ...


def put_one(store: DeliveryStore, delivery: Delivery) -> Receipt:
    """Store one delivery.

    :raises LarkError: it is not stored, or that is not known.
    """
    (outcome,) = store.put_all([delivery])
    if isinstance(outcome, LarkError):
        raise outcome
    return outcome


class Inbox(DeliveryStore, Protocol):
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

    def check(self) -> None:
        """Make the tables where they are missing; raise a :class:`.LarkError` where they cannot be used."""
        ...

    def count(self) -> InboxCounts:
        """Tell how many wait, since when, and how many were set aside; it reads them all."""
        ...


def wait_seconds(attempts: int) -> float:
    """Return how long an entry waits after *attempts* tries.

    >>> [wait_seconds(n) for n in (1, 2, 3, 8, 10)]
    [5.0, 10.0, 20.0, 600.0, 600.0]
    """
    return float(min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2 ** (attempts - 1)))
