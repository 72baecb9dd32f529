"""A table with triggers stays a table that its owner may alter."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from airflow_provider_lark.core.capture import install, is_current, uninstall
from airflow_provider_lark.core.database.connections import write_transaction
from tests.core.capture.test_capture import captured, run, spec_of

DDL = """
CREATE TABLE stock (
    id integer PRIMARY KEY,
    qty integer,
    note varchar(20),
    unwatched integer
)
"""


@pytest.fixture
def postgres(ledger_database) -> Iterator[Engine]:
    """Give PostgreSQL with a watched table, in whose session the triggers have run."""
    engine = ledger_database("postgresql")
    yield engine
    with write_transaction(engine) as conn:
        run(conn, "DROP TABLE IF EXISTS stock")
        for function in functions(conn):
            run(conn, f"DROP FUNCTION {function}")
        run(conn, "DELETE FROM sync_queue")
    engine.dispose()


def functions(conn: Connection) -> set[str]:
    return set(conn.scalars(text("SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'lark_sync_stock_%'")))


def watch(conn: Connection) -> None:
    run(conn, DDL)
    spec = spec_of(conn, "stock")
    install(conn, type(spec)(spec.name, None, spec.columns[:3], spec.key_columns, spec.table))
    run(conn, "INSERT INTO stock VALUES (1, 1, 'a', 1), (2, 2, 'b', 2)")
    run(conn, "UPDATE stock SET qty = 5, unwatched = 5")
    captured(conn, "stock")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("ALTER COLUMN qty TYPE bigint", id="value"),
        pytest.param("ALTER COLUMN id TYPE bigint", id="key"),
        pytest.param("ALTER COLUMN note TYPE text", id="text"),
        pytest.param("ALTER COLUMN qty TYPE numeric(12, 2) USING qty / 2.0", id="rewritten"),
        pytest.param("ALTER COLUMN id TYPE bigint, ALTER COLUMN qty TYPE text", id="several"),
    ],
)
def test_type_of_a_watched_postgres_column_may_change_in_a_session_that_wrote(postgres, change):
    with write_transaction(postgres) as conn:
        watch(conn)
        run(conn, f"ALTER TABLE stock {change}")
        run(conn, "UPDATE stock SET note = 'c' WHERE id = 1")
        run(conn, "INSERT INTO stock (id, note) VALUES (3, 'd')")
        run(conn, "DELETE FROM stock WHERE id = 2")
        run(conn, "UPDATE stock SET id = 7 WHERE id = 1")
        assert captured(conn, "stock") == [
            ("1", "UPDATE"),
            ("3", "INSERT"),
            ("2", "DELETE"),
            ("1", "DELETE"),
            ("7", "INSERT"),
        ]


def test_new_type_of_a_watched_postgres_column_makes_the_triggers_old(postgres):
    with write_transaction(postgres) as conn:
        watch(conn)
        run(conn, "ALTER TABLE stock ALTER COLUMN qty TYPE bigint")
        spec = spec_of(conn, "stock")
        assert not is_current(conn, spec)
        install(conn, spec)
        assert is_current(conn, spec)
        run(conn, "UPDATE stock SET note = note")
        assert captured(conn, "stock") == []
        run(conn, "UPDATE stock SET qty = 9000000000 WHERE id = 2")
        assert captured(conn, "stock") == [("2", "UPDATE")]


def test_dropped_watched_postgres_column_does_not_hinder_the_application(postgres):
    with write_transaction(postgres) as conn:
        watch(conn)
        run(conn, "ALTER TABLE stock DROP COLUMN qty")
        run(conn, "UPDATE stock SET note = 'c' WHERE id = 1")
        assert captured(conn, "stock") == [("1", "UPDATE")]


def test_renamed_postgres_key_column_does_not_hinder_the_application(postgres):
    with write_transaction(postgres) as conn:
        watch(conn)
        run(conn, "ALTER TABLE stock RENAME COLUMN id TO code")
        run(conn, "INSERT INTO stock (code) VALUES (3)")
        run(conn, "UPDATE stock SET note = 'c', code = 9 WHERE code = 1")
        run(conn, "DELETE FROM stock WHERE code = 2")
        assert conn.scalar(text("SELECT count(*) FROM stock")) == 2


def test_uninstall_from_a_postgres_table_takes_both_functions_along(postgres):
    with write_transaction(postgres) as conn:
        before = functions(conn)
        watch(conn)
        assert len(functions(conn) - before) == 2
        uninstall(conn, spec_of(conn, "stock"))
        assert functions(conn) == before


def test_watched_postgres_table_may_be_dropped(postgres):
    with write_transaction(postgres) as conn:
        watch(conn)
        run(conn, "DROP TABLE stock")


def test_writer_needs_no_right_on_functions_that_are_not_public_by_default(postgres):
    with write_transaction(postgres) as conn:
        run(conn, "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
        watch(conn)
        clerk = f"lark_test_clerk_{os.getpid()}"
        run(conn, f"CREATE ROLE {clerk}")
        run(conn, f"GRANT ALL ON stock TO {clerk}")
        run(conn, f"SET LOCAL ROLE {clerk}")
        run(conn, "UPDATE stock SET qty = 8 WHERE id = 1")
        run(conn, "RESET ROLE")
        assert captured(conn, "stock") == [("1", "UPDATE")]
        run(conn, f"DROP OWNED BY {clerk}")
        run(conn, f"DROP ROLE {clerk}")
        run(conn, "ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC")
