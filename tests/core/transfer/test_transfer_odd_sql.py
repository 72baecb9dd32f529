"""Transfers from and into tables of odd types, collations and constraints."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core.transfer.sql_target import Place
from airflow_provider_lark.core.transfer.to_sql import DumpOptions, copy_to_sql
from tests.core.transfer.conftest import run_sql


def dump(lark: Any, engine: Any, where: Any, place: Place, **options: Any) -> Any:
    return copy_to_sql(lark.client, engine, where, place, DumpOptions(**options))


@pytest.mark.parametrize("mode", ["append", "upsert"])
@pytest.mark.parametrize(
    ("collation", "landed"),
    [
        pytest.param("utf8mb4_unicode_ci", ["b", "old"], id="blind to case"),
        pytest.param("utf8mb4_bin", ["A", "a", "b", "old"], id="exact"),
        pytest.param("latin1_swedish_ci", ["b", "old"], id="latin1"),
    ],
)
def test_mysql_keys_compare_as_their_own_collation_does(lark, ledger_database, collation, landed, mode):
    engine = ledger_database("mysql")
    # so wide only where a character is a byte
    width = 30_000 if collation.startswith("latin1") else 300
    run_sql(
        engine,
        "DROP TABLE IF EXISTS named",
        f"CREATE TABLE named (k VARCHAR(50) PRIMARY KEY, v VARCHAR({width})) COLLATE {collation}",
        "INSERT INTO named (k) VALUES ('old')",
    )
    where = lark.table("named", k=1, v=1)
    lark.add(where, *({"k": key, "v": key} for key in ("A", "a", "b", "old")))
    for _ in range(2):
        report = dump(lark, engine, where, Place("named", key_fields=("k",)), mode=mode, on_row_error="skip")
    assert (report.created, report.updated, report.unchanged) == (0, 0, len(landed))
    assert [key for (key,) in run_sql(engine, "SELECT k FROM named ORDER BY k")] == landed
