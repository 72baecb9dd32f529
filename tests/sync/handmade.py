"""A table as users make it, by hand-written DDL, and its Bitable table: in a world, beside its ``people``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_lark.core import SyncEngine
from tests.sync.world import World, _plain


class HandmadeTable:
    """A SQL table, and a Bitable table whose fields have the names of its columns.

    :param ddl: the statement that creates it.
    :param fields: Lark's field types by column.
    """

    def __init__(self, world: World, name: str, ddl: str, fields: Mapping[str, int]) -> None:
        self.world = world
        self.name = name
        with world.sql.begin() as conn:
            # as it is written: DDL may hold colons and per cent signs
            conn.exec_driver_sql(ddl, execution_options={"no_parameters": True})
        listed = [{"field_name": field, "type": kind} for field, kind in fields.items()]
        self.table_id = world.emu.state.create_table(world.app_token, name, listed).table_id

    def engine(self, **changes: Any) -> SyncEngine:
        target = {"app_token": self.world.app_token, "table_id": self.table_id}
        return self.world.engine(**{"lark": target, "sql": self.name, "fields": None, **changes})

    def add(self, **fields: Any) -> str:
        return self.world.emu.person.add_record(self.world.app_token, self.table_id, fields)

    def edit(self, record_id: str, **fields: Any) -> None:
        self.world.emu.person.edit_record(self.world.app_token, self.table_id, record_id, fields)

    def remove(self, *record_ids: str) -> None:
        for record_id in record_ids:
            self.world.emu.person.delete_record(self.world.app_token, self.table_id, record_id)

    def records(self) -> list[dict[str, Any]]:
        """Return each record as plain values by field, with its id under ``record_id``."""
        found = self.world.emu.person.records(self.world.app_token, self.table_id)
        return [{**{k: _plain(v) for k, v in one["fields"].items()}, "record_id": one["record_id"]} for one in found]

    def rows(self) -> dict[Any, dict[str, Any]]:
        """Return the rows by the table's first column."""
        with self.world.sql.connect() as conn:
            rows = conn.exec_driver_sql(f"SELECT * FROM {self.name}").all()
        return {row[0]: dict(row._mapping) for row in rows}
