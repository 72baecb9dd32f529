"""Sending, replying, editing, recalling (lark-api §6.1 to §6.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from airflow_provider_lark.emulator.cards import checks as cards
from airflow_provider_lark.emulator.errors import ApiError, invalid, optional_flag
from airflow_provider_lark.emulator.formats.jsontext import dump, parse_text
from airflow_provider_lark.emulator.routes.im.content import Author, bad, read_card, read_content
from airflow_provider_lark.emulator.routes.im.reaching import (
    chat_of,
    check_bot,
    check_not_recalled,
    check_pace,
    check_writable,
    message_of,
    receiver_kind,
)
from airflow_provider_lark.emulator.routes.im.showing import describe
from airflow_provider_lark.emulator.routes.router import FIFTY_A_SECOND, THOUSAND_A_MINUTE, Route
from airflow_provider_lark.emulator.state.messaging.messages import Message, Written
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.chats import Chat
from airflow_provider_lark.emulator.wire import Request

MAX_UUID: Final = 50
MAX_EDITS: Final = 20
CARD_SECONDS: Final = 14 * 24 * 3600
_YEAR_SECONDS: Final = 365 * 24 * 3600


def required(given: object, name: str) -> str:
    """A text that has to be there."""
    if not isinstance(given, str) or not given:
        raise invalid(name, given, f"{name} is required")
    return given


def uuid_of(given: object) -> str:
    """The uuid of a request, empty where it has none."""
    uuid = "" if given is None else given
    if not isinstance(uuid, str) or len(uuid) > MAX_UUID:
        raise bad(f"uuid has at most {MAX_UUID} characters")
    return uuid


def create_message(state: State, request: Request) -> dict[str, Any]:
    """Send; the same uuid within an hour sends nothing and answers the first message."""
    body = request.json()
    kind = receiver_kind(request)
    receive_id, content = required(body.get("receive_id"), "receive_id"), required(body.get("content"), "content")
    msg_type, uuid = required(body.get("msg_type"), "msg_type"), uuid_of(body.get("uuid"))
    check_bot(request)
    author = Author(state, request.caller, size=len(request.body))
    if msg_type != "system":
        written = read_content(author, msg_type, content)
    key = (request.caller.app_id, "send", uuid)
    message = state.messages.repeated(key) if uuid else None
    if message is None:
        chat = chat_of(state, request, kind, receive_id)
        if msg_type == "system":
            written = read_content(replace(author, chat_mode=chat.mode), msg_type, content)
        message = _put(state, request, chat, written, receive_id_type=kind, receive_id=receive_id, uuid=uuid)
        if chat.in_threads:
            state.messages.begin_thread(message)
        if uuid:
            state.messages.note_uuid(key, message)
    return describe(state, message, as_new=True)


def _put(state: State, request: Request, chat: Chat, written: Written, **more: Any) -> Message:
    check_pace(state, "chat", chat.chat_id)
    message = state.messages.add(
        written, chat_id=chat.chat_id, app_id=request.caller.app_id, sender=request.member_id, **more
    )
    chat.active_ms = message.created_ms
    return message


def reply_message(state: State, request: Request) -> dict[str, Any]:
    """Reply; in a thread where asked for, or where the message already stands in one."""
    body = request.json()
    content, msg_type = required(body.get("content"), "content"), required(body.get("msg_type"), "msg_type")
    uuid, in_thread = uuid_of(body.get("uuid")), optional_flag(body.get("reply_in_thread"), "reply_in_thread")
    if msg_type == "system":
        raise bad("invalid msg_type")
    parent, chat = message_of(state, request)
    check_not_recalled(parent)
    if parent.msg_type == "system" or parent.batch_id:
        raise ApiError(230054, "such a message cannot be replied to")
    check_writable(state, request, chat)
    if in_thread and not chat.takes_thread_replies:
        raise ApiError(230071, "the group does not allow replies in threads")
    written = read_content(Author(state, request.caller, chat.mode, len(request.body)), msg_type, content)
    key = (request.caller.app_id, "reply", uuid)
    message = state.messages.repeated(key) if uuid else None
    if message is None:
        where = _place(state, parent, in_thread=in_thread or bool(parent.thread_id))
        message = _put(state, request, chat, written, uuid=uuid, **where)
        if uuid:
            state.messages.note_uuid(key, message)
    return describe(state, message, as_new=True)


def _place(state: State, parent: Message, *, in_thread: bool) -> dict[str, str]:
    """Where a reply hangs: of a thread always below its root."""
    if not in_thread:
        return {"root_id": parent.root_id or parent.message_id, "parent_id": parent.message_id}
    root = state.messages.in_thread(parent.thread_id)[0] if parent.thread_id else parent
    thread_id = state.messages.begin_thread(root)
    return {"root_id": root.message_id, "parent_id": root.message_id, "thread_id": thread_id}


def edit_message(state: State, request: Request) -> dict[str, Any]:
    """Edit a text or post of one's own, at most twenty times."""
    body = request.json()
    content, msg_type = required(body.get("content"), "content"), required(body.get("msg_type"), "msg_type")
    if msg_type not in {"text", "post"}:
        raise bad("invalid msg_type.")
    message, chat = message_of(state, request)
    check_not_recalled(message)
    if message.msg_type not in {"text", "post"} or message.batch_id:
        raise ApiError(230054, "only texts and posts can be edited")
    if message.sender != request.member_id:
        raise ApiError(230071, "the message was sent by somebody else")
    if message.edits >= MAX_EDITS:
        raise ApiError(230072, f"a message can be edited at most {MAX_EDITS} times")
    if state.now_ms - message.created_ms > state.switches.edit_seconds * 1000:
        raise ApiError(230075, "the time limit for editing is over")
    check_writable(state, request, chat)
    check_pace(state, "message", message.message_id)
    state.messages.rewrite(message, read_content(_author(state, request), msg_type, content))
    message.edits += 1
    return describe(state, message, as_new=True)


def _author(state: State, request: Request) -> Author:
    return Author(state, request.caller, size=len(request.body))


def update_card(state: State, request: Request) -> dict[str, Any]:
    """Replace a card of one's own, within 14 days, where both are shared."""
    content = required(request.json().get("content"), "content")
    message, _ = message_of(state, request)
    if message.msg_type != "interactive":
        raise bad("This message is NOT a card")
    check_not_recalled(message)
    if message.sender != request.member_id or message.batch_id:
        raise ApiError(230027, "the card was sent by somebody else")
    if state.now_ms - message.created_ms > CARD_SECONDS * 1000:
        raise ApiError(230031, "the card is older than 14 days")
    check_pace(state, "message", message.message_id)
    rewrite_card(_author(state, request), message, content)
    return {}


def rewrite_card(author: Author, message: Message, content: str) -> None:
    """Let a card say something else, in the form that it has; both have to be shared."""
    state = author.state
    written = read_content(author, "interactive", content)
    before, after = read_card(author, parse_text(message.content)), read_card(author, parse_text(content))
    if before.form != after.form:
        sub_code = state.switches.other_card_form_code if before.form == "2.0" else 200800
        raise cards.refuse(230099, sub_code, f"a card of {before.form} cannot be updated to one of {after.form}")
    if before.is_shared and after.is_shared:
        state.messages.rewrite(message, written)
    elif state.switches.unshared_card == "error":
        raise bad("config.update_multi must be true before and after an update")


def update_by_token(state: State, request: Request) -> dict[str, Any]:
    """Replace the card that was clicked, with the token of the callback: twice in 30 minutes, after its answer."""
    body = request.json()
    known = state.card_tokens.find(required(body.get("token"), "token"), request.caller.app_id)
    if known is None:
        # the page prints no code for a token that is used up; the one of a token that is wrong stands in
        raise ApiError(300090, "the token is unknown, used up or expired, or the callback is not answered yet")
    card = body.get("card")
    if not isinstance(card, dict):
        raise invalid("card", card, "card must be an object")
    message = state.messages.known(known.message_id)
    check_not_recalled(message)
    rewrite_card(_author(state, request), message, dump(card).decode())
    known.uses_left -= 1
    return {}


def recall_message(state: State, request: Request) -> dict[str, Any]:
    """Recall a message of one's own, or, running the group, anybody's of the last year."""
    message, chat = message_of(state, request)
    if message.is_recalled:
        raise ApiError(230110, "the message was recalled before")
    age_seconds = (state.now_ms - message.created_ms) / 1000
    if message.batch_id:
        raise ApiError(230054, "a batch message can be recalled as a whole only")
    if message.sender != request.member_id and not (chat.is_run_by(request.member_id) and age_seconds < _YEAR_SECONDS):
        raise ApiError(230026, "the message was sent by somebody else")
    if message.sender == request.member_id and age_seconds > state.switches.recall_seconds:
        raise ApiError(230009, "the time limit for recalling is over")
    message.is_recalled = True
    return {}


_MESSAGES: Final = "/open-apis/im/v1/messages"
_SEND: Final = ("im:message", "im:message:send_as_bot", "im:message:send")
_CHANGE: Final = ("im:message", "im:message:send_as_bot", "im:message:update")
_ONE: Final = f"{_MESSAGES}/:message_id"

ROUTES: Final = (
    Route(
        "POST",
        _MESSAGES,
        create_message,
        query=frozenset({"receive_id_type"}),
        members=frozenset({"receive_id", "msg_type", "content", "uuid"}),
        scopes=_SEND,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        coverage="partly",
        note="cards: structure, tags, counts, users and images are checked, but not each property; no card entities",
    ),
    Route(
        "POST",
        f"{_ONE}/reply",
        reply_message,
        members=frozenset({"content", "msg_type", "reply_in_thread", "uuid"}),
        scopes=_SEND,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
    ),
    Route(
        "PUT",
        _ONE,
        edit_message,
        members=frozenset({"msg_type", "content"}),
        scopes=_CHANGE,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        tokens=frozenset({"tenant"}),
    ),
    Route(
        "PATCH",
        _ONE,
        update_card,
        members=frozenset({"content"}),
        scopes=_CHANGE,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        note="the codes for a card that is not shared, and for a card of another sender, are inferred",
    ),
    Route(
        "POST",
        "/open-apis/interactive/v1/card/update",
        update_by_token,
        members=frozenset({"token", "card"}),
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        tokens=frozenset({"tenant"}),
        coverage="partly",
        note="shared cards only: no `open_ids` of JSON 1.0; 300090 for every invalid token is inferred",
    ),
    Route(
        "DELETE",
        _ONE,
        recall_message,
        scopes=("im:message", "im:message:recall", "im:message:send_as_bot"),
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
    ),
)
