"""The questions that tasks ask people on cards, in the database of the token store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.accounts import read_keyring
from airflow_provider_lark.hooks.database import sql_engine

if TYPE_CHECKING:
    from airflow_provider_lark.core.inbox.inbox import Keeper
    from airflow_provider_lark.core.questions.desk import Desk
    from airflow_provider_lark.core.questions.store import QuestionStore
    from airflow_provider_lark.hooks.lark import LarkHook


def open_questions(hook: LarkHook) -> QuestionStore:
    """Return the questions that are asked with the app; the database is not asked yet.

    :raises ConfigError: the connection names no token store, or ``LARK_CONFIG_ENCRYPTION_KEY`` holds no key.
    """
    from airflow_provider_lark.core.questions.store import QuestionStore

    settings = hook.settings
    if settings.token_store_conn_id is None:
        raise ConfigError(
            f"connection {hook.lark_conn_id!r}: has no token store, which also holds questions and their answers; set "
            "store_conn_id to a SQL connection"
        )
    return QuestionStore(sql_engine(settings.token_store_conn_id), read_keyring(), settings.app_id)


def decide_in(hook: LarkHook, inbox: Keeper) -> Desk:
    """Return *inbox* for whoever receives: clicks on the questions of tasks are decided in it at once.

    :raises ConfigError: as :func:`open_questions`.
    """
    from airflow_provider_lark.core.questions.desk import Desk

    return Desk(inbox, open_questions(hook))
