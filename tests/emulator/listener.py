"""An app's request URL: takes events, and says what a test tells it to."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


@dataclass(frozen=True)
class Heard:
    headers: dict[str, str]
    body: bytes


class Listener:
    """Answers challenges by itself; *answers* holds the statuses of the next events, 0 for silence."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.answers: deque[int] = deque()
        self.encrypt_key = ""
        self.challenge_answer: bytes | None = None
        self.event_answer = b"{}"
        self.on_event: Callable[[], object] = lambda: None
        self.called = threading.Event()
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/events?from=lark"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def plain(self, heard: Heard) -> dict[str, Any]:
        """The payload, decrypted by the book (lark-api §5.3)."""
        told: dict[str, Any] = json.loads(heard.body)
        if "encrypt" not in told:
            return told
        sealed = base64.b64decode(told["encrypt"])
        key = hashlib.sha256(self.encrypt_key.encode()).digest()
        decryptor = Cipher(algorithms.AES256(key), modes.CBC(sealed[:16])).decryptor()
        padded = decryptor.update(sealed[16:]) + decryptor.finalize()
        plain: dict[str, Any] = json.loads(padded[: -padded[-1]])
        return plain

    def events(self) -> list[dict[str, Any]]:
        """The payloads of all events so far."""
        return [self.plain(each) for each in self.heard]

    def answer(self, heard: Heard) -> tuple[int, bytes]:
        payload = self.plain(heard)
        if payload.get("type") == "url_verification":
            told = json.dumps({"challenge": payload["challenge"]}).encode()
            return 200, told if self.challenge_answer is None else self.challenge_answer
        status = self.answers.popleft() if self.answers else 200
        self.heard.append(heard)
        self.called.set()
        self.on_event()
        return status, self.event_answer

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler_of(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = listener.answer(Heard({k.lower(): v for k, v in self.headers.items()}, body))
            if status == 0:
                listener.released.wait(600)
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
