"""Transfers from and into tables of odd types, collations and constraints."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.core.transfer.to_bitable.load import LoadOptions, copy_to_bitable
from airflow_provider_lark.core.transfer.to_bitable.sql_source import SqlSource
from airflow_provider_lark.core.transfer.to_sql.dump import DumpOptions, copy_to_sql
from airflow_provider_lark.core.transfer.to_sql.sql_target import TargetPlace
from tests.core.transfer.conftest import run_sql


def dump(lark: Any, engine: Any, where: Any, place: TargetPlace, **options: Any) -> Any:
    return copy_to_sql(lark.client, engine, where, place, DumpOptions(**options))


def load(lark: Any, engine: Any, source: SqlSource, where: Any, **options: Any) -> Any:
    return copy_to_bitable(lark.client, engine, source, where, LoadOptions(**options))


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
        report = dump(lark, engine, where, TargetPlace("named", key_fields=("k",)), mode=mode, on_row_error="skip")
    assert (report.created, report.updated, report.unchanged) == (0, 0, len(landed))
    assert [key for (key,) in run_sql(engine, "SELECT k FROM named ORDER BY k")] == landed


def test_sqlite_keys_that_are_one_to_a_collation_are_named(lark, sqlite):
    run_sql(
        sqlite,
        "CREATE TABLE named (k TEXT COLLATE NOCASE PRIMARY KEY, v INT)",
        "INSERT INTO named VALUES ('old', 1)",
    )
    where = lark.table("named", k=1, v=2)
    lark.add(where, *({"k": key, "v": 2} for key in ("A", "a", "b", "OLD")))
    for _ in range(2):
        report = dump(lark, sqlite, where, TargetPlace("named", key_fields=("k",)), mode="upsert", on_row_error="skip")
        assert (report.skipped, report.warnings) == (2, [])
        assert all("another record has the same key (k)" in problem for problem in report.problems)
    assert run_sql(sqlite, "SELECT k, v FROM named ORDER BY k") == [("b", 2), ("old", 2)]


STRANGE = (
    "CREATE TABLE dated (n INT PRIMARY KEY, v DATE, doc JSONB)",
    "INSERT INTO dated SELECT n, '2020-01-01', '12345678901234567.89' FROM generate_series(1, 5) n",
    "UPDATE dated SET v = 'infinity' WHERE n = 3",
)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(SqlSource(table="dated"), id="table"),
        pytest.param(SqlSource(sql="SELECT * FROM dated ORDER BY n"), id="query"),
    ],
)
def test_date_that_no_driver_loads_is_a_problem_of_its_row(lark, ledger_database, source):
    engine = ledger_database("postgresql")
    run_sql(engine, "DROP TABLE IF EXISTS dated", *STRANGE)
    where = lark.table("dated", n=2, v=5, doc=1)
    report = load(lark, engine, source, where, on_row_error="skip")
    assert (report.read, report.created, report.skipped) == (5, 4, 1)
    assert report.problems[0].startswith("row 3: column v (")
    assert lark.cells(where, "n") == [1, 2, 4, 5]
    assert lark.cells(where, "doc") == ["12345678901234567.89"] * 4


def test_field_made_of_a_query_overlooks_a_date_that_no_driver_loads(lark, ledger_database):
    engine = ledger_database("postgresql")
    run_sql(engine, "DROP TABLE IF EXISTS dated", *STRANGE)
    where = lark.named("made")
    report = load(lark, engine, SqlSource(sql="SELECT n, v FROM dated"), where, create_table=True, on_row_error="skip")
    assert (report.created, report.skipped) == (4, 1)
    assert set(map(type, lark.cells(where, "v"))) == {int}


def test_error_amid_the_rows_says_what_the_database_says(lark, ledger_database):
    engine = ledger_database("mysql")
    sql = "SELECT seq AS n, (SELECT 1 UNION SELECT IF(seq = 2000, 2, 1)) AS v FROM seq_1_to_2500"
    where = lark.table("computed", n=2, v=2)
    with pytest.raises(
        ConfigError, match="the query: the database failed while returning rows: Subquery returns more than 1"
    ):
        load(lark, engine, SqlSource(sql=sql), where)


@pytest.mark.parametrize("rule", ["CASCADE", "SET NULL"])
def test_replace_takes_no_rows_of_other_tables_along(lark, engine, rule):
    run_sql(
        engine,
        "CREATE TABLE parents (lark_record_id VARCHAR(64) PRIMARY KEY, v INT, up VARCHAR(64),"
        " FOREIGN KEY (up) REFERENCES parents (lark_record_id) ON DELETE CASCADE)",
        "CREATE TABLE children (id INT PRIMARY KEY, p VARCHAR(64),"
        f" FOREIGN KEY (p) REFERENCES parents (lark_record_id) ON DELETE {rule})",
        "INSERT INTO parents (lark_record_id, v) VALUES ('old', 1)",
        "INSERT INTO children VALUES (1, 'old'), (2, NULL)",
    )
    where = lark.table("parents", v=2)
    lark.add(where, {"v": 5})
    with pytest.raises(
        SchemaMismatch, match=rf"rows of children \(ON DELETE {rule}\), so nothing was written; use mode"
    ):
        dump(lark, engine, where, TargetPlace("parents"), mode="replace")
    assert run_sql(engine, "SELECT id, p FROM children ORDER BY id") == [(1, "old"), (2, None)]
    assert dump(lark, engine, where, TargetPlace("parents"), mode="upsert").created == 1
    run_sql(engine, "UPDATE children SET p = NULL")
    report = dump(lark, engine, where, TargetPlace("parents"), mode="replace")
    assert (report.deleted, report.created) == (2, 1)
    assert run_sql(engine, "SELECT count(*) FROM children") == [(2,)]
