"""One message to many people: ``message/v4/batch_send/`` (lark-api §6.1)."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.formats.jsontext import dump
from airflow_provider_lark.emulator.routes.im.content import MAX_CARD_BYTES, MAX_TEXT_BYTES, Author, read_card
from airflow_provider_lark.emulator.routes.im.content import read_content as read_sent
from airflow_provider_lark.emulator.routes.router import FIFTY_A_SECOND, THOUSAND_A_MINUTE, Route
from airflow_provider_lark.emulator.state.messaging.messages import Written
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.model import UserIdType
from airflow_provider_lark.emulator.wire import Request

MAX_IDS: Final = 200
MAX_A_DAY: Final = 500_000
# a tuple: what is looked up in it may be unhashable JSON
_TYPES: Final = ("text", "image", "post", "share_chat", "interactive")
_KINDS: Final[dict[str, UserIdType]] = {"open_ids": "open_id", "user_ids": "user_id", "union_ids": "union_id"}


def batch_send(state: State, request: Request) -> dict[str, Any]:
    """Send to everybody who is named; whom the platform does not know, the answer names."""
    body = request.json()
    if not request.caller.has_bot:
        raise ApiError(11205, "the app has no bot")
    written = _read(state, request, body)
    lists = {name: _ids(body.get(name), name) for name in (*_KINDS, "department_ids")}
    if not any(lists.values()):
        raise ApiError(10003, "department_ids, open_ids, user_ids or union_ids is needed")
    batch_id = state.ids.make("bm-", 32)
    unknown: dict[str, list[str]] = {f"invalid_{name}": [] for name in lists}
    # departments are not emulated, so none of them is known
    unknown["invalid_department_ids"] = lists["department_ids"]
    reached: list[str] = []
    for name, kind in _KINDS.items():
        for each in lists[name]:
            user = state.directory.find_person(each, kind)
            if user is None or state.directory.is_resigned(user) or not request.caller.serves(user.open_id):
                unknown[f"invalid_{name}"].append(each)
            elif user.open_id not in reached:
                reached.append(user.open_id)
    _count(state, request, len(reached))
    for open_id in reached:
        chat = state.directory.chats.private(request.caller.app_id, open_id)
        state.messages.add(
            written,
            chat_id=chat.chat_id,
            app_id=request.caller.app_id,
            sender=request.caller.app_id,
            receive_id_type="open_id",
            receive_id=open_id,
            batch_id=batch_id,
        )
    return {"message_id": batch_id, **unknown}


def _count(state: State, request: Request, count: int) -> None:
    day = state.now_ms // (24 * 3600 * 1000)
    sent = sum(each["count"] for each in state.batches if (each["app_id"], each["day"]) == (request.caller.app_id, day))
    if sent + count > MAX_A_DAY:
        raise ApiError(11247, "the limit is 500,000 messages a day")
    state.batches.append({"app_id": request.caller.app_id, "day": day, "count": count})


def _read(state: State, request: Request, body: dict[str, Any]) -> Written:
    """What is written: an object in ``content``, or in ``card``."""
    msg_type = body.get("msg_type")
    if msg_type not in _TYPES:
        raise ApiError(10003, f"msg_type must be one of {', '.join(sorted(_TYPES))}")
    given = body.get("card" if msg_type == "interactive" else "content")
    if not isinstance(given, dict):
        raise ApiError(10003, "content (card of an interactive message) must be an object")
    if len(request.body) > (MAX_TEXT_BYTES if msg_type == "text" else MAX_CARD_BYTES):
        raise ApiError(10003, "the request is too large")
    author, content = Author(state, request.caller, size=len(request.body)), dump(given).decode()
    if msg_type == "interactive":
        card = read_card(author, given, code=11246)
        return Written(msg_type, content, "\n".join(card.texts), tuple(card.mentions))
    if msg_type == "post" and "post" in given:
        # the older form has the languages one level deeper
        content = dump(given["post"]).decode()
    try:
        return read_sent(author, msg_type, content)
    except ApiError as exc:
        raise ApiError(11227 if msg_type == "image" else 11246, exc.detail) from exc


def _ids(given: object, name: str) -> list[str]:
    ids = [] if given is None else given
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids) or len(ids) > MAX_IDS:
        raise ApiError(10003, f"{name} must be a list of at most {MAX_IDS} ids")
    return ids


ROUTES: Final = (
    Route(
        "POST",
        "/open-apis/message/v4/batch_send/",
        batch_send,
        members=frozenset({"msg_type", "content", "card", *_KINDS, "department_ids"}),
        scopes=("im:message", "im:message:send_as_bot", "im:message:send_multi_users", "im:message:send_multi_depts"),
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        tokens=frozenset({"tenant"}),
        coverage="partly",
        note="sent at once; no departments; no recall and no progress of a batch",
    ),
)
