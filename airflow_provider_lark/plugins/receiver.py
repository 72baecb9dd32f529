"""The receiver inside the api-server: ``POST /lark/events/<connection id>``, ``/lark/approval/…``, ``/lark/feed/…``.

Airflow loads this module in each of its processes where the receiver is on, so all that it needs is imported at the
first request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.hooks.receiving.api_server import read_conn_ids

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_lark.core.doors.web_app import Served, Way

log = logging.getLogger(__name__)

URL_PREFIX = "/lark"

ANSWER_SECONDS = 0.8
"""Lark waits one second for the answer to the check of the address; a click is better answered as soon."""


def read_apps() -> list[dict[str, Any]]:
    """Return what Airflow mounts in its api-server, as ``[lark]`` of its configuration says."""
    try:
        conn_ids = read_conn_ids()
    except Exception as exc:  # noqa: BLE001 - a wrong word in a setting must not keep Airflow from starting
        log.warning("[lark] receiver_enabled: cannot be read, so Lark's events are not received here: %s", exc)
        return []
    if conn_ids is None:
        return []
    if not conn_ids:
        log.warning("[lark] receiver_conn_ids names no connection, so Lark's events are not received here")
        return []
    return [{"app": ReceiverApp(conn_ids), "url_prefix": URL_PREFIX, "name": "Lark receiver"}]


class ReceiverApp:
    """An ASGI application that is made at its first request, in the process that serves it.

    :param conn_ids: which connections are served.
    """

    def __init__(self, conn_ids: Sequence[str], open_: Callable[[str], Served] | None = None) -> None:
        self._conn_ids = tuple(conn_ids)
        self._open = open_
        self._app: Starlette | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if self._app is None:
            self._app = _make_app(self._conn_ids, self._open)
        await self._app(scope, receive, send)


def _make_app(conn_ids: Sequence[str], open_: Callable[[str], Served] | None) -> Starlette:
    from airflow_provider_lark.core.doors.overload import keep_loop_quick
    from airflow_provider_lark.core.doors.web_app import Receiver, make_routes, name_in, not_ready, not_served
    from airflow_provider_lark.core.errors import LarkError
    from airflow_provider_lark.hooks.receiving.inbox import open_served
    from airflow_provider_lark.plugins.served_connection import ServedConnection

    keep_loop_quick()
    receiver = Receiver({}, answer_seconds=ANSWER_SECONDS)
    connections = {conn_id: ServedConnection(conn_id, open_ or open_served) for conn_id in conn_ids}

    async def answer(request: Request, way: Way) -> Response:
        connection = connections.get(name_in(request))
        if connection is None:
            return not_served()
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            served = await connection.get(ANSWER_SECONDS)
        except (LarkError, TimeoutError):
            return not_ready()
        return await receiver.answer_for(served, request, way, seconds=ANSWER_SECONDS - (loop.time() - began))

    ways: tuple[Way, ...] = ("events", "approval", "feed")
    return make_routes({f"/{way}": partial(answer, way=way) for way in ways})
