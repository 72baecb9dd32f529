"""Connections to RabbitMQ, the queues of an app, and error messages for their failures."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import amqp
from amqp.exceptions import AccessRefused, AMQPError, NotAllowed, PreconditionFailed

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError, LarkError, Unreachable

T = TypeVar("T")

HEARTBEAT_SECONDS = 20

DELIVERY_LIMIT = 100
"""So often the pump may die with a message before RabbitMQ puts it aside. Each long failure of the database counts too,
so not fewer."""

_DEAD_EXCHANGE = "lark.inbox.dead"


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where RabbitMQ is, and who we are there.

    :param ca_bundle: path of a PEM file with the certificates to trust instead of the public ones.
    """

    host: str
    port: int
    user: str
    password: Secret = field(repr=False)
    vhost: str = "/"
    uses_tls: bool = False
    ca_bundle: str | None = None

    def __str__(self) -> str:
        return f"RabbitMQ at {self.host}:{self.port}, virtual host {self.vhost!r}"


@dataclass(frozen=True, slots=True)
class QueueNames:
    """The queues of an app."""

    app_id: str

    @property
    def main(self) -> str:
        """What waits for the database."""
        return f"lark.inbox.{self.app_id}"

    @property
    def dead(self) -> str:
        """What could not be read."""
        return f"{self.main}.dead"


class Broker:
    """One virtual host of RabbitMQ; holds no connection."""

    def __init__(self, address: BrokerAddress) -> None:
        self.address = address

    def connect(self, *, seconds: float) -> amqp.Connection:
        """Open a connection; each step of it, and each later answer, may take *seconds*."""
        address = self.address
        tls: bool | dict[str, object] = False
        if address.uses_tls:
            tls = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": address.host, "ca_certs": address.ca_bundle}
        connection = amqp.Connection(
            host=f"{address.host}:{address.port}",
            userid=address.user,
            password=address.password.reveal(),
            login_method="PLAIN",
            virtual_host=address.vhost,
            ssl=tls,
            connect_timeout=seconds,
            read_timeout=seconds,
            write_timeout=seconds,
            heartbeat=HEARTBEAT_SECONDS,
            client_properties={"connection_name": "airflow-provider-lark"},
        )
        try:
            connection.connect()
        except BaseException:
            connection.collect()
            raise
        return connection

    def run(self, work: Callable[[], T]) -> T:
        """Run *work*, which talks to the broker.

        :raises ConfigError: the user, its rights, the virtual host or the queue are not as they must be.
        :raises Unreachable: the broker does not answer, or fails otherwise.
        """
        try:
            return work()
        except LarkError:
            # said in words already; Unreachable is an OSError too
            raise
        except (AMQPError, OSError) as exc:
            error = self._explain(exc)
        # outside the except block: frames of the library hold the password in their locals
        raise error

    def _explain(self, exc: AMQPError | OSError) -> LarkError:
        if isinstance(exc, PreconditionFailed):
            # the broker names the queue, the argument, and both of its values
            return ConfigError(
                f"{self.address}: a queue exists with other arguments ({exc.reply_text}); delete it with `rabbitmqctl "
                "delete_queue` once it is empty, and it is declared again"
            )
        if isinstance(exc, AccessRefused):
            return ConfigError(
                f"{self.address}: refuses the user {self.address.user!r} ({exc.reply_text}); check login and password, "
                r"and let it configure, write and read '^lark\.inbox\.' and write to 'amq.default'"
            )
        if isinstance(exc, NotAllowed):
            return ConfigError(f"{self.address}: refused ({exc.reply_text}); check the connection's schema")
        kind = type(exc).__name__
        if isinstance(exc, AMQPError) and exc.reply_code:
            kind = f"{kind} {exc.reply_code}"
        return Unreachable(f"{self.address} failed ({kind}); check that it is running, its address and its log")


def declare(channel: amqp.Channel, names: QueueNames) -> None:
    """Declare the queues of an app; nothing changes where they exist."""
    channel.exchange_declare(_DEAD_EXCHANGE, "direct", durable=True, auto_delete=False)
    channel.queue_declare(names.dead, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    channel.queue_bind(names.dead, _DEAD_EXCHANGE, names.main)
    arguments = {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": _DEAD_EXCHANGE,
        "x-dead-letter-routing-key": names.main,
        # a dead letter stays in this queue until the other one has it
        "x-dead-letter-strategy": "at-least-once",
        # where a policy limits the queue's length, it is the newest that is refused, and Lark sends it again
        "x-overflow": "reject-publish",
        "x-delivery-limit": DELIVERY_LIMIT,
    }
    channel.queue_declare(names.main, durable=True, auto_delete=False, arguments=arguments)
