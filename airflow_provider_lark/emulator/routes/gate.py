"""What stands before every route: token, scope, known parameters, in the platform's order (reference §10)."""

from __future__ import annotations

import re
from typing import Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.routes.router import Route
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.wire import Request

_BEARER: Final = re.compile(r"Bearer ((?:t-|u-|a-|eyJ)\S+)")


def authenticate(state: State, request: Request) -> None:
    """Find the calling app.

    :raises ApiError: 99991661 no header, 99991671 malformed, 99991663 or 99991668 unknown or expired.
    """
    header = request.headers.get("authorization")
    status = state.switches.auth_status
    if not header:
        raise ApiError(99991661, "no Authorization header", status=status)
    match = _BEARER.fullmatch(header.strip())
    if match is None:
        raise ApiError(99991671, "the token must start with t- or u-", status=status)
    app_id = state.tokens.app_of(match[1])
    app = state.apps.get(app_id) if app_id is not None else None
    if app is None:
        code = 99991668 if match[1].startswith(("u-", "eyJ")) else 99991663
        raise ApiError(code, "the token is unknown or expired", status=status)
    request.app = app


def check_scopes(route: Route, request: Request) -> None:
    """Any one of the route's scopes is enough (§2.2, §8.2).

    :raises ApiError: 99991672 with ``permission_violations`` (§1.4).
    """
    granted = request.caller.scopes
    if not route.scopes or granted is None or granted.intersection(route.scopes):
        return
    violations = [{"type": "action_scope_required", "subject": scope} for scope in route.scopes]
    text = f"Access denied. One of the following scopes is required: [{', '.join(route.scopes)}]"
    raise ApiError(99991672, text, msg=text, extra={"permission_violations": violations})


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
    for name in request.json():
        if name not in route.members:
            raise invalid(name, "", f"{route.target} has no body member {name!r}")
