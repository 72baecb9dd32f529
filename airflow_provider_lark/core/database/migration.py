"""Bring a set of tables to the schema of this version: the ledger's, and the accounts'.

The migrations are Alembic's, shipped with the package and run from here; each set has a version table of its own,
beside whatever ``alembic_version`` the application has. A database that has none of the tables gets them as they are
today, in one step: replaying their history would only make a first setup slow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Dialect, Engine, MetaData, PrimaryKeyConstraint, String, Table, inspect, text
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.database.error_codes import lacks_right
from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.database.table_locks import change_definition
from airflow_provider_lark.core.errors import LeaseHeld, SchemaMismatch

_LOCK_SECONDS = 60

ONLY_ON = "only_on"
"""Key of a table's ``info``: the one dialect that has this table."""


@dataclass(frozen=True, slots=True)
class Migrations:
    """A set of tables and the scripts that make them.

    :param noun: what messages call it: ``ledger``.
    :param scripts: where the scripts are, as Alembic's ``script_location``.
    :param head: the newest version.
    :param metadata: the tables at *head*.
    :param collation: what MySQL and MariaDB compare their texts by.
    :param lock: any number, the same in every process: PostgreSQL's advisory lock under which it is migrated.
    :param make_room: what to do when the database has a table of another's under one of these names.
    """

    noun: str
    scripts: str
    version_table: str
    head: str
    metadata: MetaData
    collation: Callable[[Dialect], str]
    lock: int
    make_room: str = "rename it, then run the setup again"

    def upgrade(self, engine: Engine) -> None:
        """Create or update the tables in the connection's default schema; does nothing when they are current.

        Several processes may call it at once: one migrates, the others wait for it.

        :raises SchemaMismatch: they are newer than this version of the package, or a table has the name of one.
        :raises LeaseHeld: another process has been migrating for a minute.
        """
        with open_session(engine) as conn:
            if self.current_version(conn) == self.head:
                return
        change_definition(engine, self._upgrade)

    def current_version(self, conn: Connection) -> str | None:
        """Return the version that the database has, or None when the tables are not there."""
        if not conn.dialect.has_table(conn, self.version_table):
            return None
        found = conn.scalar(text(f"SELECT version_num FROM {self.version_table}"))
        return None if found is None else str(found)

    def _upgrade(self, conn: Connection) -> None:
        with self._exclusively(conn):
            found = self.current_version(conn)
            if found == self.head:
                return
            if found is None:
                self._refuse_strangers(conn)
                if self._create(conn):
                    return
            self._run(conn, found)

    def _create(self, conn: Connection) -> bool:
        """Create all tables at the newest version, where not one of them is there; tell whether it did.

        The version comes last. Where it is missing, MySQL has lost a run in the middle (each of its statements commits
        by itself), and the migrations complete what they find.
        """
        dialect = conn.dialect
        wanted = [
            table for table in self.metadata.sorted_tables if table.info.get(ONLY_ON, dialect.name) == dialect.name
        ]
        if {table.name for table in wanted} & set(inspect(conn).get_table_names()):
            return False
        made = MetaData()
        for table in wanted:
            copy = table.to_metadata(made)
            if is_mysql(dialect):
                copy.dialect_kwargs[f"{dialect.name}_collate"] = self.collation(dialect)
        with self._saying_what_to_grant():
            made.create_all(conn, checkfirst=False)
            version = self._version(made)
            version.create(conn, checkfirst=True)
            conn.execute(version.insert().values(version_num=self.head))
        return True

    def _version(self, metadata: MetaData) -> Table:
        """Return the table in which Alembic looks for the version, as Alembic itself would make it."""
        return Table(
            self.version_table,
            metadata,
            Column("version_num", String(32), nullable=False),
            PrimaryKeyConstraint("version_num", name=f"{self.version_table}_pkc"),
        )

    def _refuse_strangers(self, conn: Connection) -> None:
        """Refuse tables of these names that something else has made; a half-made set of ours is completed."""
        inspector = inspect(conn)
        for name in sorted(set(inspector.get_table_names()) & set(self.metadata.tables)):
            found = {column["name"] for column in inspector.get_columns(name)}
            missing = [column.name for column in self.metadata.tables[name].columns if column.name not in found]
            if missing:
                raise SchemaMismatch(
                    f"the database already has a table {name!r} that does not belong to this package (it has no column "
                    f"{missing[0]!r}); {self.make_room}"
                )

    def _run(self, conn: Connection, found: str | None) -> None:
        # imported here: most runs find the tables current, and Alembic takes as long to import as a run's first call
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", self.scripts)
        config.attributes["options"] = {
            "connection": conn,
            "target_metadata": self.metadata,
            "version_table": self.version_table,
        }
        with self._saying_what_to_grant():
            try:
                command.upgrade(config, "head")
            except CommandError as exc:
                raise SchemaMismatch(
                    f"the {self.noun} in this database has version {found!r}, which this package does not know (it "
                    f"knows {self.head!r}): another worker runs a newer airflow-provider-lark; upgrade this one"
                ) from exc

    @contextmanager
    def _saying_what_to_grant(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as exc:
            if not lacks_right(exc):
                raise
            raise SchemaMismatch(
                f"the database user is not allowed to create the {self.noun}'s tables; GRANT it CREATE and INDEX on "
                "the database (on PostgreSQL USAGE and CREATE on the first schema of its search path), or have an "
                "administrator run the setup"
            ) from exc

    @contextmanager
    def _exclusively(self, conn: Connection) -> Iterator[None]:
        if not is_mysql(conn.dialect):
            if conn.dialect.name == "postgresql":
                conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": self.lock})
            yield
            return
        name = {"name": f"airflow_provider_lark.{self.noun}"}
        got = conn.scalar(text("SELECT GET_LOCK(CONCAT(:name, MD5(DATABASE())), :s)"), {**name, "s": _LOCK_SECONDS})
        if not got:
            raise LeaseHeld(
                f"another process has been migrating the {self.noun} for a minute; check for a stuck process"
            )
        try:
            yield
            # or whoever has the lock next would still see the version before the last
            conn.execute(text("COMMIT"))
        finally:
            conn.execute(text("SELECT RELEASE_LOCK(CONCAT(:name, MD5(DATABASE())))"), name)


def run_in_alembic() -> None:
    """Run the migrations on the connection that :class:`Migrations` hands over: all that an ``env.py`` has to do."""
    from alembic import context

    context.configure(**context.config.attributes["options"])
    with context.begin_transaction():
        context.run_migrations()
