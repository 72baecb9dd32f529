"""Sessions of every temper: roles and servers come with settings of their own, and the engine sets what it needs."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.pool import NullPool, QueuePool

from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.errors import ConfigError, DatabaseBusy
from tests.databases import open_sqlite
from tests.sync.shop import FIELDS, GOODS, NAMED

DATED = "CREATE TABLE goods (code INT PRIMARY KEY, name VARCHAR(40), qty DOUBLE PRECISION, day DATE, at TIMESTAMPTZ)"

POSTGRES = {
    "German": [
        "SET DateStyle = 'German'",
        "SET IntervalStyle = 'iso_8601'",
        "SET extra_float_digits = -15",
        "SET client_encoding = 'LATIN1'",
        "SET default_transaction_isolation = 'serializable'",
        "SET transform_null_equals = on",
    ],
    "SQL": [
        "SET DateStyle = 'SQL, DMY'",
        "SET standard_conforming_strings = off",
        "SET quote_all_identifiers = on",
        "SET search_path = public, pg_catalog",
        "SET default_transaction_deferrable = on",
    ],
    "Postgres": [
        "SET DateStyle = 'Postgres, MDY'",
        "SET TimeZone = 'Asia/Kathmandu'",
        "SET bytea_output = 'escape'",
        "SET lock_timeout = 0",
    ],
}


@pytest.mark.parametrize("temper", POSTGRES)
def test_postgres_session_of_any_temper_syncs_both_ways(open_shop, tempered, temper):
    fields = [*FIELDS, {"field_name": "Day", "type": 5}, {"field_name": "At", "type": 5}]
    shop = open_shop("postgresql", DATED, fields=fields, named={**NAMED, "Day": "day", "At": "at"})
    shop.execute("INSERT INTO goods VALUES (1, '汉堡包', 0.123456789012345, '2026-03-09', '2026-03-09 05:06:07+00')")
    engine = tempered("postgresql", *POSTGRES[temper])
    shop.engine(engine).full()
    shop.add(Code=2, Name="é中文😁", Qty=0.987654321012345, Day=1772986167000, At=1772986167000)
    shop.execute("UPDATE goods SET name = '汉堡' WHERE code = 1")
    assert shop.engine(engine).incremental().status == "ok"
    assert shop.lark() == {1: "汉堡", 2: "é中文😁"} == shop.rows()
    assert shop.lark("Qty") == {1: 0.123456789012345, 2: 0.987654321012345} == shop.rows("qty")
    assert [f"{day}" for day in shop.rows("day").values()] == ["2026-03-09", "2026-03-09"]
    assert shop.engine(engine).check().in_step


MYSQL = {
    "no mode": [
        "SET SESSION sql_mode = ''",
        "SET SESSION autocommit = 0",
        "SET SESSION time_zone = '+05:45'",
        "SET SESSION sql_safe_updates = 1, SESSION sql_select_limit = 1, SESSION sql_auto_is_null = 1",
    ],
    "ANSI": ["SET SESSION sql_mode = 'ANSI'", "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"],
    "bending": [
        "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,HIGH_NOT_PRECEDENCE'",
        "SET NAMES latin1",
    ],
    "strict": [
        "SET SESSION sql_mode = 'ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE,TRADITIONAL'",
        "SET SESSION foreign_key_checks = 0",
    ],
}


@pytest.mark.parametrize("temper", MYSQL)
def test_mysql_session_of_any_temper_syncs_both_ways(open_shop, tempered, temper):
    ddl = "CREATE TABLE goods (code INT PRIMARY KEY AUTO_INCREMENT, name CHAR(40), qty DOUBLE) CHARACTER SET utf8mb4"
    shop = open_shop("mysql", ddl)
    shop.execute("INSERT INTO goods VALUES (1, 'a\\\\b', 1.5), (2, 'two', NULL), (3, 'three', 3)")
    engine = tempered("mysql", *MYSQL[temper])
    shop.engine(engine).full()
    shop.add(Name="é中文😁 \\n", Qty=0.125)
    shop.execute("UPDATE goods SET name = 'zwei' WHERE code = 2")
    assert shop.engine(engine).incremental().status == "ok"
    assert shop.engine(engine).full().status == "ok"
    assert shop.lark() == {1: "a\\b", 2: "zwei", 3: "three", 4: "é中文😁 \\n"} == shop.rows()
    assert shop.engine(engine).check().in_step


@pytest.mark.parametrize(
    ("kind", "driver", "setting"),
    [
        pytest.param("postgresql", "postgresql+psycopg2", "SET client_encoding = 'LATIN1'", id="psycopg2, narrow"),
        pytest.param("postgresql", "postgresql+psycopg2", "SET DateStyle = 'German'", id="psycopg2, German"),
        pytest.param("mysql", "mysql+pymysql", "SET SESSION sql_mode = ''", id="pymysql, not strict"),
        pytest.param("mysql", "mysql+pymysql", "SET NAMES latin1", id="pymysql, narrow"),
    ],
)
def test_session_of_another_driver_syncs_both_ways(open_shop, tempered, kind, driver, setting):
    shop = open_shop(kind, GOODS)
    shop.execute("INSERT INTO goods VALUES (1, 'one', 1.25)")
    engine = tempered(kind, setting, driver=driver)
    shop.engine(engine).full()
    shop.add(Code=2, Name="é中文😁", Qty=0.5)
    shop.execute("UPDATE goods SET name = '壹' WHERE code = 1")
    assert shop.engine(engine).incremental().status == "ok"
    assert shop.lark() == {1: "壹", 2: "é中文😁"} == shop.rows()
    assert shop.engine(engine).check().in_step


def work_until_ended(engine, statement):
    with open_session(engine) as conn:
        if statement is None:
            pid = conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with engine.connect() as other:
                # a transaction of its own for each look, or it would be ended too
                while other.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid"), {"pid": pid}):
                    other.rollback()
        conn.exec_driver_sql(statement or "SELECT 2")


@pytest.mark.parametrize(
    ("kind", "setting", "statement"),
    [
        pytest.param("postgresql", "statement_timeout = 60", "SELECT pg_sleep(2)", id="statement"),
        pytest.param("postgresql", "idle_in_transaction_session_timeout = 60", None, id="idle"),
        pytest.param("mysql", "max_statement_time = 0.06", "SELECT SLEEP(2)", id="mariadb"),
    ],
)
def test_work_that_a_setting_ends_says_which(open_shop, tempered, kind, setting, statement):
    open_shop(kind, GOODS)
    engine = tempered(kind, f"SET SESSION {setting}")
    with pytest.raises(DatabaseBusy, match=setting.partition(" ")[0]) as caught:
        work_until_ended(engine, statement)
    assert "SELECT" not in str(caught.value)
    assert "set it to 0 (no limit) or a higher value" in str(caught.value)


def test_mysql_key_zero_stays_zero(open_shop, tempered):
    shop = open_shop("mysql", "CREATE TABLE goods (code INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40), qty DOUBLE)")
    shop.engine().full()
    shop.add(Code=0, Name="nought")
    shop.engine().full()
    assert shop.rows() == {0: "nought"} == shop.lark()


@pytest.mark.parametrize(
    ("column", "field", "good", "bad", "words"),
    [
        pytest.param("VARCHAR(40) CHARACTER SET utf8mb3", 1, "表情好", "表情😁好", "utf8mb3", id="utf8mb3"),
        pytest.param("VARCHAR(40) CHARACTER SET latin1", 1, "é€", "中文", "latin1", id="latin1"),
        pytest.param("VARCHAR(40) CHARACTER SET ascii", 1, "plain", "é", "ascii", id="ascii"),
        pytest.param("DOUBLE UNSIGNED", 2, 5.5, -5.5, "0 or more", id="unsigned double"),
        pytest.param("FLOAT UNSIGNED", 2, 5.5, -5.5, "0 or more", id="unsigned float"),
        pytest.param("DOUBLE(6,2)", 2, 1234.25, 1.005, "2 after the decimal point", id="double of two decimals"),
        pytest.param("DOUBLE(6,2)", 2, -1234.25, 12345.5, "4 digits before", id="double of four places"),
        pytest.param("INT NOT NULL", 2, 5, None, "empty|NULL|null|1048|1364", id="not null"),
        pytest.param("TINYINT UNSIGNED", 2, 255, 256, "from 0 to 255", id="tiny"),
        pytest.param("DECIMAL(6,2) UNSIGNED", 2, 1.25, -1.25, "0 or more", id="unsigned decimal"),
    ],
)
def test_mysql_that_is_not_strict_keeps_what_a_person_typed(open_shop, tempered, column, field, good, bad, words):
    fields = [{"field_name": "Code", "type": 2}, {"field_name": "Value", "type": field}]
    ddl = f"CREATE TABLE goods (code INT PRIMARY KEY, value {column})"
    shop = open_shop("mysql", ddl, fields=fields, named={"Code": "code", "Value": "value"})
    engine = tempered("mysql", "SET SESSION sql_mode = ''")
    shop.engine(engine).setup()
    shop.add(Code=1, Value=good)
    shop.add(Code=2, **({} if bad is None else {"Value": bad}))
    report = shop.engine(engine).full()
    assert (report.status, report.to_lark.total) == ("partial", 0)
    assert shop.rows("value") == {1: good}
    assert shop.lark("Value") == {1: good, 2: bad}
    problem = " ".join(report.problems)
    assert problem.startswith("2: ")
    assert any(word in problem for word in words.split("|")), problem


def test_mysql_pooled_session_is_given_back_as_it_came(open_shop, tempered):
    shop = open_shop("mysql", GOODS)
    engine = tempered(
        "mysql", "SET SESSION sql_mode = 'NO_ZERO_DATE', SESSION sql_safe_updates = 1", poolclass=QueuePool
    )
    asked = "SELECT @@sql_mode, @@sql_safe_updates, @@lock_wait_timeout, @@tx_isolation, @@innodb_lock_wait_timeout"
    with engine.connect() as conn:
        before = conn.exec_driver_sql(asked).one()
    shop.engine(engine).full()
    with engine.connect() as conn:
        assert conn.exec_driver_sql(asked).one() == before
    assert engine.pool.checkedin() == 1


def test_postgres_pooled_session_is_given_back_as_it_came(open_shop, tempered):
    shop = open_shop("postgresql", GOODS)
    engine = tempered("postgresql", "SET DateStyle = 'German'", "SET lock_timeout = '7s'", poolclass=QueuePool)
    shop.engine(engine).full()
    with engine.connect() as conn:
        shown = [
            conn.exec_driver_sql(f"SHOW {name}").scalar() for name in ("DateStyle", "lock_timeout", "row_security")
        ]
        assert shown == ["German, DMY", "7s", "on"]
        assert conn.connection.dbapi_connection.prepare_threshold == 5


def test_sqlite_pooled_session_is_given_back_as_it_came(open_shop, tempered):
    shop = open_shop("sqlite", GOODS)
    engine = tempered("sqlite", "PRAGMA busy_timeout = 77", poolclass=QueuePool)
    shop.engine(engine).full()
    with engine.connect() as conn:
        shown = [conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("busy_timeout", "foreign_keys")]
    assert shown == [77, 0]


def test_sqlite_engine_that_begins_by_itself_syncs_both_ways(open_shop, tempered):
    shop = open_shop("sqlite", GOODS)
    engine = tempered("sqlite")

    @event.listens_for(engine, "connect")
    def leave_transactions_to_us(raw, _record):
        raw.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(conn):
        conn.exec_driver_sql("BEGIN")

    shop.execute("INSERT INTO goods VALUES (1, 'one', 1)")
    shop.engine(engine).full()
    shop.add(Code=2, Name="two")
    assert shop.engine(engine).incremental().status == "ok"
    assert shop.rows() == {1: "one", 2: "two"} == shop.lark()


def test_sqlite_row_that_refers_to_nothing_is_set_aside(open_shop):
    shop = open_shop(
        "sqlite", "CREATE TABLE goods (code INTEGER PRIMARY KEY, name TEXT REFERENCES places (name), qty REAL)"
    )
    shop.execute("DROP TABLE IF EXISTS places", "CREATE TABLE places (name TEXT PRIMARY KEY)")
    shop.execute("INSERT INTO places VALUES ('Rome')")
    shop.engine().setup()
    shop.add(Code=1, Name="Rome")
    shop.add(Code=2, Name="Atlantis")
    report = shop.engine().full()
    assert (report.status, shop.rows()) == ("partial", {1: "Rome"})
    assert shop.lark() == {1: "Rome", 2: "Atlantis"}


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        pytest.param("postgresql", "SET default_transaction_read_only = on", id="postgresql"),
        pytest.param("mysql", "SET SESSION TRANSACTION READ ONLY", id="mysql"),
        pytest.param("sqlite", "PRAGMA query_only = on", id="sqlite"),
    ],
)
def test_session_that_may_only_read_says_so(open_shop, tempered, kind, setting):
    shop = open_shop(kind, GOODS)
    with pytest.raises(ConfigError, match="is read-only"):
        shop.engine(tempered(kind, setting)).full()


def test_file_of_sqlite_that_was_moved_meanwhile_is_told(tmp_path):
    engine = open_sqlite(tmp_path / "shop.db")
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE goods (code INTEGER PRIMARY KEY)"))
    # an extended code of SQLite's: 1032, of which 8 is the lowest byte
    with pytest.raises(ConfigError, match=r"is read-only: .* the file was moved or replaced"):
        _write_after_move(engine, tmp_path)
    engine.dispose()


def _write_after_move(engine, folder):
    with open_session(engine) as conn:
        conn.execute(text("SELECT * FROM goods")).all()
        (folder / "shop.db").rename(folder / "other.db")
        conn.execute(text("INSERT INTO goods VALUES (1)"))


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_plan_of_a_user_who_may_not_read_says_what_to_grant(open_shop, tempered, kind):
    shop = open_shop(kind, GOODS)
    if kind == "postgresql":
        make = ("CREATE ROLE lark_test_poor", "GRANT USAGE ON SCHEMA public TO lark_test_poor")
        drop = ("DROP OWNED BY lark_test_poor", "DROP ROLE lark_test_poor")
        grant = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO lark_test_poor"
    else:
        schema = shop.sql.url.database
        make = ("CREATE USER lark_test_poor", f"GRANT INSERT ON {schema}.goods TO lark_test_poor")
        drop = ("DROP USER lark_test_poor",)
        grant = f"GRANT SELECT ON {schema}.* TO lark_test_poor"
    shop.execute(*make)
    try:
        if kind == "postgresql":
            poor = tempered(kind, "SET ROLE lark_test_poor")
        else:
            poor = create_engine(shop.sql.url.set(username="lark_test_poor"), poolclass=NullPool)
        said = r"may not read what is needed: .*denied.*; GRANT it SELECT on this table and on the sync_… tables"
        with pytest.raises(ConfigError, match=said):
            shop.engine(poor).plan("full")
        shop.execute(grant)
        with shop.engine(poor).plan("full") as plan:
            assert set(plan.counts) == {("setup", "make")}
    finally:
        shop.execute(*drop)
