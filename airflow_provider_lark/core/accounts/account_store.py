"""The database in which workers share tokens and looked-up users; its tables are created on first use."""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

from sqlalchemy import Engine

from airflow_provider_lark.core.accounts.database import AccountsDatabase
from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.rate_store import SqlRateStore
from airflow_provider_lark.core.accounts.tables import tokens
from airflow_provider_lark.core.accounts.tokens import SqlTokenStore
from airflow_provider_lark.core.api.calls.budget.store import RateStore
from airflow_provider_lark.core.api.tokens.token_store import StoredToken, TokenKey, TokenStore
from airflow_provider_lark.core.api.wire.secret import Secret


class Accounts(TokenStore, Protocol):
    """What a hook needs of it: tokens, the database itself, and rate limits."""

    @property
    def engine(self) -> Engine:
        """The database, with its tables."""
        ...

    def rate_store(self, host: str, app_id: str) -> RateStore:
        """Return where the processes of an app share its rate limits."""
        ...


class AccountStore:
    """A token store that makes its tables when it is first used.

    A database that is down is then for the client to cope with: it asks Lark instead.
    """

    def __init__(self, engine: Engine, keyring: Keyring) -> None:
        self._database = AccountsDatabase(engine, tokens)
        self._keyring = keyring

    @property
    def engine(self) -> Engine:
        """The database, with its tables.

        :raises LarkError: they cannot be made.
        :raises SQLAlchemyError: the database cannot be reached.
        """
        return self._database.engine

    def rate_store(self, host: str, app_id: str) -> SqlRateStore:
        """Return where the processes of an app share its rate limits."""
        return SqlRateStore(self._database, host, app_id)

    @cached_property
    def _store(self) -> SqlTokenStore:
        return SqlTokenStore(self.engine, self._keyring)

    def load(self, key: TokenKey) -> StoredToken | None:
        """Return what is kept."""
        return self._store.load(key)

    def save(self, key: TokenKey, token: StoredToken) -> None:
        """Keep *token*."""
        self._store.save(key, token)

    def drop(self, key: TokenKey, text: Secret) -> None:
        """Forget the token if it still is *text*."""
        self._store.drop(key, text)

    def claim(self, key: TokenKey, *, seconds: float) -> bool:
        """Take the right to renew."""
        return self._store.claim(key, seconds=seconds)

    def release(self, key: TokenKey) -> None:
        """Give the right back."""
        self._store.release(key)
