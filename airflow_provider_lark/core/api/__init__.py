"""Talking to Lark: every API call is written once, without I/O, and driven from a sync and an async client.

::

    flow.py       what a call may want (send this, wait so long), and what it gets
    session.py    one call: pace, token, send, read, retry
    pacing.py     when it may go
    tokens/       as whom: a token from this process, a store, or Lark
    retry.py  ratelimit.py  paging.py  answers.py               the decisions, each pure
    routes.py  codes/  limits.py  host.py                       what Lark's documents say
    auth.py  bitable.py  bot.py  chats.py  contact.py  drive.py  messaging/  reactions.py  resources.py  wiki.py
                                                                the namespaces
    kept.py                                                     what the process remembers of chats and messages
    webhook/                                                    bots of a group that need no app
    openapi.py  forms.py                                        any other API by its path, also with files
    address.py                                                  where a table is, as a person writes it
    client.py  async_client.py  driver.py  transport.py  failures.py   the drivers; only they import httpx

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
