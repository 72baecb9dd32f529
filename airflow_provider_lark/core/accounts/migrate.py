"""Bring a database's accounts to the schema of this version."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.core.accounts.decision_tables import decision_cards
from airflow_provider_lark.core.accounts.hitl_requests import hitl_requests
from airflow_provider_lark.core.accounts.transactions import explain
from airflow_provider_lark.core.database.migration import Migrations

VERSION_TABLE = "lark_accounts_alembic_version"
HEAD = "v0013"

_TABLES = (decision_cards, hitl_requests)
"""Whose modules add them to the tables of :mod:`.tables`."""

_MIGRATIONS = Migrations(
    noun="accounts",
    scripts="airflow_provider_lark.core.accounts:migrations",
    version_table=VERSION_TABLE,
    head=HEAD,
    metadata=_TABLES[0].metadata,
    collation=lambda _: "utf8mb4_bin",
    lock=7_205_759_403_792_795,
    make_room="use a separate database or schema for the token store, or rename the other table",
)
current_version = _MIGRATIONS.current_version


def upgrade(engine: Engine) -> None:
    """Create or update the tables in the connection's default schema; does nothing when they are current.

    Several processes may call it at once: one migrates, the others wait for it.

    :raises SchemaMismatch: they are newer than this version of the package, or a table has the name of one.
    :raises Unreachable: the database does not answer, or fails otherwise.
    """
    try:
        _MIGRATIONS.upgrade(engine)
        return
    except SQLAlchemyError as exc:
        error = explain(exc, engine)
    # outside the except block: frames of drivers hold the database's password in their locals
    raise error
