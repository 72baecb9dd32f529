"""Airflow's SQL connections are opened as Airflow's own hooks open them, whatever their Extra says."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import exc, text

from airflow_provider_lark.core.database.connections import open_session, write_transaction
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.database import opened_engine, sql_engine


@pytest.fixture
def connection(ledger_database, monkeypatch):
    """Give the server's connection of a kind some extra."""

    def set_(kind, extra, **parts):
        url = ledger_database(kind).url
        names = {"postgresql": "postgres", "mysql": "mysql", "sqlite": "sqlite"}
        found = {"conn_type": names[kind], "host": url.host or url.database, "port": url.port, "login": url.username}
        found |= {"schema": url.database} if kind != "sqlite" else {}
        monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({**found, **parts, "extra": extra}))
        return "shop_db"

    return set_


def ask(conn_id, statement):
    with opened_engine(conn_id) as engine, open_session(engine) as conn:
        return conn.execute(text(statement)).one()


@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_postgres_that_must_be_encrypted_is_refused_without(connection, mode):
    plain = ask(connection("postgresql", {"sslmode": "disable"}), "SELECT current_setting('ssl')")
    if plain == ("on",):
        pytest.skip("this server speaks TLS")
    with pytest.raises(exc.OperationalError):
        ask(connection("postgresql", {"sslmode": mode}), "SELECT 1")


def test_postgres_options_of_the_extra_reach_the_server(connection):
    extra = {"application_name": "shop-sync", "connect_timeout": 7, "options": "-c work_mem=5MB", "keepalives": 1}
    found = ask(
        connection("postgresql", extra), "SELECT current_setting('application_name'), current_setting('work_mem')"
    )
    assert tuple(found) == ("shop-sync", "5MB")


def test_postgres_query_for_sqlalchemy_reaches_the_server_too(connection):
    extra = {"sqlalchemy_query": {"application_name": "shop-sync"}}
    assert ask(connection("postgresql", extra), "SELECT current_setting('application_name')") == ("shop-sync",)


@pytest.mark.parametrize("cursor", ["dictcursor", "namedtuplecursor"])
def test_postgres_cursor_for_other_tasks_does_no_harm(connection, cursor):
    assert ask(connection("postgresql", {"cursor": cursor}), "SELECT 1, 2") == (1, 2)


@pytest.mark.parametrize("extra", [{"cursor": "sscursor"}, {"note": "owned by team A"}])
def test_postgres_extra_that_its_hook_refuses_names_the_connection(connection, extra):
    with pytest.raises(ConfigError, match=r"'shop_db': the driver rejected it \(.*\); check its Extra"):
        ask(connection("postgresql", extra), "SELECT 1")


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"cursor": "sscursor"}, id="cursor"),
        pytest.param({"cursor": "dictcursor"}, id="dict cursor"),
        pytest.param({"note": "owned by team A"}, id="unknown note"),
        pytest.param({"charset": "latin1"}, id="narrow charset"),
        pytest.param({"client": "mysql-connector-python"}, id="the other driver"),
        pytest.param({"client": "pymysql", "connect_timeout": "7"}, id="the third driver"),
    ],
)
def test_mysql_works_with_what_people_write_into_the_extra(connection, extra):
    conn_id = connection("mysql", extra)
    assert ask(conn_id, "SELECT '表情😁', 2") == ("表情😁", 2)
    with opened_engine(conn_id) as engine:
        with write_transaction(engine) as conn:
            conn.execute(text("DELETE FROM sync_blacklist"))
            conn.execute(text("INSERT INTO sync_blacklist (table_name, record_id, reason) VALUES ('t', '1', '好😁')"))
        with write_transaction(engine) as conn:
            same = "UPDATE sync_blacklist SET reason = :reason"
            # rows are counted that were found, also where nothing changes
            assert [conn.execute(text(same), {"reason": "好😁"}).rowcount for _ in range(2)] == [1, 1]


def test_mysql_init_command_and_timeouts_reach_the_driver(connection):
    extra = {"init_command": "SET @who = 'shop'", "connect_timeout": 7}
    assert ask(connection("mysql", extra), "SELECT @who") == ("shop",)


def test_mysql_option_that_the_driver_cannot_read_names_the_connection(connection):
    with pytest.raises(ConfigError, match="'shop_db'"):
        ask(connection("mysql", {"connect_timeout": "soon"}), "SELECT 1")


def test_sqlite_that_is_only_to_be_read_refuses_writes(connection, tmp_path):
    conn_id = connection("sqlite", {"mode": "ro"})
    with (
        opened_engine(conn_id) as engine,
        pytest.raises(ConfigError, match="is read-only: its address has mode=ro"),
        write_transaction(engine) as conn,
    ):
        conn.execute(text("DELETE FROM sync_blacklist"))
    assert ask(conn_id, "SELECT count(*) FROM sync_blacklist") == (0,)


@pytest.mark.parametrize("name", ["a b#1.db", "100%.db", "订单.db"])
def test_sqlite_file_of_any_name_is_that_file(connection, tmp_path, name):
    conn_id = connection("sqlite", {}, host=str(tmp_path / name))
    with opened_engine(conn_id) as engine, engine.begin() as conn:
        conn.execute(text("CREATE TABLE t (x INTEGER)"))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_generic_connection_gets_the_error_of_any_other_type(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "generic", "host": "x"}))
    with pytest.raises(
        ConfigError, match="'shop_db': Airflow has no hook for type 'generic'; use a database connection"
    ):
        sql_engine("shop_db")
