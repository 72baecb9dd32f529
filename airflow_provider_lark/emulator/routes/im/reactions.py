"""Emojis below messages (lark-api §6.1)."""

from __future__ import annotations

import re
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.routes.im.emojis import EMOJIS
from airflow_provider_lark.emulator.routes.im.paging import page
from airflow_provider_lark.emulator.routes.router import FIFTY_A_SECOND, THOUSAND_A_MINUTE, Route
from airflow_provider_lark.emulator.state.messaging.messages import Message, Reaction
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.model import UserIdType
from airflow_provider_lark.emulator.wire import Request

MAX_PAGE: Final = 50
_EMOJI: Final = re.compile(r"[A-Za-z0-9_]{1,40}")


def _message(state: State, request: Request, *, writes: bool) -> Message:
    """The message, with the codes that reactions have for what is wrong with it."""
    message = state.messages.find(request.params["message_id"])
    if message is None or message.is_recalled:
        raise ApiError(231003, "the message does not exist, or was recalled")
    chat = state.directory.chats.find(message.chat_id)
    if chat is None or chat.is_dissolved:
        raise ApiError(231004, "the chat does not exist any more")
    if not chat.holds(request.member_id):
        raise ApiError(231002 if writes else 231008, "the operator is not in the chat")
    if chat.mode == "p2p" and not all(request.caller.serves(each) for each in chat.members):
        raise ApiError(231022, "the person is outside the app's availability")
    return message


def _shown(state: State, reaction: Reaction, kind: UserIdType = "open_id") -> dict[str, Any]:
    person = state.directory.find(reaction.operator, "open_id")
    return {
        "reaction_id": reaction.reaction_id,
        "operator": {
            "operator_id": reaction.operator if person is None else person.id_as(kind),
            "operator_type": "app" if person is None else "user",
        },
        "action_time": str(reaction.at_ms),
        "reaction_type": {"emoji_type": reaction.emoji_type},
    }


def create_reaction(state: State, request: Request) -> dict[str, Any]:
    """Add an emoji."""
    given = request.json().get("reaction_type")
    emoji_type = given.get("emoji_type") if isinstance(given, dict) else None
    if not isinstance(emoji_type, str):
        raise invalid("reaction_type.emoji_type", given, "reaction_type.emoji_type is required")
    message = _message(state, request, writes=True)
    if emoji_type not in EMOJIS:
        raise ApiError(231001, "unknown emoji_type")
    if message.msg_type == "system":
        raise ApiError(231017, "system messages cannot have reactions")
    return _shown(state, state.messages.react(message, emoji_type, request.member_id))


def delete_reaction(state: State, request: Request) -> dict[str, Any]:
    """Take back one's own."""
    message = _message(state, request, writes=True)
    wanted = request.params["reaction_id"]
    found = next((each for each in message.reactions if each.reaction_id == wanted), None)
    if found is None:
        raise ApiError(231011, "the message has no such reaction")
    if found.operator != request.member_id:
        raise ApiError(231007, "the reaction was added by somebody else")
    message.reactions.remove(found)
    return _shown(state, found)


def list_reactions(state: State, request: Request) -> dict[str, Any]:
    """All, or those of one emoji."""
    message = _message(state, request, writes=False)
    wanted = request.query.get("reaction_type")
    if wanted and not _EMOJI.fullmatch(wanted):
        raise ApiError(231001, "unknown emoji_type")
    found = [each for each in message.reactions if not wanted or each.emoji_type == wanted]
    shown, members = page(request, found, most=MAX_PAGE, code=99992402, token_code=231012)
    return {**members, "items": [_shown(state, each, request.user_id_type) for each in shown]}


_REACTIONS: Final = "/open-apis/im/v1/messages/:message_id/reactions"
_WRITE: Final = ("im:message", "im:message.reactions:write_only")

ROUTES: Final = (
    Route(
        "POST",
        _REACTIONS,
        create_reaction,
        members=frozenset({"reaction_type"}),
        scopes=_WRITE,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
    ),
    Route(
        "GET",
        _REACTIONS,
        list_reactions,
        query=frozenset({"reaction_type", "page_size", "page_token", "user_id_type"}),
        scopes=("im:message.reactions:read", "im:message:readonly"),
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
    ),
    Route(
        "DELETE",
        f"{_REACTIONS}/:reaction_id",
        delete_reaction,
        scopes=_WRITE,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
    ),
)
