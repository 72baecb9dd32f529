"""Messages as the platform shows them (lark-api §6.1)."""

from __future__ import annotations

from typing import Any

from airflow_provider_lark.emulator.cards.checks import visible_texts
from airflow_provider_lark.emulator.formats.jsontext import dump, parse_text
from airflow_provider_lark.emulator.routes.im.post import shown_post
from airflow_provider_lark.emulator.state.messaging.messages import Message
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.model import UserIdType

RECALLED = "This message was recalled"


def describe(
    state: State,
    message: Message,
    *,
    kind: UserIdType = "open_id",
    cards: str = "",
    as_new: bool = False,
) -> dict[str, Any]:
    """The message object.

    :param kind: of which kind ids of people are.
    :param cards: ``card_msg_content_type``: empty for the platform's own short form of a card.
    :param as_new: the answer to what made it, which knows no recalls and updates.
    """
    described: dict[str, Any] = {
        "message_id": message.message_id,
        "msg_type": message.msg_type,
        "create_time": str(message.created_ms),
        "update_time": str(message.updated_ms),
        "deleted": message.is_recalled and not as_new,
        "updated": message.is_updated and not as_new,
        "chat_id": message.chat_id,
        "sender": _sender(state, message, kind),
        "body": {"content": RECALLED if message.is_recalled else _content(state, message, cards)},
    }
    for name in ("root_id", "parent_id", "thread_id", "upper_message_id"):
        if getattr(message, name):
            described[name] = getattr(message, name)
    people = [state.directory.find(each, "open_id") for each in message.mentions if each != "all"]
    mentions = [
        {
            "key": f"@_user_{n}",
            "id": each.id_as(kind),
            "id_type": kind,
            "name": each.name,
            "tenant_key": state.tenant_key,
        }
        for n, each in enumerate(people, 1)
        if each is not None
    ]
    if mentions and not message.is_recalled:
        described["mentions"] = mentions
    return described


def _sender(state: State, message: Message, kind: UserIdType) -> dict[str, Any]:
    person = None if message.is_by_app else state.directory.find(message.sender, "open_id")
    return {
        "id": message.sender if person is None else person.id_as(kind),
        "id_type": "app_id" if person is None else kind,
        "sender_type": "app" if person is None else "user",
        "tenant_key": state.tenant_key,
    }


def _content(state: State, message: Message, cards: str) -> str:
    if message.msg_type == "post":
        people = (state.directory.find(each, "open_id") for each in message.mentions)
        names = {each_id: each.name for each in people if each is not None for each_id in _ids(each)}
        return shown_post(message.content, names)
    if message.msg_type == "interactive" and not cards:
        return _short_card(message.content)
    return message.content


def _ids(user: Any) -> tuple[str, str, str]:
    return user.open_id, user.union_id, user.user_id


def _short_card(content: str) -> str:
    """A card as reads show it unless they ask for the original: its title, and its words."""
    card = parse_text(content)
    title = next(visible_texts(card.get("header") or {}), "")
    rest = {name: value for name, value in card.items() if name != "header"}
    elements = [[{"tag": "text", "text": each}] for each in visible_texts(rest)]
    return dump({"title": title, "elements": elements}).decode()
