"""Airflow is given its home before a test of this folder imports it."""

from __future__ import annotations

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).parents[1] / "airflow_home.py"))["prepare"]()

import json  # noqa: E402 - after Airflow has its home

import pytest  # noqa: E402


class Shop:
    """A base in the emulator and a SQLite database, each with a table of areas; and the connections to both."""

    def __init__(self, emulator, path):
        from sqlalchemy import create_engine, text

        self.emulator = emulator
        self.app_token = emulator.state.create_base("Shop").app_token
        fields = [{"field_name": "code", "type": 1}, {"field_name": "name", "type": 1}]
        self.table_id = emulator.state.create_table(self.app_token, "areas", fields).table_id
        self.engine = create_engine(f"sqlite:///{path}")
        self.execute("CREATE TABLE areas (code TEXT NOT NULL PRIMARY KEY, name TEXT)")
        self.text = text

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
        return {text_of(r["fields"]["code"]): text_of(r["fields"].get("name")) for r in records}

    def sql_names(self):
        return dict(self.execute("SELECT code, name FROM areas"))


def text_of(cell):
    return None if cell is None else "".join(part["text"] for part in cell)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    from airflow_provider_lark.emulator import Emulator

    path = tmp_path / "shop.db"
    with Emulator() as emulator:
        lark = {"conn_type": "lark", "login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
        place = Shop(emulator, path)
        lark["extra"] = {"bases": {"MyDB": place.app_token}}
        monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
        monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "sqlite", "host": str(path)}))
        yield place
        place.engine.dispose()
