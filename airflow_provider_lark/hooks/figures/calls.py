"""The figures of calls to Lark."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from airflow_provider_lark.hooks.figures import names
from airflow_provider_lark.hooks.figures.sending import Sender, open_sender

if TYPE_CHECKING:
    from airflow_provider_lark.core.api.wire.routes import Route


class CallFigures:
    """Sends what a client tells: see :class:`.CallObserver`."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def called(self, route: Route, code: str) -> None:
        """Count a call."""
        name = _name_of(route)
        self._sender.count(names.CALLS, 1, route=name, code=code)
        if code == "0" and name in _TOKENS:
            self._sender.count(names.TOKEN_RENEWALS, 1, route=name)

    def waited(self, route: Route, seconds: float) -> None:
        """Count a wait."""
        name = _name_of(route)
        self._sender.count(names.RATE_LIMIT_WAITS, 1, route=name)
        self._sender.count(names.RATE_LIMIT_WAIT, round(seconds * 1000), route=name)


def call_figures() -> CallFigures | None:
    """Return what sends the figures of calls; None where Airflow's stats are off."""
    sender = open_sender()
    return None if sender is None else CallFigures(sender)


_TOKENS = frozenset({"tenant_token", "store_app_token", "store_tenant_token", "oauth_token"})


def _name_of(route: Route) -> str:
    # a path that a user called could hold anything
    return route_names().get(route.endpoint, "other")


@cache
def route_names() -> dict[str, str]:
    """Return how the routes of our client are called, by method and path: a closed set."""
    from airflow_provider_lark.core.api.services import workflows
    from airflow_provider_lark.core.api.wire import routes

    found = {**vars(routes), **vars(workflows)}.items()
    return {value.endpoint: name.lower() for name, value in found if isinstance(value, routes.Route)}
