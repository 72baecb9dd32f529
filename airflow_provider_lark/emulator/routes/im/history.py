"""Reading messages: one, a chat's, a thread's, and who read them (lark-api §6.1)."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.routes.im.content import bad
from airflow_provider_lark.emulator.routes.im.paging import page
from airflow_provider_lark.emulator.routes.im.reaching import check_bot, check_inside, message_of
from airflow_provider_lark.emulator.routes.im.showing import describe
from airflow_provider_lark.emulator.routes.router import FIFTY_A_SECOND, THOUSAND_A_MINUTE, Route
from airflow_provider_lark.emulator.state.messaging.messages import Message
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.chats import Chat
from airflow_provider_lark.emulator.wire import Request

MAX_PAGE: Final = 50
MAX_READERS_PAGE: Final = 100
READ_SECONDS: Final = 7 * 24 * 3600
_GROUP_SCOPE: Final = "im:message.group_msg"


def _card_form(request: Request) -> str:
    form = request.query.get("card_msg_content_type") or ""
    if form not in {"", "user_card_content", "raw_card_content"}:
        raise bad("card_msg_content_type must be user_card_content or raw_card_content")
    return form


def get_message(state: State, request: Request) -> dict[str, Any]:
    """A message, and what was merged into it."""
    message, chat = message_of(state, request)
    _check_scope(request, chat)
    kind, form = request.user_id_type, _card_form(request)
    shown = [describe(state, each, kind=kind, cards=form) for each in [message, *state.messages.children(message)]]
    if message.is_recalled:
        del shown[0]["body"]["content"]
    return {"items": shown}


def _check_scope(request: Request, chat: Chat) -> None:
    granted = request.caller.scopes
    if chat.mode == "group" and not request.is_by_user and granted is not None and _GROUP_SCOPE not in granted:
        raise ApiError(230027, f"messages of groups need {_GROUP_SCOPE}")


def list_messages(state: State, request: Request) -> dict[str, Any]:
    """The messages of a chat or thread; of threads in a group of messages, a chat shows the roots only."""
    check_bot(request)
    kind, container_id = request.query.get("container_id_type"), request.query.get("container_id") or ""
    order = request.query.get("sort_type") or "ByCreateTimeAsc"
    if order not in {"ByCreateTimeAsc", "ByCreateTimeDesc"}:
        raise bad("sort_type must be ByCreateTimeAsc or ByCreateTimeDesc")
    if kind == "chat":
        chat = state.directory.chats.find(container_id)
        found = [] if chat is None else _roots(chat, state.messages.in_chat(container_id))
    elif kind == "thread":
        found = state.messages.in_thread(container_id)
        chat = state.directory.chats.find(found[0].chat_id) if found else None
    else:
        raise invalid("container_id_type", kind, "container_id_type must be chat or thread")
    if chat is None:
        raise bad("invalid container_id")
    check_inside(state, request, chat)
    _check_scope(request, chat)
    within = [each for each in found if _is_within(request, kind, each)]
    form = _card_form(request)
    ordered = within if order == "ByCreateTimeAsc" else within[::-1]
    shown, members = page(request, ordered, most=MAX_PAGE, code=230001)
    return {**members, "items": [describe(state, each, cards=form) for each in shown]}


def _roots(chat: Chat, messages: list[Message]) -> list[Message]:
    if chat.in_threads:
        return [each for each in messages if not each.root_id]
    return [each for each in messages if not (each.thread_id and each.root_id)]


def _is_within(request: Request, kind: str, message: Message) -> bool:
    second = message.created_ms // 1000
    for name in ("start_time", "end_time"):
        given = request.query.get(name)
        if not given:
            continue
        if kind == "thread":
            raise bad(f"{name} is not supported for threads")
        if not given.isdecimal() or len(given) > 10:
            raise bad(f"{name} must be a time in seconds")
        if (second < int(given)) if name == "start_time" else (second > int(given)):
            return False
    return True


def read_users(state: State, request: Request) -> dict[str, Any]:
    """Who has read a message of the bot's own."""
    if not request.query.get("user_id_type"):
        raise invalid("user_id_type", None, "user_id_type is required")
    message, _ = message_of(state, request)
    if message.sender != request.caller.app_id:
        raise ApiError(230012, "the bot did not send it")
    if state.now_ms - message.created_ms > READ_SECONDS * 1000:
        raise ApiError(230033, "the message is older than 7 days")
    readers, members = page(request, list(message.read_by.items()), most=MAX_READERS_PAGE, code=230001)
    people = [(state.directory.find(open_id, "open_id"), at_ms) for open_id, at_ms in readers]
    shown = [
        {
            "user_id_type": request.user_id_type,
            "user_id": each.id_as(request.user_id_type),
            "timestamp": str(at_ms),
            "tenant_key": state.tenant_key,
        }
        for each, at_ms in people
        if each is not None
    ]
    return {**members, "items": shown}


_MESSAGES: Final = "/open-apis/im/v1/messages"
_READ: Final = ("im:message", "im:message:readonly", "im:message.history:readonly")

ROUTES: Final = (
    Route(
        "GET",
        _MESSAGES,
        list_messages,
        query=frozenset(
            {"container_id_type", "container_id", "start_time", "end_time", "sort_type", "page_size", "page_token"}
            | {"card_msg_content_type"}
        ),
        scopes=_READ,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        note="cards are returned in a short form (title and text) unless card_msg_content_type asks for the original",
    ),
    Route(
        "GET",
        f"{_MESSAGES}/:message_id",
        get_message,
        query=frozenset({"user_id_type", "card_msg_content_type"}),
        scopes=_READ[:2],
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        note="cards as in the list",
    ),
    Route(
        "GET",
        f"{_MESSAGES}/:message_id/read_users",
        read_users,
        query=frozenset({"user_id_type", "page_size", "page_token"}),
        scopes=("im:message", "im:message:readonly", "im:message:basic"),
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        tokens=frozenset({"tenant"}),
    ),
)
