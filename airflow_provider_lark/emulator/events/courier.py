"""Delivery: a thread of its own that sends events, again and again until they are acknowledged (lark-api §5.3)."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from airflow_provider_lark.emulator.clock import SystemClock
from airflow_provider_lark.emulator.events.payload import changed_event, create_time, envelope, ticket_envelope
from airflow_provider_lark.emulator.events.sockets import LongConnections
from airflow_provider_lark.emulator.ids import Ids
from airflow_provider_lark.emulator.state.accounts import Accounts, App
from airflow_provider_lark.emulator.tenant.changes import Announcement, RecordsChanged, TicketMade
from airflow_provider_lark.emulator.tenant.endpoint import (
    APP_TICKET,
    FIELD_CHANGED,
    RECORD_CHANGED,
    Endpoint,
    Post,
    Unacknowledged,
)

RETRY_SECONDS: Final = (15.0, 300.0, 3600.0, 21600.0)
EVENT_SCOPES: Final = frozenset({"bitable:app", "drive:drive"})
LATE_SECONDS: Final = 1.0
MAX_LOGGED: Final = 10_000
# a clock that is moved by hand may jump at any moment; the machine's cannot
_GLANCE_SECONDS: Final = 0.02
_IDLE_SECONDS: Final = 0.1
_LONGEST_NAP_SECONDS: Final = 1.0


@dataclass
class Delivery:
    """One event on its way to one app."""

    event_id: str
    event_type: str
    app_id: str
    due: float
    payload: dict[str, Any] = field(repr=False)
    """What the app finds after it decrypted the body."""
    endpoint: Endpoint | None = field(repr=False)
    """None: over the long connection."""
    state: Literal["waiting", "sent", "delivered", "dropped", "lost"] = "waiting"
    """``sent``: over a long connection, and not answered yet; ``lost``: it was dropped, and counts as delivered."""
    attempts: int = 0
    last_error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The delivery as JSON, without what it carries."""
        names = ("event_id", "event_type", "app_id", "state", "attempts", "last_error")
        url = "" if self.endpoint is None else self.endpoint.url
        return {**{name: getattr(self, name) for name in names}, "url": url, "due": self.due}


class Courier:
    """Takes announcements and carries them to the apps.

    To request URLs one at a time; over long connections as many as there are.
    """

    def __init__(self, accounts: Accounts, ids: Ids, sockets: LongConnections) -> None:
        self._accounts = accounts
        self._sockets = sockets
        # its own source of ids: the thread must not disturb those of records
        self._ids = ids
        self._numbers = itertools.count(1)
        self._log: deque[Delivery] = deque(maxlen=MAX_LOGGED)
        self._waiting: list[tuple[float, int, Delivery]] = []
        """A heap by due time, then by order of announcement."""
        self._orders = itertools.count()
        self._round = 0
        self._under_way = 0
        """How many were sent over long connections and wait for their answer."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._post: Post | None = None

    def start(self) -> None:
        """Begin to deliver."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="emulator-events", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, also in the middle of a delivery; what waits stays and goes on after a start."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            if self._post is not None:
                self._post.cut()
        thread.join(timeout=10)

    def clear(self) -> None:
        """Forget every event, waiting or not."""
        with self._changed:
            self._log.clear()
            self._waiting.clear()
            self._round += 1
            self._under_way = 0
            self._changed.notify_all()

    def log(self) -> list[Delivery]:
        """All deliveries, oldest first."""
        with self._changed:
            return list(self._log)

    def settle(self, timeout_seconds: float = 10.0) -> None:
        """Wait until everything that is due by the emulator's clock was tried.

        :raises TimeoutError: it was not within *timeout_seconds* of real time.
        """
        with self._changed:
            self._changed.notify_all()
            if not self._changed.wait_for(self._is_quiet, timeout_seconds):
                msg = f"events are still undelivered after {timeout_seconds:g} s"
                raise TimeoutError(msg)

    def _is_quiet(self) -> bool:
        is_idle = self._post is None and self._under_way <= self._sockets.unheard
        return is_idle and not self._is_due() and not self._tickets_due()

    # -- taking

    def announce(self, news: Announcement) -> None:
        """Address an event to each app that wants it. Under the lock of the state."""
        if isinstance(news, TicketMade):
            self._add_ticket(news)
            return
        event_type = RECORD_CHANGED if isinstance(news, RecordsChanged) else FIELD_CHANGED
        now = self._accounts.clock.now()
        for app_id, subscribers in self._accounts.subscriptions.of(news.base.app_token).items():
            app = self._accounts.apps[app_id]
            if not _is_wanted(app, event_type):
                continue
            endpoint = app.endpoint
            event = changed_event(news, self._accounts.directory, subscribers, now)
            if not event["action_list"]:
                continue
            event_id = self._ids.make("", 32)
            payload = envelope(
                event_type,
                event,
                event_id=event_id,
                create_time=create_time(now, self._accounts.switches.event_time_digits),
                token="" if endpoint is None else endpoint.verification_token,
                app_id=app_id,
                tenant_key=self._accounts.tenant_key,
            )
            self._add(event_id, event_type, app_id, payload, endpoint)

    def _add_ticket(self, news: TicketMade) -> None:
        endpoint = self._accounts.apps[news.app_id].endpoint
        if endpoint is None:
            return
        event_id, now = self._ids.make("", 32), self._accounts.clock.now()
        payload = ticket_envelope(
            news.app_id, news.ticket, event_id=event_id, now=now, token=endpoint.verification_token
        )
        self._add(event_id, APP_TICKET, news.app_id, payload, endpoint)

    def _add(
        self, event_id: str, event_type: str, app_id: str, payload: dict[str, Any], endpoint: Endpoint | None
    ) -> None:
        switches = self._accounts.switches
        number = next(self._numbers)
        due = self._accounts.clock.now() + switches.event_delay_seconds
        if switches.events_out_of_order and number % 2:
            due += LATE_SECONDS
        with self._changed:
            for _ in range(switches.event_copies):
                delivery = Delivery(event_id, event_type, app_id, due, payload, endpoint)
                self._log.append(delivery)
                self._push(delivery)
            self._changed.notify_all()

    def _push(self, delivery: Delivery) -> None:
        heapq.heappush(self._waiting, (delivery.due, next(self._orders), delivery))

    def _is_due(self) -> bool:
        return bool(self._waiting) and self._waiting[0][0] <= self._accounts.clock.now()

    def _run(self) -> None:
        while True:
            for app_id in self._tickets_due():
                self._accounts.push_ticket(app_id)
            self._sockets.expire()
            with self._changed:
                if self._stopping:
                    return
                if not self._is_due():
                    self._changed.notify_all()
                    self._changed.wait(self._nap_seconds())
                    continue
                _, _, delivery = heapq.heappop(self._waiting)
                began = self._round
                post = self._post = None if delivery.endpoint is None else Post(delivery.endpoint.url)
                self._under_way += post is None
            if post is None or delivery.endpoint is None:
                self._send_over_socket(delivery, began)
                continue
            error = self._send(post, delivery, delivery.endpoint)
            with self._changed:
                self._post = None
                # what was forgotten in the meantime must not come back
                if began == self._round:
                    self._note(delivery, error)
                self._changed.notify_all()

    def _send_over_socket(self, delivery: Delivery, began: int) -> None:
        delivery.state = "sent"

        def done(error: str) -> None:
            with self._changed:
                if began == self._round:
                    self._under_way -= 1
                    self._note(delivery, error)
                self._changed.notify_all()

        outcome = self._sockets.deliver(delivery.app_id, delivery.payload, done)
        if outcome == "lost":
            with self._changed:
                self._under_way -= began == self._round
                delivery.attempts, delivery.state = delivery.attempts + 1, "lost"
                self._changed.notify_all()
        elif outcome == "failed":
            done("no client is connected")

    def _tickets_due(self) -> list[str]:
        now = self._accounts.clock.now()
        apps = list(self._accounts.apps.values())
        return [each.app_id for each in apps if each.wants_tickets and each.next_ticket <= now]

    def _nap_seconds(self) -> float:
        moments = [self._waiting[0][0]] if self._waiting else []
        moments += [] if self._sockets.next_due is None else [self._sockets.next_due]
        moments += [each.next_ticket for each in list(self._accounts.apps.values()) if each.wants_tickets]
        if not isinstance(self._accounts.clock, SystemClock):
            return _GLANCE_SECONDS if moments else _IDLE_SECONDS
        wait = min(moments, default=math.inf) - self._accounts.clock.now()
        return min(max(wait, _GLANCE_SECONDS), _LONGEST_NAP_SECONDS)

    def _send(self, post: Post, delivery: Delivery, endpoint: Endpoint) -> str:
        """Why the app did not take it; empty: it did."""
        body = endpoint.seal(delivery.payload, self._ids)
        headers = endpoint.signature(body, self._accounts.clock.now(), self._ids)
        try:
            status, _ = post.send(body, headers, timeout_seconds=self._accounts.switches.ack_seconds)
        except Unacknowledged as error:
            return str(error)
        return "" if status == 200 else f"{endpoint.url} answered HTTP {status}"

    def _note(self, delivery: Delivery, error: str) -> None:
        if self._stopping and error:
            # cut off, not refused: it counts for nothing and comes again after a start
            delivery.state = "waiting"
            self._push(delivery)
            return
        delivery.attempts += 1
        delivery.last_error = error
        if not error:
            delivery.state = "delivered"
        elif delivery.attempts > len(RETRY_SECONDS):
            delivery.state = "dropped"
        else:
            delivery.state = "waiting"
            delivery.due = self._accounts.clock.now() + RETRY_SECONDS[delivery.attempts - 1]
            self._push(delivery)


def _is_wanted(app: App, event_type: str) -> bool:
    """Whether the app is on, added the event in the console and has a scope for it (§5.1)."""
    allowed = app.is_enabled and (app.scopes is None or not app.scopes.isdisjoint(EVENT_SCOPES))
    if app.endpoint is not None:
        return allowed and event_type in app.endpoint.event_types
    over = app.long_connection
    return allowed and over is not None and over.takes_events and event_type in over.event_types
