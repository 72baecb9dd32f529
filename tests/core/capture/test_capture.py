from __future__ import annotations

import json
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core.capture import install, is_current, mute, uninstall
from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.core.sql_side.keys import KeyCodec
from airflow_provider_lark.core.sql_side.reflection import TableSpec, columns_of, key_columns_of, reflect_table


def spec_of(conn: Connection, name: str, schema: str | None = None, key: tuple[str, ...] = ()) -> TableSpec:
    table = reflect_table(conn, name, schema)
    return TableSpec(name, schema, columns_of(table), key_columns_of(table, key), table)


def run(conn: Connection, sql: str, **params: object) -> None:
    """Run *sql*, in which names stand in double quotes."""
    if is_mysql(conn.dialect):
        sql = sql.replace('"', "`")
    conn.execute(text(sql), params)


def captured(conn: Connection, table_name: str) -> list[tuple[str, str]]:
    rows = conn.execute(
        text("SELECT record_id, operation FROM sync_queue WHERE table_name = :t ORDER BY id"), {"t": table_name}
    ).all()
    conn.execute(text("DELETE FROM sync_queue"))
    return [(key, operation) for key, operation in rows]


@pytest.fixture
def areas(engine: Engine) -> TableSpec:
    """Give a watched table of key, text and number."""
    with write_transaction(engine) as conn:
        run(conn, "CREATE TABLE areas (code VARCHAR(12) PRIMARY KEY NOT NULL, name VARCHAR(50), size INTEGER)")
        spec = spec_of(conn, "areas")
        install(conn, spec)
        return spec


def test_capture_of_each_operation_notes_key_and_operation(engine, areas):
    with write_transaction(engine) as conn:
        run(conn, "INSERT INTO areas VALUES ('110101', '东城区', 1), ('110102', NULL, NULL)")
        assert captured(conn, "areas") == [("110101", "INSERT"), ("110102", "INSERT")]
        run(conn, "UPDATE areas SET size = 2 WHERE code = '110101'")
        assert captured(conn, "areas") == [("110101", "UPDATE")]
        run(conn, "DELETE FROM areas WHERE code = '110102'")
        assert captured(conn, "areas") == [("110102", "DELETE")]


def test_capture_of_an_update_without_effect_notes_nothing(engine, areas):
    with write_transaction(engine) as conn:
        run(conn, "INSERT INTO areas VALUES ('1', 'a', 1), ('2', NULL, NULL)")
        captured(conn, "areas")
        run(conn, "UPDATE areas SET name = name, size = size, code = code")
        assert captured(conn, "areas") == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("NULL", "'a'", id="null-to-text"),
        pytest.param("'a'", "NULL", id="text-to-null"),
        pytest.param("'a'", "'A'", id="case-only"),
        pytest.param("'e'", "'é'", id="accent-only"),
        pytest.param("'a'", "'a '", id="trailing-blank"),
        pytest.param("''", "NULL", id="empty-to-null"),
    ],
)
def test_capture_of_a_small_text_edit_notes_it(engine, areas, before, after):
    with write_transaction(engine) as conn:
        run(conn, f"INSERT INTO areas VALUES ('1', {before}, 1)")
        captured(conn, "areas")
        run(conn, f"UPDATE areas SET name = {after}")
        assert captured(conn, "areas") == [("1", "UPDATE")]


COLLATIONS = {
    "sqlite": "TEXT COLLATE NOCASE",
    "postgresql": "VARCHAR(20) COLLATE nocase_test",
    "mysql": "VARCHAR(20) COLLATE utf8mb4_general_ci",
}


def test_capture_under_a_case_blind_collation_sees_case_in_value_and_key(engine: Engine):
    kind = COLLATIONS[engine.dialect.name]
    with write_transaction(engine) as conn:
        if engine.dialect.name == "postgresql":
            run(
                conn,
                "CREATE COLLATION IF NOT EXISTS nocase_test "
                "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            )
        run(conn, f"CREATE TABLE t (k {kind} NOT NULL PRIMARY KEY, v {kind})")
        install(conn, spec_of(conn, "t"))
        run(conn, "INSERT INTO t VALUES ('a', 'x')")
        captured(conn, "t")
        run(conn, "UPDATE t SET v = 'X'")
        assert captured(conn, "t") == [("a", "UPDATE")]
        run(conn, "UPDATE t SET k = 'A'")
        assert captured(conn, "t") == [("a", "DELETE"), ("A", "INSERT")]


def test_capture_of_a_changed_key_notes_delete_and_insert(engine, areas):
    with write_transaction(engine) as conn:
        run(conn, "INSERT INTO areas VALUES ('1', 'a', 1)")
        captured(conn, "areas")
        run(conn, "UPDATE areas SET code = '2', name = 'b'")
        assert captured(conn, "areas") == [("1", "DELETE"), ("2", "INSERT")]


def test_capture_of_unwatched_columns_notes_nothing(engine: Engine):
    with write_transaction(engine) as conn:
        run(
            conn,
            "CREATE TABLE t (id INTEGER PRIMARY KEY NOT NULL, seen VARCHAR(9), unseen VARCHAR(9), other VARCHAR(9))",
        )
        spec = spec_of(conn, "t")
        narrow = TableSpec(spec.name, None, spec.columns[:3], spec.key_columns, spec.table)
        install(conn, narrow, watched=["seen"])
        run(conn, "INSERT INTO t VALUES (1, 'a', 'a', 'a')")
        captured(conn, "t")
        run(conn, "UPDATE t SET unseen = 'b', other = 'b'")
        assert captured(conn, "t") == []
        run(conn, "UPDATE t SET seen = 'b'")
        assert captured(conn, "t") == [("1", "UPDATE")]


@pytest.mark.parametrize("name", ["order", "it's a table", 'a "quoted" one', "订单 表", "50% off:now", "back`tick"])
def test_capture_of_odd_names_works(engine: Engine, name: str):
    mark = "`" if is_mysql(engine.dialect) else '"'
    table = mark + name.replace(mark, mark * 2) + mark
    odd = mark + f"组 {name}".replace(mark, mark * 2) + mark
    with write_transaction(engine) as conn:

        def execute(sql: str) -> None:
            conn.exec_driver_sql(sql, execution_options={"no_parameters": True})

        execute(f"CREATE TABLE {table} ({odd} INTEGER NOT NULL PRIMARY KEY, {mark}select{mark} VARCHAR(10))")
        spec = spec_of(conn, name)
        install(conn, spec)
        assert is_current(conn, spec)
        execute(f"INSERT INTO {table} VALUES (7, 'a')")
        execute(f"UPDATE {table} SET {mark}select{mark} = 'b'")
        execute(f"DELETE FROM {table}")
        assert captured(conn, name) == [("7", "INSERT"), ("7", "UPDATE"), ("7", "DELETE")]
        uninstall(conn, spec)
        assert not is_current(conn, spec)


def test_capture_of_a_composite_key_writes_the_codecs_text(engine: Engine):
    odd = ['a"b', "c\\d", "e\nf", "中文,]", "\x01", ""]
    with write_transaction(engine) as conn:
        run(
            conn, "CREATE TABLE t (shop INTEGER NOT NULL, sku VARCHAR(20) NOT NULL, v INTEGER, PRIMARY KEY (sku, shop))"
        )
        spec = spec_of(conn, "t", key=("shop", "sku"))
        install(conn, spec)
        for sku in odd:
            run(conn, "INSERT INTO t VALUES (5, :sku, 1)", sku=sku)
        codec = KeyCodec(spec.key)
        assert [key for key, _ in captured(conn, "t")] == [codec.to_key((5, sku)) for sku in odd]
        assert codec.to_key((5, "中")) == '["5","中"]'


KEY_TYPES = [
    pytest.param("INTEGER", "-7", -7, id="integer"),
    pytest.param("BIGINT", "9007199254740993", 9007199254740993, id="bigint"),
    pytest.param("NUMERIC(20,0)", "12345678901234", 12345678901234, id="numeric"),
    pytest.param("DATE", "'2026-02-28'", "2026-02-28", id="date"),
    pytest.param("VARCHAR(30)", "'Ünï 码'", "Ünï 码", id="text"),
    pytest.param("CHAR(8)", "'ab'", "ab", id="padded"),
]


@pytest.mark.parametrize(("kind", "literal", "value"), KEY_TYPES)
def test_capture_of_each_key_type_writes_the_codecs_text(engine: Engine, kind: str, literal: str, value: object):
    with write_transaction(engine) as conn:
        run(conn, f"CREATE TABLE t (k {kind} NOT NULL PRIMARY KEY, v INTEGER)")
        spec = spec_of(conn, "t")
        install(conn, spec)
        if engine.dialect.name == "postgresql":
            run(conn, "SET LOCAL datestyle TO 'German'")
        run(conn, f"INSERT INTO t VALUES ({literal}, 1)")
        codec = KeyCodec(spec.key)
        assert captured(conn, "t") == [(codec.to_key([value]), "INSERT")]
        read = conn.execute(spec.table.select()).one()
        assert codec.to_key([read.k]) == codec.to_key([value])
        assert codec.normalize(codec.to_key([read.k])) == codec.to_key([read.k])


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_capture_of_uuid_keys_writes_the_codecs_text(kind, ledger_database):
    value = UUID("0AF7651916cd43dd8448eb211c80319c")
    with write_transaction(ledger_database(kind)) as conn:
        run(conn, "CREATE TABLE t_uuid (k UUID NOT NULL PRIMARY KEY, v INTEGER)")
        spec = spec_of(conn, "t_uuid")
        install(conn, spec)
        run(conn, f"INSERT INTO t_uuid VALUES ('{value.hex.upper()}', 1)")
        assert captured(conn, "t_uuid") == [(str(value), "INSERT")]
        assert KeyCodec(spec.key).to_key([value]) == str(value)
        run(conn, "DROP TABLE t_uuid")


def test_capture_with_zerofill_writes_the_number(ledger_database):
    with write_transaction(ledger_database("mysql")) as conn:
        run(conn, "CREATE TABLE t_zero (k INT(6) ZEROFILL NOT NULL PRIMARY KEY)")
        install(conn, spec_of(conn, "t_zero"))
        run(conn, "INSERT INTO t_zero VALUES (42)")
        assert captured(conn, "t_zero") == [("42", "INSERT")]
        run(conn, "DROP TABLE t_zero")


def test_capture_of_json_sees_an_edit(engine: Engine):
    with write_transaction(engine) as conn:
        run(conn, "CREATE TABLE t (id INTEGER PRIMARY KEY NOT NULL, doc JSON)")
        install(conn, spec_of(conn, "t"))
        run(conn, "INSERT INTO t VALUES (1, :doc)", doc=json.dumps({"a": "x"}))
        captured(conn, "t")
        run(conn, "UPDATE t SET doc = doc")
        assert captured(conn, "t") == []
        run(conn, "UPDATE t SET doc = :doc", doc=json.dumps({"a": "X"}))
        assert captured(conn, "t") == [("1", "UPDATE")]


def test_capture_of_a_null_in_a_unique_key_does_not_hinder_the_application(engine: Engine):
    with write_transaction(engine) as conn:
        run(conn, "CREATE TABLE t (id INTEGER PRIMARY KEY NOT NULL, code VARCHAR(10) UNIQUE)")
        install(conn, spec_of(conn, "t", key=("code",)))
        run(conn, "INSERT INTO t VALUES (1, NULL), (2, 'b')")
        run(conn, "UPDATE t SET code = 'a' WHERE id = 1")
        run(conn, "UPDATE t SET code = NULL WHERE id = 2")
        run(conn, "DELETE FROM t WHERE id = 2")
        assert captured(conn, "t") == [("b", "INSERT"), ("a", "INSERT"), ("b", "DELETE")]


def test_mute_keeps_only_its_own_writes_silent(engine, areas):
    with write_transaction(engine) as conn:
        with mute(conn, areas), mute(conn, areas):
            run(conn, "INSERT INTO areas VALUES ('1', 'a', 1)")
        run(conn, "INSERT INTO areas VALUES ('2', 'b', 1)")
    with write_transaction(engine) as conn:
        run(conn, "INSERT INTO areas VALUES ('3', 'c', 1)")
        assert captured(conn, "areas") == [("2", "INSERT"), ("3", "INSERT")]


def insert_and_raise(conn: Connection) -> None:
    run(conn, "INSERT INTO areas VALUES ('1', 'a', 1)")
    raise ZeroDivisionError


def test_mute_after_an_exception_is_over(engine, areas):
    with write_transaction(engine) as conn:
        with pytest.raises(ZeroDivisionError), mute(conn, areas):
            insert_and_raise(conn)
        run(conn, "INSERT INTO areas VALUES ('2', 'b', 1)")
        assert captured(conn, "areas") == [("2", "INSERT")]


def test_mute_after_a_failed_statement_is_over_for_the_session(engine, areas):
    with engine.connect() as conn:
        session = conn.connection.dbapi_connection
        with pytest.raises(Exception, match="no_such_table"), mute(conn, areas):
            run(conn, "INSERT INTO no_such_table VALUES (1)")
        conn.rollback()
        if conn.connection.dbapi_connection is session:
            run(conn, "INSERT INTO areas VALUES ('1', 'a', 1)")
            assert captured(conn, "areas") == [("1", "INSERT")]
        conn.commit()


def test_mute_in_a_rolled_back_savepoint_is_over(engine, areas):
    with write_transaction(engine) as conn:
        with pytest.raises(ZeroDivisionError), conn.begin_nested(), mute(conn, areas):
            insert_and_raise(conn)
        run(conn, "INSERT INTO areas VALUES ('2', 'b', 1)")
        assert captured(conn, "areas") == [("2", "INSERT")]


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_mute_of_one_connection_leaves_another_captured(kind, ledger_database):
    engine = ledger_database(kind)
    with write_transaction(engine) as conn:
        run(conn, "CREATE TABLE t_two (id INTEGER PRIMARY KEY NOT NULL)")
        two = spec_of(conn, "t_two")
        install(conn, two)
    with write_transaction(engine) as muted, mute(muted, two):
        run(muted, "INSERT INTO t_two VALUES (1)")
        with write_transaction(engine) as other:
            run(other, "INSERT INTO t_two VALUES (2)")
        run(muted, "INSERT INTO t_two VALUES (3)")
    with write_transaction(engine) as conn:
        assert captured(conn, "t_two") == [("2", "INSERT")]
        run(conn, "DROP TABLE t_two")


def test_mute_of_an_autocommitting_sqlite_connection_is_refused(engine, areas):
    if engine.dialect.name != "sqlite":
        pytest.skip("SQLite only")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        with pytest.raises(ConfigError, match=r"write_transaction\(\)"), mute(conn, areas):
            pass
        assert conn.execute(text("SELECT COUNT(*) FROM sync_mute")).scalar_one() == 0


def test_install_again_changes_nothing(engine, areas):
    with write_transaction(engine) as conn:
        assert is_current(conn, areas)
        install(conn, areas)
        assert is_current(conn, areas)
        run(conn, "INSERT INTO areas VALUES ('1', 'a', 1)")
        assert captured(conn, "areas") == [("1", "INSERT")]


def test_install_after_a_column_was_added_watches_it(engine, areas):
    with write_transaction(engine) as conn:
        run(conn, "ALTER TABLE areas ADD COLUMN extra VARCHAR(10)")
        wider = spec_of(conn, "areas")
        assert not is_current(conn, wider)
        install(conn, wider)
        assert is_current(conn, wider)
        run(conn, "INSERT INTO areas VALUES ('1', 'a', 1, 'x')")
        run(conn, "UPDATE areas SET extra = 'y'")
        assert captured(conn, "areas") == [("1", "INSERT"), ("1", "UPDATE")]


def test_install_after_the_table_was_made_anew_installs_again(engine, areas):
    with write_transaction(engine) as conn:
        run(conn, "DROP TABLE areas")
        run(conn, "CREATE TABLE areas (code VARCHAR(12) PRIMARY KEY NOT NULL, name VARCHAR(50), size INTEGER)")
        assert not is_current(conn, areas)
        install(conn, areas)
        run(conn, "INSERT INTO areas VALUES ('1', 'a', 1)")
        assert captured(conn, "areas") == [("1", "INSERT")]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_rename_of_a_watched_column_does_not_hinder_the_application(kind, ledger_database):
    with write_transaction(ledger_database(kind)) as conn:
        run(conn, "CREATE TABLE t_ren (id INTEGER PRIMARY KEY NOT NULL, v VARCHAR(9))")
        install(conn, spec_of(conn, "t_ren"))
        run(conn, "ALTER TABLE t_ren RENAME COLUMN v TO w")
        run(conn, "INSERT INTO t_ren VALUES (1, 'a')")
        run(conn, "UPDATE t_ren SET w = 'b'")
        assert captured(conn, "t_ren") == [("1", "INSERT"), ("1", "UPDATE")]
        run(conn, "DROP TABLE t_ren")


def test_uninstall_twice_leaves_no_trigger(engine, areas):
    with write_transaction(engine) as conn:
        uninstall(conn, areas)
        uninstall(conn, areas)
        run(conn, "INSERT INTO areas VALUES ('1', 'a', 1)")
        assert captured(conn, "areas") == []


def test_install_on_a_view_says_to_map_the_table(engine, areas):
    with write_transaction(engine) as conn:
        run(conn, "CREATE VIEW seen AS SELECT * FROM areas")
        table = reflect_table(conn, "seen")
        spec = TableSpec("seen", None, columns_of(table), ("code",), table)
        try:
            with pytest.raises(SchemaMismatch, match="is a view"):
                install(conn, spec)
        finally:
            run(conn, "DROP VIEW seen")


def test_capture_in_another_postgres_schema_needs_no_grant_and_no_search_path(ledger_database):
    engine = ledger_database("postgresql")
    with write_transaction(engine) as conn:
        run(conn, 'CREATE SCHEMA "Shop x"')
        run(conn, 'CREATE TABLE "Shop x"."order" (id INTEGER PRIMARY KEY NOT NULL, v TEXT)')
        spec = spec_of(conn, "order", "Shop x")
        install(conn, spec)
        assert is_current(conn, spec)
        run(conn, "DROP ROLE IF EXISTS lark_test_writer")
        run(conn, "CREATE ROLE lark_test_writer")
        run(conn, 'GRANT USAGE ON SCHEMA "Shop x" TO lark_test_writer')
        run(conn, 'GRANT ALL ON "Shop x"."order" TO lark_test_writer')
        run(conn, 'SET LOCAL search_path TO "Shop x"')
        run(conn, "SET LOCAL ROLE lark_test_writer")
        run(conn, 'INSERT INTO "order" VALUES (1, NULL)')
        run(conn, "UPDATE \"order\" SET v = 'a'")
        run(conn, "RESET ROLE")
        run(conn, "SET LOCAL search_path TO public")
        assert captured(conn, "Shop x.order") == [("1", "INSERT"), ("1", "UPDATE")]
        uninstall(conn, spec)
        left = conn.execute(text("SELECT proname FROM pg_proc WHERE proname LIKE 'lark%order%'"))
        assert left.all() == []
        run(conn, 'DROP SCHEMA "Shop x" CASCADE')
        run(conn, "DROP ROLE lark_test_writer")


def test_capture_of_a_disabled_postgres_trigger_is_not_current(ledger_database):
    with write_transaction(ledger_database("postgresql")) as conn:
        run(conn, "CREATE TABLE t_off (id INTEGER PRIMARY KEY NOT NULL)")
        spec = spec_of(conn, "t_off")
        install(conn, spec)
        run(conn, "ALTER TABLE t_off DISABLE TRIGGER ALL")
        assert not is_current(conn, spec)
        install(conn, spec)
        assert is_current(conn, spec)
        run(conn, "DROP TABLE t_off")


def test_capture_in_another_mysql_database_writes_to_the_ledger(ledger_database, new_database):
    ledger, other = ledger_database("mysql"), new_database("mysql")
    with write_transaction(other) as conn:
        run(conn, "CREATE TABLE t (id INTEGER PRIMARY KEY NOT NULL)")
    with write_transaction(ledger) as conn:
        spec = spec_of(conn, "t", other.url.database)
        install(conn, spec)
        assert is_current(conn, spec)
    with write_transaction(other) as conn:
        run(conn, "INSERT INTO t VALUES (5)")
    with write_transaction(ledger) as conn:
        assert captured(conn, f"{other.url.database}.t") == [("5", "INSERT")]


def test_install_without_the_right_says_what_to_grant(ledger_database):
    engine = ledger_database("mysql")
    with write_transaction(engine) as conn:
        run(conn, "CREATE TABLE t_right (id INTEGER PRIMARY KEY NOT NULL)")
        run(conn, "CREATE OR REPLACE USER lark_test_poor@'%' IDENTIFIED BY 'x'")
        run(conn, f"GRANT SELECT, INSERT ON \"{engine.url.database}\".* TO lark_test_poor@'%'")
    poor = create_engine(engine.url.set(username="lark_test_poor", password="x"), poolclass=NullPool)
    try:
        with write_transaction(poor) as conn, pytest.raises(SchemaMismatch, match="GRANT TRIGGER"):
            install(conn, spec_of(conn, "t_right"))
    finally:
        with write_transaction(engine) as conn:
            run(conn, "DROP USER lark_test_poor@'%'")
            run(conn, "DROP TABLE t_right")


def test_install_with_a_key_longer_than_mysql_indexes_is_refused(ledger_database):
    with write_transaction(ledger_database("mysql")) as conn:
        run(conn, "CREATE TABLE t_long (k VARCHAR(700) PRIMARY KEY NOT NULL)")
        with pytest.raises(SchemaMismatch, match="700 characters"):
            install(conn, spec_of(conn, "t_long"))
        run(conn, "DROP TABLE t_long")


AUDIT = {
    "sqlite": ["CREATE TRIGGER {name} AFTER UPDATE ON areas BEGIN SELECT 1; END"],
    "mysql": ["CREATE TRIGGER {name} AFTER UPDATE ON areas FOR EACH ROW SET @audited = 1"],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION {name}_body() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER {name} AFTER UPDATE ON areas FOR EACH ROW EXECUTE FUNCTION {name}_body()",
    ],
}


@pytest.mark.parametrize("name", ["lark_sync_audit", "lark_sync_areas_upd", "lark_sync_areas_0123456789_audit"])
def test_triggers_of_others_stay_whatever_they_are_called(engine, areas, name):
    with write_transaction(engine) as conn:
        for statement in AUDIT[engine.dialect.name]:
            run(conn, statement.format(name=name))
        assert is_current(conn, areas)
        install(conn, areas, anew=True)
        uninstall(conn, areas)
        kept = {
            "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
            "mysql": "SELECT trigger_name FROM information_schema.triggers WHERE event_object_schema = DATABASE()",
            "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = 'areas'::regclass",
        }
        assert set(conn.scalars(text(kept[engine.dialect.name].replace("::", "\\:\\:")))) == {name}
        run(conn, "DROP TABLE areas")
        if engine.dialect.name == "postgresql":
            run(conn, f"DROP FUNCTION {name}_body()")
