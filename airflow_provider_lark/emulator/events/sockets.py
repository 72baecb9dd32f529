"""Long connections: who is connected for which app, what was sent over them, and what became of it (lark-api §5.5)."""

from __future__ import annotations

import base64
import itertools
import json
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from airflow_provider_lark.emulator.events import frames
from airflow_provider_lark.emulator.events.connections import REFUSALS, Connection, Link, SocketFaults, Tally
from airflow_provider_lark.emulator.events.frames import CONTROL, DATA, Frame
from airflow_provider_lark.emulator.settings import check_values
from airflow_provider_lark.emulator.state.accounts import Accounts
from airflow_provider_lark.emulator.tenant.long_connection import client_config

PATH: Final = "/ws/v2"
SERVICE_ID: Final = 33554678
CONNECTIONS_MAX: Final = 50

Done = Callable[[str], None]
"""Told once what became of a delivery: why it was not acknowledged, or an empty text."""


@dataclass
class _Waiting:
    connection: Connection
    due: float
    done: Done
    answer: Callable[[int, bytes], None] = lambda _code, _data: None


class LongConnections:
    """All long connections. Its lock is its own: it is never held while something is sent."""

    def __init__(self, accounts: Accounts, seed: int = 0) -> None:
        self._accounts = accounts
        self._random = random.Random(seed)  # noqa: S311 - what happens must repeat with the seed
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self.clear()

    def clear(self) -> None:
        """Cut all connections off and forget them, the faults and the counts."""
        for connection in list(getattr(self, "_open", [])):
            self._cut(connection)
        self._open: list[Connection] = []
        self._waiting: dict[str, _Waiting] = {}
        self._sent = self._pings = 0
        self.faults = SocketFaults()
        self.tally = Tally()

    # -- for tests

    def set_faults(self, **faults: Any) -> dict[str, Any]:
        """Change some of :class:`SocketFaults`, and return all."""
        unknown = sorted(set(faults) - set(asdict(self.faults)))
        if unknown:
            msg = f"unknown {unknown} of long connections; known: {sorted(asdict(self.faults))}"
            raise ValueError(msg)
        check_values(SocketFaults, faults)
        for name, value in faults.items():
            setattr(self.faults, name, value)
        return asdict(self.faults)

    def silence(self) -> int:
        """Make every connection half-open: nothing comes any more, and nobody closes it. Returns how many."""
        with self._lock:
            for connection in self._open:
                connection.is_silent = True
            return len(self._open)

    def drop(self) -> int:
        """Close every connection, as the platform does now and then. Returns how many."""
        with self._lock:
            dropped = list(self._open)
        for connection in dropped:
            self._cut(connection)
        return len(dropped)

    def send_config(self) -> int:
        """Send the timings of the switches, as a pong does. Returns to how many connections."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            connection.tell(self._pong())
        return len(connections)

    def devices(self, app_id: str) -> list[str]:
        """The connections of an app, oldest first."""
        with self._lock:
            return [each.device_id for each in self._open if each.app_id == app_id]

    def status(self) -> dict[str, Any]:
        """Connections, faults and counts, as JSON."""
        with self._lock:
            open_ = [
                {"app_id": each.app_id, "device_id": each.device_id, "silent": each.is_silent} for each in self._open
            ]
        return {"connections": open_, "faults": asdict(self.faults), **asdict(self.tally)}

    # -- for the server

    def admit(self, query: Mapping[str, str]) -> Connection | dict[str, str]:
        """A connection for who asks with the ticket of an endpoint, or the headers of the refusal."""
        app_id = self._accounts.connection_tickets.pop(query.get("ticket", ""), None)
        fault = self.faults.handshake
        if not fault and (app_id is None or str(SERVICE_ID) != query.get("service_id")):
            fault = "auth"
        with self._lock:
            if not fault and sum(each.app_id == app_id for each in self._open) >= CONNECTIONS_MAX:
                fault = "too_many"
            if fault:
                self.tally.refused += 1
                status, message, code = REFUSALS[fault]
                told = {"Handshake-Status": str(status), "Handshake-Msg": message}
                return {**told, "Handshake-Autherrcode": str(code)} if code else told
            return Connection(str(app_id), query.get("device_id", ""), is_silent=self.faults.half_open)

    def opened(self, connection: Connection, link: Link) -> None:
        """The handshake is done."""
        connection.link = link
        with self._lock:
            self._open.append(connection)
            self.tally.connects += 1
        if self.faults.ends_at_once:
            link.close()

    def closed(self, connection: Connection) -> None:
        """The connection is gone; what was sent over it and not answered is sent again in time."""
        with self._lock:
            if connection in self._open:
                self._open.remove(connection)
            gone = [key for key, each in self._waiting.items() if each.connection is connection]
            ended = [self._waiting.pop(key) for key in gone]
            self.tally.unanswered += len(ended)
        for each in ended:
            each.done("the connection ended before an answer came")

    def received(self, connection: Connection, message: bytes) -> None:
        """A client sent something."""
        try:
            frame = frames.read(message)
        except frames.Malformed:
            self.tally.malformed += 1
            return
        if frame.method == CONTROL:
            self._pings += 1
            self.tally.pings += 1
            every = self.faults.loses_pongs_every
            if frame.header("type") == "ping" and not (every and self._pings % every == 0):
                connection.tell(self._pong())
            return
        self._answered(frame)

    def _pong(self) -> Frame:
        config = json.dumps(client_config(self._accounts.switches)).encode()
        return Frame(service=SERVICE_ID, method=CONTROL, headers=[("type", "pong")], payload=config)

    # -- deliveries

    def deliver(self, app_id: str, payload: Mapping[str, Any], done: Done) -> Literal["sent", "lost", "failed"]:
        """Send an event to one of the app's clients, whichever it is.

        :param done: told once what became of it, if ``sent``; never while this runs.
        :returns: ``lost``: it goes nowhere and counts as delivered; ``failed``: no client is connected.
        """
        with self._lock:
            self._sent += 1
            faults, number = self.faults, self._sent
            if faults.loses_every and number % faults.loses_every == 0:
                self.tally.lost += 1
                return "lost"
            mine = [each for each in self._open if each.app_id == app_id]
            if not mine:
                return "failed"
            connection = self._random.choice(mine)
        if faults.drops_every and number % faults.drops_every == 0:
            self._cut(connection)
            return "failed"
        self._send(connection, payload, done)
        return "sent"

    def ask(self, app_id: str, payload: Mapping[str, Any], *, timeout_seconds: float) -> tuple[int, bytes] | None:
        """Send a callback and wait for its answer, in real time: its code and data; None: there is none."""
        with self._lock:
            mine = [each for each in self._open if each.app_id == app_id]
            if not mine:
                return None
            connection = self._random.choice(mine)
        came, answers = threading.Event(), list[tuple[int, bytes]]()

        def answer(code: int, data: bytes) -> None:
            answers.append((code, data))
            came.set()

        key = self._send(connection, payload, lambda _error: came.set(), answer)
        came.wait(timeout_seconds)
        with self._lock:
            if self._waiting.pop(key, None) is not None:
                self.tally.unanswered += 1
        return answers[0] if answers else None

    def expire(self) -> None:
        """Give up on answers that are overdue by the emulator's clock."""
        now = self._accounts.clock.now()
        with self._lock:
            overdue = [key for key, each in self._waiting.items() if each.due <= now]
            ended = [self._waiting.pop(key) for key in overdue]
            self.tally.unanswered += len(ended)
        for each in ended:
            each.done("no answer came in time")

    @property
    def unheard(self) -> int:
        """How many deliveries went to clients that are cut off without knowing it: no answer will come."""
        with self._lock:
            return sum(each.connection.is_silent for each in self._waiting.values())

    @property
    def next_due(self) -> float | None:
        """When :meth:`expire` has something to do next, if nothing comes."""
        with self._lock:
            return min((each.due for each in self._waiting.values()), default=None)

    def _send(
        self,
        connection: Connection,
        payload: Mapping[str, Any],
        done: Done,
        answer: Callable[[int, bytes], None] = lambda _code, _data: None,
    ) -> str:
        raw = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        with self._lock:
            key = f"{next(self._numbers):08d}-{self._random.getrandbits(64):016x}"
            due = self._accounts.clock.now() + self._accounts.switches.ack_seconds
            self._waiting[key] = _Waiting(connection, due, done, answer)
            self.tally.sent += 1
        for frame in self._cut_up(key, raw):
            connection.tell(frame)
        return key

    def _cut_up(self, message_id: str, raw: bytes) -> list[Frame]:
        switches = self._accounts.switches
        size = switches.fragment_bytes or max(1, len(raw))
        parts = [raw[at : at + size] for at in range(0, len(raw), size)]
        made = []
        for number, part in enumerate(parts):
            told = {"type": "event", "message_id": message_id, "sum": len(parts), "seq": number, "trace_id": message_id}
            headers = [(name, str(value)) for name, value in told.items()]
            made.append(
                Frame(next(self._numbers), self._random.getrandbits(63), SERVICE_ID, DATA, headers, payload=part)
            )
        if switches.fragments_out_of_order:
            self._random.shuffle(made)
        return made

    def _answered(self, frame: Frame) -> None:
        with self._lock:
            waiting = self._waiting.pop(frame.header("message_id"), None)
            if waiting is None:
                self.tally.late += 1
                return
            code, data = _read_answer(frame)
            if code == 200:
                self.tally.acked += 1
            else:
                self.tally.failed += 1
        waiting.answer(code, data)
        waiting.done("" if code == 200 else f"the client answered {code}")

    def _cut(self, connection: Connection) -> None:
        if connection.link is not None:
            connection.link.close()
        self.closed(connection)


def _read_answer(frame: Frame) -> tuple[int, bytes]:
    """Its code and what it carries for the person who clicked; 0 for an answer that is none."""
    try:
        told = json.loads(frame.payload or b"")
        return int(told["code"]), base64.b64decode(told.get("data") or "", validate=True)
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0, b""
