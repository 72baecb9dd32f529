"""What a Lark connection says, read and checked; every message names the connection and never a secret."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_provider_lark.core.api.http.host import FEISHU_HOST, LARK_HOST, is_local, normalize_host
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.connections.extra import DEFAULT_TIMEOUT_SECONDS, Extra, refuse_stars
from airflow_provider_lark.hooks.connections.settings import ConnectionSettings

if TYPE_CHECKING:
    from airflow.sdk import Connection

REGIONS = {"feishu": FEISHU_HOST, "lark": LARK_HOST}
"""The public platforms; the first is the default."""


def read_connection(conn_id: str) -> Connection:
    """Return Airflow's connection *conn_id*.

    :raises ConfigError: there is none, or Airflow lets this process read none.
    """
    variable = f"AIRFLOW_CONN_{conn_id.upper()}"
    problem = (
        "does not exist; add it under Admin → Connections, with `airflow connections add`, or as the environment "
        f"variable {variable}"
    )
    if not _sees_database():
        # as the callbacks of a DAG in dag.test()
        problem += "; outside of tasks Airflow reads connections only from the environment and from secrets backends"
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        pass
    except PermissionError:
        # as the synchronous callback of a deadline in some versions
        problem = (
            "Airflow does not let this process read connections from its database; set the environment variable "
            f"{variable}"
        )
    # outside the except block: one that Airflow cannot read is not found either, and its frames hold it
    raise ConfigError(f"connection {conn_id!r}: {problem}")


def _sees_database() -> bool:
    """Tell whether Airflow gives this process connections of its database: over a supervisor, or as a server."""
    runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    return hasattr(runner, "SUPERVISOR_COMMS") or os.environ.get("_AIRFLOW_PROCESS_CONTEXT") == "server"


@dataclass(frozen=True, slots=True)
class LarkSettings(ConnectionSettings):
    """What a Lark connection says. Its secrets are :class:`.Secret`, so it can be logged, and cannot become an XCom.

    :param host: address of the open platform with scheme, as the core normalizes it.
    :param bases: names of bases; each an app_token, or the address of the wiki page that shows the base.
    :param ca_bundle: path of a file of certificates to trust, instead of the public ones.
    :param event_encrypt_key: with which Lark encrypts and signs events.
    :param event_verification_token: which Lark puts into events that are not encrypted.
    :param token_store_conn_id: SQL connection of the database in which workers share tokens.
    :param rabbitmq_conn_id: connection of the RabbitMQ that keeps deliveries until the database has them.
    :param redis_conn_id: connection of the Redis that wakes whoever waits for an event.
    :param tenant_key: of which tenant a store app's token is.
    :param base_v3: whether whole tables may be read by base/v3.
    :param warnings: which fields of the extra may be a mistake.
    """

    app_id: str
    app_secret: Secret
    host: str = FEISHU_HOST
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    max_attempts: int | None = None
    max_elapsed_seconds: float | None = None
    proxy: Secret | None = None
    bases: Mapping[str, str] = field(default_factory=dict)
    ca_bundle: str | None = None
    event_encrypt_key: Secret | None = None
    event_verification_token: Secret | None = None
    token_store_conn_id: str | None = None
    rabbitmq_conn_id: str | None = None
    redis_conn_id: str | None = None
    tenant_key: str | None = None
    base_v3: bool = False
    warnings: tuple[str, ...] = ()

    @classmethod
    def _read(cls, conn: Connection) -> Self:
        where = f"connection {conn.conn_id!r}"
        if conn.conn_type != "lark":
            raise ConfigError(f"{where}: has type {conn.conn_type!r}; expected type 'lark'")
        extra = Extra(conn, where)
        host = _read_host(conn, where) or REGIONS[extra.choice("region", tuple(REGIONS))]
        return cls(
            app_id=_need(conn.login, where, "App ID (login)"),
            app_secret=Secret(_need(conn.password, where, "App Secret (password)")),
            host=host,
            timeout_seconds=extra.timeout_seconds(),
            max_attempts=extra.max_attempts(),
            max_elapsed_seconds=extra.max_elapsed_seconds(),
            proxy=_hide(extra.proxy()),
            bases=extra.bases(),
            ca_bundle=extra.ca_bundle(),
            event_encrypt_key=_hide(extra.secret("event_encrypt_key_secret")),
            event_verification_token=_hide(extra.secret("event_verification_token")),
            token_store_conn_id=extra.text("store_conn_id"),
            rabbitmq_conn_id=extra.text("rabbitmq_conn_id"),
            redis_conn_id=extra.text("redis_conn_id"),
            tenant_key=extra.text("tenant_key"),
            base_v3=extra.choice("base_v3", ("off", "on")) == "on",
            warnings=extra.warnings,
        )

    @property
    def is_readable(self) -> bool:
        """Whether the App Secret travels over plain http to another machine, where others may read it."""
        return urlsplit(self.host).scheme == "http" and not is_local(self.host)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never show up in a log."""
        found = [self.app_secret, self.event_encrypt_key, self.event_verification_token]
        texts = [secret.reveal() for secret in found if secret is not None]
        if self.proxy is not None and (password := urlsplit(self.proxy.reveal()).password):
            texts.append(password)
        # a library may log a password as it stands in the address, or as it is sent
        return tuple(dict.fromkeys(text for each in texts for text in (each, unquote(each))))


def _hide(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)


def _need(value: str | None, where: str, name: str) -> str:
    if not value or not value.strip():
        raise ConfigError(f"{where}: {name} is missing; copy it from the developer console, Credentials & Basic Info")
    refuse_stars(value, where, name)
    return value.strip()


def _read_host(conn: Connection, where: str) -> str | None:
    host = (conn.host or "").strip()
    if not host:
        return None
    if "://" not in host:
        # a connection given as an URI, lark://id:secret@open.larksuite.com:443/https, has the scheme in another place
        host = f"{conn.schema or 'https'}://{host}"
    if conn.port and not re.search(r":\d+$", host):
        host = f"{host}:{conn.port}"
    try:
        return normalize_host(host)
    except ConfigError as exc:
        raise ConfigError(f"{where}: {exc.message}") from exc
