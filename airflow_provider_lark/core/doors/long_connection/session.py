"""One connection as its protocol sees it: what comes in, what goes out and when. Sans I/O; the time is passed in."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_lark.core.doors.long_connection.fragments import Fragments
from airflow_provider_lark.core.doors.long_connection.frame import Frame, Method, OddFrame, decode, ping
from airflow_provider_lark.core.receiving.envelope import JsonObject

GRACE_SECONDS = 30.0
"""So long beyond the interval of pings nothing may come before the connection counts as dead."""

PROBE_SECONDS = 5.0
"""So soon a ping is sent again that nothing has followed: one that is lost must not look like a dead connection."""

_LONGEST_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Timings:
    """What the server says about time, in seconds; until it does, what its official clients take.

    :param ping: between two pings.
    :param reconnect: between two tries to connect.
    :param jitter: a random part of it is added, so that not all clients come back at once.
    """

    ping: float = 120.0
    reconnect: float = 120.0
    jitter: float = 30.0

    def updated(self, config: object) -> Timings:
        """Return the timings with what *config*, the server's ``ClientConfig``, changes.

        How often to try, it may say too. That is left aside: a receiver that has given up stands there deaf.

        >>> Timings().updated({"PingInterval": 90, "ReconnectNonce": 0, "ReconnectInterval": "soon"})
        Timings(ping=90.0, reconnect=120.0, jitter=0.0)
        """
        if not isinstance(config, Mapping):
            return self
        return Timings(
            ping=_seconds(config.get("PingInterval"), self.ping, least=1.0),
            reconnect=_seconds(config.get("ReconnectInterval"), self.reconnect, least=1.0),
            jitter=_seconds(config.get("ReconnectNonce"), self.jitter, least=0.0),
        )

    def wait_seconds(self, failures: int, chance: float) -> float:
        """Return how long to wait before connecting again; never under a second.

        :param failures: tries that failed since there last was a connection.
        :param chance: a random number in [0, 1).
        """
        return max(1.0, (self.reconnect if failures else 0.0) + chance * self.jitter)


def _seconds(value: object, otherwise: float, *, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= _LONGEST_SECONDS:
        return otherwise
    return float(value)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A whole delivery, which waits for its answer.

    :param frame: the one that completed it.
    :param payload: the delivery's JSON, as bytes.
    """

    frame: Frame
    payload: bytes = field(repr=False)

    def answer(self, *, is_taken: bool, body: JsonObject | None = None, took_ms: int = 0) -> bytes:
        """Return the bytes of the answer.

        :param is_taken: False: Lark sends the delivery again.
        :param body: what the person who clicked sees.
        """
        told: dict[str, Any] = {"code": 200 if is_taken else 500}
        if body is not None:
            told["data"] = base64.b64encode(json.dumps(body, ensure_ascii=False).encode()).decode()
        return self.frame.answer(json.dumps(told).encode(), took_ms=took_ms if is_taken else None).encode()


class Silent(Exception):
    """Nothing has come for so long that the connection must be dead, though neither side has closed it."""


class Session:
    """One connection, from its opening to its end.

    :param service: the ``service_id`` of its address.
    :param now: the time on a clock that never jumps, in seconds; as in all its methods.
    """

    def __init__(self, service: int, timings: Timings, *, now: float) -> None:
        self.timings = timings
        self.is_confirmed = False
        """Whether the server has said anything: a proxy may accept a connection and lead it nowhere."""
        self.heard_at = now
        """When the last frame came, of whatever kind."""
        self._service = service
        self._pinged_at: float | None = None
        self._fragments = Fragments()

    def receive(self, raw: bytes, *, now: float) -> Arrival | None:
        """Take a frame, and return the delivery that it completes, if it does.

        :raises OddFrame: it makes no sense; the connection goes on all the same.
        """
        self.heard_at = now
        self.is_confirmed = True
        frame = decode(raw)
        if frame.method == Method.CONTROL:
            self._control(frame)
            return None
        if frame.method != Method.DATA:
            raise OddFrame(f"a frame has the method {frame.method}")
        total, number = _count(frame, "sum", 1), _count(frame, "seq", 0)
        payload = frame.payload or b""
        if total > 1:
            whole = self._fragments.add(frame.header("message_id"), total, number, payload, now=now)
            return None if whole is None else Arrival(frame, whole)
        return Arrival(frame, payload)

    def _control(self, frame: Frame) -> None:
        if frame.header("type") != "pong" or not frame.payload:
            return
        try:
            config = json.loads(frame.payload)
        except (ValueError, RecursionError):
            raise OddFrame("the settings in a pong are not JSON") from None
        self.timings = self.timings.updated(config)

    @property
    def due_at(self) -> float:
        """When :meth:`tick` has something to do next, unless a frame comes before."""
        return min(self._next_ping_at, self._dead_at)

    @property
    def _next_ping_at(self) -> float:
        if self._pinged_at is None:
            return self.heard_at
        unanswered = self.heard_at < self._pinged_at
        return self._pinged_at + (min(PROBE_SECONDS, self.timings.ping) if unanswered else self.timings.ping)

    @property
    def _dead_at(self) -> float:
        return self.heard_at + self.timings.ping + GRACE_SECONDS

    def tick(self, *, now: float) -> bytes | None:
        """Return the ping that is due, if one is.

        :raises Silent: the connection is dead.
        """
        if now >= self._dead_at:
            raise Silent
        if now < self._next_ping_at:
            return None
        self._pinged_at = now
        return ping(self._service).encode()


def _count(frame: Frame, name: str, otherwise: int) -> int:
    text = frame.header(name)
    if not text:
        return otherwise
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise OddFrame(f"the header {name} of a frame is not a number")
    return int(text)
