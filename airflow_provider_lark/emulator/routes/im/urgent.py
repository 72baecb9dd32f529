"""Urgent messages: in the client, by SMS, by phone (lark-api §6.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.routes.im.content import bad
from airflow_provider_lark.emulator.routes.im.reaching import check_not_recalled, message_of
from airflow_provider_lark.emulator.routes.router import FIFTY_A_SECOND, THOUSAND_A_MINUTE, Route
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.wire import Request

MAX_UNREAD: Final = 200
MAX_PEOPLE: Final = 200


def _urge(state: State, request: Request, way: str) -> dict[str, Any]:
    if not request.query.get("user_id_type"):
        raise invalid("user_id_type", None, "user_id_type is required")
    wanted = request.json().get("user_id_list")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(each, str) for each in wanted):
        raise invalid("user_id_list", wanted, "user_id_list must be a list of user ids")
    if len(wanted) > MAX_PEOPLE:
        raise bad(f"user_id_list has at most {MAX_PEOPLE} ids")
    message, chat = message_of(state, request)
    check_not_recalled(message)
    if message.sender != request.caller.app_id:
        raise ApiError(230012, "the bot did not send it")
    if chat.urging == "only_owner" and not chat.is_run_by(request.caller.app_id):
        raise ApiError(230052, "only the owner and managers may send urgent messages in the group")
    people = {each: state.directory.find_person(each, request.user_id_type) for each in wanted}
    known = [each for each in people.values() if each is not None]
    if any(state.directory.is_resigned(each) or not request.caller.serves(each.open_id) for each in known):
        raise ApiError(230013, "a person has left, or is outside the app's availability")
    inside = [each.open_id for each in people.values() if each is not None and each.open_id in chat.members]
    if not inside:
        raise bad("none of the users is in the chat")
    if any(state.messages.unread_urgent(each) >= MAX_UNREAD for each in inside):
        raise ApiError(230023, f"a user has {MAX_UNREAD} unread urgent messages")
    if way != "app":
        _pay(state, len(inside))
    message.urged.update(dict.fromkeys(inside, way))
    kept = set(inside)
    return {"invalid_user_id_list": [each for each, user in people.items() if user is None or user.open_id not in kept]}


def _pay(state: State, count: int) -> None:
    quota = state.switches.urgent_quota
    if quota is None:
        return
    if quota < count:
        raise ApiError(230024, "the tenant's quota is used up")
    state.switches.urgent_quota = quota - count


def _handler(way: str) -> Callable[[State, Request], dict[str, Any]]:
    def handle(state: State, request: Request) -> dict[str, Any]:
        return _urge(state, request, way)

    return handle


_WAYS: Final = {
    "app": ("im:message.urgent", "im:message.urgent:app_send"),
    "sms": ("im:message.urgent:sms", "im:message.urgent:sms_send"),
    "phone": ("im:message.urgent:phone", "im:message.urgent:phone_send"),
}

ROUTES: Final = tuple(
    Route(
        "PATCH",
        f"/open-apis/im/v1/messages/:message_id/urgent_{way}",
        _handler(way),
        query=frozenset({"user_id_type"}),
        members=frozenset({"user_id_list"}),
        scopes=scopes,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        tokens=frozenset({"tenant"}),
    )
    for way, scopes in _WAYS.items()
)
