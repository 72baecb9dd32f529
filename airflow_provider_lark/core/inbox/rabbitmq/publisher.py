"""The publishing end of the queue: a delivery is stored when the broker has confirmed it, and not before."""

from __future__ import annotations

import contextlib
import queue
import weakref
from collections.abc import Sequence
from typing import Any

import amqp
from amqp.exceptions import AMQPError

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.errors import LarkError, Unreachable
from airflow_provider_lark.core.inbox.inbox import Outcome, Receipt, put_one
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
        """Keep *delivery* in the queue; see :meth:`put_all`."""
        return put_one(self, delivery)

    def put_all(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Keep *deliveries* in the queue; returns after the broker has answered for each of them.

        :returns: for each in turn what became of it; of one that the broker refuses, :class:`.Unreachable`.
        :raises ConfigError: the user, its rights, the virtual host or the queue are not as they must be.
        :raises Unreachable: the broker does not answer or confirm in time; some may be there all the same, and come
            twice then.
        """
        end = self._clock.monotonic() + self._put_seconds
        at_ms = int(self._clock.now() * 1000)
        messages = [make_message(self._keyring, self._app_id, each, at_ms=at_ms) for each in deliveries]
        rested = self._take_rested()
        if rested is not None:
            try:
                return self._publish(rested, messages, end)
            except LarkError:
                raise
            except (AMQPError, OSError):
                # most likely closed while it rested; whatever else it is, the next one meets it too
                pass
        return self._broker.run(lambda: self._publish(self._open(end), messages, end))

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

    def _publish(self, line: _Line, messages: Sequence[amqp.Message], end: float) -> list[Outcome]:
        try:
            outcomes = line.publish(messages, end=end)
        except BaseException:
            # a confirm that comes late would be taken for the next one's
            line.drop()
            raise
        self._idle.put(line)
        return outcomes


def _drop_all(idle: queue.LifoQueue[_Line]) -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            idle.get_nowait().drop()


class _Line:
    """A connection with a channel on which one batch of messages at a time is published and confirmed."""

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
        # of this batch, by the number that the broker gives each message of the channel
        self._last_tag = 0
        self._waiting: set[int] = set()
        self._refused: set[int] = set()
        self._is_returned = False
        self._channel.events["basic_ack"].add(lambda tag, multiple: self._settle(tag, multiple=multiple))
        self._channel.events["basic_nack"].add(lambda tag, multiple: self._refuse(tag, multiple=multiple))
        self._channel.events["basic_return"].add(lambda *_: self._note_returned())

    def publish(self, messages: Sequence[amqp.Message], *, end: float) -> list[Outcome]:
        tags = self._send(messages, end)
        if self._is_returned:
            # somebody has deleted the queue since; what comes twice, the inbox keeps once
            declare(self._channel, self._names)
            tags = self._send(messages, end)
        if self._is_returned:
            raise Unreachable(f"{self._where}: the queue {self._names.main} vanishes as soon as it is declared")
        self.used_at = self._clock.monotonic()
        return [self._tell_refused() if tag in self._refused else Receipt() for tag in tags]

    def _send(self, messages: Sequence[amqp.Message], end: float) -> list[int]:
        """Publish messages, wait until the broker has answered for each of them, and return their tags."""
        self._is_returned = False
        self._refused.clear()
        tags = list(range(self._last_tag + 1, self._last_tag + 1 + len(messages)))
        for tag, message in zip(tags, messages, strict=True):
            self._last_tag = tag
            self._waiting.add(tag)
            self._channel.basic_publish(message, routing_key=self._names.main, mandatory=True, timeout=self._left(end))
        while self._waiting:
            try:
                self._connection.drain_events(timeout=self._left(end))
            except TimeoutError:
                raise Unreachable(self._tell_late()) from None
        return tags

    def _left(self, end: float) -> float:
        left = end - self._clock.monotonic()
        if left <= 0:
            raise Unreachable(self._tell_late())
        return left

    def _tell_late(self) -> str:
        if self._is_blocked:
            return f"{self._where}: takes no messages, because it is short of memory or disk; see `rabbitmqctl status`"
        return f"{self._where}: has not confirmed a message in time; check its load and its log"

    def _tell_refused(self) -> Unreachable:
        return Unreachable(
            f"{self._where}: the queue {self._names.main} refused a message; check its length limit (policy), its "
            "replicas and the broker's log"
        )

    def _settle(self, tag: int, *, multiple: bool) -> set[int]:
        settled = {each for each in self._waiting if each <= tag} if multiple else {tag}
        self._waiting -= settled
        return settled

    def _refuse(self, tag: int, *, multiple: bool) -> None:
        self._refused |= self._settle(tag, multiple=multiple)

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
