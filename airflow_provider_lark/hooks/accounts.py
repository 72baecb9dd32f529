"""The database in which workers share tokens and looked-up users: that of ``store_conn_id``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from airflow_provider_lark.hooks.database import sql_engine

if TYPE_CHECKING:
    from airflow_provider_lark.core.accounts.account_store import AccountStore
    from airflow_provider_lark.core.accounts.encryption import Keyring


def open_accounts(conn_id: str) -> AccountStore:
    """Return the token store in the database of the SQL connection *conn_id*; the database is not asked yet.

    :raises ConfigError: there is no such connection, or ``LARK_CONFIG_ENCRYPTION_KEY`` holds no key; the message says
        how to make one.
    """
    from airflow_provider_lark.core.accounts.account_store import AccountStore

    return AccountStore(sql_engine(conn_id), read_keyring())


def read_keyring() -> Keyring:
    """Return the keys of ``LARK_CONFIG_ENCRYPTION_KEY``, masked in logs from here on.

    :raises ConfigError: it is not set, or holds no key.
    """
    from airflow.sdk.log import mask_secret

    from airflow_provider_lark.core.accounts.encryption import VARIABLE, Keyring

    # the keys go into no variable, which a traceback with locals would show
    list(map(mask_secret, map(str.strip, os.environ.get(VARIABLE, "").split(","))))
    return Keyring.from_environment()
