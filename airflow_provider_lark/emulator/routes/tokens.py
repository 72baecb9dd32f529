"""Tenant and app tokens, of self-built apps and of store apps (lark-api §1.2)."""

from __future__ import annotations

import re
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.routes.router import Handler, Rate, Route
from airflow_provider_lark.emulator.state.accounts import App
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.wire import Flat, Request

_APP_ID: Final = re.compile(r"cli_[A-Za-z0-9_]+")


def _texts(request: Request, *names: str) -> list[str]:
    """The members of the body; 10003 with HTTP 200, also for an empty body."""
    try:
        body: dict[str, Any] = request.json()
    except ApiError as exc:
        raise ApiError(10003, "invalid param") from exc
    given = [body.get(name) for name in names]
    if not all(isinstance(each, str) and each for each in given):
        raise ApiError(10003, "invalid param")
    return [str(each) for each in given]


def _app(state: State, app_id: str, secret: str) -> App:
    if not _APP_ID.fullmatch(app_id):
        raise ApiError(10003, "invalid param")
    app = state.apps.get(app_id)
    if app is None:
        raise ApiError(10014, "unknown app_id")
    if not app.is_enabled:
        raise ApiError(10014, "the app is disabled", msg="app is disabled")
    if app.app_secret != secret:
        switches = state.switches
        raise ApiError(
            switches.wrong_secret_code, "wrong secret", status=switches.wrong_secret_status, msg="app secret invalid"
        )
    return app


def _issue(state: State, request: Request) -> tuple[str, int]:
    app = _app(state, *_texts(request, "app_id", "app_secret"))
    if app.kind != "self_built":
        raise ApiError(10005, "a store app needs its app_ticket and a tenant_key")
    return state.tokens.issue(app.app_id, state.tenant_key)


def tenant_token(state: State, request: Request) -> Flat:
    """A tenant access token and the seconds it has left."""
    token, expire = _issue(state, request)
    return Flat({"tenant_access_token": token, "expire": expire})


def app_token(state: State, request: Request) -> Flat:
    """An app access token, which for self-built apps is the tenant token (§1.2)."""
    token, expire = _issue(state, request)
    return Flat({"app_access_token": token, "tenant_access_token": token, "expire": expire})


def store_app_token(state: State, request: Request) -> Flat:
    """A store app's app access token, for its app_ticket."""
    app_id, secret, ticket = _texts(request, "app_id", "app_secret", "app_ticket")
    app = _app(state, app_id, secret)
    if app.kind != "store":
        raise ApiError(10005, "the app is not a store app")
    if ticket not in app.tickets:
        raise ApiError(10012, "the app_ticket is unknown or too old: use app_ticket/resend")
    token, expire = state.tokens.issue(app_id, "", kind="app")
    return Flat({"app_access_token": token, "expire": expire})


def store_tenant_token(state: State, request: Request) -> Flat:
    """A store app's token for one of the tenants that installed it."""
    text, tenant_key = _texts(request, "app_access_token", "tenant_key")
    token = state.tokens.find(text)
    if token is None or token.kind != "app" or not state.tokens.is_live(token):
        raise ApiError(10013, "the app_access_token is unknown or expired")
    if tenant_key not in state.apps[token.app_id].tenants:
        raise ApiError(10005, "the tenant has not installed the app")
    issued, expire = state.tokens.issue(token.app_id, tenant_key)
    return Flat({"tenant_access_token": issued, "expire": expire})


def resend_ticket(state: State, request: Request) -> Flat:
    """Push a new app_ticket."""
    app = _app(state, *_texts(request, "app_id", "app_secret"))
    if app.kind != "store":
        raise ApiError(10016, "only store apps have an app_ticket")
    state.push_ticket(app.app_id)
    return Flat({})


def _route(path: str, handler: Handler, members: tuple[str, ...], note: str) -> Route:
    return Route(
        "POST",
        f"/open-apis/auth/v3/{path}",
        handler,
        members=frozenset(members),
        rate=Rate(100),
        needs_token=False,
        note=note,
    )


_SECRET: Final = ("app_id", "app_secret")
ROUTES: Final = (
    _route("tenant_access_token/internal", tenant_token, _SECRET, "the same token while 30 minutes remain"),
    _route("app_access_token/internal", app_token, _SECRET, "the app token of a self-built app is its tenant token"),
    _route(
        "app_access_token",
        store_app_token,
        (*_SECRET, "app_ticket"),
        "the two newest app_tickets are accepted; 10012 otherwise",
    ),
    _route(
        "tenant_access_token",
        store_tenant_token,
        ("app_access_token", "tenant_key"),
        "10013 for the app token, 10005 for the tenant",
    ),
    _route("app_ticket/resend", resend_ticket, _SECRET, "pushes a new app_ticket to the app's request URL"),
)
