"""The tables that the proof on Celery keeps in step, and what counts as lost, doubled, or left over in them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, create_engine, text

from airflow_provider_lark.emulator.fieldtypes.reading import Reading
from tests.chaos.live.writes import WatchedEmulator
from tests.databases import server_database

BASES = 4
BATCH = 100
EVENT_KEY = "the key of the events"
FIELDS = [{"field_name": "id", "type": 2}, {"field_name": "name", "type": 1}, {"field_name": "qty", "type": 2}]


@dataclass
class Tables:
    """So many tables in SQL, and as many in Lark in a few bases."""

    emulator: WatchedEmulator
    sql: Engine
    rows: int
    bases: dict[str, str] = field(default_factory=dict)
    ids: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By name of the mapping: the base's name, and the table's id."""
    _record_ids: dict[str, dict[int, str]] = field(default_factory=dict)

    def make(self, count: int) -> None:
        """Make them; only those of SQL are filled."""
        for number in range(count):
            name, base = f"t{number:02}", f"base{number % BASES}"
            if base not in self.bases:
                self.bases[base] = self.emulator.state.create_base(base).app_token
            table = self.emulator.state.create_table(self.bases[base], name, FIELDS)
            self.ids[name] = base, table.table_id
            with self.sql.begin() as conn:
                conn.execute(text(f"CREATE TABLE {name} (id integer PRIMARY KEY, name varchar(80), qty integer)"))
                conn.execute(
                    text(f"INSERT INTO {name} SELECT n, 'row ' || n, n FROM generate_series(1, :rows) n"),
                    {"rows": self.rows},
                )

    @property
    def woken(self) -> list[str]:
        """The mappings that follow Lark's events."""
        return [*self.ids][len(self.ids) // 2 :]

    @property
    def scheduled(self) -> list[str]:
        """The others."""
        return [*self.ids][: len(self.ids) // 2]

    def place(self, name: str) -> tuple[str, str]:
        """Return app_token and table_id."""
        base, table_id = self.ids[name]
        return self.bases[base], table_id

    def mappings(self) -> list[dict[str, object]]:
        """Return what the mapping file says."""
        places = {name: self.place(name) for name in self.ids}
        return [
            {"name": name, "lark": {"app_token": app, "table_id": id_}, "sql": {"table": name}, "batch_size": BATCH}
            for name, (app, id_) in places.items()
        ]

    def edit_in_lark(self, name: str, key: int, value: str) -> None:
        """Change a cell, as a person does."""
        self.emulator.person.edit_record(*self.place(name), self._record_id(name, key), {"name": value})

    def edit_in_sql(self, name: str, key: int, value: str) -> None:
        """Change a row, as a program does."""
        with self.sql.begin() as conn:
            conn.execute(text(f"UPDATE {name} SET name = :value WHERE id = :key"), {"value": value, "key": key})

    def change_first_half(self, name: str) -> None:
        """Change every other column's value in the first half of the rows at once."""
        with self.sql.begin() as conn:
            conn.execute(text(f"UPDATE {name} SET qty = qty + 1 WHERE id <= :half"), {"half": self.rows // 2})

    def holds(self, name: str, key: int, value: str) -> bool:
        """Tell whether an edit is on both sides."""
        with self.sql.connect() as conn:
            row = conn.execute(text(f"SELECT name FROM {name} WHERE id = :key"), {"key": key}).scalar_one()
        return bool(row == value == self._cell(name, key))

    def count(self) -> tuple[int, int]:
        """Return how many rows are lost, on either side or in a value, and how many records are doubled."""
        lost = doubled = 0
        for name in self.ids:
            records, rows = self._records(name), self._rows(name)
            doubled += len(records) - len({key for key, _, _ in records})
            lost += len(set(records) ^ set(rows))
        return lost, doubled

    def count_records(self) -> int:
        """Return how many records there are."""
        return sum(len(self.emulator.state.bases[app].tables[id_].records) for app, id_ in map(self.place, self.ids))

    def count_overlaps(self) -> int:
        """Return how many runs of a mapping wrote something between two writes of another one, by the ledger."""
        wrote = (
            "SELECT table_name, run_id, min(created_at) AS first, max(created_at) AS last FROM sync_log"
            " WHERE status = 'applied' GROUP BY table_name, run_id"
        )
        pairs = (
            f"SELECT count(*) FROM ({wrote}) a JOIN ({wrote}) b ON a.table_name = b.table_name"
            " AND a.run_id <> b.run_id AND b.first > a.first AND b.first < a.last"
        )
        return int(self._ask(pairs)[0][0])

    def count_full_runs(self, name: str) -> int:
        """Return how many full runs of a mapping there were."""
        lines = "SELECT coalesce(sum(runs), 0) FROM sync_run WHERE operation = 'full' AND table_name = :name"
        return int(self._ask(lines, name=name)[0][0])

    def find_left_over(self) -> dict[str, int]:
        """Return what the ledger holds that nothing should hold once both sides rest."""
        asked = {
            "intents in doubt": "SELECT count(*) FROM sync_intent WHERE state <> 'done'",
            "entries of the queue": "SELECT count(*) FROM sync_queue WHERE status <> 'completed'",
            "conflicts": "SELECT count(*) FROM sync_conflict",
            "leases": "SELECT count(*) FROM sync_lease",
        }
        found = {what: int(self._ask(sql)[0][0]) for what, sql in asked.items()}
        found["pairs that are no row"] = int(self._ask("SELECT count(*) FROM sync_record_map")[0][0])
        found["pairs that are no row"] -= len(self.ids) * self.rows
        return {what: count for what, count in found.items() if count}

    def _ask(self, sql: str, **values: Any) -> list[Any]:
        with self.sql.connect() as conn:
            return [*conn.execute(text(sql), values)]

    def _records(self, name: str) -> list[tuple[int, str, int]]:
        found = self.emulator.person.records(*self.place(name))
        return sorted(
            (int(f["id"]), _plain(f.get("name")), int(f.get("qty") or 0)) for f in (r["fields"] for r in found)
        )

    def _rows(self, name: str) -> list[tuple[int, str, int]]:
        return [tuple(row) for row in self._ask(f"SELECT id, name, qty FROM {name} ORDER BY id")]

    def _record_id(self, name: str, key: int) -> str:
        if name not in self._record_ids:
            records = self.emulator.person.records(*self.place(name))
            self._record_ids[name] = {int(each["fields"]["id"]): each["record_id"] for each in records}
        return self._record_ids[name][key]

    def _cell(self, name: str, key: int) -> str:
        app, table_id = self.place(name)
        record_id, state = self._record_id(name, key), self.emulator.state
        with state.lock:
            base = state.bases[app]
            table = base.tables[table_id]
            reading = Reading(base, table, state.directory, origin=state.origin)
            return _plain(dict(reading.fields_of(table.records[record_id])).get("name"))


def _plain(cell: object) -> str:
    return "".join(part["text"] for part in cell) if isinstance(cell, list) else str(cell)


@contextmanager
def open_tables(count: int, rows: int) -> Iterator[Tables]:
    """Give tables on the emulator and in a new database of PostgreSQL."""
    with (
        WatchedEmulator() as emulator,
        server_database("postgresql", f"lark_shop_{secrets.token_hex(3)}") as url,
    ):
        tables = Tables(emulator, create_engine(url), rows)
        tables.make(count)
        try:
            yield tables
        finally:
            tables.sql.dispose()


def connections(tables: Tables) -> dict[str, dict[str, Any]]:
    """Return Airflow's connections."""
    url, emulator = tables.sql.url, tables.emulator
    database: dict[str, Any] = {
        "conn_type": "postgres",
        "host": url.host,
        "port": url.port or 5432,
        "login": url.username,
        "password": url.password or "",
        "schema": url.database,
    }
    extra = {"bases": tables.bases, "store_conn_id": "shop_db", "event_encrypt_key_secret": EVENT_KEY}
    lark: dict[str, Any] = {"conn_type": "lark", "host": emulator.url, "port": 0, "login": emulator.app_id}
    return {
        "shop_db": database,
        "lark_default": {**lark, "password": emulator.app_secret, "extra": json.dumps(extra)},
    }
