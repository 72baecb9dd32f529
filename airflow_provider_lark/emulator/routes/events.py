"""Subscribing to the changes of a base (lark-api §5.1)."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.routes.router import FIFTY_A_SECOND, THOUSAND_A_MINUTE, Handler, Rate, Route
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.wire import Request


def _file_token(state: State, request: Request) -> str:
    file_type, token = request.query.get("file_type"), request.params["file_token"]
    if file_type != "bitable":
        raise ApiError(1069602, "file_type must be bitable: the emulator has no other files")
    base = state.bases.get(token)
    if base is None:
        raise ApiError(1069604, "no such base")
    outside = base.members is not None and request.member_id not in base.members
    if outside or request.member_id in base.without_rights:
        raise ApiError(1069603, "the caller may not manage the base")
    return token


def subscribe(state: State, request: Request) -> dict[str, Any]:
    """Let the app hear of changes in the base."""
    state.subscriptions.add(_file_token(state, request), request.caller.app_id, request.actor)
    return {}


def _has(state: State, request: Request) -> bool:
    return state.subscriptions.has(_file_token(state, request), request.caller.app_id, request.actor)


def get_subscribe(state: State, request: Request) -> dict[str, Any]:
    """Whether it does."""
    is_there = _has(state, request)
    if not is_there and state.switches.unsubscribed == "always":
        raise ApiError(1069605, "the app is not subscribed to the base")
    return {"is_subscribe": is_there}


def delete_subscribe(state: State, request: Request) -> dict[str, Any]:
    """Let it hear no more."""
    if not _has(state, request) and state.switches.unsubscribed != "silent":
        raise ApiError(1069605, "the app is not subscribed to the base")
    state.subscriptions.remove(_file_token(state, request), request.caller.app_id, request.actor)
    return {}


_SCOPES: Final = ("docs:event:subscribe", "drive:drive", "docs:doc", "sheets:spreadsheet")


def _route(method: str, tail: str, handler: Handler, rate: Rate, also: Rate | None = None) -> Route:
    return Route(
        method,
        f"/open-apis/drive/v1/files/:file_token/{tail}",
        handler,
        query=frozenset({"file_type"}),
        scopes=_SCOPES,
        rate=rate,
        also=also,
        coverage="partly",
        note="file_type=bitable only; record and field events, not drive.file.edit_v1",
    )


ROUTES: Final = (
    _route("POST", "subscribe", subscribe, FIFTY_A_SECOND, THOUSAND_A_MINUTE),
    _route("GET", "get_subscribe", get_subscribe, Rate(10, 60)),
    _route("DELETE", "delete_subscribe", delete_subscribe, Rate(10, 60)),
)
