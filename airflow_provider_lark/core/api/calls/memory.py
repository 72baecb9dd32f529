"""Bounded caches of chats and messages; shared by all clients of an app in a process."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import Literal, NamedTuple

from airflow_provider_lark.core.card_json.forms import CardForm

SentForm = CardForm | Literal[""]
"""Which kind of card; empty: none, or not known."""

_SENT_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class ChatNames:
    """The chats by name as they were at *read_at* seconds of a monotonic clock.

    :param is_whole: whether no chat was left out for the bound's sake.
    """

    ids: dict[str, tuple[str, ...]]
    read_at: float
    is_whole: bool


@dataclass(slots=True)
class ChatNameCache:
    """The names of chats, per user and tenant in whose name they were read; safe to share between threads."""

    _lock: Lock = field(default_factory=Lock)
    _kept: dict[tuple[str | None, str | None], ChatNames] = field(default_factory=dict)

    def get(self, whose: tuple[str | None, str | None]) -> ChatNames | None:
        """Return what is known."""
        with self._lock:
            return self._kept.get(whose)

    def keep(self, whose: tuple[str | None, str | None], names: ChatNames) -> None:
        """Remember *names*."""
        with self._lock:
            self._kept[whose] = names


class KnownMessage(NamedTuple):
    """What is known of a message that was sent."""

    chat_id: str = ""
    form: SentForm = ""


_NOTHING = KnownMessage()


class SentMessages:
    """The messages that this process sent last; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sent: dict[str, KnownMessage] = {}

    def keep(self, message_id: str, sent: KnownMessage) -> None:
        """Remember a message."""
        with self._lock:
            while len(self._sent) >= _SENT_KEPT:
                del self._sent[next(iter(self._sent))]
            self._sent[message_id] = sent

    def get(self, message_id: str) -> KnownMessage:
        """Return what is known of a message: empty where nothing is."""
        with self._lock:
            return self._sent.get(message_id, _NOTHING)
