"""The publishing end of the queue: a delivery is stored when the broker has confirmed it, and not before."""

from __future__ import annotations

import contextlib
import queue
import weakref
from typing import Any

import amqp
from amqp.exceptions import AMQPError

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.errors import LarkError, Unreachable
from airflow_provider_lark.core.inbox.inbox import Receipt
from airflow_provider_lark.core.inbox.rabbitmq.broker import Broker, QueueNames, declare
from airflow_provider_lark.core.inbox.rabbitmq.message import make_message
from airflow_provider_lark.core.receiving.envelope import Delivery

PUT_SECONDS = 2.0
"""Lark hangs up after 3, and the door gives up after 2.5."""

IDLE_SECONDS = 20.0
"""A connection that has rested longer is opened anew: a firewall may have forgotten it."""

_PREPARE_SECONDS = 10.0


class RabbitMQInbox:
    """Puts the deliveries to one app into its queue; safe to share between threads.

    Whether a delivery is new, only the database can tell, so each one is said to be; the inbox keeps it once.
    """

    def __init__(
        self,
        broker: Broker,
        keyring: Keyring,
        app_id: str,
        *,
        put_seconds: float = PUT_SECONDS,
        clock: Clock | None = None,
    ) -> None:
        self._broker = broker
        self._keyring = keyring
        self._app_id = app_id
        self._names = QueueNames(app_id)
        self._put_seconds = put_seconds
        self._clock = clock or SystemClock()
        self._idle: queue.LifoQueue[_Line] = queue.LifoQueue()
        # a receiver reads its connection anew every minute, and lets go of what it had
        weakref.finalize(self, _drop_all, self._idle)

    def put(self, delivery: Delivery) -> Receipt:
        """Keep *delivery* in the queue; returns after the broker has confirmed it.

        :raises ConfigError: the user, its rights, the virtual host or the queue are not as they must be.
        :raises Unreachable: the broker does not answer or confirm in time, or refuses; the delivery may be there all
            the same, and comes twice then.
        """
        end = self._clock.monotonic() + self._put_seconds
        at_ms = int(self._clock.now() * 1000)
        message = make_message(self._keyring, self._app_id, delivery, at_ms=at_ms)
        rested = self._take_rested()
        if rested is not None:
            try:
                self._publish(rested, message, end)
                return Receipt(True, at_ms)
            except LarkError:
                raise
            except (AMQPError, OSError):
                # most likely closed while it rested; whatever else it is, the next one meets it too
                pass
        self._broker.run(lambda: self._publish(self._open(end), message, end))
        return Receipt(True, at_ms)

    def prepare(self) -> None:
        """Declare the queues, so that what is wrong is said now and not at the first event.

        :raises ConfigError: as :meth:`put`; likewise Unreachable.
        """
        end = self._clock.monotonic() + _PREPARE_SECONDS
        self._idle.put(self._broker.run(lambda: self._open(end)))

    def close(self) -> None:
        """Close the connections that rest."""
        _drop_all(self._idle)

    def _open(self, end: float) -> _Line:
        return _Line(self._broker, self._names, self._clock, seconds=max(0.1, end - self._clock.monotonic()))

    def _take_rested(self) -> _Line | None:
        with contextlib.suppress(queue.Empty):
            while True:
                line = self._idle.get_nowait()
                if self._clock.monotonic() - line.used_at < IDLE_SECONDS:
                    return line
                line.drop()
        return None

    def _publish(self, line: _Line, message: amqp.Message, end: float) -> None:
        try:
            line.publish(message, end=end)
        except BaseException:
            # a confirm that comes late would be taken for the next one's
            line.drop()
            raise
        self._idle.put(line)


def _drop_all(idle: queue.LifoQueue[_Line]) -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            idle.get_nowait().drop()


class _Line:
    """A connection with a channel on which one message at a time is published and confirmed."""

    def __init__(self, broker: Broker, names: QueueNames, clock: Clock, *, seconds: float) -> None:
        self._where = broker.address
        self._names = names
        self._clock = clock
        self._is_blocked = False
        self._connection = broker.connect(seconds=seconds)
        self.used_at = clock.monotonic()
        try:
            self._connection.on_blocked = self._note_blocked
            self._connection.on_unblocked = self._note_unblocked
            self._channel = self._connection.channel()
            self._channel.confirm_select()
            declare(self._channel, names)
        except BaseException:
            self.drop()
            raise
        self._outcome: bool | None = None
        self._is_returned = False
        self._channel.events["basic_ack"].add(lambda *_: self._settle(True))
        self._channel.events["basic_nack"].add(lambda *_: self._settle(False))
        self._channel.events["basic_return"].add(lambda *_: self._note_returned())

    def publish(self, message: amqp.Message, *, end: float) -> None:
        self._send(message, end)
        if self._is_returned:
            # somebody has deleted the queue since
            declare(self._channel, self._names)
            self._send(message, end)
        if self._is_returned:
            raise Unreachable(f"{self._where}: the queue {self._names.main} vanishes as soon as it is declared")
        if not self._outcome:
            raise Unreachable(
                f"{self._where}: the queue {self._names.main} refused a message; check its length limit (policy), its "
                "replicas and the broker's log"
            )
        self.used_at = self._clock.monotonic()

    def _send(self, message: amqp.Message, end: float) -> None:
        self._outcome, self._is_returned = None, False
        self._channel.basic_publish(message, routing_key=self._names.main, mandatory=True, timeout=self._left(end))
        while self._outcome is None:
            try:
                self._connection.drain_events(timeout=self._left(end))
            except TimeoutError:
                raise Unreachable(self._tell_late()) from None

    def _left(self, end: float) -> float:
        left = end - self._clock.monotonic()
        if left <= 0:
            raise Unreachable(self._tell_late())
        return left

    def _tell_late(self) -> str:
        if self._is_blocked:
            return f"{self._where}: takes no messages, because it is short of memory or disk; see `rabbitmqctl status`"
        return f"{self._where}: has not confirmed a message in time; check its load and its log"

    def _settle(self, is_kept: bool) -> None:
        self._outcome = is_kept

    def _note_returned(self) -> None:
        self._is_returned = True

    def _note_blocked(self, *_: Any) -> None:
        self._is_blocked = True

    def _note_unblocked(self, *_: Any) -> None:
        self._is_blocked = False

    def drop(self) -> None:
        """Close the connection without a word: the broker may not be listening."""
        with contextlib.suppress(AMQPError, OSError):
            self._connection.collect()
