"""Checks before every route: token, scope, known parameters, in the platform's order (lark-api §10)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.routes.router import Route
from airflow_provider_lark.emulator.state.accounts import App
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.state.tokens import Token
from airflow_provider_lark.emulator.wire import Request

EMPLOYEE_ID: Final = "contact:user.employee_id:readonly"

_BEARER: Final = re.compile(r"Bearer ((?:t-|u-|a-|eyJ)\S+)")


def authenticate(state: State, route: Route, request: Request) -> None:
    """Find the calling app, and the person behind a user token.

    :raises ApiError: 99991661 no header, 99991671 malformed; unknown or ended: 99991663 (tenant), 99991664 (app),
        99991668 (user, unknown), 99991677 (user, ended); 99991662 the app is off; 99991673 not installed; 99991663,
        99991668 or 99991676 the route takes no such token.
    """
    header = request.headers.get("authorization")
    status = state.switches.auth_status
    if not header:
        raise ApiError(99991661, "the Authorization header is missing", status=status)
    match = _BEARER.fullmatch(header.strip())
    if match is None:
        raise ApiError(99991671, "the token must start with t- or u-", status=status)
    token = state.tokens.find(match[1])
    app = state.apps.get(token.app_id) if token is not None else None
    if token is None or app is None or not state.tokens.is_live(token):
        raise ApiError(_bad_token_code(match[1], token), "the token is unknown or expired", status=status)
    _check_app(app, token)
    # the app token of a self-built app is its tenant token (§1.2)
    serves_as_app = token.kind == "tenant" and app.kind == "self_built" and "app" in route.tokens
    if token.kind not in route.tokens and not serves_as_app:
        raise _wrong_kind(state, route, token)
    request.app, request.token = app, token


def _bad_token_code(text: str, token: Token | None) -> int:
    if text.startswith("a-"):
        return 99991664
    if not text.startswith(("u-", "eyJ")):
        return 99991663
    return 99991668 if token is None else 99991677


def _wrong_kind(state: State, route: Route, token: Token) -> ApiError:
    detail = f"{route.target} accepts {' or '.join(sorted(route.tokens))} tokens only"
    # the table of generic codes tells a wrong kind from an end by the message alone (§1.4)
    codes = {"user": (99991668, "user access token not support"), "tenant": (99991663, None)}
    if state.switches.wrong_kind_is_99991676 or token.kind not in codes:
        return ApiError(99991676, detail)
    code, msg = codes[token.kind]
    return ApiError(code, detail, msg=msg, status=state.switches.auth_status)


def _check_app(app: App, token: Token) -> None:
    if not app.is_enabled:
        raise ApiError(99991662, "the app is disabled")
    if app.kind == "store" and token.kind != "app" and token.tenant_key not in app.tenants:
        raise ApiError(99991673, "the tenant has not installed the app")


def check_scopes(route: Route, request: Request) -> None:
    """Any one of the route's scopes is enough (§2.2, §8.2); a user token needs it from the person too.

    :raises ApiError: 99991672 the app lacks it, 99991679 the person did not grant it, with ``permission_violations``
        (§1.4).
    """
    if not _has_any(route, request.caller.scopes):
        raise _scopes_missing(99991672, "Access denied. One of the following scopes is required", route.scopes)
    granted = request.token.scopes if request.token is not None else None
    if not _has_any(route, granted):
        raise _scopes_missing(99991679, "Unauthorized. The user did not grant one of the scopes", route.scopes)


def check_user_ids(request: Request) -> None:
    """``user_id_type=user_id`` needs a scope of its own (§2.3).

    :raises ApiError: 99991672.
    """
    granted = request.caller.scopes
    if request.query.get("user_id_type") == "user_id" and granted is not None and EMPLOYEE_ID not in granted:
        raise _scopes_missing(99991672, "Access denied. One of the following scopes is required", (EMPLOYEE_ID,))


def _has_any(route: Route, granted: frozenset[str] | None) -> bool:
    return not route.scopes or granted is None or not granted.isdisjoint(route.scopes)


def _scopes_missing(code: int, says: str, scopes: tuple[str, ...]) -> ApiError:
    violations = [{"type": "action_scope_required", "subject": scope} for scope in scopes]
    text = f"{says}: [{', '.join(scopes)}]"
    return ApiError(code, text, msg=text, extra={"permission_violations": violations})


def known_only(state: State, given: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Refuse members of an object in the body that the route does not know, as :func:`check_parameters` does outside.

    :raises ApiError: 99992402 with ``field_violations``.
    """
    for name in given if state.switches.strict_parameters else ():
        if name not in known:
            raise invalid(f"{where}.{name}", "", f"{where}: unknown member {name!r}")


def check_parameters(state: State, route: Route, request: Request) -> None:
    """Refuse what the route does not know, which the platform would silently ignore.

    :raises ApiError: 99992402 with ``field_violations``.
    """
    if not state.switches.strict_parameters:
        return
    for name in request.query:
        if name not in route.query:
            raise invalid(name, request.query[name], f"{route.target} has no query parameter {name!r}")
    if route.members is None or not request.body:
        return
    try:
        body = request.json()
    except ApiError:
        # routes without a token have a code of their own for that
        return
    for name in body:
        if name not in route.members:
            raise invalid(name, "", f"{route.target} has no body member {name!r}")
