"""A WebSocket on a connection whose request was read already: the protocol by ``websockets``, the socket ours."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from airflow_provider_lark.emulator.wire import Request

if TYPE_CHECKING:
    from websockets.frames import Frame

_RECEIVED_AT_ONCE: Final = 65_536


class NoWebSocket(Exception):
    """The request cannot become one; the answer has been sent."""


class WebSocket:
    """One WebSocket, from the upgrade to its end; :meth:`send` and :meth:`close` may be called from any thread."""

    def __init__(self, sock: socket.socket, request: Request, *, refusal: Mapping[str, str] | None = None) -> None:
        """Answer the handshake.

        :param refusal: headers of the answer, if it shall be refused.
        :raises NoWebSocket: it is refused, or the request is no handshake.
        """
        from websockets.server import ServerProtocol

        self._socket = sock
        self._lock = threading.Lock()
        self._protocol = ServerProtocol(max_size=None)
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        self._protocol.receive_data(f"GET {request.path} HTTP/1.1\r\n{head}\r\n".encode("latin-1"))
        asked = self._protocol.events_received()
        if refusal is None and asked:
            answer = self._protocol.accept(asked[0])  # type: ignore[arg-type]  # the first event is the request
        else:
            answer = self._protocol.reject(401 if refusal else 400, "")
            for name, value in (refusal or {}).items():
                answer.headers[name] = value
        self._protocol.send_response(answer)
        self._flush()
        if answer.status_code != 101:
            raise NoWebSocket

    def send(self, message: bytes) -> None:
        """Send one binary message.

        :raises OSError: the connection is gone.
        """
        with self._lock:
            if self._protocol.state.name != "OPEN":
                raise ConnectionResetError
            self._protocol.send_binary(message)
            self._flush()

    def close(self) -> None:
        """End it without a word, as a broken network does."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def messages(self) -> Iterator[bytes]:
        """Whole messages, until the other side closes or the connection breaks."""
        parts: list[bytes] = []
        while True:
            try:
                received = self._socket.recv(_RECEIVED_AT_ONCE)
            except OSError:
                return
            with self._lock:
                if received:
                    self._protocol.receive_data(received)
                else:
                    self._protocol.receive_eof()
                events = self._protocol.events_received()
                with contextlib.suppress(OSError):
                    self._flush()
            for event in events:
                yield from self._take(event, parts)  # type: ignore[arg-type]  # after the request come frames
            if not received or self._protocol.close_expected():
                return

    def _take(self, frame: Frame, parts: list[bytes]) -> Iterator[bytes]:
        from websockets.frames import DATA_OPCODES

        if frame.opcode not in DATA_OPCODES:
            return
        parts.append(bytes(frame.data))
        if frame.fin:
            yield b"".join(parts)
            parts.clear()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._socket.sendall(data)
