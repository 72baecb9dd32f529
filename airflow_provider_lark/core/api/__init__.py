"""Talking to Lark: every API call is written once, without I/O, and driven from a sync and an async client.

::

    client.py  async_client.py      the two clients; base.py  what both are made of
    services/    the namespaces: client.bitable, client.messaging, …; any other API by its path
    webhook/     bots of a group that need no app
    calls/       one call: pace, token, send, read, retry
    http/        the drivers: beside the clients only they import httpx
    tokens/      as whom: a token from this process, a store, or Lark
    retry.py     how patient a client is; stop.py  being told to stop
    address.py   where a table is, as a person writes it
    wire/        what a request and an answer are
    codes/       what Lark's codes mean

Each line may import those below it.

The clients are loaded when they are first asked for: importing this package imports no HTTP library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_lark.core.api.async_client import AsyncLarkClient
    from airflow_provider_lark.core.api.client import LarkClient

__all__ = ["AsyncLarkClient", "LarkClient"]

_HOMES = {"LarkClient": "client", "AsyncLarkClient": "async_client"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
