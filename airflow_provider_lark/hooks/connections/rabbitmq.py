"""An Airflow connection becomes the address of a RabbitMQ broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.connections.lark import read_connection

if TYPE_CHECKING:
    from airflow_provider_lark.core.inbox.rabbitmq.broker import Broker

TYPES = ("amqp", "amqps", "rabbitmq", "generic")
"""The types of connection that are taken; Airflow's form offers the last one, an URI the others."""

_PORT, _TLS_PORT = 5672, 5671


def open_broker(conn_id: str) -> Broker:
    """Return the broker of the connection *conn_id*; nothing is connected yet.

    Host, port, login and password are the broker's, the schema is the virtual host (default ``/``). TLS is used with
    the type ``amqps``, or with ``{"tls": true}`` in the extra; ``ca_bundle`` there is a PEM file of certificates to
    trust.

    :raises ConfigError: there is no such connection, it is none of RabbitMQ, or the extra ``rabbitmq`` is missing.
    """
    connection = read_connection(conn_id)
    where, kind = f"connection {conn_id!r}", connection.conn_type
    if kind not in TYPES:
        raise ConfigError(f"{where}: has type {kind!r}; expected a RabbitMQ connection of type {' or '.join(TYPES)}")
    if not connection.host:
        raise ConfigError(f"{where}: has no host; enter the host name of the RabbitMQ broker")
    try:
        from airflow_provider_lark.core.inbox.rabbitmq.broker import Broker, BrokerAddress
    except ImportError as exc:
        raise ConfigError(f"{where}: RabbitMQ needs the package amqp; install airflow-provider-lark[rabbitmq]") from exc
    extra = _read_extra(connection, where)
    uses_tls = kind == "amqps" or extra.get("tls") is True
    return Broker(
        BrokerAddress(
            host=connection.host,
            port=connection.port or (_TLS_PORT if uses_tls else _PORT),
            user=connection.login or "guest",
            password=Secret(connection.password or "guest"),
            # an URI writes the virtual host "/" as %2F
            vhost=unquote(connection.schema or "") or "/",
            uses_tls=uses_tls,
            ca_bundle=extra.get("ca_bundle") or None,
        )
    )


def _read_extra(connection: Any, where: str) -> dict[str, Any]:
    try:
        extra = connection.extra_dejson
    except ValueError:
        extra = None
    if not isinstance(extra, dict):
        raise ConfigError(f"{where}: extra is not a valid JSON object")
    return extra
