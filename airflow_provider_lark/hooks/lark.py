"""LarkHook: an Airflow connection of type ``lark`` becomes a client of the core."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_provider_lark.core.errors import AccessDenied, LarkError, NotAuthorized, UnexpectedAnswer, Unreachable
from airflow_provider_lark.hooks.connection import LarkSettings, read_connection

if TYPE_CHECKING:
    from airflow_provider_lark.core import AsyncLarkClient, LarkClient

# what a person should look at, by what went wrong
_HINTS: Mapping[type[LarkError], str] = {
    NotAuthorized: "check App ID and App Secret in the developer console, and that the app is published",
    AccessDenied: "give the app the missing scope in the developer console and publish a version",
    Unreachable: "check Host and Proxy, and that this machine may reach Lark",
    UnexpectedAnswer: "check Host: something else than Lark answers there",
}


class LarkHook(BaseHook):
    """Talks to Lark / Feishu with the App ID and App Secret of a connection.

    The connection is read once per hook.

    >>> with LarkHook("lark_default").client() as client:
    ...     tables = client.bitable.list_tables(app_token)

    :param lark_conn_id: id of a connection of type ``lark``.
    """

    conn_name_attr = "lark_conn_id"
    default_conn_name = "lark_default"
    conn_type = "lark"
    hook_name = "Lark / Feishu"

    def __init__(self, lark_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lark_conn_id = lark_conn_id

    @cached_property
    def settings(self) -> LarkSettings:
        """What the connection says.

        :raises ConfigError: the connection lacks something, or says something impossible.
        """
        from airflow.sdk.log import mask_secret

        settings = LarkSettings.from_connection(read_connection(self.lark_conn_id))
        for secret in settings.secrets:
            mask_secret(secret)
        return settings

    @property
    def bases(self) -> Mapping[str, str]:
        """Names of bases and their app_tokens, from the connection's extra."""
        return self.settings.bases

    def client(self) -> LarkClient:
        """Return a new client; close it, or use it in a ``with``."""
        from airflow_provider_lark.core import LarkClient

        return LarkClient(self.settings.app_id, self.settings.app_secret, **self._client_options())

    def get_conn(self) -> LarkClient:
        """Return a new client, as :meth:`client` does."""
        return self.client()

    async def async_client(self) -> AsyncLarkClient:
        """Return a new asynchronous client; close it, or use it in an ``async with``."""
        from airflow_provider_lark.core import AsyncLarkClient

        # reading a connection asks the supervisor, which must not be waited for on the event loop
        settings = await asyncio.to_thread(lambda: self.settings)
        return AsyncLarkClient(settings.app_id, settings.app_secret, **self._client_options())

    def _client_options(self) -> dict[str, Any]:
        return {
            "host": self.settings.host,
            "timeout_seconds": self.settings.timeout_seconds,
            "proxy": self.settings.proxy,
            "verify": self.settings.ca_bundle or True,
        }

    def test_connection(self) -> tuple[bool, str]:
        """Get a token and ask who we are; say what is missing otherwise."""
        try:
            with self.client() as client:
                bot = client.bot.info()
        except LarkError as exc:
            hints = [hint for kind, hint in _HINTS.items() if isinstance(exc, kind)]
            return False, "; ".join([str(exc), *hints])
        return True, f"{self.settings.host} knows this app as {bot.name!r}"
