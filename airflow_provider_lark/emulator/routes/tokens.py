"""Token endpoints of self-built apps (reference §1.2)."""

from __future__ import annotations

import re
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.routes.router import Rate, Route
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.wire import Flat, Request

_APP_ID: Final = re.compile(r"cli_[A-Za-z0-9_]+")


def _issue(state: State, request: Request) -> tuple[str, int]:
    try:
        body: dict[str, Any] = request.json()
    except ApiError as exc:
        raise ApiError(10003, "invalid param") from exc  # with HTTP 200, also for an empty body
    app_id, secret = body.get("app_id"), body.get("app_secret")
    if not isinstance(app_id, str) or not isinstance(secret, str) or not _APP_ID.fullmatch(app_id):
        raise ApiError(10003, "invalid param")
    app = state.apps.get(app_id)
    if app is None:
        raise ApiError(10014, "unknown app_id")
    if app.app_secret != secret:
        switches = state.switches
        raise ApiError(
            switches.wrong_secret_code, "wrong secret", status=switches.wrong_secret_status, msg="app secret invalid"
        )
    return state.tokens.issue(app_id)


def tenant_token(state: State, request: Request) -> Flat:
    """A tenant access token and the seconds it has left."""
    token, expire = _issue(state, request)
    return Flat({"tenant_access_token": token, "expire": expire})


def app_token(state: State, request: Request) -> Flat:
    """An app access token, which for self-built apps is the tenant token (§1.2)."""
    token, expire = _issue(state, request)
    return Flat({"app_access_token": token, "tenant_access_token": token, "expire": expire})


ROUTES: Final = (
    Route(
        "POST",
        "/open-apis/auth/v3/tenant_access_token/internal",
        tenant_token,
        rate=Rate(100),
        needs_token=False,
    ),
    Route(
        "POST",
        "/open-apis/auth/v3/app_access_token/internal",
        app_token,
        rate=Rate(100),
        needs_token=False,
    ),
)
