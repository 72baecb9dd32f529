"""Feeds of a Lark connection: where they post, and for which tables."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.receiving.api_server import address_of, read_receiver_url

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient, TableMapping
    from airflow_provider_lark.core.api.address import TableRef
    from airflow_provider_lark.core.sync.feed import Feeds
    from airflow_provider_lark.hooks.lark import LarkHook


def feed_address(conn_id: str, given: str | None) -> str:
    """Return where feeds of a connection post; empty: nobody has said.

    :param given: below which the receiver answers, with or without ``/feed/<connection id>``; default: ``[lark]
        receiver_url``.
    :raises ConfigError: Lark cannot post there, or would send the token in clear.
    """
    base = read_receiver_url(given)
    if not base:
        return ""
    where = "--address" if given else "[lark] receiver_url"
    try:
        parts = urlsplit(base)
        is_local = _is_local(parts.hostname or "")
        # asking for the port also checks it
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = is_local = False
    if not is_address:
        raise ConfigError(f"{where}: is no address; give one such as https://airflow.example.com/lark")
    if parts.query or parts.fragment or parts.username is not None:
        raise ConfigError(f"{where}: must have no user, query or fragment: Lark posts to a plain address")
    if parts.scheme == "http" and not is_local:
        raise ConfigError(f"{where}: must begin with https://: a feed shows its token with each post")
    tail = address_of("", conn_id, "feed")
    return base if base.endswith(f"/{tail}") else f"{base}/{tail}"


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def open_feeds(hook: LarkHook, client: LarkClient, address: str) -> Feeds:
    """Return what manages the feeds of the app; nothing is asked yet.

    :param address: see :func:`feed_address`.
    """
    from airflow_provider_lark.core.sync.feed import Feeds

    return Feeds(client, hook.settings.app_secret, address)


def tables_of(hook: LarkHook, client: LarkClient, mappings: Sequence[TableMapping]) -> dict[TableRef, list[str]]:
    """Return the tables of mappings, each once, with the names of the mappings.

    :raises LarkError: a base or a table cannot be found; the message names the mapping.
    """
    from airflow_provider_lark.core.sync.binding.locate import locate

    found: dict[TableRef, list[str]] = {}
    for mapping in mappings:
        found.setdefault(_ref(*locate(client, mapping.with_bases(hook.bases))), []).append(mapping.name)
    return found


def _ref(app_token: str, table_id: str) -> TableRef:
    from airflow_provider_lark.core.api.address import TableRef

    return TableRef(app_token, table_id)
