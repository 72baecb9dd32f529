"""A server that answers what a test tells it to, for answers that no Lark would give; and a clock without waiting."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from airflow_provider_lark.core.api import AsyncLarkClient, LarkClient
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

TOKEN_PATH = "/open-apis/auth/v3/tenant_access_token/internal"


@dataclass
class FakeClock:
    """Time that passes only by waiting for it."""

    seconds: float = 1_000_000.0
    waits: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.seconds += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)
        await asyncio.sleep(0)  # let others run, as any wait does


@dataclass
class Answer:
    """What to say: *body* as JSON or as it is; or an *action* instead."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    action: str = ""


@dataclass
class Heard:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ScriptedServer:
    """Gives the scripted answers in order; token requests have answers of their own."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.heard: list[Heard] = []
        self.connections = 0
        self.answers: deque[Answer] = deque()
        self.token_answers: deque[Answer] = deque()
        self.tokens_given = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def say(self, data: Any = None, *, times: int = 1, **members: Any) -> None:
        """Answer with code 0 and *data*, of a page also what Lark says of each; without *data* with an empty page."""
        data = {"items": []} if data is None and not members else data or {}
        if "items" in data:
            data = {"has_more": False, "total": len(data["items"] or ()), **data}
        for _ in range(times):
            self.answers.append(Answer({"code": 0, "msg": "success", "data": data, **members}))

    def refuse(self, code: int, *, status: int = 200, msg: str = "", times: int = 1, **rest: Any) -> None:
        """Answer with an error."""
        headers = rest.pop("headers", {})
        for _ in range(times):
            self.answers.append(Answer({"code": code, "msg": msg, **rest}, status, headers))

    def refuse_token(self, code: int, *, status: int = 200, msg: str = "", times: int = 1) -> None:
        """Answer the next token request with an error."""
        self.say_token({"code": code, "msg": msg}, status=status, times=times)

    def say_token(self, body: Any, *, status: int = 200, times: int = 1) -> None:
        """Answer the next token request with *body*."""
        self.token_answers.extend([Answer(body, status)] * times)

    def do(self, action: str = "", *, times: int = 1, **rest: Any) -> None:
        """Do something that is no answer of Lark."""
        for _ in range(times):
            self.answers.append(Answer(action=action, **rest))

    def next_answer(self, heard: Heard) -> Answer:
        with self._lock:
            self.heard.append(heard)
            if not heard.path.endswith(TOKEN_PATH):
                return self.answers.popleft() if self.answers else Answer({"code": 777, "msg": "nothing scripted"}, 500)
            if self.token_answers:
                return self.token_answers.popleft()
            self.tokens_given += 1
            token = f"t-canary-token-{self.tokens_given}"
            return Answer({"code": 0, "msg": "ok", "tenant_access_token": token, "expire": 7200})

    @property
    def calls(self) -> list[Heard]:
        """What was heard, token requests left out."""
        return [heard for heard in self.heard if not heard.path.endswith(TOKEN_PATH)]

    def listen_no_more(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.socket.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler_of(script: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            script.connections += 1

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = script.next_answer(Heard(self.command, self.path, headers, body))
            if answer.action == "cut_and_close":
                script.listen_no_more()
            if answer.action in ("cut", "cut_and_close"):
                self.cut()
                return
            content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response_only(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content) * (2 if answer.action == "cut_body" else 1)))
            self.end_headers()
            self.wfile.write(content)
            if answer.action == "cut_body":
                self.close_connection = True

        def cut(self) -> None:
            # a reset rather than an end: what a client sees when a gateway dies
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    return Handler


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture
def make_client(server: ScriptedServer, clock: FakeClock) -> Iterator[Callable[..., LarkClient]]:
    clients: list[LarkClient] = []

    def make(app_id: str = "cli_test", app_secret: str = "canary-secret", **options: Any) -> LarkClient:
        options = {"host": server.url, "clock": clock, "jitter": lambda: 0.0, "timeout_seconds": 5.0, **options}
        clients.append(LarkClient(app_id, app_secret, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def emu() -> Iterator[Emulator]:
    with Emulator() as emu:
        yield emu


@pytest.fixture
def lark(emu: Emulator, make_client: Callable[..., LarkClient]) -> LarkClient:
    return make_client(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=emu.url)


@pytest.fixture
def client(make_client: Callable[..., LarkClient]) -> LarkClient:
    return make_client()


BACK = "http://127.0.0.1/back"


@pytest.fixture
def visit() -> Callable[..., dict[str, str]]:
    """Let a person follow the address that a web application shows, and return what they come back with."""

    def follow(url: str) -> dict[str, str]:
        with httpx.Client(trust_env=False) as browser:
            landed = browser.get(url).headers["Location"]
        return {name: values[0] for name, values in parse_qs(urlsplit(landed).query).items()}

    return follow


@pytest.fixture
def consent(visit: Callable[..., dict[str, str]]) -> Callable[..., str]:
    """Let a person authorise a client's app, and return their open_id."""

    def authorise(client: LarkClient, scopes: tuple[str, ...] = ("bitable:app", "offline_access")) -> str:
        code = visit(client.auth.authorize_url(redirect_uri=BACK, scopes=scopes, state="s"))["code"]
        return client.auth.exchange_code(code=code, redirect_uri=BACK).open_id

    return authorise


@pytest.fixture
def make_async_client(server: ScriptedServer, clock: FakeClock) -> Callable[..., AsyncLarkClient]:
    def make(**options: Any) -> AsyncLarkClient:
        options = {"host": server.url, "clock": clock, "jitter": lambda: 0.0, "timeout_seconds": 5.0, **options}
        return AsyncLarkClient("cli_test", "canary-secret", **options)

    return make
