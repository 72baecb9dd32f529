"""Forwarding one message, several merged into one, and threads (lark-api §6.1)."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.routes.im.content import bad
from airflow_provider_lark.emulator.routes.im.messages import required, uuid_of
from airflow_provider_lark.emulator.routes.im.reaching import (
    chat_of,
    check_bot,
    check_inside,
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

MAX_MERGED: Final = 100
MERGED: Final = "Merged and Forwarded Message"
_NEVER: Final = frozenset({"audio", "system"})


def _target(state: State, request: Request) -> tuple[Chat, Message | None, str, str]:
    """Where it goes: the chat, and the thread's root where it goes into a thread."""
    kind = receiver_kind(request, threads=True)
    receive_id = required(request.json().get("receive_id"), "receive_id")
    if kind != "thread_id":
        return chat_of(state, request, kind, receive_id), None, kind, receive_id
    thread = state.messages.in_thread(receive_id)
    chat = state.directory.chats.find(thread[0].chat_id) if thread else None
    if chat is None:
        raise ApiError(230019, "no such thread")
    check_writable(state, request, chat)
    return chat, thread[0], kind, receive_id


def _put(state: State, request: Request, written: Written, what: str) -> tuple[Message, bool]:
    """The new message, and whether this request made it."""
    chat, root, kind, receive_id = _target(state, request)
    uuid = uuid_of(request.query.get("uuid"))
    # the same uuid counts per target (§6.1)
    key = (request.caller.app_id, what, receive_id, uuid)
    known = state.messages.repeated(key) if uuid else None
    if known is not None:
        return known, False
    check_pace(state, "chat", chat.chat_id)
    where = {"root_id": root.message_id, "parent_id": root.message_id, "thread_id": root.thread_id} if root else {}
    message = state.messages.add(
        written,
        chat_id=chat.chat_id,
        app_id=request.caller.app_id,
        sender=request.member_id,
        receive_id_type=kind,
        receive_id=receive_id,
        uuid=uuid,
        **where,
    )
    if chat.in_threads and root is None:
        state.messages.begin_thread(message)
    if uuid:
        state.messages.note_uuid(key, message)
    return message, True


def forward_message(state: State, request: Request) -> dict[str, Any]:
    """Forward one message."""
    request.json()
    check_bot(request)
    message = state.messages.find(request.params["message_id"])
    if message is None or message.upper_message_id:
        raise ApiError(230064, "the message does not exist, or is part of merged messages")
    message_of(state, request)
    if message.is_recalled:
        raise ApiError(230065, "the message was recalled")
    if message.msg_type in _NEVER:
        raise ApiError(230061, f"messages of type {message.msg_type} cannot be forwarded")
    made, _ = _put(state, request, state.messages.said(message), "forward")
    made.forwarded_from = message.message_id
    return describe(state, made, as_new=True)


def merge_forward(state: State, request: Request) -> dict[str, Any]:
    """Forward messages of one chat as one."""
    wanted = request.json().get("message_id_list")
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        raise invalid("message_id_list", wanted, "message_id_list must be a list of ids")
    if not 1 <= len(wanted) <= MAX_MERGED:
        raise invalid("message_id_list", wanted, f"message_id_list must contain 1..{MAX_MERGED} messages")
    check_bot(request)
    found = {each: _usable(state, request, each) for each in wanted}
    usable = [each for each in found.values() if each is not None]
    if not usable:
        raise ApiError(230064, "all messages are invalid")
    if len({each.chat_id for each in usable}) > 1:
        raise ApiError(230069, "the messages are from different groups")
    replies = {each.thread_id for each in usable if each.root_id and each.thread_id}
    if len(replies) > 1 or (replies and any(not each.thread_id for each in usable)):
        raise ApiError(230067, "the messages are from several threads, or only some are from a thread")
    message = _merge(state, request, usable)
    invalid_ids = [each for each, known in found.items() if known is None]
    return {"message": describe(state, message, as_new=True), "invalid_message_id_list": invalid_ids}


def _usable(state: State, request: Request, message_id: str) -> Message | None:
    message = state.messages.find(message_id)
    if message is None or message.is_recalled or message.msg_type == "system" or message.upper_message_id:
        return None
    chat = state.directory.chats.find(message.chat_id)
    return message if chat is not None and chat.holds(request.member_id) else None


def _merge(state: State, request: Request, messages: list[Message]) -> Message:
    message, is_new = _put(state, request, Written("merge_forward", MERGED, MERGED), "merge")
    for each in messages if is_new else ():
        state.messages.add(
            state.messages.said(each),
            chat_id=message.chat_id,
            app_id=each.app_id,
            sender=each.sender,
            upper_message_id=message.message_id,
        )
    return message


def forward_thread(state: State, request: Request) -> dict[str, Any]:
    """Forward a thread as one message."""
    request.json()
    check_bot(request)
    thread = state.messages.in_thread(request.params["thread_id"])
    chat = state.directory.chats.find(thread[0].chat_id) if thread else None
    if chat is None:
        raise ApiError(230064, "no such thread")
    check_inside(state, request, chat)
    whole = [each for each in thread if not each.is_recalled]
    if not whole:
        raise bad("every message of the thread was recalled")
    return describe(state, _merge(state, request, whole), as_new=True)


_IM: Final = "/open-apis/im/v1"
_SCOPES: Final = ("im:message", "im:message:send_as_bot")


def _route(path: str, handler: Any, *members: str, note: str = "") -> Route:
    return Route(
        "POST",
        f"{_IM}/{path}",
        handler,
        query=frozenset({"receive_id_type", "uuid"}),
        members=frozenset({"receive_id", *members}),
        scopes=_SCOPES,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        tokens=frozenset({"tenant"}),
        note=note,
    )


ROUTES: Final = (
    _route("messages/:message_id/forward", forward_message),
    _route("messages/merge_forward", merge_forward, "message_id_list"),
    _route("threads/:thread_id/forward", forward_thread),
)
