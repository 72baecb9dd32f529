"""Sends callbacks as Lark does, at a fixed rate and so cheaply that the sender is not what is measured."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from urllib.parse import urlsplit

from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.emulator.tenant import crypto

KEY = "campaign key"
CLICKS_EVERY = 10
TWICE_EVERY = 20
_CLOCK = SystemClock()


@dataclass(frozen=True)
class Plan:
    """How many, how fast, and for how long the store is away.

    :param again_seconds: after so long what was not taken is sent again; Lark's first time is 15 s.
    :param is_durable: let PostgreSQL wait for its disk, which tests of behaviour need not.
    :param keeps_lines: send over connections that are kept open; else each over a new one, as some proxies do.
    """

    callbacks: int = 10_000
    rate: float = 200.0
    stop_seconds: float = 10.0
    again_seconds: float = 15.0
    is_durable: bool = True
    keeps_lines: bool = True


@dataclass
class Outcome:
    """What Lark and the persons who clicked have met.

    :param kept_late: clicks that were kept although the person was told, in time, to press again.
    :param lag: how far the sender fell behind, seconds: so much of a long answer may be its own.
    :param cpu_seconds: processor time of the receiver's processes, from the first callback to the last answer.
    """

    limit_seconds: float
    seconds: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    entries: int = 0
    lost: int = 0
    double: int = 0
    kept_late: int = 0
    lag: float = 0.0
    cpu_seconds: float = 0.0

    @property
    def late(self) -> int:
        """How many answers took longer than Lark waits."""
        return sum(each > self.limit_seconds for each in self.seconds)

    def quantile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def __str__(self) -> str:
        shown = ", ".join(f"{name} {count:,}" for name, count in sorted(self.answers.items()))
        times = ", ".join(f"{self.quantile(share) * 1000:.0f} ms ({name})" for name, share in _SHARES.items())
        return (
            f"{len(self.seconds):,} requests ({shown}); answered in {times}, {max(self.seconds):.2f} s (longest), "
            f"{self.late} over {self.limit_seconds:g} s; entries {self.entries:,}, lost {self.lost}, double "
            f"{self.double}, kept late {self.kept_late}; {1000 * self.cpu_seconds / len(self.seconds):.1f} ms of "
            f"processor time a request; the sender lagged {self.lag:.2f} s at most"
        )


_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Lines:
    """Connections to one address that are kept open; a small part of what a library for HTTP does and costs."""

    def __init__(self, url: str, *, keeps: bool = True) -> None:
        parts = urlsplit(url)
        self._keeps = keeps
        self._address = (parts.hostname or "", parts.port or 80)
        self._head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Return status and body of the answer.

        :raises OSError: the connection failed, or ended before the answer.
        """
        reader, writer = self._take_idle() or await asyncio.open_connection(*self._address)
        told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"{self._head}{told}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.partition("content-length:")[2].split("\r\n")[0])
            answer = await reader.readexactly(length)
        except BaseException as exc:
            writer.close()
            if isinstance(exc, EOFError):
                raise ConnectionError("the connection ended before the answer") from exc
            raise
        if self._keeps:
            self._idle.append((reader, writer))
        else:
            writer.close()
        return int(head.split(" ", 2)[1]), answer

    def _take_idle(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            # a server ends what has rested for some seconds
            writer.close()
        return None

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


class Sender:
    """Sends as Lark does, until each callback was taken."""

    def __init__(self, url: str, app_id: str, plan: Plan, *, limit_seconds: float) -> None:
        self._lines = Lines(url, keeps=plan.keeps_lines)
        self._app_id = app_id
        self._plan = plan
        self.outcome = Outcome(limit_seconds)
        self.taken: set[str] = set()
        # before the clock runs
        self._sealed = [self._seal(number, tries=0) for number in range(plan.callbacks)]

    async def run(self, during: Callable[[float], object]) -> None:
        """Send everything; *during* is told how much of it has begun."""
        began = perf_counter()
        tasks = []
        for number in range(self._plan.callbacks):
            due = began + number / self._plan.rate
            await asyncio.sleep(max(0.0, due - perf_counter()))
            self.outcome.lag = max(self.outcome.lag, perf_counter() - due)
            tasks.append(asyncio.create_task(self._bring(number)))
            if number % TWICE_EVERY == 0:
                tasks.append(asyncio.create_task(self._bring(number)))
            during(number / self._plan.callbacks)
        await asyncio.gather(*tasks)
        self._lines.close()

    async def _bring(self, number: int) -> None:
        is_click = number % CLICKS_EVERY == 0
        sealed, tries = self._sealed[number], 0
        while not await self._send(*sealed, is_click=is_click):
            await asyncio.sleep(self._plan.again_seconds)
            if is_click:
                # a person's next press is another click, Lark's next try the same event
                tries += 1
                sealed = self._seal(number, tries=tries)
        self.taken.add(str(number))

    def _seal(self, number: int, *, tries: int) -> tuple[bytes, dict[str, str]]:
        return seal(callback(self._app_id, number, is_click=number % CLICKS_EVERY == 0, tries=tries))

    async def _send(self, body: bytes, headers: dict[str, str], *, is_click: bool) -> bool:
        began = perf_counter()
        try:
            status, answer = await self._lines.post(body, headers)
        except OSError as exc:
            self.outcome.answers[type(exc).__name__] += 1
            return False
        self.outcome.seconds.append(perf_counter() - began)
        if status != 200:
            self.outcome.answers[str(status)] += 1
            return False
        is_refused = is_click and json.loads(answer)["toast"]["type"] == "error"
        self.outcome.answers["press again" if is_refused else "taken"] += 1
        return not is_refused


def callback(app_id: str, number: int, *, is_click: bool, tries: int) -> dict[str, object]:
    """Return one callback; its number stands in its event id."""
    header = {"app_id": app_id, "token": "", "tenant_key": "t", "event_id": f"{number}"}
    if not is_click:
        event = {"file_type": "bitable", "file_token": "bas1", "table_id": f"tbl{number % 20}", "action_list": []}
        header |= {"event_type": "drive.file.bitable_record_changed_v1", "create_time": str(int(_CLOCK.now() * 1000))}
        return {"schema": "2.0", "header": header, "event": event}
    header |= {"event_type": "card.action.trigger", "event_id": f"{number}.{tries}"}
    header["create_time"] = str(int(_CLOCK.now() * 1_000_000))
    event = {
        "operator": {"open_id": "ou_1"},
        "action": {"value": {"number": number, "press": tries}, "tag": "button"},
        "context": {"open_message_id": f"om_{number}"},
    }
    return {"schema": "2.0", "header": header, "event": event}


def seal(body: dict[str, object]) -> tuple[bytes, dict[str, str]]:
    """Return *body* as Lark sends it: encrypted and signed."""
    sealed = json.dumps({"encrypt": crypto.encrypt(json.dumps(body).encode(), KEY, secrets.token_bytes(16))}).encode()
    at, nonce = str(int(_CLOCK.now())), secrets.token_hex(5)
    signature = crypto.sign(at, nonce, KEY, sealed)
    names = ("X-Lark-Request-Timestamp", "X-Lark-Request-Nonce", "X-Lark-Signature")
    return sealed, dict(zip(names, (at, nonce, signature), strict=True))
