"""Where a client of the long connection is told to connect (lark-api §5.5)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.events.sockets import PATH, SERVICE_ID
from airflow_provider_lark.emulator.routes.router import Rate, Route
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.long_connection import client_config
from airflow_provider_lark.emulator.wire import Request


def endpoint(state: State, request: Request) -> dict[str, Any]:
    """The address with a ticket for one connection, and the timings."""
    body = request.json()
    app_id, secret = body.get("AppID"), body.get("AppSecret")
    if not app_id or not secret:
        raise ApiError(1000040344, "AppID and AppSecret are needed", status=200)
    app = state.apps.get(str(app_id))
    if app is None or app.app_secret != secret:
        raise ApiError(514, "the app or its secret is unknown", status=200, msg="auth failed")
    if not app.is_enabled or app.kind != "self_built":
        raise ApiError(403, "only self-built apps that are enabled may connect", status=200, msg="forbidden")
    ticket = state.ids.make("", 32)
    state.connection_tickets[ticket] = app.app_id
    query = {
        "device_id": state.ids.make("", 19),
        "access_key": state.ids.make("", 32),
        "service_id": SERVICE_ID,
        "ticket": ticket,
    }
    origin = state.origin.replace("http", "ws", 1)
    return {"URL": f"{origin}{PATH}?{urlencode(query)}", "ClientConfig": client_config(state.switches)}


ROUTES: Final = (
    Route(
        "POST",
        "/callback/ws/endpoint",
        endpoint,
        members=frozenset({"AppID", "AppSecret"}),
        rate=Rate(50),
        needs_token=False,
        coverage="partly",
        note="ClientAssertion in place of the secret is not supported",
    ),
)
