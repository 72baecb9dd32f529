"""Sending a text (reference §6.1 to §6.3); the rest of ``im/v1`` is refused."""

from __future__ import annotations

import re
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.jsontext import parse_text
from airflow_provider_lark.emulator.routes.router import FIFTY_A_SECOND, THOUSAND_A_MINUTE, Rate, Route
from airflow_provider_lark.emulator.state.directory import User
from airflow_provider_lark.emulator.state.messages import Message
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.wire import Request, parse_user_id_type

MAX_TEXT_BYTES: Final = 150 * 1024
MAX_UUID: Final = 50
PER_RECEIVER: Final = Rate(5)

_MENTION: Final = re.compile(r'<at user_id="(ou_\w+)">')


def _bad(detail: str) -> ApiError:
    return ApiError(230001, detail, msg=f"Your request contains an invalid request parameter, ext={detail}")


def _required(given: object, name: str) -> str:
    if not isinstance(given, str) or not given:
        raise invalid(name, given, f"{name} is required")
    return given


def _text_in(content: str) -> str:
    """The text of a message's content, which is a string of JSON."""
    try:
        parsed = parse_text(content)
    except ValueError as exc:
        raise _bad("content is not a JSON string") from exc
    text = parsed.get("text") if isinstance(parsed, dict) else None
    if not isinstance(text, str) or not text:
        raise _bad('content of a text is {"text": "..."}')
    if len(content.encode("utf-8", "replace")) > MAX_TEXT_BYTES:
        raise ApiError(230025, f"a text's content holds at most {MAX_TEXT_BYTES} bytes")
    return text


def _find_user(state: State, kind: str, receive_id: str) -> User | None:
    if kind == "email":
        return state.directory.find_contact(email=receive_id)
    # an app takes no message, its own bot least of all
    return state.directory.find_person(receive_id, parse_user_id_type(kind))


def _chat_of(state: State, request: Request, kind: str, receive_id: str) -> str:
    """The chat that the message goes to."""
    app = request.caller
    if kind == "chat_id":
        if not state.directory.has_chat(receive_id):
            raise ApiError(230034, "no such chat")
        if not state.messages.is_inside(receive_id, app.app_id):
            raise ApiError(230002, "the bot is not in the chat")
        return receive_id
    user = _find_user(state, kind, receive_id)
    if user is None:
        raise ApiError(230034, f"no such person by {kind}")
    if state.directory.is_resigned(user) or not app.serves(user.open_id):
        raise ApiError(230013, "the person left, or is outside the app's availability")
    return state.messages.private_chat(app.app_id, user.open_id)


def _check_pace(state: State, kind: str, chat_id: str) -> None:
    if not state.switches.rate_limits:
        return
    try:
        # of a group all its bots together take five a second
        state.paces.take(kind, chat_id, (PER_RECEIVER,), status=400)
    except ApiError as exc:
        raise ApiError(230020, "five messages a second to one person or group") from exc


def create_message(state: State, request: Request) -> dict[str, Any]:
    """Send a text; the same uuid within an hour sends nothing and answers the first message."""
    body = request.json()
    kind = request.query.get("receive_id_type")
    if kind not in {"open_id", "union_id", "user_id", "email", "chat_id"}:
        raise invalid("receive_id_type", kind, "receive_id_type is open_id, union_id, user_id, email or chat_id")
    receive_id, content = _required(body.get("receive_id"), "receive_id"), _required(body.get("content"), "content")
    if _required(body.get("msg_type"), "msg_type") != "text":
        raise _bad("the emulator sends msg_type text only")
    uuid = "" if body.get("uuid") is None else body["uuid"]
    if not isinstance(uuid, str) or len(uuid) > MAX_UUID:
        raise _bad(f"uuid has at most {MAX_UUID} characters")
    text = _text_in(content)
    if not request.caller.has_bot:
        raise ApiError(230006, "the app has no bot")
    message = state.messages.repeated(request.caller.app_id, uuid)
    if message is None:
        chat_id = _chat_of(state, request, kind, receive_id)
        _check_pace(state, kind, chat_id)
        message = state.messages.add(
            chat_id=chat_id,
            app_id=request.caller.app_id,
            sender=request.member_id,
            receive_id_type=kind,
            receive_id=receive_id,
            text=text,
            content=content,
            uuid=uuid,
        )
    return _described(state, message)


def _described(state: State, message: Message) -> dict[str, Any]:
    by_app = message.sender == message.app_id
    described: dict[str, Any] = {
        "message_id": message.message_id,
        "msg_type": "text",
        "create_time": str(message.created_ms),
        "update_time": str(message.created_ms),
        "deleted": False,
        "updated": False,
        "chat_id": message.chat_id,
        "sender": {
            "id": message.sender,
            "id_type": "app_id" if by_app else "open_id",
            "sender_type": "app" if by_app else "user",
            "tenant_key": state.tenant_key,
        },
        "body": {"content": message.content},
    }
    people = [state.directory.find(each, "open_id") for each in _MENTION.findall(message.text)]
    mentions = [
        {"key": f"@_user_{n}", "id": each.open_id, "id_type": "open_id", "name": each.name}
        for n, each in enumerate(people, 1)
        if each is not None
    ]
    if mentions:
        described["mentions"] = mentions
    return described


ROUTES: Final = (
    Route(
        "POST",
        "/open-apis/im/v1/messages",
        create_message,
        query=frozenset({"receive_id_type"}),
        members=frozenset({"receive_id", "msg_type", "content", "uuid"}),
        scopes=("im:message", "im:message:send_as_bot"),
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        coverage="partly",
        note="msg_type text only; every app's bot is in every group until taken out",
    ),
)
