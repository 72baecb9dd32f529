"""Capture without triggers: by a column that grows with each write, and by comparing all rows."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from airflow_provider_lark.core.errors import SafetyStop, SchemaMismatch
from airflow_provider_lark.core.sql_side.changed_rows import ChangedRows
from airflow_provider_lark.core.sync.doctor import examine_mapping
from airflow_provider_lark.core.sync.push import find_changes
from tests.sync.conftest import MakePlain
from tests.sync.plain import Plain
from tests.sync.stock import BY_COLUMN, CLOCKS, LONG_AGO, ddl, entries, filled, keep_up, names, read_so_far, waiting
from tests.sync.world import wrote

HOUR_MS = 3_600_000


@pytest.fixture
def stock(engine: Engine, plain: MakePlain) -> Plain:
    return keep_up(plain(ddl(engine.dialect.name), {"name": 1}, time_zone="UTC"))


@pytest.mark.parametrize("way", [BY_COLUMN, "scan"])
def test_changes_of_both_sides_arrive_without_a_trigger_and_no_write_comes_back(stock: Plain, way: str) -> None:
    engine = filled(stock, 3, capture=way)
    stock.run("UPDATE stock SET name = 'program' WHERE id = 2", "INSERT INTO stock (id, name) VALUES (9, 'new')")
    stock.edit(1, name="person")
    stock.add(id=7, name="added")
    assert wrote(engine.incremental()) == (2, 2)
    assert names(stock) == {1: "person", 2: "program", 3: "n3", 7: "added", 9: "new"}
    assert dict(stock.ask("SELECT id, name FROM stock")) == names(stock)
    # the database has touched what we wrote, and it is met again as long as the overlap lasts
    for _ in range(2):
        assert wrote(engine.incremental()) == (0, 0)
    assert (waiting(stock), entries(stock)) == ([], 2)
    assert engine.check().in_step


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_row_that_cannot_be_synced_fails_once_and_again_when_it_changes(stock: Plain) -> None:
    engine = filled(stock, 2)
    stock.emu.faults.add("batch_update", code=1254060, times=None)
    stock.run("UPDATE stock SET name = 'refused' WHERE id = 1")
    for _ in range(3):
        engine.incremental()
    # an attempt, and then its backoff: no entry a run
    assert entries(stock) == 1
    stock.emu.faults.clear()
    stock.run("UPDATE stock SET name = 'mended' WHERE id = 1")
    assert wrote(engine.incremental()) == (0, 1)
    assert (names(stock)[1], waiting(stock)) == ("mended", [])


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("sql_ms", ["now", "long ago"])
def test_newest_goes_by_the_time_in_the_column(stock: Plain, sql_ms: str) -> None:
    engine = filled(stock, 1)
    stock.edit(1, name="person")
    # a program that copies times along writes after the person, and says that its change is older
    time = {"now": "", "long ago": ", changed = '2026-01-02 00:00:00.000'"}[sql_ms]
    stock.run(f"UPDATE stock SET name = 'program'{time} WHERE id = 1")
    with pytest.MonkeyPatch.context() as patch:
        # later than a person's edit by more than two seconds, without waiting for them
        patch.setattr(find_changes, "_changed_ms", _later(find_changes._changed_ms))
        assert engine.incremental().conflicts == 1
    assert names(stock)[1] == ("program" if sql_ms == "now" else "person")


def _later(told: Any) -> Any:
    return lambda column, changed, now_ms: told(column, changed, now_ms) + 60_000


def test_many_rows_of_one_time_are_read_to_their_end(engine: Engine, plain: MakePlain) -> None:
    """O39: more rows of one time than two pages hold, text keys of two columns, and a run that ends after one page."""
    # the input's 2,500 in batches of 1,000 where that is cheapest, and more than a page elsewhere
    rows = 2_500 if engine.dialect.name == "sqlite" else 600
    stock = plain(
        f"CREATE TABLE stock (id varchar(20) NOT NULL, part varchar(20) NOT NULL, name varchar(40), "
        f"changed {CLOCKS[engine.dialect.name]}, PRIMARY KEY (id, part)); CREATE INDEX by_time ON stock (changed)",
        {"part": 1, "name": 1, "id": 1},
        time_zone="UTC",
    )
    some = ", ".join(f"('k{n % 50}', 'p{n}', 'old', '{LONG_AGO}')" for n in range(rows))
    stock.run(f"INSERT INTO stock (id, part, name, changed) VALUES {some}")
    sync = stock.engine(capture=BY_COLUMN, batch_size=1000)
    sync.full()
    stock.run("UPDATE stock SET name = 'new', changed = '2026-11-01 10:00:00.123'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(find_changes, "_note", _once(find_changes._note))
        with pytest.raises(KeyboardInterrupt):
            sync.incremental()
    assert len(waiting(stock)) == 500
    assert sync.incremental().to_lark.updated == rows
    assert entries(stock) == rows
    assert wrote(sync.incremental()) == (0, 0)


def _once(work: Any) -> Any:
    done = []

    def call(*args: Any) -> None:
        if done:
            raise KeyboardInterrupt
        done.append(True)
        work(*args)

    return call


@pytest.mark.parametrize("ahead", ["2099-01-01", "9999-12-31", "infinity"])
def test_row_ahead_of_the_clock_hides_no_other(stock: Plain, ahead: str) -> None:
    """O40: one row dated far ahead."""
    if ahead == "infinity" and stock.sql.dialect.name != "postgresql":
        pytest.skip("only PostgreSQL has it")
    engine = filled(stock, 4, capture_overlap_seconds=0)
    stock.run(f"UPDATE stock SET name = 'ahead', changed = '{ahead}' WHERE id = 3")
    report = engine.incremental()
    assert names(stock)[3] == "ahead"
    assert ["changed of 1 row in stock is ahead of the database's clock: 3" in each for each in report.warnings] == [
        True
    ]
    for n in (1, 2):
        stock.run(f"UPDATE stock SET name = 'today' WHERE id = {n}")
        assert wrote(engine.incremental()) == (0, 1)
    assert not [value for _, value in read_so_far(stock).marks if str(value) > "2099"]
    assert entries(stock) == 3


def test_zone_east_of_the_databases_clock_is_told_where_the_column_names_none(engine: Engine, plain: MakePlain) -> None:
    kind = {"mysql": "datetime", "postgresql": "timestamp", "sqlite": "timestamp"}[engine.dialect.name]
    columns = f"id integer PRIMARY KEY, name varchar(40), changed {kind} NOT NULL DEFAULT CURRENT_TIMESTAMP"
    stock = plain(f"CREATE TABLE stock ({columns}); CREATE INDEX stock_changed ON stock (changed)", {"name": 1})
    (told,) = stock.engine(capture=BY_COLUMN, time_zone="Pacific/Kiritimati").setup().warnings
    assert "taken for 14 h ahead of the database's own clock" in told
    assert stock.engine(capture=BY_COLUMN, time_zone="UTC").setup().warnings == []


def test_rows_without_a_time_come_with_full_syncs_and_setup_says_so(engine: Engine, plain: MakePlain) -> None:
    """O41: 30 of 100 rows have none."""
    stock = plain("CREATE TABLE stock (id integer PRIMARY KEY, name varchar(40), changed timestamp NULL)", {"name": 1})
    sync = stock.engine(capture=BY_COLUMN, time_zone="UTC")
    nullable, no_index = sync.setup().warnings
    assert "capture column changed of stock may be NULL" in nullable
    assert "capture column changed of stock has no index" in no_index
    found = examine_mapping(sync.client, stock.sql, sync.mapping, clock=sync.clock)
    [(status, detail)] = [(each.status, each.detail) for each in found if each.check == "capture"]
    assert status == "warning"
    assert detail.startswith("column:changed; deletes in SQL wait for the next full sync; capture column changed")
    some = ", ".join(f"({n}, 'n', {'NULL' if n < 30 else 'CURRENT_TIMESTAMP'})" for n in range(100))
    stock.run(f"INSERT INTO stock VALUES {some}")
    sync.full()
    stock.run(
        "UPDATE stock SET name = 'untold' WHERE id = 1",
        "UPDATE stock SET name = 'told', changed = CURRENT_TIMESTAMP WHERE id = 2",
    )
    sync.incremental()
    assert names(stock)[2] == "told"
    sync.full()
    assert names(stock)[1] == "untold"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_changes_right_after_the_first_run_are_found_in_whatever_zone_the_programs_write(plain: MakePlain) -> None:
    """The base is in Shanghai, the column in UTC: the greatest value of now looked like one of eight hours ago."""
    stock = plain("CREATE TABLE stock (id integer PRIMARY KEY, name varchar(40), changed timestamp)", {"name": 1})
    sync = stock.engine(capture=BY_COLUMN, time_zone="Asia/Shanghai")
    stock.run("INSERT INTO stock VALUES (1, 'n', CURRENT_TIMESTAMP), (2, 'n', CURRENT_TIMESTAMP)")
    sync.full()
    stock.run(
        "UPDATE stock SET name = 'same second', changed = (SELECT max(changed) FROM stock) WHERE id = 1",
        "UPDATE stock SET name = 'late commit', changed = datetime('now', '-30 seconds') WHERE id = 2",
    )
    sync.incremental()
    assert names(stock) == {1: "same second", 2: "late commit"}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_deletes_wait_for_a_full_sync_and_an_edit_meanwhile_for_a_person(stock: Plain) -> None:
    """O42: five rows are deleted; a person edits one of the records."""
    engine = filled(stock, 40)
    stock.run("DELETE FROM stock WHERE id <= 5")
    stock.edit(3, name="edited")
    report = engine.incremental()
    assert (wrote(report), report.conflicts) == ((0, 0), 1)
    report = engine.full()
    assert (report.to_lark.deleted, report.to_sql.created) == (4, 0)
    assert sorted(stock.cells())[:2] == [3, 6]
    assert list(stock.ask("SELECT record_id, status FROM sync_conflict")) == [("3", "open")]
    assert wrote(engine.full()) == wrote(engine.incremental()) == (0, 0)
    stock.run("UPDATE sync_conflict SET outcome = 'lark'")
    assert wrote(engine.incremental()) == (1, 0)
    assert list(stock.ask("SELECT name FROM stock WHERE id = 3")) == [("edited",)]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_many_deletes_that_a_full_sync_finds_are_held(stock: Plain) -> None:
    engine = filled(stock, 30)
    stock.run("DELETE FROM stock WHERE id <= 25")
    assert engine.incremental().held == 0
    with pytest.raises(SafetyStop, match="rows deleted in SQL whose records are kept in Lark: 25"):
        engine.full()
    assert len(stock.cells()) == 30


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_scan_finds_deletes_by_itself_under_the_guard(stock: Plain) -> None:
    engine = filled(stock, 40, capture="scan")
    stock.run("DELETE FROM stock WHERE id IN (1, 40)")
    assert engine.incremental().to_lark.deleted == 2
    stock.edit(5, name="edited")
    stock.run("DELETE FROM stock WHERE id = 5")
    report = engine.incremental()
    assert (wrote(report), report.conflicts) == ((0, 0), 1)
    stock.run("DELETE FROM stock WHERE id < 30")
    for _ in range(2):
        with pytest.raises(SafetyStop, match="rows deleted in SQL whose records are kept in Lark: 27"):
            engine.incremental()
    assert len(waiting(stock)) == 27
    stock.run("INSERT INTO stock (id, name) VALUES (10, 'n10'), (11, 'back')")
    with pytest.raises(SafetyStop, match="kept in Lark: 25"):
        engine.incremental()
    assert (names(stock)[10], names(stock)[11]) == ("n10", "back")
    assert engine.incremental(allow_mass_deletes=True).to_lark.deleted == 25
    assert wrote(engine.incremental()) == (0, 0)


def test_clock_that_goes_back_hides_no_change(stock: Plain) -> None:
    """O51: the database's clock is put back by an hour."""
    engine = filled(stock, 3, capture_overlap_seconds=0)
    stock.run("UPDATE stock SET name = 'before' WHERE id = 1")
    engine.incremental()
    engine.incremental()
    real = ChangedRows.now_ms
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ChangedRows, "now_ms", lambda rows: real(rows) - HOUR_MS)
        for n, name in ((2, "after"), (3, "later")):
            ago = {
                "sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now', '-1 hours')",
                "postgresql": "clock_timestamp() - interval '1 hour'",
                "mysql": "CURRENT_TIMESTAMP(6) - INTERVAL 1 HOUR",
            }[stock.sql.dialect.name]
            stock.run(f"UPDATE stock SET name = '{name}', changed = {ago} WHERE id = {n}")
            assert wrote(engine.incremental()) == (0, 1)
    assert names(stock) == {1: "before", 2: "after", 3: "later"}


@pytest.mark.parametrize(
    ("column", "capture", "message"),
    [
        ("changed timestamp", "column:chnged", "has no column 'chnged'; did you mean 'changed'"),
        ("changed varchar(20)", "column:name", "column name .* cannot tell which rows were changed last"),
        ("changed numeric(10,2)", "column:changed", "cannot tell which rows were changed last"),
        ("changed timestamp", {"column": "changed", "unit": "seconds"}, "is no number; remove unit: seconds"),
    ],
)
def test_column_that_cannot_tell_is_refused(
    engine: Engine, plain: MakePlain, column: str, capture: Any, message: str
) -> None:
    if engine.dialect.name == "sqlite" and "cannot tell" in message:
        pytest.skip("a text or a NUMERIC of SQLite may hold a time")
    stock = plain(f"CREATE TABLE stock (id integer PRIMARY KEY, name varchar(40), {column})", {"name": 1})
    with pytest.raises(SchemaMismatch, match=message):
        stock.engine(capture=capture).setup()
