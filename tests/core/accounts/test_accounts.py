"""The tables of accounts on real databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event, func, inspect, select, text
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core.accounts import migrate, tables
from airflow_provider_lark.core.accounts.database import AccountsDatabase
from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch, Unreachable
from airflow_provider_lark.core.ledger import migrate as ledger
from tests.schemas import describe_schema

KINDS = ["sqlite", "postgresql", "mysql"]


@pytest.mark.parametrize("kind", KINDS)
def test_upgrade_by_four_at_once_makes_the_tables_once(kind, new_database):
    engine = new_database(kind)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate.upgrade(engine), range(4)))
    wanted = {*tables.metadata.tables}
    with engine.connect() as conn:
        assert migrate.current_version(conn) == migrate.HEAD
        context = MigrationContext.configure(
            conn,
            opts={"compare_type": True, "include_object": lambda _, name, kind, *__: kind != "table" or name in wanted},
        )
        assert compare_metadata(context, tables.metadata) == []


@pytest.mark.parametrize("kind", KINDS)
def test_fresh_accounts_equal_those_that_went_through_every_version(kind, new_database):
    fresh, migrated = new_database(kind), new_database(kind)
    migrate.upgrade(fresh)
    with migrated.begin() as conn:
        migrate_to(conn, migrate.HEAD)
    assert describe_schema(fresh) == describe_schema(migrated)


def test_upgrade_beside_a_ledger_leaves_its_version_alone(new_database):
    engine = new_database("sqlite")
    ledger.upgrade(engine)
    migrate.upgrade(engine)
    with engine.connect() as conn:
        assert (ledger.current_version(conn), migrate.current_version(conn)) == (ledger.HEAD, migrate.HEAD)


def migrate_to(conn, version):
    config = Config()
    config.set_main_option("script_location", "airflow_provider_lark.core.accounts:migrations")
    options = {"connection": conn, "target_metadata": tables.metadata, "version_table": migrate.VERSION_TABLE}
    config.attributes["options"] = options
    command.upgrade(config, version)


@pytest.mark.parametrize("version", ["v0004", "v0005", "v0006", "v0007"])
def test_upgrade_keeps_decisions_that_were_made_before_there_was_one_kind_of_question(version, new_database):
    engine = new_database("sqlite")
    with engine.begin() as conn:
        migrate_to(conn, version)
        conn.execute(
            text(
                "INSERT INTO lark_approval_log (app_id, instance_id, user_id, open_id, name, action, outcome) "
                "VALUES ('cli_1', 'airflow-1', 'u1', 'ou_1', 'Lin', 'APPROVE', 'accepted')"
            )
        )
    migrate.upgrade(engine)
    names = inspect(engine).get_table_names()
    assert ("lark_approval_log" in names, "lark_approval_questions" in names) == (True, False)
    with engine.connect() as conn:
        assert migrate.current_version(conn) == migrate.HEAD
        assert conn.scalar(text("SELECT name FROM lark_approval_log")) == "Lin"


def test_store_looks_for_its_tables_until_they_are_there_and_never_again(new_database):
    engine = new_database("sqlite")
    database = AccountsDatabase(engine, tables.inbox)
    looks = []
    event.listen(engine, "before_cursor_execute", lambda _, __, sql, *___: looks.append(migrate.VERSION_TABLE in sql))
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE tokens (id INTEGER PRIMARY KEY, value TEXT)"))
    for use in (database.look, database.transact):
        with pytest.raises(SchemaMismatch):
            use(lambda conn: conn)
    with engine.begin() as conn:
        conn.execute(text("DROP TABLE tokens"))
    assert database.look(lambda conn: conn.scalar(select(func.count()).select_from(tables.inbox))) == 0
    looks.clear()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: database.transact(lambda conn: conn.scalar(text("SELECT 1"))), range(4)))
    assert not any(looks)
    assert len(looks) >= 4


def test_upgrade_refuses_an_applications_own_tokens(new_database):
    engine = new_database("sqlite")
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE tokens (id INTEGER PRIMARY KEY, value TEXT)"))
    with pytest.raises(
        SchemaMismatch, match=r"table 'tokens'.*does not belong to this package.*separate database or schema"
    ):
        migrate.upgrade(engine)


def test_upgrade_without_a_server_says_which_and_no_password():
    engine = create_engine("postgresql+psycopg://lark:pw-canary@127.0.0.1:1/x", poolclass=NullPool)
    with pytest.raises(Unreachable, match=r"postgresql\+psycopg://lark:\*\*\*@127\.0\.0\.1:1/x failed") as caught:
        migrate.upgrade(engine)
    assert caught.value.__context__ is None


def test_database_that_cannot_hold_the_tables_says_what_to_do(new_database, tmp_path):
    nowhere = create_engine(
        new_database("postgresql").url.update_query_dict({"options": "-c search_path=nowhere"}), poolclass=NullPool
    )
    with pytest.raises(ConfigError, match="has no schema for the tables: none of the search_path exists"):
        migrate.upgrade(nowhere)
    (tmp_path / "junk.db").write_bytes(b"not a database" * 100)
    for path, words in (("junk.db", "its file is no SQLite database"), ("none/a.db", "check that the folder exists")):
        with pytest.raises(Unreachable, match=words):
            migrate.upgrade(create_engine(f"sqlite:///{tmp_path / path}", poolclass=NullPool))
