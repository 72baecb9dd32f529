from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.exc import PendingRollbackError
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.ledger import Ledger, migrate, tables
from airflow_provider_lark.core.ledger.backlog import count_backlog
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key, RecordId
from tests.schemas import describe_schema

LEDGER = set(tables.metadata.tables)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_upgrade_by_four_at_once_migrates_once(kind, new_database):
    engine = new_database(kind)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate.upgrade(engine), range(4)))
    with engine.connect() as conn:
        assert migrate.current_version(conn) == migrate.HEAD
        assert conn.execute(text(f"SELECT COUNT(*) FROM {migrate.VERSION_TABLE}")).scalar_one() == 1


def test_upgrade_makes_what_the_functions_expect(engine: Engine):
    with engine.connect() as conn:
        assert differences(conn) == []


def differences(conn):
    """What a ledger lacks of what the functions expect, or has beside it."""
    wanted = LEDGER if conn.dialect.name == "sqlite" else LEDGER - {"sync_mute"}
    context = MigrationContext.configure(
        conn,
        opts={"compare_type": True, "include_object": lambda _, name, kind, *__: kind != "table" or name in wanted},
    )
    return compare_metadata(context, tables.metadata)


def test_upgrade_beside_an_application_with_alembic_leaves_its_version_alone(new_database):
    engine = new_database("sqlite")
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        conn.execute(text("INSERT INTO alembic_version VALUES ('theirs')"))
    migrate.upgrade(engine)
    with engine.connect() as conn:
        assert conn.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["theirs"]
        assert set(inspect(conn).get_table_names()) >= LEDGER


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_upgrade_after_a_run_that_was_killed_half_way_ends_it(kind, new_database):
    engine = new_database(kind)
    migrate.upgrade(engine)
    with engine.begin() as conn:
        # MySQL commits each DDL statement: some tables and indexes are there, the version is not
        conn.execute(text(f"DELETE FROM {migrate.VERSION_TABLE}"))
        conn.execute(text("DROP TABLE sync_scan"))
        on = " ON sync_log" if kind == "mysql" else ""
        conn.execute(text(f"DROP INDEX ix_sync_log_key{on}"))
    migrate.upgrade(engine)
    with engine.connect() as conn:
        assert inspect(conn).has_table("sync_scan")
        assert "ix_sync_log_key" in {index["name"] for index in inspect(conn).get_indexes("sync_log")}


def test_upgrade_of_a_newer_ledger_says_to_upgrade_the_package(new_database):
    engine = new_database("sqlite")
    migrate.upgrade(engine)
    with engine.begin() as conn:
        conn.execute(text(f"UPDATE {migrate.VERSION_TABLE} SET version_num = 'v9999'"))
    with pytest.raises(SchemaMismatch, match=r"'v9999'.*upgrade this one"):
        migrate.upgrade(engine)


POOR = {
    "postgresql": ["CREATE ROLE {name} LOGIN PASSWORD 'x'", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"],
    "mysql": ["CREATE USER {name}@'%' IDENTIFIED BY 'x'", "GRANT SELECT ON {database}.* TO {name}@'%'"],
}


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_upgrade_without_the_right_says_what_to_grant(kind, new_database):
    engine = new_database(kind)
    name = f"lark_poor_{engine.url.database[-9:].lower()}"
    with engine.begin() as conn:
        for statement in POOR[kind]:
            conn.execute(text(statement.format(name=name, database=engine.url.database)))
    poor = create_engine(engine.url.set(username=name, password="x"), poolclass=NullPool)
    try:
        with pytest.raises(SchemaMismatch, match="GRANT it CREATE"):
            migrate.upgrade(poor)
    finally:
        with engine.begin() as conn:
            conn.execute(text(f"DROP {'ROLE' if kind == 'postgresql' else 'USER'} {name}"))


def test_ledger_with_the_operators_sql_of_the_guide_answers(engine: Engine):
    with engine.begin() as conn:
        conn.execute(
            text("INSERT INTO sync_blacklist (record_id, reason) VALUES ('problematic_id', 'sync loop detected')")
        )
        conn.execute(text("INSERT INTO sync_queue (table_name, record_id, operation) VALUES ('users', '1', 'UPDATE')"))
        conn.execute(
            text(
                "INSERT INTO sync_queue (table_name, record_id, status, retry_count) VALUES ('users', '2', 'failed', 3)"
            )
        )
        conn.execute(
            text(
                "INSERT INTO sync_log (table_name, record_id, direction, operation, status) "
                "VALUES ('users', '1', 'to_lark', 'UPDATE', 'applied')"
            )
        )
        assert conn.execute(text("SELECT * FROM sync_queue WHERE status = 'pending'")).one().record_id == "1"
        assert conn.execute(text("SELECT COUNT(*) FROM sync_queue WHERE status = 'pending'")).scalar_one() == 1
        assert conn.execute(text("SELECT * FROM sync_log ORDER BY created_at DESC LIMIT 20")).one().record_id == "1"
        failed = conn.execute(text("SELECT * FROM sync_queue WHERE status = 'failed' OR retry_count >= 3"))
        assert failed.one().record_id == "2"


def test_ledger_with_the_mysql_sql_of_the_guide_answers(ledger_database):
    with ledger_database("mysql").begin() as conn:
        conn.execute(
            text(
                "INSERT INTO sync_queue (table_name, record_id, status, created_at, processed_at) "
                "VALUES ('t', '1', 'completed', DATE_SUB(NOW(), INTERVAL 8 SECOND), NOW()), "
                "('t', '2', 'failed', NOW(), NULL)"
            )
        )
        success, failed = conn.execute(
            text(
                """
            SELECT
                COUNT(CASE WHEN status = 'completed' THEN 1 END) as success,
                COUNT(CASE WHEN status = 'failed' THEN 1 END) as failed
            FROM sync_queue
            WHERE created_at > DATE_SUB(NOW(), INTERVAL 1 HOUR)
        """
            )
        ).one()
        assert (success, failed) == (1, 1)
        delay = conn.execute(
            text(
                """
            SELECT AVG(TIMESTAMPDIFF(SECOND, created_at, processed_at)) as avg_delay
            FROM sync_queue
            WHERE status = 'completed'
            AND created_at > DATE_SUB(NOW(), INTERVAL 1 HOUR)
        """
            )
        ).scalar_one()
        assert float(delay) == 8
        loops = conn.execute(
            text(
                """
            SELECT record_id, COUNT(*) as sync_count
            FROM sync_log
            WHERE created_at > DATE_SUB(NOW(), INTERVAL 1 HOUR)
            GROUP BY record_id
            HAVING sync_count > 10
        """
            )
        )
        assert loops.all() == []
        conn.rollback()


def test_ledger_on_sqlite_keeps_times_as_utc_text(ledger_database):
    with ledger_database("sqlite").begin() as conn:
        conn.execute(text("INSERT INTO sync_queue (table_name, record_id) VALUES ('t', '1')"))
        written = conn.execute(text("SELECT created_at FROM sync_queue")).scalar_one()
        assert datetime.strptime(written, "%Y-%m-%d %H:%M:%S.%f")  # noqa: DTZ007 - SQLite keeps no offset
        assert len(written) == len("2026-01-01 00:00:00.000000")
        conn.rollback()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_upgrade_refuses_a_table_of_the_same_name_that_something_else_made(kind, new_database):
    engine = new_database(kind)
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE sync_queue (id INTEGER PRIMARY KEY, payload VARCHAR(10))"))
    with pytest.raises(
        SchemaMismatch, match=r"already has a table 'sync_queue' that does not belong to this package.*rename it"
    ):
        migrate.upgrade(engine)


def _upgrade_to(engine: Engine, version: str) -> None:
    """Bring the ledger to an older version, as an older package did."""
    config = Config()
    config.set_main_option("script_location", "airflow_provider_lark.core.ledger:migrations")
    with engine.begin() as conn:
        config.attributes["options"] = {
            "connection": conn,
            "target_metadata": tables.metadata,
            "version_table": migrate.VERSION_TABLE,
        }
        command.upgrade(config, version)


OLD_LEDGER = """
INSERT INTO sync_record_map (record_id, table_name, lark_record_id, base)
    VALUES ('abc', 't', 'rec1', '{"n": 1}'), ('键', 't', 'rec2', '{"n": 1}');
INSERT INTO sync_queue (table_name, record_id, operation, error_message) VALUES ('t', 'abc', 'UPDATE', '长');
INSERT INTO sync_blacklist (record_id, reason) VALUES ('键', 'why');
INSERT INTO sync_conflict (table_name, record_id, base_values, policy) VALUES ('t', 'abc', '{}', 'manual');
INSERT INTO sync_log (table_name, record_id, direction, operation, status)
    VALUES ('t', 'abc', 'to_lark', 'UPDATE', 'applied');
INSERT INTO sync_checkpoint (table_name, boundary, app_token, table_id, fields) VALUES ('t', '[]', 'a', 'b', '[]')
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_ledger_of_the_first_version_keeps_its_rows_and_learns_exact_keys(kind, new_database):
    engine = new_database(kind)
    _upgrade_to(engine, "v0001")
    with engine.begin() as conn:
        for statement in OLD_LEDGER.split(";"):
            conn.exec_driver_sql(statement, execution_options={"no_parameters": True})
    migrate.upgrade(engine)
    with engine.begin() as conn:
        ledger = Ledger(conn, "t")
        assert migrate.current_version(conn) == migrate.HEAD
        known = ledger.pairs.by_keys([Key("abc"), Key("键"), Key("abc "), Key("ABC")])
        assert {key: pair.record_id for key, pair in known.items()} == {"abc": "rec1", "键": "rec2"}
        assert not any(pair.out_of_sight for pair in known.values())
        ledger.pairs.save([Pair(Key("abc "), RecordId("rec3"), {})])
        assert ledger.pairs.by_keys([Key("abc")])["abc"].record_id == "rec1"
        ledger.queue.enqueue([Key("abc ")])
        assert count_backlog(conn).pending == 2
        assert ledger.blacklist.among([Key("键"), Key("键 ")]) == {"键"}
        # what operators ask
        asked = "SELECT record_id FROM sync_queue WHERE status = 'pending' AND record_id = 'abc'"
        assert conn.execute(text(asked)).scalars().all() == ["abc"]
        # whichever of the columns are compared with each other
        ledger.scan("s").mark("lark", ["rec1"])
        assert [pair.key for pair in ledger.scan("s").pairs_unseen("lark", limit=9)] == ["abc ", "键"]


CHANGES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_migration_that_is_killed_after_each_of_its_statements_in_turn_ends_with_everything_kept(kind, new_database):
    """Input O55. MySQL commits each statement of DDL, so that there a run goes on where the one before died."""
    engine = new_database(kind)
    _upgrade_to(engine, "v0001")
    with engine.begin() as conn:
        for statement in OLD_LEDGER.split(";"):
            conn.exec_driver_sql(statement, execution_options={"no_parameters": True})
    _upgrade_by_runs_that_die(engine)
    with engine.connect() as conn:
        assert migrate.current_version(conn) == migrate.HEAD
        assert differences(conn) == []
        ledger = Ledger(conn, "t")
        assert {key: pair.record_id for key, pair in ledger.pairs.by_keys([Key("abc"), Key("键")]).items()} == {
            "abc": "rec1",
            "键": "rec2",
        }
        assert count_backlog(conn).pending == 1
        assert ledger.conflicts.count_open() == 1


@pytest.mark.parametrize("after", [1, 2, 12, 30])
def test_first_setup_that_is_killed_half_way_is_ended_by_the_next(after, new_database):
    """Only on MySQL is anything left of such a run."""
    killed, whole = new_database("mysql"), new_database("mysql")
    done = 0

    def die(conn, cursor, statement, *_):
        nonlocal done
        done += statement.lstrip().upper().startswith(CHANGES)
        if done == after:
            raise KeyboardInterrupt

    event.listen(killed, "after_cursor_execute", die)
    with pytest.raises((KeyboardInterrupt, PendingRollbackError)):
        migrate.upgrade(killed)
    event.remove(killed, "after_cursor_execute", die)
    killed.dispose()
    migrate.upgrade(killed)
    migrate.upgrade(whole)
    assert describe_schema(killed) == describe_schema(whole)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mysql"])
def test_fresh_ledger_equals_one_that_went_through_every_version(kind, new_database):
    fresh, migrated = new_database(kind), new_database(kind)
    migrate.upgrade(fresh)
    _upgrade_to(migrated, migrate.HEAD)
    assert describe_schema(fresh) == describe_schema(migrated)


def _upgrade_by_runs_that_die(engine: Engine) -> None:
    """Upgrade in runs each of which is killed after some of its statements."""
    done = allowed = 0

    def die(conn, cursor, statement, *_):
        nonlocal done
        done += statement.lstrip().upper().startswith(CHANGES)
        if done > allowed:
            raise KeyboardInterrupt

    event.listen(engine, "after_cursor_execute", die)
    for attempt in range(200):
        # what notes the version is no DDL, and lost with the run: every other one gets one statement further
        done, allowed = 0, attempt % 2 if engine.dialect.name == "mysql" else attempt
        try:
            migrate.upgrade(engine)
            break
        except (KeyboardInterrupt, PendingRollbackError):
            # a connection on which a statement was broken off is closed, so that nothing more can be said on it
            engine.dispose()
    event.remove(engine, "after_cursor_execute", die)
    assert attempt > 10


def test_ledger_on_a_mysql_that_cannot_compare_exactly_says_which_can(new_database, monkeypatch):
    engine = new_database("mysql")
    with engine.connect():
        monkeypatch.setattr(engine.dialect, "is_mariadb", False)
        monkeypatch.setattr(engine.dialect, "server_version_info", (8, 0, 16))
    with pytest.raises(SchemaMismatch, match=r"upgrade to 8\.0\.17"):
        migrate.upgrade(engine)
