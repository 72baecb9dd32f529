"""A small world for the engine: a table on the emulator, a table in a real database, and both hands on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine, text

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.clock import SYSTEM_CLOCK, Clock
from airflow_provider_lark.core.sync.report import SyncReport
from airflow_provider_lark.emulator import Emulator

FIELDS = [
    {"field_name": "Name", "type": 1},
    {"field_name": "Code", "type": 2},
    {"field_name": "Qty", "type": 2},
    {"field_name": "Done", "type": 7},
]
PAIRS = {"Name": "name", "Code": "code", "Qty": "qty", "Done": "done"}


def people(engine: Engine) -> sa.Table:
    """Return the SQL table of the world: an own key, a text with a limit, a number, a flag, and two spare columns."""
    return sa.Table(
        "people",
        sa.MetaData(),
        sa.Column("code", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("qty", sa.Numeric(10, 2)),
        sa.Column("done", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("gone", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("lark_id", sa.String(40)),
    )


@dataclass
class World:
    emu: Emulator
    sql: Engine
    client: LarkClient
    app_token: str
    table_id: str
    table: sa.Table
    clock: Clock = SYSTEM_CLOCK
    changes: dict[str, Any] = field(default_factory=dict)

    def mapping(self, **changes: Any) -> TableMapping:
        plain = {
            "lark": {"app_token": self.app_token, "table_id": self.table_id},
            "sql": {"table": self.table.name},
            "fields": PAIRS,
        }
        return TableMapping.from_dict({**plain, **self.changes, **changes})

    def engine(self, **changes: Any) -> SyncEngine:
        return SyncEngine(self.client, self.sql, self.mapping(**changes), clock=self.clock, lease_wait_seconds=0)

    def ready(self, rows: int = 3, **changes: Any) -> SyncEngine:
        """Keep *changes* of the mapping, fill the SQL table and bring both sides in step."""
        self.changes = changes
        self.insert(*({"code": n, "name": f"n{n}", "qty": n} for n in range(1, rows + 1)))
        engine = self.engine()
        engine.full()
        return engine

    # the SQL side, as a program

    def execute(self, statement: Any, parameters: Any = None) -> None:
        with self.sql.begin() as conn:
            conn.execute(text(statement) if isinstance(statement, str) else statement, parameters)

    def insert(self, *rows: Mapping[str, Any]) -> None:
        if rows:
            self.execute(self.table.insert(), [dict(row) for row in rows])
        if self.sql.dialect.name == "postgresql":
            # keys that a program gives itself do not move the sequence on
            self.execute("SELECT setval(pg_get_serial_sequence('people', 'code'), (SELECT max(code) FROM people))")

    def update(self, code: int, **values: Any) -> None:
        self.execute(self.table.update().where(self.table.c.code == code).values(**values))

    def delete(self, *codes: int) -> None:
        self.execute(self.table.delete().where(self.table.c.code.in_(codes)))

    def rows(self) -> dict[int, dict[str, Any]]:
        with self.sql.connect() as conn:
            return {row.code: dict(row._mapping) for row in conn.execute(sa.select(self.table))}

    def ask(self, statement: str) -> Sequence[Any]:
        with self.sql.connect() as conn:
            return conn.execute(text(statement)).all()

    # the Lark side, as a person

    def add(self, **fields: Any) -> str:
        return self.emu.person.add_record(self.app_token, self.table_id, fields)

    def edit(self, code: int, **fields: Any) -> None:
        self.emu.person.edit_record(self.app_token, self.table_id, self.record_id(code), fields)

    def remove(self, *codes: int) -> None:
        for code in codes:
            self.emu.person.delete_record(self.app_token, self.table_id, self.record_id(code))

    def records(self) -> list[dict[str, Any]]:
        """Return each record as plain values by field, with its id under ``id``."""
        found = self.emu.person.records(self.app_token, self.table_id)
        return [{"id": record["record_id"], **{k: _plain(v) for k, v in record["fields"].items()}} for record in found]

    def by_code(self) -> dict[Any, dict[str, Any]]:
        return {record.get("Code"): record for record in self.records()}

    def record_id(self, code: int) -> str:
        return str(self.by_code()[code]["id"])

    def tables(self) -> list[str]:
        return sa.inspect(self.sql).get_table_names()

    def assert_in_step(self, *, without: Collection[int] = ()) -> None:
        """Compare both sides by reading them directly, without the engine.

        :param without: codes of rows that only SQL may have.
        """
        lark = {
            int(record["Code"]): (record.get("Name", ""), record.get("Qty"), bool(record.get("Done")))
            for record in self.records()
        }
        sql = {
            code: (row["name"], None if row["qty"] is None else float(row["qty"]), bool(row["done"]))
            for code, row in self.rows().items()
            if not row["gone"] and code not in without
        }
        differing = {code: (lark.get(code), sql.get(code)) for code in sorted(lark.keys() | sql.keys())}
        assert lark == sql, {code: sides for code, sides in differing.items() if sides[0] != sides[1]}
        assert len(self.records()) == len(lark), "two records with one key"


def _plain(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], dict) and "text" in value[0]:
        return "".join(part["text"] for part in value)
    return value


def wrote(report: SyncReport) -> tuple[int, int]:
    """Return the rows written to SQL and to Lark."""
    return report.to_sql.total, report.to_lark.total
