"""Messages: what was sent, replied, edited, recalled, read (lark-api §6.1, §6.3)."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.ids import Ids

DEDUPE_SECONDS: Final = 3600


@dataclass
class Message:
    """A message as it is now.

    :param app_id: the app that sent it; empty: a person did, in the client.
    :param sender: the app's id, or the open_id of the person, also of one in whose name an app sent it.
    :param text: its words without JSON and markup, as far as it has any.
    :param content: the JSON text that was sent, or last edited.
    :param mentions: open_ids of the people that are mentioned, and ``all``, in their order.
    """

    message_id: str
    chat_id: str
    app_id: str
    sender: str
    receive_id_type: str
    receive_id: str
    msg_type: str
    text: str
    content: str
    uuid: str
    created_ms: int
    updated_ms: int = 0
    mentions: tuple[str, ...] = ()
    root_id: str = ""
    parent_id: str = ""
    thread_id: str = ""
    upper_message_id: str = ""
    edits: int = 0
    is_updated: bool = False
    is_recalled: bool = False
    read_by: dict[str, int] = field(default_factory=dict)
    """When each person first read it, by open_id, in ms."""
    urged: dict[str, str] = field(default_factory=dict)
    """How each person was last alarmed: app, sms or phone."""
    reactions: list[Reaction] = field(default_factory=list)
    forwarded_from: str = ""
    """The message that it is a copy of."""
    batch_id: str = ""
    """The batch that it came with; such a message cannot be changed."""

    @property
    def is_by_app(self) -> bool:
        """Whether the app itself is the sender."""
        return self.sender == self.app_id


@dataclass(frozen=True)
class Reaction:
    """An emoji below a message."""

    reaction_id: str
    emoji_type: str
    operator: str
    at_ms: int


@dataclass(frozen=True)
class Written:
    """What a message says.

    :param files: keys of the images and files in it.
    """

    msg_type: str
    content: str
    text: str = ""
    mentions: tuple[str, ...] = ()
    files: frozenset[str] = frozenset()


class Messages:
    """All messages, oldest first."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._messages: dict[str, Message] = {}
        self._by_chat: dict[str, list[Message]] = {}
        self._by_uuid: dict[Hashable, tuple[str, float]] = {}
        self._files: dict[str, frozenset[str]] = {}
        self._children: dict[str, list[str]] = {}

    def add(self, written: Written, *, chat_id: str, app_id: str, sender: str, **more: Any) -> Message:
        """Put a message into a chat."""
        now = int(self._clock.now() * 1000)
        message = Message(
            message_id=self._ids.make("om_", 32),
            chat_id=chat_id,
            app_id=app_id,
            sender=sender,
            receive_id_type=more.pop("receive_id_type", "chat_id"),
            receive_id=more.pop("receive_id", chat_id),
            msg_type=written.msg_type,
            text=written.text,
            content=written.content,
            uuid=more.pop("uuid", ""),
            created_ms=now,
            updated_ms=now,
            mentions=written.mentions,
            **more,
        )
        self._messages[message.message_id] = message
        self._files[message.message_id] = written.files
        if not message.upper_message_id:
            self._by_chat.setdefault(chat_id, []).append(message)
        else:
            self._children.setdefault(message.upper_message_id, []).append(message.message_id)
        return message

    def rewrite(self, message: Message, written: Written) -> None:
        """Let a message say something else."""
        message.msg_type, message.content, message.text = written.msg_type, written.content, written.text
        message.mentions = written.mentions
        message.updated_ms, message.is_updated = int(self._clock.now() * 1000), True
        self._files[message.message_id] = written.files

    def begin_thread(self, message: Message) -> str:
        """The thread that the message is the root of; a new one, if it has none."""
        if not message.thread_id:
            message.thread_id = self._ids.make("omt_", 12)
        return message.thread_id

    def react(self, message: Message, emoji_type: str, operator: str) -> Reaction:
        """Add an emoji; the same one of the same operator is there once."""
        for each in message.reactions:
            if (each.emoji_type, each.operator) == (emoji_type, operator):
                return each
        made = Reaction(self._ids.make("", 40), emoji_type, operator, int(self._clock.now() * 1000))
        message.reactions.append(made)
        return made

    def find(self, message_id: str) -> Message | None:
        """The message of that id."""
        return self._messages.get(message_id)

    def known(self, message_id: str) -> Message:
        """The message of that id.

        :raises KeyError: there is none.
        """
        return self._messages[message_id]

    def children(self, message: Message) -> list[Message]:
        """The messages inside a merged one."""
        return [self._messages[each] for each in self._children.get(message.message_id, ())]

    def said(self, message: Message) -> Written:
        """What a message says, for a copy of it."""
        files = self._files[message.message_id]
        return Written(message.msg_type, message.content, message.text, message.mentions, files)

    def holds_file(self, message: Message, key: str) -> bool:
        """Whether the image or file is in the message."""
        return key in self._files[message.message_id]

    def files_of(self, message: Message) -> frozenset[str]:
        """Keys of the images and files in the message."""
        return self._files[message.message_id]

    def in_chat(self, chat_id: str) -> list[Message]:
        """All messages of a chat, those in threads too, oldest first."""
        return list(self._by_chat.get(chat_id, ()))

    def in_thread(self, thread_id: str) -> list[Message]:
        """All messages of a thread, its root first."""
        return [each for each in self._messages.values() if each.thread_id == thread_id and not each.upper_message_id]

    def unread_urgent(self, open_id: str) -> int:
        """How many urgent messages the person has not read."""
        return sum(open_id in each.urged and open_id not in each.read_by for each in self._messages.values())

    def repeated(self, key: Hashable) -> Message | None:
        """What a request with that uuid sent within the last hour."""
        message_id, at = self._by_uuid.get(key, ("", 0.0))
        return self._messages.get(message_id) if self._clock.now() - at < DEDUPE_SECONDS else None

    def note_uuid(self, key: Hashable, message: Message) -> None:
        """Remember what a request with that uuid sent."""
        self._by_uuid[key] = (message.message_id, self._clock.now())

    def sent(self) -> list[Message]:
        """What apps sent, oldest first."""
        return [each for each in self._messages.values() if each.app_id and not each.upper_message_id]
