"""Engines from SQL connections, on every kind of database."""

from __future__ import annotations

import json
import traceback
from contextlib import ExitStack

import pytest
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.execution_time import task_runner
from sqlalchemy import event, exc, text

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.connections.lark import read_connection
from airflow_provider_lark.hooks.database import opened_engine, sql_engine


def test_engine_carries_any_text(conn_id):
    with opened_engine(conn_id) as engine, engine.connect() as conn:
        assert conn.scalar(text("SELECT :word"), {"word": "北京 🏙"}) == "北京 🏙"


def test_sessions_of_a_run_share_a_connection_which_is_replaced_once_it_is_lost(conn_id):
    opened = []
    with opened_engine(conn_id) as engine:
        event.listen(engine, "connect", lambda connection, _: opened.append(connection))
        for _ in range(5):
            with engine.connect() as conn:
                assert conn.scalar(text("SELECT 1")) == 1
        if engine.dialect.name == "sqlite":
            assert len(opened) == 5
            return
        assert len(opened) == 1
        own, kill = {
            "postgresql": ("pg_backend_pid()", "SELECT pg_terminate_backend({})"),
            "mysql": ("CONNECTION_ID()", "KILL {}"),
        }[engine.dialect.name]
        with engine.connect() as other:
            with engine.connect() as conn:
                lost = conn.scalar(text(f"SELECT {own}"))
            other.execute(text(kill.format(lost)))
        with engine.connect() as conn, engine.connect() as other:
            assert [each.scalar(text("SELECT 1")) for each in (conn, other)] == [1, 1]
        # with the one that is lost go those that are as old
        assert len(opened) == 4
        # more than are kept, where more are needed at once
        with ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(engine.connect())
        assert engine.pool.checkedin() == 2
    assert engine.pool.checkedin() == 0


def test_engine_keeps_connections_open_where_a_process_has_many_a_second(conn_id):
    engine = sql_engine(conn_id, kept_open=2)
    try:
        with engine.connect() as conn:
            conn.execute(text("SELECT 1"))
        kept = engine.pool.checkedin() if engine.dialect.name != "sqlite" else 0
        assert (type(engine.pool).__name__, kept) == (("NullPool", 0) if kept == 0 else ("QueuePool", 1))
        assert (kept == 0) == (engine.dialect.name == "sqlite")
    finally:
        engine.dispose()


def test_engine_errors_show_no_values(conn_id):
    with (
        opened_engine(conn_id) as engine,
        engine.connect() as conn,
        pytest.raises(exc.SQLAlchemyError) as caught,
    ):
        conn.execute(text("SELECT no_such_column WHERE 1 = :value"), {"value": "cell-content"})
    assert "cell-content" not in str(caught.value)


def test_engine_of_a_file_with_a_blank_in_its_name_opens_that_file(tmp_path, monkeypatch):
    path = tmp_path / "a b.db"
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    with opened_engine("shop_db") as engine, engine.begin() as conn:
        conn.execute(text("CREATE TABLE t (x INTEGER)"))
    assert path.exists()


def test_engine_of_a_connection_of_another_type_is_refused(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_MAIL", json.dumps({"conn_type": "smtp", "host": "mail"}))
    with pytest.raises(ConfigError, match="'mail': has type 'smtp'; expected a SQLite, PostgreSQL, MySQL or MariaDB"):
        sql_engine("mail")


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        # its login and password would be a part of the file's name
        pytest.param({"conn_type": "sqlite", "host": "/tmp/x.db"}, "SQLite has no users", id="sqlite"),
        pytest.param({"conn_type": "smtp", "host": "mail"}, "has type 'smtp'", id="no database"),
        pytest.param({"conn_type": "nonsense", "host": "x"}, "no hook for type 'nonsense'", id="no provider"),
    ],
)
def test_engine_that_is_refused_shows_no_password(monkeypatch, parts, words):
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"login": "u", "password": "canary"} | parts))
    with pytest.raises(ConfigError, match=words) as caught:
        sql_engine("shop_db")
    for error in (caught.value, caught.value.__cause__):
        if error is not None:
            stack = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), capture_locals=True)
            shown = [f"{error}", *(f"{frame.locals}" for frame in stack if "/tests/" not in frame.filename)]
            assert "canary" not in "".join(shown)


def test_password_is_masked_as_it_stands_in_an_address(monkeypatch):
    from airflow.sdk.log import redact

    parts = {"conn_type": "mysql", "host": "x", "login": "u", "password": "canary p@ss/w:rd"}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps(parts))
    url = sql_engine("shop_db").url
    # what Airflow's hook logs at DEBUG; the mask is a word of the whole process
    shown = [f"{redact(url.render_as_string(hide_password=False))}", redact("canary%20p%40ss%2Fw%3Ard")]
    assert "canary" not in "".join(shown)


def test_engine_of_an_unknown_connection_says_how_to_add_it():
    with pytest.raises(ConfigError, match="'nowhere': does not exist; add it under Admin"):
        sql_engine("nowhere")


def test_connection_that_this_process_cannot_see_is_told_as_such(monkeypatch):
    # what the callbacks of a DAG meet in dag.test()
    with pytest.raises(
        ConfigError,
        match="outside of tasks Airflow reads connections only from the environment and from secrets backends",
    ):
        read_connection("nowhere")
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", object(), raising=False)
    monkeypatch.setattr(BaseHook, "get_connection", refuse(AirflowNotFoundException("nowhere")))
    with pytest.raises(ConfigError, match=r"AIRFLOW_CONN_NOWHERE$"):
        read_connection("nowhere")


def test_process_that_may_read_no_connection_is_told_how_to_give_one(monkeypatch):
    # what the synchronous callback of a deadline meets: Airflow's error is a PermissionError
    monkeypatch.setattr(BaseHook, "get_connection", refuse(PermissionError("403")))
    with pytest.raises(
        ConfigError, match=r"does not let this process read connections .* variable AIRFLOW_CONN_LARK_DEFAULT"
    ):
        read_connection("lark_default")


def refuse(error):
    def get_connection(conn_id):
        raise error

    return get_connection
