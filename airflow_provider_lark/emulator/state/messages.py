"""Messages that apps sent (reference §6.1, §6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.ids import Ids

DEDUPE_SECONDS: Final = 3600


@dataclass(frozen=True)
class Message:
    """A text as it was sent."""

    message_id: str
    chat_id: str
    app_id: str
    sender: str
    """The app's id, or the open_id of the person in whose name it was sent."""
    receive_id_type: str
    receive_id: str
    text: str
    content: str
    uuid: str
    created_ms: int


class Messages:
    """The outbox of all apps, oldest first."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._sent: list[Message] = []
        self._by_uuid: dict[tuple[str, str], Message] = {}
        self._private: dict[tuple[str, str], str] = {}
        self._outside: set[tuple[str, str]] = set()

    def add(
        self,
        *,
        chat_id: str,
        app_id: str,
        sender: str,
        receive_id_type: str,
        receive_id: str,
        text: str,
        content: str,
        uuid: str = "",
    ) -> Message:
        """Send."""
        message = Message(
            message_id=self._ids.make("om_", 32),
            chat_id=chat_id,
            app_id=app_id,
            sender=sender,
            receive_id_type=receive_id_type,
            receive_id=receive_id,
            text=text,
            content=content,
            uuid=uuid,
            created_ms=int(self._clock.now() * 1000),
        )
        self._sent.append(message)
        if uuid:
            self._by_uuid[app_id, uuid] = message
        return message

    def repeated(self, app_id: str, uuid: str) -> Message | None:
        """The message that the app sent with that uuid within the last hour."""
        message = self._by_uuid.get((app_id, uuid)) if uuid else None
        if message is None or self._clock.now() - message.created_ms / 1000 >= DEDUPE_SECONDS:
            return None
        return message

    def private_chat(self, app_id: str, open_id: str) -> str:
        """The chat of an app and a person."""
        return self._private.setdefault((app_id, open_id), self._ids.make("oc_", 32))

    def set_membership(self, chat_id: str, app_id: str, *, inside: bool) -> None:
        """Take the app's bot into the group, or out of it."""
        if inside:
            self._outside.discard((chat_id, app_id))
        else:
            self._outside.add((chat_id, app_id))

    def is_inside(self, chat_id: str, app_id: str) -> bool:
        """Whether the app's bot is in the group: it is, until taken out."""
        return (chat_id, app_id) not in self._outside

    def sent(self) -> list[Message]:
        """All messages, oldest first."""
        return list(self._sent)
