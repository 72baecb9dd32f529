"""What an app may learn of its own settings in the console (lark-api §5.1)."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.routes.router import FIFTY_A_SECOND, Rate, Route
from airflow_provider_lark.emulator.state.accounts import App
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.wire import Request

_LANGUAGES: Final = frozenset({"zh_cn", "en_us", "ja_jp"})
_CALLBACKS: Final = {"new": "card.action.trigger", "old": "card.action.trigger_v1"}


def get_application(state: State, request: Request) -> dict[str, Any]:
    """The app's settings; of members only those that say what is switched on."""
    app = _own_app(state, request)
    shown: dict[str, Any] = {
        "app_id": app.app_id,
        "app_name": app.name,
        "status": int(app.is_enabled),
        "scene_type": int(app.kind == "store"),
        "online_version_id": app.version_id if app.is_released else "",
        "unaudit_version_id": "" if app.is_released else app.version_id,
    }
    if state.switches.tells_callbacks:
        shown["callback_info"] = _callback_info(app)
    return {"app": shown}


def _callback_info(app: App) -> dict[str, Any]:
    if app.long_connection is not None and app.long_connection.takes_callbacks:
        return {"callback_type": "websocket", "subscribed_callbacks": _subscribed(app)}
    if app.callback is None:
        return {"subscribed_callbacks": []}
    return {
        "callback_type": "webhook",
        "request_url": app.callback.url,
        "subscribed_callbacks": _subscribed(app),
    }


def _subscribed(app: App) -> list[str]:
    return [_CALLBACKS[kind] for kind in app.callback_kinds]


def get_version(state: State, request: Request) -> dict[str, Any]:
    """The app's only version, with the events that were added to it."""
    app = _own_app(state, request)
    version_id = request.params["version_id"]
    if version_id != app.version_id:
        others = {each.version_id for each in state.apps.values()}
        raise ApiError(211003 if version_id in others else 211002, "the app has no such version")
    return {
        "app_version": {
            "app_id": app.app_id,
            "app_name": app.name,
            "version": "1.0.0",
            "version_id": version_id,
            "status": 1 if app.is_released else 3,
            "event_infos": [{"event_type": each, "event_name": each} for each in sorted(app.event_types)],
        }
    }


def _own_app(state: State, request: Request) -> App:
    language = request.query.get("lang", "")
    if language not in _LANGUAGES:
        raise invalid("lang", language, f"lang must be one of {sorted(_LANGUAGES)}")
    wanted = request.params["app_id"]
    if wanted in ("me", request.caller.app_id):
        return request.caller
    # others need a scope of their own, which the emulator does not give
    raise ApiError(210508 if wanted in state.apps else 210506, "an app sees its own settings only")


def _route(tail: str, handler: Any, scope: str, rate: Rate) -> Route:
    return Route(
        "GET",
        f"/open-apis/application/v6/applications/:app_id{tail}",
        handler,
        query=frozenset({"lang", "user_id_type"}),
        scopes=("application:application:self_manage", scope),
        rate=rate,
        tokens=frozenset({"tenant"}),
        coverage="partly",
        note="of the calling app only: names, version, events and callbacks",
    )


ROUTES: Final = (
    _route("", get_application, "admin:app.info:readonly", FIFTY_A_SECOND),
    _route("/app_versions/:version_id", get_version, "application:application.app_version:readonly", Rate(100, 60)),
)
