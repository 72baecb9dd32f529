"""HTTP/1.1 with keep-alive around the dispatch: sockets here, and nowhere else."""

from __future__ import annotations

import contextlib
import selectors
import socket
import sys
import threading
from collections.abc import Callable
from email.utils import formatdate
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.serving.bodies import Unreadable, read_body
from airflow_provider_lark.emulator.wire import JSON_TYPE, Answer, Cut, Request, Upgrade

MAX_BODY: Final = 64 * 1024 * 1024
_POLL_SECONDS: Final = 0.02
_LINGER_SECONDS: Final = 1.0
_LINGER_BYTES: Final = 64 * 1024

Answering = Callable[[Request], Answer | Cut | Upgrade]
Refusing = Callable[[ApiError], Answer]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # a small answer must not wait for the acknowledgement of the one before
    disable_nagle_algorithm = True
    server: Server

    def __getattr__(self, name: str) -> Callable[[], None]:
        # the base class looks for do_GET and its like: every method is for the routes to judge
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        try:
            request = self._read()
        except Unreadable as error:
            self.send_error(error.status, str(error))
            return
        result = self.server.answering(request)
        if isinstance(result, Cut):
            self._cut(hold=result.hold)
        elif isinstance(result, Upgrade):
            self.close_connection = True
            result.converse(self.connection)
        else:
            self._send(result)

    def _read(self) -> Request:
        if self.request_version >= "HTTP/1.1" and "Host" not in self.headers:
            raise Unreadable("HTTP/1.1 needs a Host header")
        body = read_body(self.rfile, self.headers, MAX_BODY)
        try:
            target = urlsplit(self.path)
        except ValueError as exc:
            raise Unreadable("the request target is not a URL") from exc
        repeated = parse_qs(target.query, keep_blank_values=True)
        return Request(
            method=self.command,
            path=target.path,
            query={name: values[-1] for name, values in repeated.items()},
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            peer=str(self.client_address[0]),
            repeated=repeated,
        )

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no request at all, as the gateway does: 9499 in the usual envelope (lark-api §1.4)."""
        self.close_connection = True
        detail = message or explain or "the request cannot be read"
        self._send(self.server.refusing(ApiError(9499, detail, status=code)))
        self._linger()

    def _linger(self) -> None:
        """Take what still comes: closing before would reset the connection, and the answer with it."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_LINGER_SECONDS)
            for _ in range(MAX_BODY // _LINGER_BYTES):
                if not self.connection.recv(_LINGER_BYTES):
                    return

    def _send(self, answer: Answer) -> None:
        reason = responses.get(answer.status, "Unknown")
        headers = {
            "Server": "lark-emulator",
            "Date": formatdate(self.server.clock.now(), usegmt=True),
            "Content-Type": JSON_TYPE,
            "Content-Length": str(len(answer.body)),
            **({"Connection": "close"} if self.close_connection else {}),
            **answer.headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        # one write for head and body: two would meet the delayed acknowledgement
        body = b"" if self.command == "HEAD" else answer.body
        self.wfile.write(f"HTTP/1.1 {answer.status} {reason}\r\n{lines}\r\n".encode("latin-1") + body)

    def _cut(self, *, hold: bool) -> None:
        self.close_connection = True
        if hold:
            self._wait_for_caller()
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _wait_for_caller(self) -> None:
        """Say nothing until the caller gives up or the server stops."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            while not self.server.stopping.is_set():
                if selector.select(_POLL_SECONDS):
                    return

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: the journal is the log."""


class Server(ThreadingHTTPServer):
    """Serves in threads of its own until :meth:`stop`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, answering: Answering, refusing: Refusing, clock: Clock) -> None:
        self.answering = answering
        self.refusing = refusing
        self.clock = clock
        self.stopping = threading.Event()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._open_lock = threading.Lock()
        super().__init__((host, port), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(_POLL_SECONDS,), daemon=True)

    def server_bind(self) -> None:
        """Bind without asking DNS for the host's full name, which the base class does and may wait for."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and wait until all threads have ended."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._open_lock:
            threads = dict(self._open)
        for connection in threads:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads.values():
            thread.join(timeout=5)
        self._thread.join(timeout=5)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread, and remember both for :meth:`stop`."""
        thread = threading.Thread(target=self._serve_one, args=(request, client_address), daemon=True)
        with self._open_lock:
            self._open[request] = thread
        thread.start()

    def _serve_one(self, request: Any, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            with self._open_lock:
                self._open.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is no news; anything else is printed by the base class."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)
