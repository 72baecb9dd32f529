"""From the queue to the database: what is committed there is acknowledged here, and nothing else."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import amqp
from amqp.exceptions import AMQPError

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.inbox.inbox import Outcome
from airflow_provider_lark.core.inbox.rabbitmq.broker import Broker, QueueNames, declare
from airflow_provider_lark.core.inbox.rabbitmq.message import Unreadable, read_message
from airflow_provider_lark.core.receiving.envelope import Delivery

log = logging.getLogger(__name__)

MOVED_AT_ONCE = 100
"""So many messages go into one transaction, and are held at most."""

HELD_SECONDS = 300.0
"""So long messages are held while the database fails; RabbitMQ takes them back after 30 minutes by itself."""

TRIES_MAX = 10
"""So often one message is tried while others can be stored, before it becomes a dead letter."""

_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
_ANSWER_SECONDS = 10.0
_GLANCE_SECONDS = 1.0
"""Far below the heartbeat, or the broker takes us for dead."""


class Target(Protocol):
    """The inbox in the database."""

    def put_all(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Store all of them durably, each once; see :meth:`.DeliveryStore.put_all`."""
        ...

    def check(self) -> None:
        """Raise a :class:`.LarkError` where the database cannot be used."""
        ...


class Pump:
    """Moves the deliveries to one app from its queue to the inbox, until it is told to stop.

    Several may run at once, in one process or many. Nothing is lost when one is killed: the broker hands out again what
    was not acknowledged, and the inbox knows what it has.

    :ivar counts: ``moved``, ``dead`` (not readable, or not storable), ``gaps`` (connections that were lost), and
        ``failures`` of the database.
    """

    def __init__(
        self,
        broker: Broker,
        keyring: Keyring,
        app_id: str,
        target: Target,
        *,
        longest_wait_seconds: float = _LONGEST_WAIT_SECONDS,
        clock: Clock | None = None,
    ) -> None:
        self._broker = broker
        self._keyring = keyring
        self._app_id = app_id
        self._names = QueueNames(app_id)
        self._target = target
        self._longest_wait_seconds = longest_wait_seconds
        self._clock = clock or SystemClock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.counts: Counter[str] = Counter()

    def start(self) -> None:
        """Run in a thread of its own."""
        self._thread = threading.Thread(target=self.run, name=f"lark-pump-{self._app_id}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the batch that is under way, and wait for that."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2 * _ANSWER_SECONDS)

    def run(self) -> None:
        """Move until :meth:`stop`; a broker or a database that fails is tried again, later and later."""
        failures = 0
        while not self._stop.is_set():
            before = self.counts["moved"]
            try:
                # while the database is down the messages rest in the queue, where handing out is not counted
                self._target.check()
                self._broker.run(self._consume)
                return
            except LarkError as exc:
                failures = 1 if self.counts["moved"] > before else failures + 1
                if failures == 1:
                    log.warning("events wait in the queue %s: %s", self._names.main, exc)
                self.counts["gaps"] += 1
            except Exception:
                # whatever it is, the next events must not wait for a person to start the receiver anew
                failures += 1
                self.counts["gaps"] += 1
                log.exception("events wait in the queue %s: moving them failed", self._names.main)
            self._stop.wait(wait_seconds(failures, self._longest_wait_seconds))

    def _consume(self) -> None:
        connection = self._broker.connect(seconds=_ANSWER_SECONDS)
        try:
            channel = connection.channel()
            declare(channel, self._names)
            channel.basic_qos(0, MOVED_AT_ONCE, False)
            batch = _Batch(self, channel)
            channel.basic_consume(self._names.main, callback=batch.add)
            log.info("moving events from the queue %s of %s", self._names.main, self._broker.address)
            while not self._stop.is_set():
                _drain(connection, batch.wait_seconds(self._clock.monotonic()))
                connection.heartbeat_tick()
                batch.move()
        finally:
            with contextlib.suppress(AMQPError, OSError):
                connection.collect()

    # -- what a batch asks of it

    def read(self, message: amqp.Message) -> Delivery:
        """Return what *message* holds.

        :raises Unreadable: nothing for us.
        """
        return read_message(self._keyring, self._app_id, message)

    def store(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Keep them in the inbox."""
        return self._target.put_all(deliveries)

    def is_up(self) -> bool:
        """Tell whether the database answers."""
        try:
            self._target.check()
        except LarkError:
            return False
        return True

    @property
    def now(self) -> float:
        """The time, of which only differences mean something."""
        return self._clock.monotonic()

    @property
    def longest_wait_seconds(self) -> float:
        """The longest time between two tries."""
        return self._longest_wait_seconds


class _Batch:
    """The messages that are held: what has come and is not acknowledged."""

    def __init__(self, pump: Pump, channel: amqp.Channel) -> None:
        self._pump = pump
        self._channel = channel
        self._held: dict[int, Delivery] = {}
        self._tries: Counter[int] = Counter()
        self._failures = 0
        self._failed_at = 0.0
        self._due = 0.0

    def add(self, message: amqp.Message) -> None:
        """Take a message, or put it aside at once."""
        try:
            self._held[message.delivery_tag] = self._pump.read(message)
        except Unreadable as exc:
            self._bury(message.delivery_tag, str(exc))

    def wait_seconds(self, now: float) -> float:
        """Return how long to wait for more messages."""
        return min(_GLANCE_SECONDS, max(0.0, self._due - now)) if self._held else _GLANCE_SECONDS

    def move(self) -> None:
        """Store what is held, and acknowledge it.

        :raises LarkError: the database has failed for so long that the messages go back to the queue.
        """
        now = self._pump.now
        if not self._held or now < self._due:
            return
        try:
            self._store(list(self._held))
        except LarkError as exc:
            self._note_failure(now, exc)
            return
        self._failures = 0

    def _store(self, tags: list[int]) -> None:
        """Store what is held; raise the error of one that was not."""
        outcomes: Sequence[Outcome]
        try:
            outcomes = self._pump.store([self._held[tag] for tag in tags])
        except LarkError as exc:
            if len(tags) > 1 or not self._pump.is_up():
                raise
            # the only one, so that nobody can tell its fault from the database's
            outcomes = [exc]
        error: LarkError | None = None
        for tag, outcome in zip(tags, outcomes, strict=True):
            if not isinstance(outcome, LarkError):
                self._acknowledge(tag)
                continue
            self._tries[tag] += 1
            if self._tries[tag] >= TRIES_MAX:
                self._bury(tag, f"tried {TRIES_MAX} times; the last time: {outcome}")
            else:
                error = outcome
        if error is not None:
            raise error

    def _note_failure(self, now: float, exc: LarkError) -> None:
        self._pump.counts["failures"] += 1
        self._failures += 1
        if self._failures == 1:
            self._failed_at = now
            log.warning("events cannot be stored and wait in RabbitMQ: %s", exc)
        if now - self._failed_at > HELD_SECONDS:
            raise exc
        self._due = now + wait_seconds(self._failures, self._pump.longest_wait_seconds)

    def _acknowledge(self, tag: int) -> None:
        self._channel.basic_ack(tag)
        self._forget(tag)
        self._pump.counts["moved"] += 1

    def _bury(self, tag: int, why: str) -> None:
        self._channel.basic_reject(tag, requeue=False)
        self._forget(tag)
        self._pump.counts["dead"] += 1
        log.error("an event became a dead letter in RabbitMQ: %s", why)

    def _forget(self, tag: int) -> None:
        self._held.pop(tag, None)
        self._tries.pop(tag, None)


def wait_seconds(failures: int, longest_seconds: float) -> float:
    """Return how long to wait after so many failures in a row.

    >>> [wait_seconds(n, 30.0) for n in (1, 2, 3, 7, 100)]
    [0.5, 1.0, 2.0, 30.0, 30.0]
    """
    return min(longest_seconds, _FIRST_WAIT_SECONDS * float(2 ** min(failures - 1, 10)))


def _drain(connection: Any, seconds: float) -> None:
    """Take in what comes within *seconds*, and what has come with it."""
    try:
        connection.drain_events(timeout=max(seconds, 0.001))
        while True:
            connection.drain_events(timeout=0)
    except TimeoutError:
        return
