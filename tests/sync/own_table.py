"""A SQL table made by hand-written DDL, as people write it, beside a table on the emulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_lark.core import SyncEngine
from tests.sync.world import World, _plain


class OwnTable:
    """One mapping between a table of the user's own DDL and a Lark table with the given fields.

    :param types: type of each field by its name, or its whole definition; columns have the same names.
    """

    def __init__(
        self, world: World, name: str, types: Mapping[str, int | dict[str, Any]], *ddl: str, **mapping: Any
    ) -> None:
        self.world = world
        self.name = name
        with world.sql.begin() as conn:
            for statement in ddl:
                # as it is written: DDL may hold colons and per cent signs
                conn.exec_driver_sql(statement, execution_options={"no_parameters": True})
        definitions = [
            {"field_name": field, **({"type": kind} if isinstance(kind, int) else kind)}
            for field, kind in types.items()
        ]
        self.table_id = world.emu.state.create_table(world.app_token, name, definitions).table_id
        self.mapping = {
            "lark": {"app_token": world.app_token, "table_id": self.table_id},
            "sql": name,
            "fields": None,
            **mapping,
        }

    def engine(self, **changes: Any) -> SyncEngine:
        return self.world.engine(**{**self.mapping, **changes})

    def add(self, *records: Mapping[str, Any]) -> list[str]:
        return self.world.emu.person.add_records(self.world.app_token, self.table_id, [dict(one) for one in records])

    def edit(self, record_id: str, **fields: Any) -> None:
        self.world.emu.person.edit_record(self.world.app_token, self.table_id, record_id, fields)

    def remove(self, *record_ids: str) -> None:
        for record_id in record_ids:
            self.world.emu.person.delete_record(self.world.app_token, self.table_id, record_id)

    def records(self) -> list[dict[str, Any]]:
        """Each record as plain values by field, with its id under ``record_id``."""
        found = self.world.emu.person.records(self.world.app_token, self.table_id)
        return [{"record_id": each["record_id"], **{k: _plain(v) for k, v in each["fields"].items()}} for each in found]

    def column(self, field: str) -> list[Any]:
        """The cells of a field in Lark, sorted."""
        return sorted((record.get(field) for record in self.records()), key=lambda cell: (cell is None, cell))

    def find(self, **cells: Any) -> str:
        """The id of the record with these cells."""
        found = [each["record_id"] for each in self.records() if all(each.get(k) == v for k, v in cells.items())]
        assert len(found) == 1, found
        return str(found[0])

    def rows(self, columns: str = "*", order: str = "1") -> Sequence[Any]:
        return [tuple(row) for row in self.world.ask(f"SELECT {columns} FROM {self.name} ORDER BY {order}")]

    def by_key(self) -> dict[Any, dict[str, Any]]:
        """The rows by the table's first column."""
        return {row[0]: dict(row._mapping) for row in self.world.ask(f"SELECT * FROM {self.name}")}

    def due(self) -> None:
        """Let the backoff of what waits be over."""
        self.world.execute("UPDATE sync_queue SET next_attempt_at = NULL WHERE status = 'pending'")
