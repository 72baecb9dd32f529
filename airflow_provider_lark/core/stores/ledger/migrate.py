"""Bring a database's ledger to the schema of this version.

The migrations are Alembic's, shipped with the package and run from here; their version stands in
``sync_alembic_version``, beside whatever ``alembic_version`` the application has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.errors import LeaseHeld, SchemaMismatch
from airflow_provider_lark.core.stores.connections import is_mysql, lacks_right, write_transaction
from airflow_provider_lark.core.stores.ledger import schema

VERSION_TABLE = "sync_alembic_version"
HEAD = "v0001"
_LOCK_SECONDS = 60
_POSTGRES_LOCK = 7_205_759_403_792_794
"""Any number, the same in every process: the advisory lock under which the ledger is migrated."""


def upgrade(engine: Engine) -> None:
    """Create or update the ledger in the connection's default schema; does nothing when it is current.

    Several processes may call it at once: one migrates, the others wait for it.

    :raises SchemaMismatch: the ledger is newer than this version of the package, or a table has the name of one of its.
    :raises LeaseHeld: another process has been migrating for a minute.
    """
    with engine.connect() as conn:
        if current_version(conn) == HEAD:
            return
    with _exclusively(engine) as conn:
        found = current_version(conn)
        if found == HEAD:
            return
        if found is None:
            _refuse_strangers(conn)
        _run_migrations(conn, found)


def current_version(conn: Connection) -> str | None:
    """Return the ledger's version, or None when there is no ledger."""
    if not conn.dialect.has_table(conn, VERSION_TABLE):
        return None
    found = conn.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return None if found is None else str(found)


def _refuse_strangers(conn: Connection) -> None:
    """Refuse tables of the ledger's names that something else has made; a half-made ledger of ours is completed."""
    inspector = inspect(conn)
    for name in sorted(set(inspector.get_table_names()) & set(schema.metadata.tables)):
        found = {column["name"] for column in inspector.get_columns(name)}
        missing = [column.name for column in schema.metadata.tables[name].columns if column.name not in found]
        if missing:
            raise SchemaMismatch(
                f"the database already has a table {name!r} that is not this package's (it has no {missing[0]!r}); "
                "rename it, then run the setup again"
            )


def _run_migrations(conn: Connection, found: str | None) -> None:
    # imported here: most runs find the ledger current, and Alembic takes as long to import as a run's first call
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "airflow_provider_lark.core.stores.ledger:migrations")
    config.attributes["connection"] = conn
    try:
        command.upgrade(config, "head")
    except CommandError as exc:
        raise SchemaMismatch(
            f"the ledger in this database has version {found!r}, which this package does not know; "
            "another worker runs a newer airflow-provider-lark: upgrade this one"
        ) from exc
    except DBAPIError as exc:
        if not lacks_right(exc):
            raise
        raise SchemaMismatch(
            "the database user may not make the ledger's tables; GRANT it CREATE and INDEX on the database "
            "(PostgreSQL: USAGE and CREATE on the first schema of its search path), or let an administrator "
            "run the setup"
        ) from exc


@contextmanager
def _exclusively(engine: Engine) -> Iterator[Connection]:
    with write_transaction(engine) as conn:
        if not is_mysql(conn.dialect):
            if conn.dialect.name == "postgresql":
                conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _POSTGRES_LOCK})
            yield conn
            return
        name = {"name": "airflow_provider_lark.ledger"}
        got = conn.scalar(text("SELECT GET_LOCK(CONCAT(:name, MD5(DATABASE())), :s)"), {**name, "s": _LOCK_SECONDS})
        if not got:
            raise LeaseHeld("another process has been migrating the ledger for a minute; look for a stuck one")
        try:
            yield conn
        finally:
            conn.execute(text("SELECT RELEASE_LOCK(CONCAT(:name, MD5(DATABASE())))"), name)
