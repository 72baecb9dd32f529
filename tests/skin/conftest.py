"""A shop: a base in the emulator, a SQL database, and Airflow connections to both."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from tests.airflow_home import prepare
from tests.skin.message_tasks import connect
from tests.skin.sales import Sales

prepare()


class Shop:
    """A base in the emulator and a database, each with a table of areas."""

    def __init__(self, emulator, engine):
        self.emulator = emulator
        self.engine = engine
        self.app_token = emulator.state.create_base("Shop").app_token
        fields = [{"field_name": "code", "type": 1}, {"field_name": "name", "type": 1}]
        self.table_id = emulator.state.create_table(self.app_token, "areas", fields).table_id
        self.execute("CREATE TABLE areas (code VARCHAR(20) NOT NULL PRIMARY KEY, name VARCHAR(80))")

    def execute(self, sql, **values):
        from sqlalchemy import text

        with self.engine.begin() as conn:
            done = conn.execute(text(sql), values)
            return [tuple(row) for row in done] if done.returns_rows else None

    @property
    def mapping(self):
        lark = {"app_token": self.app_token, "table_id": self.table_id}
        return {"name": "areas", "lark": lark, "sql": {"conn_id": "shop_db", "table": "areas"}}

    def lark_names(self):
        records = self.emulator.person.records(self.app_token, self.table_id)
        return {_plain(r["fields"]["code"]): _plain(r["fields"].get("name")) for r in records}

    def sql_names(self):
        return dict(self.execute("SELECT code, name FROM areas"))


def _plain(cell):
    return None if cell is None else "".join(part["text"] for part in cell)


def _connection_to(engine):
    url = engine.url
    if engine.dialect.name == "sqlite":
        return {"conn_type": "sqlite", "host": url.database}
    kind = "postgres" if engine.dialect.name == "postgresql" else "mysql"
    parts = {"conn_type": kind, "host": url.host, "port": url.port, "login": url.username, "schema": url.database}
    return parts | ({"password": url.password} if url.password else {})


@pytest.fixture
def emulator():
    from airflow_provider_lark.emulator import Emulator

    with Emulator() as running:
        yield running


@pytest.fixture
def time_flies(monkeypatch):
    """Give hooks, and all that stands on them, a clock on which nobody waits."""
    from airflow_provider_lark.hooks.calls.calling import CallingHook
    from tests.clocks import JumpingClock

    clock = JumpingClock()
    monkeypatch.setattr(CallingHook, "clock", clock)
    return clock


@pytest.fixture
def short_budget(monkeypatch):
    """A tenth of the time that notifiers have: all of it, and one call's share."""
    from airflow_provider_lark.notifications import base

    for name in ("BUDGET_SECONDS", "CALL_SECONDS", "PATIENCE_SECONDS"):
        monkeypatch.setattr(base, name, getattr(base, name) / 10)


@pytest.fixture
def open_shop(emulator, monkeypatch):
    """Open a shop on the engine of a database."""

    def open_(engine):
        place = Shop(emulator, engine)
        lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        lark["extra"] = {"bases": {"MyDB": place.app_token}}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
        monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps(_connection_to(engine)))
        return place

    return open_


@pytest.fixture
def shop(open_shop, tmp_path):
    """A shop on SQLite."""
    from tests.databases import open_sqlite

    engine = open_sqlite(tmp_path / "shop.db")
    yield open_shop(engine)
    engine.dispose()


@pytest.fixture
def conn_id(engine, monkeypatch):
    """An Airflow connection to each kind of database."""
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps(_connection_to(engine)))
    return "shop_db"


@pytest.fixture
def told(capsys):
    """What Airflow's loggers, which write past those of Python, have told since it was last asked."""
    return lambda: capsys.readouterr().out


@pytest.fixture
def team(emulator, monkeypatch):
    """A chat with Ann and the bot, and an Airflow connection."""
    ann = emulator.state.add_user("Ann", "ann@example.com")
    connect(monkeypatch, emulator.url, emulator)
    return SimpleNamespace(ann=ann, chat_id=emulator.state.add_chat("Team", [ann.open_id]), state=emulator.state)


@pytest.fixture
def open_sales(team, emulator, monkeypatch):
    """Open a database with sales behind an Airflow connection, beside a chat that can be told."""

    def open_(engine):
        monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps(_connection_to(engine)))
        return Sales(team, emulator, engine)

    return open_


@pytest.fixture
def sales(open_sales, tmp_path):
    """Sales on SQLite."""
    from tests.databases import open_sqlite

    engine = open_sqlite(tmp_path / "shop.db")
    yield open_sales(engine)
    engine.dispose()


@pytest.fixture
def orders(emulator, monkeypatch):
    """A table of orders, and an Airflow connection."""
    from tests.skin.orders import open_orders

    return open_orders(emulator, monkeypatch)


@pytest.fixture
def bot(emulator, monkeypatch):
    """A webhook bot, and an Airflow connection."""
    hook = emulator.state.add_webhook()
    extra = {"avoid_peak_seconds": 0, "timeout_seconds": 5}
    parts = {"conn_type": "lark_webhook", "password": hook.url, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_WEBHOOK_DEFAULT", json.dumps(parts))
    return hook
