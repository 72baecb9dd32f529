"""Chats and their messages on the page."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from airflow_provider_lark.emulator.state.messaging.messages import Message
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.chats import Chat
from airflow_provider_lark.emulator.tenant.model import UserIdType

_LINE: Final = 120
_LINE_READ: Final = 500
# whatever may be an id or an address of somebody; bounded, or a long text without either would take its square
_ID: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}|[A-Za-z0-9_-]{4,}")
_MENTION: Final = re.compile(r"<at [^>]*?(?:id|email)=[\"']?([^\"'>\s]+)[^>]*>[^<]*</at>")
_STYLE: Final = re.compile(r"</?[bius]>")
_KINDS: Final[tuple[UserIdType, ...]] = ("open_id", "union_id", "user_id")


def list_chats(state: State) -> list[dict[str, Any]]:
    """Chats with their last message, the one that was active last first."""
    with state.lock:
        shown = [_entry(state, each) for each in state.directory.chats.all()]
    return sorted(shown, key=lambda each: each["at_ms"], reverse=True)


def _entry(state: State, chat: Chat) -> dict[str, Any]:
    messages = state.messages.in_chat(chat.chat_id)
    last = messages[-1] if messages else None
    return {
        "chat_id": chat.chat_id,
        "name": chat_name(state, chat),
        "mode": chat.mode,
        "is_dissolved": chat.is_dissolved,
        "members": len(chat.members),
        "messages": len(messages),
        "at_ms": chat.created_ms if last is None else last.created_ms,
        "last": "" if last is None else _line(state, last),
        "last_by": "" if last is None else sender(state, last)["name"],
    }


def _line(state: State, message: Message) -> str:
    """The first line of its words, for lists and for replies to it."""
    if message.is_recalled:
        return "a recalled message"
    text = (_card_line(message.content) if message.msg_type == "interactive" else "") or message.text
    line = next((each for each in text.splitlines() if each.strip()), "")[:_LINE_READ]
    named = _MENTION.sub(lambda found: f"@{_named(state, found[1])}", line)
    return _STYLE.sub("", named)[:_LINE] or f"[{message.msg_type}]"


def _card_line(content: str) -> str:
    """What stands for a card in the list of chats: its summary, else its title (lark-api §6.5)."""
    card = json.loads(content)
    parts = ((card.get("config") or {}).get("summary"), (card.get("header") or {}).get("title"))
    told = (each.get("content") for each in parts if isinstance(each, dict))
    return next((each for each in told if isinstance(each, str) and each.strip()), "")


def _named(state: State, given: str) -> str:
    return "everyone" if given == "all" else _names_of(state, [given]).get(given, given)


def chat_name(state: State, chat: Chat) -> str:
    """A group's name; of a private chat, who is in it."""
    if chat.mode == "group":
        return chat.name or "(no name)"
    people = [name_of(state, each) for each in chat.members]
    bots = [state.apps[each].name for each, inside in chat.bots.items() if inside and each in state.apps]
    return " & ".join([*people, *bots])


def show_chat(state: State, chat: Chat, limit: int, end: int | None = None) -> dict[str, Any]:
    """The newest *limit* messages, oldest first, and the names of those that they name.

    :param end: how many messages of the chat, from its first on, there are to choose from; None for all.
    """
    messages = state.messages.in_chat(chat.chat_id)
    last = len(messages) if end is None else min(end, len(messages))
    first = max(last - limit, 0)
    shown = messages[first:last]
    inner = [child for each in shown for child in state.messages.children(each)]
    return {
        **_entry(state, chat),
        "description": chat.description,
        "in_threads": chat.in_threads,
        "people": [name_of(state, each) for each in chat.members],
        "who": [{"open_id": each, "name": name_of(state, each)} for each in chat.members],
        "total": len(messages),
        "first": first,
        "shown": [describe(state, each) for each in shown],
        "quoted": _quoted(state, shown),
        "names": _names(state, [*shown, *inner]),
        "files": _files(state, [*shown, *inner]),
    }


def _quoted(state: State, shown: list[Message]) -> dict[str, dict[str, Any]]:
    """Sender and first line of what the messages reply to, where that is not among them."""
    wanted = {each.parent_id for each in shown if each.parent_id} - {each.message_id for each in shown}
    found = (state.messages.find(each) for each in wanted)
    return {
        each.message_id: {"sender": sender(state, each), "line": _line(state, each)}
        for each in found
        if each is not None
    }


def describe(state: State, message: Message) -> dict[str, Any]:
    """A message as its readers see it: what was recalled is gone."""
    told: dict[str, Any] = {
        "message_id": message.message_id,
        "msg_type": message.msg_type,
        "at_ms": message.created_ms,
        "sender": sender(state, message),
        "is_recalled": message.is_recalled,
        "is_edited": message.is_updated,
        "updated_ms": message.updated_ms,
        "root_id": message.root_id,
        "parent_id": message.parent_id,
        "thread_id": message.thread_id,
        "reactions": Counter(each.emoji_type for each in message.reactions),
        "read_by": [name_of(state, each) for each in message.read_by],
        "urged": {name_of(state, each): how for each, how in message.urged.items()},
        "in_batch": bool(message.batch_id),
        "is_forwarded": bool(message.forwarded_from),
        "line": _line(state, message),
    }
    if not message.is_recalled:
        told["content"] = message.content
        told["mentions"] = ["all" if each == "all" else name_of(state, each) for each in message.mentions]
        children = state.messages.children(message)
        if children:
            told["children"] = [describe(state, each) for each in children]
    return told


def sender(state: State, message: Message) -> dict[str, str]:
    """Who sent it; a webhook bot's id opens its group, and is left out."""
    hook = state.hooks.find(message.sender)
    if hook is not None:
        return {"kind": "webhook", "name": hook.name}
    app = state.apps.get(message.sender)
    if app is not None:
        return {"kind": "app", "name": app.name, "id": app.app_id}
    if state.directory.find(message.sender, "open_id") is None:
        return {"kind": "webhook", "name": "Removed bot"}
    return {"kind": "person", "name": name_of(state, message.sender), "id": message.sender}


def name_of(state: State, open_id: str) -> str:
    """A person's name; the id of somebody unknown."""
    user = state.directory.find(open_id, "open_id")
    return open_id if user is None else user.name


def _names(state: State, messages: Iterable[Message]) -> dict[str, str]:
    """Names by every id and address in the contents that somebody has."""
    return _names_of(state, {found for each in messages if not each.is_recalled for found in _ID.findall(each.content)})


def _names_of(state: State, given: Iterable[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for each in given:
        if "@" in each:
            user = state.directory.find_contact(email=each)
        else:
            user = next((found for kind in _KINDS if (found := state.directory.find(each, kind))), None)
        chat = None if user is not None else state.directory.chats.find(each)
        if user is not None:
            names[each] = user.name
        elif chat is not None:
            names[each] = chat_name(state, chat)
    return names


def _files(state: State, messages: Iterable[Message]) -> dict[str, dict[str, Any]]:
    """Name, bytes and length of the files in the messages, by key."""
    keys = {key for each in messages if not each.is_recalled for key in state.messages.files_of(each)}
    found = (state.resources.find(key, "file") for key in keys)
    return {
        each.key: {"name": each.name, "bytes": len(each.content), "duration_ms": each.duration_ms}
        for each in found
        if each is not None
    }
