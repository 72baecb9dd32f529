"""The sides that the one contract suite is run on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Connection, text

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.fields.canonical.codec import ValueCodec, build_codec
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.lark_side.bitable_store import BitableStore
from airflow_provider_lark.core.lark_side.table import LarkTable
from airflow_provider_lark.core.memory_side import MemoryStore
from airflow_provider_lark.core.side import Store
from airflow_provider_lark.core.sql_side.reflection import TableSpec, columns_of, key_columns_of, reflect_table
from airflow_provider_lark.core.sql_side.store import SqlStore
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

FIELDS: dict[str, FieldType] = {
    "code": FieldType.TEXT,
    "name": FieldType.TEXT,
    "size": FieldType.NUMBER,
    "seen": FieldType.CHECKBOX,
    "born": FieldType.DATE_TIME,
}
COLUMNS = tuple(FIELDS)
DATE_TIME = {"sqlite": "TIMESTAMP", "postgresql": "TIMESTAMPTZ", "mysql": "DATETIME(3)"}


def _no_savepoint() -> AbstractContextManager[Any]:
    return nullcontext()


@dataclass
class Side:
    """A store, and how to make another one with smaller pages on the same rows.

    :param attempt: what a write that may fail stands in, where the store works in the caller's transaction.
    :param typed: the store refuses values that its columns cannot hold.
    """

    store: Store
    paged: Callable[[int], Store]
    attempt: Callable[[], AbstractContextManager[Any]] = field(default=_no_savepoint)
    typed: bool = True


def _field(name: str) -> Field:
    return Field(field_id=f"fld{name}", name=name, type=FIELDS[name])


def _memory() -> Side:
    rows: dict[int, MemoryStore] = {}

    def paged(size: int) -> MemoryStore:
        # one store: pages differ only when it is read
        store = rows.setdefault(0, MemoryStore(COLUMNS))
        store._page_size = size
        return store

    return Side(paged(500), paged, typed=False)


def sql_spec(conn: Connection) -> tuple[TableSpec, dict[str, ValueCodec]]:
    kind = conn.dialect.name
    conn.execute(
        text(
            "CREATE TABLE contract_rows (code VARCHAR(40) NOT NULL PRIMARY KEY, name VARCHAR(200), size NUMERIC(20,6), "
            f"seen BOOLEAN, born {DATE_TIME[kind]}{' NULL' if kind == 'mysql' else ''})"
        )
    )
    table = reflect_table(conn, "contract_rows")
    spec = TableSpec("contract_rows", None, columns_of(table), key_columns_of(table), table)
    return spec, {column.name: build_codec(_field(column.name), column) for column in spec.columns}


@contextmanager
def _sql(engine: Any) -> Iterator[Side]:
    with write_transaction(engine) as conn:
        spec, codecs = sql_spec(conn)
        try:
            yield Side(
                SqlStore(conn, spec, codecs),
                lambda size: SqlStore(conn, spec, codecs, page_size=size),
                conn.begin_nested,
            )
        finally:
            conn.rollback()
            conn.execute(text("DROP TABLE IF EXISTS contract_rows"))


@contextmanager
def _bitable(engine: Any) -> Iterator[Side]:
    """The codecs' SQL half is that of SQLite's table, as in a mapping between the two."""
    with (
        Emulator(port=0) as emulator,
        LarkClient(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=emulator.url, rate_share=None) as client,
        engine.connect() as conn,
    ):
        _, codecs = sql_spec(conn)
        conn.rollback()
        app_token = client.bitable.create_app(name="contract").app_token
        definitions = [{"field_name": name, "type": int(kind)} for name, kind in FIELDS.items()]
        table_id = client.bitable.create_table(app_token=app_token, name="rows", fields=definitions)
        wired = client.bitable.list_fields(app_token=app_token, table_id=table_id)
        fields = {one["field_name"]: Field.from_wire(one) for one in wired}

        def paged(size: int) -> BitableStore:
            return BitableStore(LarkTable(client, app_token, table_id), fields, codecs, page_size=size)

        yield Side(paged(500), paged)


@pytest.fixture(params=["memory", "sqlite", "postgresql", "mysql", "bitable"])
def side(request: pytest.FixtureRequest, new_database: Callable[[str], Any], ledger_database: Any) -> Iterator[Side]:
    if request.param == "memory":
        yield _memory()
    elif request.param == "bitable":
        with _bitable(new_database("sqlite")) as one:
            yield one
    else:
        with _sql(ledger_database(request.param)) as one:
            yield one
