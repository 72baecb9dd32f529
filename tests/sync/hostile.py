"""A table whose keys and values would become a part of a careless page, and the report of a check of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, text

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.sync.consistency.options import CheckOptions
from airflow_provider_lark.core.sync.report import CheckReport
from airflow_provider_lark.emulator import Emulator

NAME = "\"><b>goods</b> & 'all'"
KEY = '"><img src=x onerror=alert(1)>'
VALUES = [
    "</script><script>alert(1)</script>",
    "<!--",
    "before\u2028after",
    "</style></table>",
    "&lt;b&gt;",
    "\x07bell",
]


def hostile_report(emulator: Emulator, client: LarkClient, sql: Engine, **options: Any) -> CheckReport:
    base = emulator.state.create_base("Shop")
    fields = [{"field_name": "id", "type": 1}, {"field_name": "note", "type": 1}, {"field_name": "secret", "type": 1}]
    table = emulator.state.create_table(base.app_token, "goods", fields)
    lark = {"app_token": base.app_token, "table_id": table.table_id}
    mapping = TableMapping.from_dict({"name": NAME, "lark": lark, "sql": {"table": "goods"}})
    keys = [KEY, *(f"key {number}" for number in range(1, len(VALUES)))]
    with sql.begin() as conn:
        conn.execute(text("CREATE TABLE goods (id VARCHAR(100) NOT NULL PRIMARY KEY, note TEXT, secret TEXT)"))
        rows = [{"id": key, "note": "plain"} for key in keys]
        conn.execute(text("INSERT INTO goods VALUES (:id, :note, 'hidden')"), rows)
    engine = SyncEngine(client, sql, mapping)
    engine.full()
    for record in emulator.person.records(base.app_token, table.table_id):
        key = "".join(part["text"] for part in record["fields"]["id"])
        cells = {"note": VALUES[keys.index(key)], "secret": "4711"}
        emulator.person.edit_record(base.app_token, table.table_id, record["record_id"], cells)
    emulator.person.add_record(base.app_token, table.table_id, {"id": "new", "note": "x" * 300})
    return engine.check(
        CheckOptions(**{"rows": 100, "hidden": frozenset({"secret"}), "value_characters": 50, **options})
    )
