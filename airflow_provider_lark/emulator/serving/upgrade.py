"""From a request for a long connection to the connection (lark-api §5.5)."""

from __future__ import annotations

from importlib.util import find_spec
from socket import socket

from airflow_provider_lark.emulator.events.sockets import LongConnections
from airflow_provider_lark.emulator.formats.jsontext import dump
from airflow_provider_lark.emulator.serving.websocket import NoWebSocket, WebSocket
from airflow_provider_lark.emulator.wire import Answer, Request, Upgrade


def upgrade(sockets: LongConnections, request: Request) -> Answer | Upgrade:
    """What the server does with the request; without ``websockets`` it can only say so."""
    if find_spec("websockets") is None:
        return Answer(501, dump({"error": "long connections need the package websockets: pip install websockets"}))

    def converse(sock: socket) -> None:
        admitted = sockets.admit(request.query)
        refusal = admitted if isinstance(admitted, dict) else None
        try:
            link = WebSocket(sock, request, refusal=refusal)
        except (NoWebSocket, OSError):
            return
        if isinstance(admitted, dict):
            return
        sockets.opened(admitted, link)
        try:
            for message in link.messages():
                sockets.received(admitted, message)
        finally:
            sockets.closed(admitted)

    return Upgrade(converse)
