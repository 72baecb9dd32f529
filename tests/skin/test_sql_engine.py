"""Engines from SQL connections, on the databases that are there."""

from __future__ import annotations

import json
import os

import pytest
from sqlalchemy import create_engine, exc, make_url, text

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.database import opened_engine, sql_engine

SERVERS = {
    "postgres": ("LARK_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432", "postgres"),
    "mysql": ("LARK_TEST_MYSQL_URL", "mysql+mysqldb://root@127.0.0.1:3306", "information_schema"),
}


@pytest.fixture(params=["sqlite", "postgres", "mysql"])
def conn_id(request, tmp_path, monkeypatch):
    if request.param == "sqlite":
        parts = {"conn_type": "sqlite", "host": str(tmp_path / "a b.db")}
    else:
        variable, default, database = SERVERS[request.param]
        url = make_url(os.environ.get(variable, default))
        probe = create_engine(url.set(database=url.database or database))
        try:
            probe.connect().close()
        except exc.OperationalError:
            pytest.skip(f"no {request.param} server at {url.host}:{url.port}; set {variable}")
        finally:
            probe.dispose()
        parts = {"conn_type": request.param, "host": url.host, "port": url.port, "login": url.username}
        parts |= {"schema": database} | ({"password": url.password} if url.password else {})
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps(parts))
    return "shop_db"


def test_engine_keeps_no_connection_and_carries_any_text(conn_id):
    with opened_engine(conn_id) as engine, engine.connect() as conn:
        assert type(engine.pool).__name__ == "NullPool"
        assert conn.scalar(text("SELECT :word"), {"word": "北京 🏙"}) == "北京 🏙"


def test_engine_errors_show_no_values(conn_id):
    with (
        opened_engine(conn_id) as engine,
        engine.connect() as conn,
        pytest.raises(exc.SQLAlchemyError) as caught,
    ):
        conn.execute(text("SELECT no_such_column WHERE 1 = :value"), {"value": "cell-content"})
    assert "cell-content" not in str(caught.value)


def test_engine_of_a_connection_of_another_type_is_refused(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_MAIL", json.dumps({"conn_type": "smtp", "host": "mail"}))
    with pytest.raises(ConfigError, match="'mail': is of type 'smtp'; a SQLite, PostgreSQL, MySQL or MariaDB"):
        sql_engine("mail")


def test_engine_of_an_unknown_connection_says_how_to_add_it():
    with pytest.raises(ConfigError, match="'nowhere': does not exist; add it under Admin"):
        sql_engine("nowhere")
