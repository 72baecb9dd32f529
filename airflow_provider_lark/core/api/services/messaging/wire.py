"""What the messaging calls return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MS_DIGITS = 12
"""From so many digits on a time is in ms: some answers have seconds."""


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message that was sent; *chat_id* is the chat it stands in, also for one to a person."""

    message_id: str
    chat_id: str
    created_ms: int | None = None
    thread_id: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message to one of several receivers: *message*, or *error*."""

    receiver_id: str
    message: SentMessage | None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody who is mentioned; *key* stands for them in the text: ``@_user_1``."""

    key: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message as Lark shows it.

    :param content: JSON whose form *msg_type* tells; empty for a recalled one.
    :param sender_id: an app_id, or a person's id.
    :param thread_id: empty where the message stands in no thread.
    :param upper_message_id: the merged message that it is a part of.
    """

    message_id: str
    msg_type: str
    chat_id: str
    content: str
    sender_id: str
    sender_type: str
    created_ms: int
    updated_ms: int
    is_recalled: bool = False
    is_edited: bool = False
    root_id: str = ""
    parent_id: str = ""
    thread_id: str = ""
    upper_message_id: str = ""
    mentions: tuple[Mention, ...] = ()


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages of a chat or thread."""

    items: list[Message]
    has_more: bool
    page_token: str | None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who has read a message, and when first."""

    user_id: str
    read_ms: int


@dataclass(frozen=True, slots=True)
class Reaction:
    """An emoji below a message. *operator_type*: app or user."""

    reaction_id: str
    emoji_type: str
    operator_id: str
    operator_type: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class Forwarded:
    """Messages that were forwarded as one, and those that could not be."""

    message: SentMessage
    left_out_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """A message to many; *message_id* begins with ``bm-``, and *unknown_ids* got none."""

    message_id: str
    unknown_ids: tuple[str, ...]


def read_ms(value: object) -> int | None:
    """Return a time of an answer in ms, None where there is none."""
    text = str(value)
    if not text.isdecimal():
        return None
    return int(text) if len(text) >= _MS_DIGITS else int(text) * 1000


def read_sent(data: Mapping[str, Any]) -> SentMessage:
    """Return the message that an answer to a sending describes."""
    return SentMessage(
        message_id=str(data.get("message_id") or ""),
        chat_id=str(data.get("chat_id") or ""),
        created_ms=read_ms(data.get("create_time")),
        thread_id=str(data.get("thread_id") or ""),
    )


def read_message(item: Mapping[str, Any]) -> Message:
    """Return a message of an answer."""
    sender, body = item.get("sender") or {}, item.get("body") or {}
    is_recalled = bool(item.get("deleted"))
    mentions = tuple(
        Mention(str(each.get("key") or ""), str(each.get("id") or ""), str(each.get("name") or ""))
        for each in item.get("mentions") or ()
    )
    created_ms = read_ms(item.get("create_time")) or 0
    return Message(
        message_id=item["message_id"],
        msg_type=str(item.get("msg_type") or ""),
        chat_id=str(item.get("chat_id") or ""),
        # of a recalled one Lark writes a sentence in its place, or nothing
        content="" if is_recalled else str(body.get("content") or ""),
        sender_id=str(sender.get("id") or ""),
        sender_type=str(sender.get("sender_type") or ""),
        created_ms=created_ms,
        updated_ms=read_ms(item.get("update_time")) or created_ms,
        is_recalled=is_recalled,
        is_edited=bool(item.get("updated")),
        root_id=str(item.get("root_id") or ""),
        parent_id=str(item.get("parent_id") or ""),
        thread_id=str(item.get("thread_id") or ""),
        upper_message_id=str(item.get("upper_message_id") or ""),
        mentions=mentions,
    )
