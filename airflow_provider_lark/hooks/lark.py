"""LarkHook: an Airflow connection of type ``lark`` becomes a client of the core."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.hooks.calls.calling import CallingHook
from airflow_provider_lark.hooks.connections.lark import LarkSettings, read_connection
from airflow_provider_lark.hooks.figures.calls import call_figures
from airflow_provider_lark.hooks.parameters import refuse_token_path

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from airflow_provider_lark.core import AsyncLarkClient, LarkClient
    from airflow_provider_lark.core.accounts.account_store import Accounts
    from airflow_provider_lark.core.accounts.user_cache import UserCache
    from airflow_provider_lark.core.accounts.users import UserDirectory
    from airflow_provider_lark.core.api.address import TableAddress
    from airflow_provider_lark.core.api.calls.budget.store import RateStore


class LarkHook(CallingHook):
    """Talks to Lark / Feishu with the App ID and App Secret of a connection.

    The connection is read once per hook.

    >>> with LarkHook("lark_default").client() as client:
    ...     tables = client.bitable.list_tables(app_token=app_token)
    >>> LarkHook().call("GET", "/open-apis/contact/v3/scopes")

    :param lark_conn_id: id of a connection of type ``lark``.
    :param kwargs: ``timeout_seconds``, ``proxy``, ``call_retry``: override the connection's settings for calls.
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
        """What the connection says; its secrets are masked in logs from here on.

        :raises ConfigError: the connection lacks something, or says something impossible.
        """
        settings = LarkSettings.from_connection(read_connection(self.lark_conn_id))
        return settings.announce(self.lark_conn_id, self.log)

    @property
    def bases(self) -> Mapping[str, str]:
        """Names of bases and what stands for each, from the connection's extra: an app_token or a wiki address."""
        return self.settings.bases

    @cached_property
    def accounts(self) -> Accounts | None:
        """Where workers share tokens, None where the connection names no token store.

        :raises ConfigError: its SQL connection does not exist, or the encryption key is missing.
        """
        if self.settings.token_store_conn_id is None:
            return None
        from airflow_provider_lark.hooks.accounts import open_accounts

        return open_accounts(self.settings.token_store_conn_id)

    @cached_property
    def rates(self) -> RateStore | None:
        """Where the processes of the app share its rate limits, None where the connection names nothing for it."""
        from airflow_provider_lark.hooks.rates import open_rate_store

        return open_rate_store(self.settings, self.accounts, self.clock)

    def table(self, text: str, table: str | None = None) -> TableAddress:
        """Read where a table is; ``client.bitable.locate`` looks up what that leaves open.

        :param text: an app_token, the name of one of :attr:`bases`, the address of a base or of a wiki page, or base
            and table in one: ``MyDB:users``.
        :param table: the table's id or name.
        :raises ConfigError: it names no table, or a base that is not known.
        """
        from airflow_provider_lark.core.api.address import parse_table

        return parse_table(text, table, bases=self.bases)

    def client(self, **options: Any) -> LarkClient:
        """Return a new client; close it, or use it in a ``with``.

        :param options: settings that override the connection's, such as ``max_attempts``, or
            ``user`` to act as a person.
        """
        from airflow_provider_lark.core import LarkClient

        return LarkClient(self.settings.app_id, self.settings.app_secret.reveal(), **self._client_options(options))

    def get_conn(self) -> LarkClient:
        """Return a new client, as :meth:`client` does."""
        return self.client()

    async def async_client(self, **options: Any) -> AsyncLarkClient:
        """Return a new asynchronous client; close it, or use it in an ``async with``.

        :param options: as for :meth:`client`.
        """
        from airflow_provider_lark.core import AsyncLarkClient

        # reading a connection asks the supervisor, which must not be waited for on the event loop; and what was read
        # goes into no variable, which a traceback with locals would show
        return AsyncLarkClient(
            **await asyncio.to_thread(self._client_options, options),
            app_id=self.settings.app_id,
            app_secret=self.settings.app_secret.reveal(),
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Call any API of Lark once and return its whole answer; for many calls, use one :meth:`client`.

        :param method: ``GET``, ``POST``, …; without an answer, only what may be done twice is sent again.
        :param path: from ``/open-apis/`` on.
        :param form: in place of *json*, the members of a multipart body, beside its *files*.
        :param files: the files of a multipart body by the names of their parts: each a path, an ``ObjectStoragePath``,
            bytes, an open file, or a dictionary of ``path`` or ``content`` with ``name`` and ``content_type``.
        :raises ConfigError: the API answers with a token, or there is no such file.
        :raises LarkError: Lark refuses, or cannot be reached.
        """
        refuse_token_path(path)
        from airflow_provider_lark.hooks.calls.upload_files import opened_files

        with opened_files(files) as opened, self.client() as client:
            answer: dict[str, Any] = client.call(method, path, query=query, json=json, form=form, files=opened)
        return answer

    def user_directory(self, client: LarkClient, **options: Any) -> UserDirectory:
        """Return what finds people's ids by e-mail address or mobile number, and keeps the answers for all workers.

        :param client: asks Lark for those that are not known yet.
        :param options: ``ttl_seconds``, ``negative_ttl_seconds``.
        """
        from airflow_provider_lark.core.accounts.users import UserDirectory

        return UserDirectory(client, self._find_cache(), **{"cache": self._find_quick_cache(), **options})

    def test_connection(self) -> tuple[bool, str]:
        """Get a token, ask who we are, and try the named bases; say what is missing otherwise."""
        from airflow_provider_lark.hooks.connections.diagnosis import examine_connection

        return examine_connection(self)

    def __getstate__(self) -> dict[str, Any]:
        """Return what to pickle or copy: not what was read from the connection, which is read anew."""
        return {name: value for name, value in vars(self).items() if name not in ("settings", "accounts", "rates")}

    def _find_quick_cache(self) -> UserCache | None:
        if self.settings.redis_conn_id is None:
            return None
        from airflow_provider_lark.hooks.connections.redis import open_if_usable, open_users

        return open_if_usable(open_users, self.settings, without="users' ids are not cached in Redis")

    def _find_cache(self) -> Engine | None:
        if self.accounts is None:
            return None
        from sqlalchemy.exc import SQLAlchemyError

        try:
            return self.accounts.engine
        except (LarkError, SQLAlchemyError) as exc:
            reason = exc if isinstance(exc, LarkError) else type(exc).__name__
            self.log.warning("the user cache cannot be stored in the database and is kept in memory only: %s", reason)
            return None

    def _client_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        from airflow.sdk.log import mask_secret

        given: dict[str, Any] = {
            "tenant_key": self.settings.tenant_key,
            "base_v3": self.settings.base_v3,
            "on_secret": mask_secret,
            "host": self.settings.host,
            "observer": call_figures(),
            **self._way_options(),
        }
        if "token_store" not in options:
            given["token_store"] = self.accounts
            given["rate_store"] = self.rates
        return {**given, **options}
