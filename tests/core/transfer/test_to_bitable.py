"""Rows of SQL into a Bitable table, on real databases and the emulator."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from airflow_provider_lark.core.accounts.users import UserDirectory
from airflow_provider_lark.core.errors import (
    BadRequest,
    ConfigError,
    DuplicateKey,
    IncompleteRead,
    LarkError,
    NotFound,
    RowRefused,
    SafetyStop,
    SchemaMismatch,
    ValueMismatch,
)
from airflow_provider_lark.core.transfer.to_bitable.load import LoadOptions, copy_to_bitable
from airflow_provider_lark.core.transfer.to_bitable.sql_source import SqlSource
from tests.core.transfer.conftest import Lark, plain, run_sql

DIGITS = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
# MariaDB ends a recursive query after 1,000 rounds
NUMBERS = (
    "(SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS i "
    f"FROM ({DIGITS}) a, ({DIGITS}) b, ({DIGITS}) c, ({DIGITS}) e) n"
)


def copy(lark: Lark, engine: Engine, where: Any, *, sql: str | None = None, table: str | None = None, **options: Any):
    parameters = options.pop("parameters", None)
    source = SqlSource(sql=sql, table=table, parameters=parameters)
    return copy_to_bitable(lark.client, engine, source, where, LoadOptions(**options))


def numbered(count: int) -> str:
    return f"SELECT i AS id, i * 2 AS twice FROM {NUMBERS} WHERE i <= {count} ORDER BY i"


def test_table_of_each_database_makes_fitting_fields_and_equal_cells(lark, engine):
    moment = "TIMESTAMP" if engine.dialect.name == "postgresql" else "DATETIME"
    run_sql(
        engine,
        f"CREATE TABLE goods (note VARCHAR(40), id BIGINT NOT NULL PRIMARY KEY, price NUMERIC(10, 2), born DATE,"
        f" at {moment}, ok BOOLEAN, doc TEXT, seen BIGINT, total NUMERIC(20, 4))",
        "INSERT INTO goods VALUES ('茶 100%', 9007199254740993, 2.50, '2026-05-01', '2026-05-01 09:30:00', true, NULL,"
        " 9007199254740993, 123456789012.25)",
        "INSERT INTO goods (id) VALUES (2)",
    )
    report = copy(lark, engine, lark.named("goods"), table="goods", create_table=True)
    assert (report.read, report.created, report.status) == (2, 2, "ok")
    fields = lark.client.bitable.list_fields(app_token=lark.app_token, table_id=report.table_id)
    types = {field["field_name"]: (field["type"], (field.get("property") or {}).get("formatter")) for field in fields}
    assert types == {
        "id": (1, None),  # a key of the application's own may exceed 15 digits
        "note": (1, None),
        "price": (2, "0.00"),
        "born": (5, None),
        "at": (5, None),
        "ok": (7, None),
        "doc": (1, None),
        "seen": (1, None),
        "total": (1, None),
    }
    cells = {name: plain(cell) for name, cell in _record(lark, report.table_id, "9007199254740993").items()}
    assert cells == {
        "id": "9007199254740993",
        "note": "茶 100%",
        "price": 2.5,
        "born": 1777564800000,  # 2026-05-01 00:00 +08:00
        "at": 1777599000000,  # 2026-05-01 09:30 +08:00
        "ok": True,
        "seen": "9007199254740993",
        "total": "123456789012.25",
    }


def _record(lark: Lark, table_id: str, key: str) -> dict[str, Any]:
    records = lark.emulator.person.records(lark.app_token, table_id)
    return next(record["fields"] for record in records if plain(record["fields"]["id"]) == key)


def test_query_of_each_database_is_told_by_its_values(lark, engine):
    run_sql(
        engine,
        "CREATE TABLE goods (id INTEGER NOT NULL PRIMARY KEY, price NUMERIC(10, 2), born DATE)",
        "INSERT INTO goods VALUES (1, 2.50, '2026-05-01'), (2, NULL, NULL)",
    )
    where = lark.table("goods", code=1, price=2, born=5)
    sql = "SELECT id AS code, price, born FROM goods WHERE id >= :least ORDER BY id"
    report = copy(lark, engine, where, sql=sql, parameters={"least": 1})
    assert report.created == 2
    assert lark.cells(where, "code") == ["1", "2"]
    assert lark.cells(where, "price") == [2.5, None]
    # midnight in Shanghai, where the base is
    assert lark.cells(where, "born") == [1777564800000, None]


@pytest.mark.parametrize("source", [{"table": "spans"}, {"sql": "SELECT * FROM spans ORDER BY id"}])
def test_time_of_mysql_beyond_a_day_is_no_time_of_day(lark, new_database, source):
    engine = new_database("mysql")
    run_sql(engine, "CREATE TABLE spans (id INTEGER PRIMARY KEY, at TIME)")
    run_sql(engine, "INSERT INTO spans VALUES (1, '23:59:58'), (2, '24:00:01'), (3, '-00:00:01'), (4, '838:59:59')")
    where = lark.table("t", id=2, at=1)
    report = copy(lark, engine, where, on_row_error="skip", **source)
    assert (report.created, report.skipped, lark.cells(where, "at")) == (1, 3, ["23:59:58"])


class Moment(datetime):
    """Airflow's own moments are of such a class: pendulum.DateTime."""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("born", date(2026, 5, 2), id="date"),
        pytest.param("at", datetime.fromisoformat("2026-05-02 09:30"), id="datetime"),
        pytest.param("at", Moment(2026, 5, 2, 9, 30), id="kind of datetime"),
        pytest.param("at", Moment(2026, 5, 2, 9, 30, tzinfo=UTC), id="kind of datetime with a zone"),
        pytest.param("opens", time(9, 30), id="time"),
        pytest.param("price", Decimal("2.50"), id="decimal"),
    ],
)
def test_parameters_of_each_type_reach_each_database(lark, engine, name, value):
    moment = "TIMESTAMP" if engine.dialect.name == "postgresql" else "DATETIME"
    run_sql(
        engine,
        "CREATE TABLE goods (id INTEGER NOT NULL PRIMARY KEY, born DATE, opens TIME, price NUMERIC(10, 2),"
        f" at {moment})",
        "INSERT INTO goods VALUES (1, '2026-05-01', '08:30:00', 1.50, '2026-05-01 09:30:00')",
        "INSERT INTO goods VALUES (2, '2026-05-03', '10:30:00', 10.50, '2026-05-03 09:30:00')",
    )
    where = lark.table("goods", id=2)
    copy(lark, engine, where, sql=f"SELECT id FROM goods WHERE {name} < :v", parameters={"v": value, "unused": 1})
    assert lark.cells(where, "id") == [1]


def test_query_without_parameters_may_hold_colons_and_per_cent_signs(lark, engine):
    where = lark.table("t", a=1)
    copy(lark, engine, where, sql="""SELECT '{"x":1} 100%' AS a""")
    assert lark.cells(where, "a") == ['{"x":1} 100%']


def test_query_of_mixed_types_is_taken_value_by_value(lark, sqlite):
    where = lark.table("t", n=2, s=1)
    copy(lark, sqlite, where, sql="SELECT 1 AS n, 7 AS s UNION ALL SELECT 1.5, 'x' UNION ALL SELECT '2', NULL")
    assert lark.cells(where, "n") == [1, 1.5, 2]
    assert lark.cells(where, "s") == ["7", "x", None]


def test_large_source_is_written_in_full_batches(lark, engine):
    where = lark.table("t", id=2, twice=2)
    report = copy(lark, engine, where, sql=numbered(2345))
    assert report.api_calls["create"] == 3  # ceil(2345 / 1000)
    assert report.api_calls["batch_get"] == 1
    assert lark.cells(where, "id") == list(range(1, 2346))


@pytest.mark.parametrize(
    ("rows", "calls"),
    [
        pytest.param(900, 1 + 2, id="one batch"),
        pytest.param(2500, 1 + 2 + 3, id="those after it are smaller"),
    ],
)
def test_batches_that_are_too_large_are_bisected(lark, sqlite, rows, calls):
    where = lark.table("t", id=2, twice=2)
    lark.emulator.faults.add("batch_create", code=1254104, status=400)
    report = copy(lark, sqlite, where, sql=numbered(rows))
    assert (report.created, report.api_calls["create"]) == (rows, calls)
    assert lark.cells(where, "id") == list(range(1, rows + 1))


def test_second_try_of_a_task_creates_nothing_twice(lark, sqlite):
    where = lark.table("t", id=2, twice=2)
    lark.emulator.faults.add("batch_create", code=1254103, status=400, skip=2, times=None)
    with pytest.raises(LarkError):
        copy(lark, sqlite, where, sql=numbered(350), batch_size=100, seed="dag/run/task")
    lark.emulator.faults.clear()
    report = copy(lark, sqlite, where, sql=numbered(350), batch_size=100, seed="dag/run/task")
    assert report.created == 350
    assert lark.cells(where, "id") == list(range(1, 351))
    copy(lark, sqlite, where, sql=numbered(350), batch_size=100, seed="dag/another run/task")
    assert len(lark.records(where)) == 700


@pytest.mark.parametrize(
    ("source", "options", "warns"),
    [
        pytest.param({"sql": "SELECT 1 AS id"}, {}, True, id="query"),
        pytest.param({"sql": "SELECT 1 AS id Order\n by 1"}, {}, False, id="ordered query"),
        pytest.param({"table": "loose"}, {}, True, id="table without a key"),
        pytest.param({"table": "kept"}, {}, False, id="table with a key"),
        pytest.param({"table": "loose"}, {"mode": "upsert", "key_fields": ["id"]}, False, id="upsert"),
    ],
)
def test_append_in_no_order_warns_of_a_second_try(lark, sqlite, source, options, warns):
    run_sql(sqlite, "CREATE TABLE loose (id INTEGER)", "CREATE TABLE kept (id INTEGER PRIMARY KEY)")
    report = copy(lark, sqlite, lark.table("t", id=2), seed="s", **source, **options)
    assert ["the order of its rows is not defined" in text for text in report.warnings] == [True] * warns


def test_create_whose_answer_is_lost_is_not_doubled(lark, sqlite):
    where = lark.table("t", id=2, twice=2)
    lark.emulator.faults.add("batch_create", action="drop_after")
    assert copy(lark, sqlite, where, sql=numbered(50)).created == 50
    assert lark.cells(where, "id") == list(range(1, 51))


def test_creates_that_lark_takes_for_repetitions_of_deleted_records_stop(lark, sqlite):
    where = lark.table("t", id=2, twice=2)
    copy(lark, sqlite, where, sql=numbered(3), seed="s")
    lark.emulator.person.delete_records(lark.app_token, where.table_id, [r["record_id"] for r in lark.records(where)])
    lark.add(where, {"id": 99})
    with pytest.raises(SafetyStop, match="trigger a new DAG run"):
        copy(lark, sqlite, where, sql=numbered(3), seed="s", mode="replace")
    assert lark.cells(where, "id") == [99]


@pytest.mark.parametrize("mode", ["upsert", "replace"])
def test_creates_that_lark_repeats_for_records_that_people_changed_stop(lark, sqlite, mode):
    where = lark.table("t", id=2, twice=2)
    options = {"batch_size": 1, "key_fields": ["id"]} if mode == "upsert" else {}
    copy(lark, sqlite, where, sql=numbered(2), seed="s", mode=mode, **options)
    first, second = lark.records(where)
    person = lark.emulator.person
    if mode == "upsert":
        person.edit_record(lark.app_token, where.table_id, second["record_id"], {"id": 99})
    else:
        person.delete_record(lark.app_token, where.table_id, second["record_id"])
    with pytest.raises(SafetyStop, match="trigger a new DAG run"):
        copy(lark, sqlite, where, sql=numbered(2), seed="s", mode=mode, **options)
    assert first["record_id"] in [record["record_id"] for record in lark.records(where)]


def test_upsert_writes_only_what_differs(lark, engine):
    where = lark.table("t", id=2, twice=2)
    lark.add(where, {"id": 1, "twice": 2}, {"id": 2, "twice": 77}, {"id": 50, "twice": 1})
    report = copy(lark, engine, where, sql=numbered(4), mode="upsert", key_fields=["id"])
    assert (report.created, report.updated, report.unchanged) == (2, 1, 1)
    assert {r["fields"]["id"]: r["fields"]["twice"] for r in lark.records(where)} == {1: 2, 2: 4, 3: 6, 4: 8, 50: 1}
    again = copy(lark, engine, where, sql=numbered(4), mode="upsert", key_fields=["id"])
    assert (again.created, again.updated, again.unchanged) == (0, 0, 4)
    assert sorted(again.api_calls) == ["fields", "search", "total"]


def test_upsert_of_every_type_finds_its_own_cells_equal(lark, sqlite):
    other = lark.table("o", name=1)
    (target,) = lark.add(other, {"name": "x"})
    link = {"type": 18, "property": {"table_id": other.table_id, "multiple": True}}
    kinds: dict[str, Any] = {"k": 1, "n": 2, "s": 3, "m": 4, "d": 5, "b": 7, "p": 13, "u": 15, "l": link, "g": 22}
    where = lark.table("t", **kinds)
    sql = (
        "SELECT 'a' AS k, 0.1 AS n, 'red' AS s, '[\"x\",\"y\"]' AS m, '2026-05-01T09:30:00+08:00' AS d, 1 AS b,"
        f" '+86 138' AS p, 'https://x.example' AS u, '{target}' AS l, '116.39,39.9' AS g"
    )
    assert copy(lark, sqlite, where, sql=sql).created == 1
    again = copy(lark, sqlite, where, sql=sql, mode="upsert", key_fields=["k"])
    assert (again.created, again.updated, again.unchanged) == (0, 0, 1)


def test_upsert_clears_cells_that_sql_has_not(lark, sqlite):
    where = lark.table("t", id=2, twice=2)
    lark.add(where, {"id": 1, "twice": 2})
    copy(lark, sqlite, where, sql="SELECT 1 AS id, NULL AS twice", mode="upsert", key_fields=["id"])
    assert lark.cells(where, "twice") == [None]


@pytest.mark.parametrize(
    ("sql", "error", "words"),
    [
        pytest.param("SELECT 1 AS id, 1 AS twice UNION ALL SELECT 1, 2", DuplicateKey, "row 2: an earlier", id="rows"),
        pytest.param("SELECT 5 AS id, 1 AS twice", DuplicateKey, "row 1: 2 records have", id="records"),
        pytest.param("SELECT NULL AS id, 1 AS twice", ValueMismatch, r"row 1: .*\(id\) is empty", id="empty"),
    ],
)
def test_upsert_by_a_key_that_tells_nothing_apart_is_refused(lark, sqlite, sql, error, words):
    where = lark.table("t", id=2, twice=2)
    lark.add(where, {"id": 5}, {"id": 5})
    with pytest.raises(error, match=words):
        copy(lark, sqlite, where, sql=sql, mode="upsert", key_fields=["id"])
    report = copy(lark, sqlite, where, sql=sql, mode="upsert", key_fields=["id"], on_row_error="skip")
    assert (report.skipped, report.status) == (1, "partial")


def test_replace_puts_new_records_in_place_of_the_old(lark, engine):
    where = lark.table("t", id=2, twice=2)
    lark.add(where, *({"id": -number} for number in range(1, 701)))
    report = copy(lark, engine, where, sql=numbered(30), mode="replace")
    assert (report.created, report.deleted) == (30, 700)
    assert report.api_calls["delete"] == 2  # ceil(700 / 500)
    assert lark.cells(where, "id") == list(range(1, 31))


@pytest.mark.parametrize("route", ["batch_create", "batch_delete"])
def test_replace_that_breaks_leaves_the_old_records_and_is_put_right_by_the_next_try(lark, sqlite, route):
    where = lark.table("t", id=2, twice=2)
    lark.add(where, *({"id": -number} for number in range(1, 701)))
    lark.emulator.faults.add(route, code=1254302, status=403, skip=1, times=None)
    with pytest.raises(LarkError):
        copy(lark, sqlite, where, sql=numbered(30), mode="replace", batch_size=10, seed="s")
    left = lark.cells(where, "id")
    assert len(left) >= 200
    lark.emulator.faults.clear()
    copy(lark, sqlite, where, sql=numbered(30), mode="replace", batch_size=10, seed="s")
    assert lark.cells(where, "id") == list(range(1, 31))


def test_replace_by_nothing_is_refused_until_it_is_allowed(lark, sqlite):
    where = lark.table("t", id=2, twice=2)
    lark.add(where, {"id": 1}, {"id": 2})
    nothing = "SELECT 1 AS id, 2 AS twice WHERE 1 = 0"
    with pytest.raises(SafetyStop, match=r"2 records .* allow_empty=True"):
        copy(lark, sqlite, where, sql=nothing, mode="replace")
    assert len(lark.records(where)) == 2
    assert copy(lark, sqlite, where, sql=nothing, mode="replace", allow_empty=True).deleted == 2
    assert copy(lark, sqlite, where, sql=nothing, mode="replace").deleted == 0


def test_replace_that_does_not_see_all_records_writes_nothing(lark, sqlite):
    where = lark.table("t", id=2, twice=2)
    lark.add(where, {"id": 1}, {"id": 2})
    lark.emulator.faults.add("records/search", action="short")
    with pytest.raises(IncompleteRead, match="reports 2 records but returned"):
        copy(lark, sqlite, where, sql=numbered(3), mode="replace")
    assert lark.cells(where, "id") == [1, 2]


def test_row_that_does_not_fit_is_named_and_its_value_is_not(lark, sqlite):
    where = lark.table("t", id=2, twice=2)
    sql = "SELECT 1 AS id, 2 AS twice UNION ALL SELECT 2, 'canary-secret'"
    with pytest.raises(ValueMismatch, match=r"row 2: column twice .* field twice") as caught:
        copy(lark, sqlite, where, sql=sql)
    assert "canary" not in str(caught.value)
    assert lark.records(where) == []
    report = copy(lark, sqlite, where, sql=sql, on_row_error="skip")
    assert (report.read, report.created, report.skipped, report.status) == (2, 1, 1, "partial")
    assert report.problems[0].startswith("row 2: ")


def test_row_that_lark_refuses_is_found_by_halving(lark, sqlite):
    where = lark.table("t", id=2, twice=2)
    lark.emulator.faults.add("batch_create", code=1254015, status=400, contains='"id":7,', times=None)
    with pytest.raises(RowRefused, match="row 7: "):
        copy(lark, sqlite, where, sql=numbered(16))
    report = copy(lark, sqlite, where, sql=numbered(16), on_row_error="skip")
    assert (report.created, report.skipped) == (15, 1)


def test_values_that_lark_stores_otherwise_are_counted_and_named(lark, sqlite):
    where = lark.table("t", id=2, name=1)
    sql = "SELECT 1 AS id, 'a' AS name UNION ALL SELECT 2, ' b' UNION ALL SELECT 3, 'c' ORDER BY 1"
    for route in ("batch_create", "batch_update"):
        lark.emulator.faults.add(route, action="trim", field="name", told=True, times=None)
    report = copy(lark, sqlite, where, sql=sql, mode="upsert", key_fields=["id"])
    assert (report.created, report.near_misses, report.status) == (3, 1, "ok")
    (warning,) = [text for text in report.warnings if "different values than were sent" in text]
    assert "in 1 record (" in warning
    assert "name (Text)" in warning
    assert "near misses 1" in report.summary()
    # SQL keeps its own, so each run writes it again, and says so
    report = copy(lark, sqlite, where, sql=sql, mode="upsert", key_fields=["id"])
    assert (report.updated, report.unchanged, report.near_misses) == (1, 2, 1)


def test_append_that_is_corrected_after_a_refused_row_creates_each_row_once(lark, sqlite):
    where = lark.table("t", id=2, twice=2)
    lark.emulator.faults.add("batch_create", code=1254015, status=400, contains='"id":14,', times=None)
    options = {"seed": "task", "batch_size": 10}
    for _ in range(2):
        with pytest.raises(RowRefused, match=r"row 14: .*The other records of its batch \(9\) were deleted again"):
            copy(lark, sqlite, where, sql=numbered(32), **options)
        assert len(lark.records(where)) == 10
    corrected = f"SELECT CASE id WHEN 14 THEN 1400 ELSE id END AS id, twice FROM ({numbered(32)}) AS n"
    assert copy(lark, sqlite, where, sql=corrected, **options).created == 32
    assert len(lark.records(where)) == 32


@pytest.mark.parametrize(
    "fault", [{"code": 1255001, "status": 500}, {"code": 1254002, "status": 200}, {"code": 1299999, "status": 400}]
)
def test_row_that_spoils_each_batch_is_found_whatever_the_error(lark, sqlite, fault):
    where = lark.table("t", id=2, twice=2)
    lark.emulator.faults.add("batch_create", record="7", times=None, **fault)
    report = copy(lark, sqlite, where, sql=numbered(64), on_row_error="skip")
    assert (report.created, report.skipped, report.status) == (63, 1, "partial")
    assert report.problems[0].startswith("row 7: ")
    lark.emulator.faults.clear()
    lark.emulator.faults.add("batch_update", contains='"id":9,', times=None, **fault)
    report = copy(
        lark, sqlite, where, sql="SELECT id, 5 AS twice FROM (" + numbered(64) + ") AS n", mode="upsert",
        key_fields=["id"], on_row_error="skip",
    )  # fmt: skip
    assert (report.created, report.updated, report.skipped) == (1, 62, 1)


@pytest.mark.parametrize("fault", [{"code": 1255001, "status": 500}, {"code": 1299999, "status": 400}])
def test_outage_skips_no_row(lark, sqlite, fault):
    where = lark.table("t", id=2, twice=2)
    lark.emulator.faults.add("batch_create", times=None, **fault)
    with pytest.raises(LarkError):
        copy(lark, sqlite, where, sql=numbered(64), on_row_error="skip")
    with pytest.raises(LarkError):
        copy(lark, sqlite, where, sql=numbered(1), on_row_error="skip")


@pytest.mark.parametrize("on_row_error", ["fail", "skip"])
def test_table_that_is_full_is_no_fault_of_a_row(lark, sqlite, on_row_error):
    where = lark.table("t", id=2, twice=2)
    lark.emulator.switches.max_records = 5
    with pytest.raises(BadRequest, match="the table is full"):
        copy(lark, sqlite, where, sql=numbered(16), on_row_error=on_row_error)


def test_bytes_are_refused_with_advice(lark, sqlite):
    where = lark.table("t", a=1)
    with pytest.raises(ValueMismatch, match=r"row 1: .*a bytes cannot be stored in Lark; CAST it"):
        copy(lark, sqlite, where, sql="SELECT x'00ff' AS a")


def test_fields_rename_and_choose(lark, sqlite):
    where = lark.table("t", Name=1, Qty=2)
    sql = "SELECT 'tea' AS name, 3 AS qty, 'internal' AS note"
    copy(lark, sqlite, where, sql=sql, fields={"Name": "name", "Qty": "qty"})
    assert (lark.cells(where, "Name"), lark.cells(where, "Qty")) == (["tea"], [3])


def test_created_table_that_lark_cut_short_is_completed_also_by_the_next_try(lark, sqlite):
    columns = ", ".join(f"{n} AS c{n:02}" for n in range(27))
    lark.emulator.faults.add("POST .*/tables$", action="keep_fields", count=20)
    lark.emulator.faults.add("POST .*/fields$", code=1254002, skip=2)
    lark.emulator.faults.add("POST .*/fields$", code=1254001)
    where = lark.named("wide")
    with pytest.raises(LarkError):
        copy(lark, sqlite, where, sql=f"SELECT {columns}", create_table=True)
    report = copy(lark, sqlite, where, sql=f"SELECT {columns}", create_table=True)
    assert report.created == 1
    fields = lark.client.bitable.list_fields(app_token=lark.app_token, table_id=report.table_id)
    assert len(fields) == 27


def test_created_table_has_the_key_first_and_the_names_of_fields(lark, sqlite):
    sql = "SELECT 1 AS ok, 'tea' AS name, 2.5 AS price"
    names = {"Ok": "ok", "Name": "name", "Price": "price"}
    report = copy(
        lark, sqlite, lark.named("new"), sql=sql, fields=names, create_table=True, mode="upsert", key_fields=["Name"]
    )
    fields = lark.client.bitable.list_fields(app_token=lark.app_token, table_id=report.table_id)
    assert [(field["field_name"], field["type"]) for field in fields] == [("Name", 1), ("Ok", 2), ("Price", 2)]
    again = copy(lark, sqlite, lark.named("new"), sql=sql, fields=names, create_table=True)
    assert (again.table_id, again.api_calls["tables"]) == (report.table_id, 1)


@pytest.mark.parametrize(
    ("sql", "options", "error", "words"),
    [
        pytest.param(
            "SELECT 1 AS idd", {}, SchemaMismatch, "field 'idd' does not exist; did you mean 'id'", id="field"
        ),
        pytest.param("SELECT 1 AS made", {}, SchemaMismatch, "field made .* is read-only", id="read only"),
        pytest.param("SELECT 1 AS id, 2 AS id", {}, SchemaMismatch, "column 'id' occurs twice", id="twice"),
        pytest.param("SELECT 1 AS id", {"fields": ["x"]}, SchemaMismatch, "column 'x' does not exist", id="column"),
        pytest.param("SELECT 1 AS id", {"mode": "merge"}, ConfigError, "mode is 'merge'", id="mode"),
        pytest.param("SELECT 1 AS id", {"mode": "upsert"}, ConfigError, "needs key_fields", id="no key"),
        pytest.param("SELECT 1 AS id", {"key_fields": ["id"]}, ConfigError, "mode 'upsert'", id="idle key"),
        pytest.param("SELECT 1 AS id", {"batch_size": 1001}, ConfigError, "1 to 1000", id="batch"),
        pytest.param("SELECT 1 AS id", {"time_zone": "Mars"}, ConfigError, "'Mars' is not a time zone", id="zone"),
        pytest.param("CREATE TABLE x (y INTEGER)", {}, ConfigError, "does not return rows", id="no select"),
    ],
)
def test_impossible_wishes_are_refused_before_anything_is_written(lark, sqlite, sql, options, error, words):
    where = lark.table("t", id=2, made=1001)
    with pytest.raises(error, match=words):
        copy(lark, sqlite, where, sql=sql, **options)
    assert lark.records(where) == []


def test_table_is_not_made_for_a_transfer_that_cannot_be(lark, sqlite):
    for options in ({"time_zone": "Mars"}, {"mode": "upsert", "key_fields": ["no"]}, {"fields": {"A": "no"}}):
        with pytest.raises((ConfigError, SchemaMismatch)):
            copy(lark, sqlite, lark.named("new"), sql="SELECT 1 AS id", create_table=True, **options)
    with pytest.raises(SchemaMismatch, match=r"column a .*: no Lark field can store this type"):
        copy(lark, sqlite, lark.named("new"), sql="SELECT x'00' AS a", create_table=True)
    names = [table.name for table in lark.client.bitable.list_tables(app_token=lark.app_token)]
    assert "new" not in names


def test_missing_table_is_named_with_what_would_make_it(lark, sqlite):
    with pytest.raises(NotFound, match=r"has no table 'new'.*create_table=True"):
        copy(lark, sqlite, lark.named("new"), sql="SELECT 1 AS id")
    with pytest.raises(ConfigError, match=r"give either sql .* or source_table"):
        copy(lark, sqlite, lark.named("new"))


def test_persons_are_found_by_email_fifty_at_a_time(lark, sqlite):
    directory = lark.emulator.state.directory
    people = [directory.add_user(f"P{at}", f"p{at}@x.example") for at in range(60)]
    where = lark.table("t", k=2, who=11)
    sql = "SELECT i AS k, 'P' || (i - 1) || '@x.example' AS who FROM " + NUMBERS + " WHERE i <= 60 ORDER BY i"
    find = UserDirectory(lark.client, None).find_by_email
    options = LoadOptions(users="email", mode="upsert", key_fields=["k"])
    report = copy_to_bitable(lark.client, sqlite, SqlSource(sql=sql), where, options, find_user_ids=find)
    assert (report.created, report.api_calls["other"]) == (60, 2)
    found = {record["fields"]["k"]: record["fields"]["who"][0]["id"] for record in lark.records(where)}
    assert found == {at + 1: person.open_id for at, person in enumerate(people)}
    again = copy_to_bitable(lark.client, sqlite, SqlSource(sql=sql), where, options, find_user_ids=find)
    assert again.unchanged == 60


def test_person_whom_lark_does_not_know_is_a_problem_of_its_row(lark, sqlite):
    where = lark.table("t", name=1, who=11)
    options = LoadOptions(users="email", on_row_error="skip")
    source = SqlSource(sql="SELECT 'nobody@x.example' AS who")
    find = UserDirectory(lark.client, None).find_by_email
    report = copy_to_bitable(lark.client, sqlite, source, where, options, find_user_ids=find)
    assert report.skipped == 1
    assert "e-mail addresses of users known to Lark" in report.problems[0]
    with pytest.raises(ConfigError, match="needs find_user_ids"):
        copy_to_bitable(lark.client, sqlite, source, where, options)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        pytest.param(11, "Ann", "user ids", id="name of a person"),
        pytest.param(17, '[{"file_token":"https://x.example/a.pdf"}]', "tokens of files", id="address of a file"),
    ],
)
def test_row_with_a_name_or_an_address_for_an_id_is_refused_before_sending(lark, sqlite, kind, value, words):
    where = lark.table("t", code=1, it=kind)
    sql = "SELECT 'A1' AS code, :value AS it UNION ALL SELECT 'A2', NULL"
    report = copy(lark, sqlite, where, sql=sql, parameters={"value": value}, on_row_error="skip")
    assert (report.created, report.skipped, report.api_calls["create"]) == (1, 1, 1)
    assert words in report.problems[0]
    assert lark.cells(where, "code") == ["A2"]
