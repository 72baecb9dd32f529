"""LarkHook: an Airflow connection of type ``lark`` becomes a client of the core."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.hooks.connection import LarkSettings, read_connection

if TYPE_CHECKING:
    from airflow_provider_lark.core import AsyncLarkClient, LarkClient


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

    def client(self, **options: Any) -> LarkClient:
        """Return a new client; close it, or use it in a ``with``.

        :param options: what the client should do otherwise than the connection says, such as ``max_attempts``.
        """
        from airflow_provider_lark.core import LarkClient

        return LarkClient(self.settings.app_id, self.settings.app_secret, **self._client_options() | options)

    def get_conn(self) -> LarkClient:
        """Return a new client, as :meth:`client` does."""
        return self.client()

    async def async_client(self, **options: Any) -> AsyncLarkClient:
        """Return a new asynchronous client; close it, or use it in an ``async with``.

        :param options: as for :meth:`client`.
        """
        from airflow_provider_lark.core import AsyncLarkClient

        # reading a connection asks the supervisor, which must not be waited for on the event loop
        settings = await asyncio.to_thread(lambda: self.settings)
        return AsyncLarkClient(settings.app_id, settings.app_secret, **self._client_options() | options)

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
            # a person waits for the answer, so nothing is tried twice
            with self.client(max_attempts=1) as client:
                bot = client.bot.info()
        except LarkError as exc:
            return False, str(exc)
        return True, f"{self.settings.host} knows this app as {bot.name!r}"
