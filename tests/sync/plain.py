"""A table as its owner wrote it, in SQL, beside a table of Bitable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.emulator import Emulator


@dataclass
class Plain:
    """Both sides of one mapping of equal names; ``id`` is the key.

    :param base: the app_token.
    """

    emu: Emulator
    sql: Engine
    client: LarkClient
    base: str
    table_id: str
    table: str

    def mapping(self, **changes: Any) -> TableMapping:
        plain = {"lark": {"app_token": self.base, "table_id": self.table_id}, "sql": {"table": self.table}}
        return TableMapping.from_dict({**plain, **changes})

    def engine(self, **changes: Any) -> SyncEngine:
        return SyncEngine(self.client, self.sql, self.mapping(**changes), lease_wait_seconds=0)

    def run(self, *statements: str) -> None:
        with self.sql.begin() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement, execution_options={"no_parameters": True})

    def ask(self, statement: str) -> Sequence[Any]:
        with self.sql.connect() as conn:
            return conn.exec_driver_sql(statement, execution_options={"no_parameters": True}).all()

    def text_of(self, column: str, key: Any = 1) -> Any:
        """A value as the database itself writes it."""
        cast = f"CAST({column} AS CHAR)" if self.sql.dialect.name == "mysql" else f"CAST({column} AS TEXT)"
        return self.ask(f"SELECT {cast} FROM {self.table} WHERE id = {key}")[0][0]

    # the Lark side, as a person

    def cells(self) -> dict[Any, dict[str, Any]]:
        """The cells of each record by its key, texts as text."""
        records = self.emu.person.records(self.base, self.table_id)
        shown = [{name: _plain(cell) for name, cell in record["fields"].items()} for record in records]
        return {int(record["id"]) if "id" in record else None: record for record in shown}

    def add(self, **fields: Any) -> str:
        return self.emu.person.add_record(self.base, self.table_id, fields)

    def edit(self, key: int, **fields: Any) -> None:
        self.emu.person.edit_record(self.base, self.table_id, self.record_id(key), fields)

    def record_id(self, key: int) -> str:
        for record in self.emu.person.records(self.base, self.table_id):
            if "id" in record["fields"] and int(_plain(record["fields"]["id"])) == key:
                return str(record["record_id"])
        raise KeyError(key)


def make_plain(
    emulator: Emulator,
    engine: Engine,
    client: LarkClient,
    ddl: str,
    fields: Mapping[str, int | Mapping[str, Any]],
    *,
    time_zone: str = "Asia/Shanghai",
) -> Plain:
    """Run *ddl*, whose table has a key ``id``, and make a table with the Number field ``id`` and *fields*."""
    with engine.begin() as conn:
        for statement in filter(str.strip, ddl.split(";")):
            conn.exec_driver_sql(statement, execution_options={"no_parameters": True})
    table = ddl.split("CREATE TABLE ", 1)[1].split()[0].strip("(")
    base = emulator.state.create_base("Shop", time_zone)
    given = {"id": 2, **fields}
    definitions = [
        {"field_name": name, **({"type": kind} if isinstance(kind, int) else kind)} for name, kind in given.items()
    ]
    made = emulator.state.create_table(base.app_token, table, definitions)
    return Plain(emulator, engine, client, base.app_token, made.table_id, table)


def _plain(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], dict) and "text" in value[0]:
        return "".join(part["text"] for part in value)
    return value
