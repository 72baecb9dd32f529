"""The queues of an app: their counts, and replaying dead letters, for example once their key is back."""

from __future__ import annotations

import amqp
from amqp.exceptions import NotFound

from airflow_provider_lark.core.inbox.rabbitmq.broker import Broker, QueueNames, declare

_ANSWER_SECONDS = 10.0


class AppQueues:
    """What waits for the database, and what could not be read. Nothing is connected between the calls.

    Its methods raise :class:`.ConfigError` where the broker refuses us, and :class:`.Unreachable` where it does not
    answer.
    """

    def __init__(self, broker: Broker, app_id: str) -> None:
        self._broker = broker
        self._names = QueueNames(app_id)

    def count(self) -> tuple[int, int]:
        """Return how many messages wait, and how many are dead letters; 0 where a queue does not exist."""

        def work() -> tuple[int, int]:
            connection = self._broker.connect(seconds=_ANSWER_SECONDS)
            try:
                return _ready(connection, self._names.main), _ready(connection, self._names.dead)
            finally:
                connection.collect()

        return self._broker.run(work)

    def replay(self) -> int:
        """Move the dead letters that are there now back to the queue, and return how many.

        A message is taken from one queue after the other has confirmed it; a process that is killed in between leaves
        it in both.
        """

        def work() -> int:
            connection = self._broker.connect(seconds=_ANSWER_SECONDS)
            try:
                channel = connection.channel()
                declare(channel, self._names)
                # not what becomes a dead letter again meanwhile
                waiting = int(channel.queue_declare(self._names.dead, passive=True).message_count)
                return sum(_move_one(channel, self._names) for _ in range(waiting))
            finally:
                connection.collect()

        return self._broker.run(work)


def _ready(connection: amqp.Connection, queue: str) -> int:
    try:
        # a channel of its own: a queue that is missing closes it
        return int(connection.channel().queue_declare(queue, passive=True).message_count)
    except NotFound:
        return 0


def _move_one(channel: amqp.Channel, names: QueueNames) -> int:
    found = channel.basic_get(names.dead)
    if found is None:
        return 0
    known = {name: value for name, value in found.properties.items() if name != "application_headers"}
    # where it died stands in the headers, and would be taken for the next death's
    headers = {name: value for name, value in (found.headers or {}).items() if not name.startswith("x-")}
    message = amqp.Message(found.body, application_headers=headers, **known)
    channel.basic_publish_confirm(message, routing_key=names.main, mandatory=True, confirm_timeout=_ANSWER_SECONDS)
    channel.basic_ack(found.delivery_tag)
    return 1
