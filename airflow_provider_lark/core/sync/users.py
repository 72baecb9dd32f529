"""Users by e-mail address, for mappings with ``users: email``: looked up a batch at a time before it is written."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.core import accounts
from airflow_provider_lark.core.accounts.users import UserDirectory
from airflow_provider_lark.core.api.client import LarkClient
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.side import Values

log = logging.getLogger(__name__)


class Users:
    """The user directory of one engine, opened when the first address is looked up.

    Its cache lies beside the ledger. Where its tables cannot be made, only this process remembers.

    :param directory: one that the caller shares between engines.
    """

    def __init__(self, client: LarkClient, sql_engine: Engine, directory: UserDirectory | None = None) -> None:
        self._client = client
        self._sql_engine = sql_engine
        self._directory = directory

    def find(self, email: str) -> str | None:
        """Return the open_id of one user, None for nobody; call :meth:`look_up` for many first."""
        return self._open().find_ids(emails=[email])[email]

    def look_up(self, rows: Iterable[Values], columns: Collection[str]) -> None:
        """Find out about all e-mail addresses in *columns* of *rows*, 50 a call; call it outside of transactions."""
        emails = {email: None for values in rows for column in columns for email in _texts(values.get(column))}
        if emails:
            self._open().find_ids(emails=emails)

    def _open(self) -> UserDirectory:
        if self._directory is None:
            self._directory = UserDirectory(self._client, self._engine_with_cache())
        return self._directory

    def _engine_with_cache(self) -> Engine | None:
        try:
            accounts.upgrade(self._sql_engine)
        except (LarkError, SQLAlchemyError) as exc:
            reason = exc if isinstance(exc, LarkError) else type(exc).__name__
            log.warning("users are not cached in the database, so every run queries them from Lark: %s", reason)
            return None
        return self._sql_engine


def _texts(value: object) -> list[str]:
    return [part for part in value if isinstance(part, str)] if isinstance(value, tuple) else []
