"""The dry run of a transfer tells what the transfer then does, and leaves no trace in either table."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import Engine, inspect

from airflow_provider_lark.core.errors import ConfigError, SafetyStop
from airflow_provider_lark.core.transfer.to_bitable.load import LoadOptions, copy_to_bitable
from airflow_provider_lark.core.transfer.to_bitable.sql_source import SqlSource
from airflow_provider_lark.core.transfer.to_sql.dump import DumpOptions, copy_to_sql
from airflow_provider_lark.core.transfer.to_sql.sql_target import TargetPlace
from tests.core.transfer.conftest import Lark, run_sql

WRITTEN = ("read", "created", "updated", "deleted", "unchanged", "skipped", "status")


def to_bitable(lark: Lark, engine: Engine, where: Any, **options: Any) -> dict[str, Any]:
    report = copy_to_bitable(lark.client, engine, SqlSource(table="goods"), where, LoadOptions(**options))
    return report.to_dict()


def to_sql(lark: Lark, engine: Engine, where: Any, place: TargetPlace, **options: Any) -> dict[str, Any]:
    return copy_to_sql(lark.client, engine, where, place, DumpOptions(**options)).to_dict()


def written(report: dict[str, Any]) -> dict[str, Any]:
    return {name: report[name] for name in WRITTEN}


def sums(report: dict[str, Any]) -> dict[str, int]:
    return {name: entry["count"] for name, entry in report["would"].items()}


@pytest.fixture
def goods(engine: Engine) -> Engine:
    run_sql(
        engine,
        "CREATE TABLE goods (code VARCHAR(20) NOT NULL PRIMARY KEY, qty INTEGER)",
        *(f"INSERT INTO goods VALUES ('C{number:02}', {number})" for number in range(1, 31)),
    )
    return engine


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_rows_into_bitable_are_foreseen(lark: Lark, goods: Engine, mode: Any) -> None:
    where = lark.table("goods", code=1, qty=2)
    ids = lark.add(where, *({"code": f"C{number:02}", "qty": 5} for number in range(1, 16)))
    before, calls = lark.records(where), lark.emulator.counters()
    options = {"mode": mode, **({"key_fields": ["code"]} if mode == "upsert" else {})}
    told = to_bitable(lark, goods, where, **options, dry_run=True)
    assert lark.records(where) == before
    made = {name: count - calls.get(name, 0) for name, count in lark.emulator.counters().items()}
    assert not [name for name, count in made.items() if count and ("batch_create" in name or "batch_u" in name)]
    assert told["dry_run"] is True
    expected = {
        "append": {"lark.create": 30},
        "replace": {"lark.create": 30, "lark.delete": 15},
        "upsert": {"lark.update": 14, "lark.create": 15},
    }[mode]
    assert sums(told) == expected
    if mode == "upsert":
        update = told["would"]["lark.update"]
        assert (len(update["keys"]), update["more"], set(update["keys"]) <= set(ids)) == (10, 4, True)
    assert written(to_bitable(lark, goods, where, **options)) == written(told)
    assert len(json.dumps(told)) < 64 * 1024


def test_table_and_fields_that_a_transfer_would_make_in_lark_are_named(lark: Lark, goods: Engine) -> None:
    told = to_bitable(lark, goods, lark.named("goods"), create_table=True, dry_run=True)
    assert told["would"]["lark.make"] == {"count": 1, "keys": ["table goods"], "more": 0}
    assert sums(told) == {"lark.make": 1, "lark.create": 30}
    tables = [table.name for table in lark.client.bitable.list_tables(app_token=lark.app_token)]
    assert "goods" not in tables
    assert written(to_bitable(lark, goods, lark.named("goods"), create_table=True)) == written(told)


def test_query_that_writes_is_refused_in_a_dry_run(lark: Lark, goods: Engine) -> None:
    if goods.dialect.name != "postgresql":
        pytest.skip("a SELECT of PostgreSQL may write")
    where = lark.table("goods", code=1, qty=2)
    run_sql(goods, "CREATE SEQUENCE counting")
    source = SqlSource(sql="SELECT 'new' AS code, nextval('counting') AS qty")
    with pytest.raises(ConfigError, match="is read-only"):
        copy_to_bitable(lark.client, goods, source, where, LoadOptions(dry_run=True))
    assert run_sql(goods, "SELECT nextval('counting')") == [(1,)]


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_records_into_sql_are_foreseen(lark: Lark, goods: Engine, mode: Any) -> None:
    where = lark.table("goods", code=1, qty=2)
    ids = lark.add(where, *({"code": f"C{number:02}", "qty": 25} for number in range(21, 41)))
    place = TargetPlace("goods", record_id_column="", key_fields=("code",))
    before = run_sql(goods, "SELECT * FROM goods ORDER BY code")
    told = to_sql(lark, goods, where, place, mode=mode, dry_run=True)
    assert run_sql(goods, "SELECT * FROM goods ORDER BY code") == before
    expected = {
        "append": {"sql.create": 10},
        "replace": {"sql.create": 20, "sql.delete": 30},
        "upsert": {"sql.update": 9, "sql.create": 10},
    }[mode]
    assert sums(told) == expected
    assert set(told["would"]["sql.create"]["keys"]) <= set(ids)
    assert written(to_sql(lark, goods, where, place, mode=mode)) == written(told)
    if mode != "append":
        assert to_sql(lark, goods, where, place, mode="upsert", dry_run=True)["would"] == {}


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_sql_table_that_a_transfer_would_make_is_named(lark: Lark, engine: Engine, mode: Any) -> None:
    where = lark.table("goods", code=1, qty=2)
    lark.add(where, *({"code": f"C{number}", "qty": number} for number in range(1, 4)))
    told = to_sql(lark, engine, where, TargetPlace("goods"), mode=mode, create_table=True, dry_run=True)
    assert (sums(told), told["would"]["sql.make"]["keys"]) == ({"sql.make": 1, "sql.create": 3}, ["table goods"])
    assert not inspect(engine).has_table("goods")
    assert written(to_sql(lark, engine, where, TargetPlace("goods"), mode=mode, create_table=True)) == written(told)


def test_replace_by_nothing_is_refused_in_a_dry_run_too(lark: Lark, goods: Engine) -> None:
    where = lark.table("goods", code=1, qty=2)
    place = TargetPlace("goods", record_id_column="", key_fields=("code",))
    with pytest.raises(SafetyStop):
        to_sql(lark, goods, where, place, mode="replace", dry_run=True)
    told = to_sql(lark, goods, where, place, mode="replace", allow_empty=True, dry_run=True)
    assert sums(told) == {"sql.delete": 30}
