"""A shop whose table a person wrote by hand, and engines whose sessions come with a temper of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.emulator import Emulator
from tests.databases import EngineOf

FIELDS = [{"field_name": "Code", "type": 2}, {"field_name": "Name", "type": 1}, {"field_name": "Qty", "type": 2}]
NAMED = {"Code": "code", "Name": "name", "Qty": "qty"}

Temper = Callable[..., Engine]


@pytest.fixture
def tempered(ledger_database: EngineOf) -> Iterator[Temper]:
    """Give an engine whose every new connection runs statements first, as a role's settings or an init_command do."""
    made = []

    def make(kind: str, *statements: str, driver: str = "", **options: object) -> Engine:
        url = ledger_database(kind).url
        engine = create_engine(url.set(drivername=driver or url.drivername), **{"poolclass": NullPool, **options})
        made.append(engine)

        @event.listens_for(engine, "connect", insert=True)
        def _settle(raw, _record):
            cursor = raw.cursor()
            for statement in statements:
                cursor.execute(statement)
            cursor.close()
            raw.commit()

        return engine

    yield make
    for engine in made:
        engine.dispose()


class Shop:
    """Goods in a base and in a table that a person wrote by hand."""

    def __init__(self, emulator: Emulator, client: LarkClient, engine: Engine, ddl: str, fields=FIELDS, named=NAMED):
        self.emu, self.client, self.sql = emulator, client, engine
        self.app_token = emulator.state.create_base("Shop").app_token
        self.table_id = emulator.state.create_table(self.app_token, "goods", fields).table_id
        self.named = named
        self.execute("DROP TABLE IF EXISTS goods", ddl)

    def execute(self, *statements: str) -> None:
        with self.sql.begin() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement, execution_options={"no_parameters": True})

    def engine(self, sql: Engine | None = None, **options: object) -> SyncEngine:
        lark = {"app_token": self.app_token, "table_id": self.table_id}
        mapping = TableMapping.from_dict({"lark": lark, "sql": {"table": "goods"}, "fields": self.named, **options})
        return SyncEngine(self.client, sql or self.sql, mapping, lease_wait_seconds=0)

    def add(self, **fields: object) -> str:
        return self.emu.person.add_record(self.app_token, self.table_id, fields)

    def record_of(self, code: int) -> str:
        found = self.emu.person.records(self.app_token, self.table_id)
        return next(record["record_id"] for record in found if record["fields"].get("Code") == code)

    def lark(self, field: str = "Name") -> dict[object, object]:
        found = self.emu.person.records(self.app_token, self.table_id)
        return {record["fields"].get("Code"): _plain(record["fields"].get(field)) for record in found}

    def rows(self, column: str = "name") -> dict[object, object]:
        with self.sql.connect() as conn:
            return dict(list(conn.execute(text(f"SELECT code, {column} FROM goods"))))


def _plain(cell: object) -> object:
    return "".join(part["text"] for part in cell) if isinstance(cell, list) else cell


@pytest.fixture
def open_shop(emulator: Emulator, ledger_database: EngineOf) -> Iterator[Callable[..., Shop]]:
    opened = []
    with LarkClient(emulator.app_id, emulator.app_secret, emulator.url) as client:

        def open_(kind: str, ddl: str, **options: object) -> Shop:
            opened.append(Shop(emulator, client, ledger_database(kind), ddl, **options))
            return opened[-1]

        yield open_
        for shop in opened:
            shop.engine().uninstall()
            shop.execute("DROP TABLE goods")


GOODS = "CREATE TABLE goods (code INTEGER NOT NULL PRIMARY KEY, name VARCHAR(40), qty NUMERIC(10, 2))"
