"""What a Lark connection says, read and checked; every message names the connection and never a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_provider_lark.core.api.host import FEISHU_HOST, normalize_host
from airflow_provider_lark.core.errors import ConfigError

if TYPE_CHECKING:
    from airflow.sdk import Connection

DEFAULT_TIMEOUT_SECONDS = 30.0
MAX_TIMEOUT_SECONDS = 600.0


def read_connection(conn_id: str) -> Connection:
    """Return Airflow's connection *conn_id*.

    :raises ConfigError: there is none.
    """
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as exc:
        raise ConfigError(
            f"connection {conn_id!r}: does not exist; add it under Admin → Connections, with `airflow connections add` "
            f"or as AIRFLOW_CONN_{conn_id.upper()}"
        ) from exc


@dataclass(frozen=True, slots=True)
class LarkSettings:
    """What a Lark connection says.

    :param host: address of the open platform with scheme, as the core normalizes it.
    :param bases: names of bases and their app_tokens.
    :param ca_bundle: path of a file of certificates to trust, instead of the public ones.
    """

    app_id: str
    app_secret: str = field(repr=False)
    host: str = FEISHU_HOST
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    proxy: str | None = field(default=None, repr=False)
    bases: Mapping[str, str] = field(default_factory=dict)
    ca_bundle: str | None = None

    @classmethod
    def from_connection(cls, conn: Connection) -> LarkSettings:
        """Read *conn*: login is the App ID, password the App Secret.

        :raises ConfigError: an entry is missing or impossible.
        """
        where = f"connection {conn.conn_id!r}"
        if conn.conn_type != "lark":
            raise ConfigError(f"{where}: is of type {conn.conn_type!r}; a connection of type 'lark' is needed")
        extra = _read_extra(conn, where)
        return cls(
            app_id=_need(conn.login, where, "App ID (login)"),
            app_secret=_need(conn.password, where, "App Secret (password)"),
            host=_read_host(conn, where),
            timeout_seconds=_read_timeout(extra.get("timeout_seconds"), where),
            proxy=_read_proxy(extra.get("proxy"), where),
            bases=_read_bases(extra.get("bases"), where),
            ca_bundle=_read_ca_bundle(extra.get("ca_bundle"), where),
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never show up in a log."""
        password = urlsplit(self.proxy).password if self.proxy else None
        return (self.app_secret, password) if password else (self.app_secret,)


def _need(value: str | None, where: str, name: str) -> str:
    if not value or not value.strip():
        raise ConfigError(f"{where}: has no {name}; the developer console shows it under Credentials & Basic Info")
    return value.strip()


def _read_extra(conn: Connection, where: str) -> Mapping[str, Any]:
    if not conn.extra:
        return {}
    try:
        extra = json.loads(conn.extra)
    except ValueError as exc:
        raise ConfigError(f"{where}: extra is no JSON object") from exc
    if not isinstance(extra, dict):
        raise ConfigError(f"{where}: extra is no JSON object")
    return extra


def _read_host(conn: Connection, where: str) -> str:
    host = (conn.host or "").strip()
    if not host:
        return FEISHU_HOST
    if "://" not in host:
        # a connection given as an URI, lark://id:secret@open.larksuite.com:443/https, has the scheme in another place
        host = f"{conn.schema or 'https'}://{host}"
    if conn.port and not re.search(r":\d+$", host):
        host = f"{host}:{conn.port}"
    try:
        return normalize_host(host)
    except ConfigError as exc:
        raise ConfigError(f"{where}: {exc.message}") from exc


def _read_timeout(value: Any, where: str) -> float:
    if value is None or value == "":
        return DEFAULT_TIMEOUT_SECONDS
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    if isinstance(value, bool) or not 0 < seconds <= MAX_TIMEOUT_SECONDS:
        raise ConfigError(f"{where}: timeout_seconds must be a number above 0, at most {MAX_TIMEOUT_SECONDS:g}")
    return seconds


def _read_proxy(value: Any, where: str) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not value.startswith(("http://", "https://", "socks5://")):
        raise ConfigError(f"{where}: proxy must be an address such as http://proxy.example:3128")
    return value


def _read_ca_bundle(value: Any, where: str) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not Path(value).is_file():
        raise ConfigError(f"{where}: ca_bundle must be the path of a file of certificates that this machine can read")
    return value


def _read_bases(value: Any, where: str) -> dict[str, str]:
    expected = f'{where}: bases must be a JSON object such as {{"MyDB": "<app_token>"}}'
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as exc:
            raise ConfigError(expected) from exc
    if not isinstance(value, dict):
        raise ConfigError(expected)
    if bad := [name for name, token in value.items() if not isinstance(token, str) or not token.strip()]:
        raise ConfigError(f"{where}: bases[{bad[0]!r}] must be an app_token: the part after /base/ in its address")
    return {name.strip(): _app_token_of(token.strip()) for name, token in value.items()}


def _app_token_of(text: str) -> str:
    # people paste the whole address where the token is asked for
    steps = urlsplit(text).path.split("/")
    return steps[steps.index("base") + 1] if "base" in steps[:-1] else text
