"""Capture without triggers: by a column that grows with each write, and by comparing all rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event

from airflow_provider_lark.core import SyncEngine, capture
from airflow_provider_lark.core.errors import SafetyStop, SchemaMismatch
from airflow_provider_lark.core.sync.doctor import examine_mapping
from airflow_provider_lark.core.sync.binding.setup import load_state
from tests.sync.conftest import MakePlain
from tests.sync.plain import Plain
from tests.sync.world import wrote

#: the column as each database keeps it up by itself, with fractions of a second
CLOCKS = {
    "sqlite": ("TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))",),
    "postgresql": ("timestamptz NOT NULL DEFAULT clock_timestamp()",),
    "mysql": ("datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)",),
}
TOUCH = {
    "sqlite": """CREATE TRIGGER own_touch AFTER UPDATE OF name ON stock BEGIN
        UPDATE stock SET changed = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE id = NEW.id; END""",
    "postgresql": """CREATE OR REPLACE FUNCTION own_touch() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN NEW.changed := clock_timestamp(); RETURN NEW; END'""",
}
LONG_AGO = "2026-01-01 00:00:00.000"
BY_COLUMN = "column:changed"
WAYS = [BY_COLUMN, "scan"]


@pytest.fixture
def stock(engine: Engine, plain: MakePlain) -> Iterator[Plain]:
    """Give a table whose column ``changed`` the database keeps up by itself."""
    kind = engine.dialect.name
    made = plain(
        f"CREATE TABLE stock (id integer PRIMARY KEY, name varchar(40), changed {CLOCKS[kind][0]}); "
        "CREATE INDEX stock_changed ON stock (changed)",
        {"name": 1},
        time_zone="UTC",
    )
    if kind in TOUCH:
        made.run(TOUCH[kind])
    if kind == "postgresql":
        made.run("CREATE TRIGGER own_touch BEFORE UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION own_touch()")
    yield made


def filled(stock: Plain, rows: int, **options: Any) -> SyncEngine:
    if rows:
        some = ", ".join(f"({n}, 'n{n}', '{LONG_AGO}')" for n in range(1, rows + 1))
        stock.run(f"INSERT INTO stock (id, name, changed) VALUES {some}")
    engine = stock.engine(**{"capture": BY_COLUMN, **options})
    engine.full()
    return engine


def waiting(stock: Plain) -> list[Any]:
    return list(stock.ask("SELECT record_id, operation, status FROM sync_queue WHERE status <> 'completed'"))


def ours(stock: Plain, engine: SyncEngine) -> set[str]:
    spec = engine.mapping
    with stock.sql.connect() as conn:
        from airflow_provider_lark.core.sql_side.reflection import TableSpec, reflect_table

        table = reflect_table(conn, spec.sql.table, None)
        return capture.installed(conn, TableSpec(spec.sql.table, None, (), (), table))


@pytest.mark.parametrize("way", WAYS)
def test_changes_of_both_sides_arrive_without_a_trigger_and_no_write_comes_back(stock: Plain, way: str) -> None:
    engine = filled(stock, 3, capture=way)
    assert ours(stock, engine) == set()
    assert wrote(engine.incremental()) == (0, 0)
    stock.run("UPDATE stock SET name = 'program' WHERE id = 2", "INSERT INTO stock (id, name) VALUES (9, 'new')")
    stock.edit(1, name="person")
    stock.add(id=7, name="added")
    assert wrote(engine.incremental()) == (2, 2)
    assert {key: cells.get("name") for key, cells in stock.cells().items()} == {
        1: "person", 2: "program", 3: "n3", 7: "added", 9: "new",
    }  # fmt: skip
    names = dict(stock.ask("SELECT id, name FROM stock"))
    assert names == {1: "person", 2: "program", 3: "n3", 7: "added", 9: "new"}
    for _ in range(2):
        assert wrote(engine.incremental()) == (0, 0)
    assert waiting(stock) == []
    # what was met again and again made no entry
    assert stock.ask("SELECT count(*) FROM sync_queue")[0][0] == 2


@pytest.mark.parametrize("kind", ["integer", "composite text"])
def test_one_time_on_many_rows_is_read_to_its_end(engine: Engine, plain: MakePlain, kind: str) -> None:
    """O39: more rows of one time than two pages hold, and a run that is killed after the first page."""
    rows, keys = 1_200, {"integer": "id", "composite text": "id, part"}[kind]
    clock = CLOCKS[engine.dialect.name][0]
    stock = plain(
        f"CREATE TABLE stock (id {'integer' if kind == 'integer' else 'varchar(20)'} NOT NULL, part varchar(20) NOT NULL, "
        f"name varchar(40), changed {clock}, PRIMARY KEY ({keys})); CREATE INDEX stock_changed ON stock (changed)",
        {"part": 1, "name": 1} if kind == "integer" else {"part": 1, "name": 1, "id": 1},
        time_zone="UTC",
    )
    some = ", ".join(
        f"({n if kind == 'integer' else repr(f'k{n % 50}')}, 'p{n}', 'n', '{LONG_AGO}')" for n in range(rows)
    )
    stock.run(f"INSERT INTO stock (id, part, name, changed) VALUES {some}")
    sync = stock.engine(capture=BY_COLUMN, batch_size=1000, max_delete_ratio=1)
    sync.full()
    [(now,)] = stock.ask(f"SELECT {LATER[engine.dialect.name]}")
    stock.run(f"UPDATE stock SET name = 'all', changed = '{now}'")
    seen = 0

    def die(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == 2:
            raise KeyboardInterrupt

    pages = "airflow_provider_lark.core.sync.push.find_changes._note"
    with pytest.MonkeyPatch.context() as patch:
        from airflow_provider_lark.core.sync.push import find_changes

        kept = find_changes._note
        patch.setattr(pages, lambda tx, found: (kept(tx, found), die()))
        with pytest.raises(KeyboardInterrupt):
            sync.incremental()
    assert len(waiting(stock)) == 500
    report = sync.incremental()
    assert report.to_lark.updated == rows
    assert {cells["name"] for cells in records(stock)} == {"all"}
    assert stock.ask("SELECT count(*) FROM sync_queue")[0][0] == rows
    assert wrote(sync.incremental()) == (0, 0)


LATER = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now')",
    "postgresql": "CAST(clock_timestamp() AS text)",
    "mysql": "CAST(CURRENT_TIMESTAMP(6) AS CHAR)",
}


def records(stock: Plain) -> list[dict[str, Any]]:
    from tests.sync.plain import _plain

    return [
        {name: _plain(cell) for name, cell in record["fields"].items()}
        for record in stock.emu.person.records(stock.base, stock.table_id)
    ]


@pytest.mark.parametrize("ahead", ["2099-01-01", "9999-12-31", "infinity"])
def test_row_ahead_of_the_clock_hides_no_other(stock: Plain, ahead: str) -> None:
    """O40: one row dated far ahead."""
    if ahead == "infinity" and stock.sql.dialect.name != "postgresql":
        pytest.skip("only PostgreSQL has it")
    engine = filled(stock, 5)
    off = "ALTER TABLE stock DISABLE TRIGGER own_touch" if stock.sql.dialect.name == "postgresql" else ""
    stock.run(*filter(None, [off]), f"UPDATE stock SET name = 'ahead', changed = '{ahead}' WHERE id = 3")
    if stock.sql.dialect.name == "sqlite":
        stock.run(f"UPDATE stock SET changed = '{ahead}' WHERE id = 3")
    report = engine.incremental()
    assert stock.cells()[3]["name"] == "ahead"
    assert any("changed of 1 row in stock is ahead of the database's clock: 3" in each for each in report.warnings)
    if off:
        stock.run("ALTER TABLE stock ENABLE TRIGGER own_touch")
    for n in (1, 2):
        stock.run(f"UPDATE stock SET name = 'today' WHERE id = {n}")
        assert wrote(engine.incremental()) == (0, 1)
    state = load_state(stock.sql, "stock")
    assert state is not None and state.capture is not None
    assert not [value for _, value in state.capture.marks if str(value) > "2099" or value == "infinity"]
    assert wrote(engine.incremental()) == (0, 0)


def test_rows_without_a_time_come_with_full_syncs_and_setup_says_so(engine: Engine, plain: MakePlain) -> None:
    """O41: 30 of 100 rows have none."""
    stock = plain("CREATE TABLE stock (id integer PRIMARY KEY, name varchar(40), changed timestamp NULL)", {"name": 1})
    sync = stock.engine(capture=BY_COLUMN)
    [nullable, no_index] = sync.setup().warnings
    assert "capture column changed of stock may be NULL" in nullable
    assert "capture column changed of stock has no index" in no_index
    found = examine_mapping(sync.client, stock.sql, sync.mapping, clock=sync.clock)
    [(status, detail)] = [(each.status, each.detail) for each in found if each.check == "capture"]
    assert status == "warning"
    assert "may be NULL" in detail and "has no index" in detail and "deletes in SQL wait" in detail
    now = {"sqlite": "CURRENT_TIMESTAMP"}.get(engine.dialect.name, "CURRENT_TIMESTAMP")
    some = ", ".join(f"({n}, 'n', {'NULL' if n < 30 else now})" for n in range(100))
    stock.run(f"INSERT INTO stock VALUES {some}")
    sync.full()
    assert len(records(stock)) == 100
    stock.run("UPDATE stock SET name = 'untold' WHERE id = 1", f"UPDATE stock SET name = 'told', changed = {now} WHERE id = 2")
    assert wrote(sync.incremental()) == (0, 1)
    assert (stock.cells()[1]["name"], stock.cells()[2]["name"]) == ("n", "told")
    assert wrote(sync.full()) == (0, 1)
    assert stock.cells()[1]["name"] == "untold"


def test_deletes_wait_for_a_full_sync_and_an_edit_meanwhile_for_a_person(stock: Plain) -> None:
    """O42: five rows are deleted; a person edits one of the records."""
    engine = filled(stock, 40)
    stock.run("DELETE FROM stock WHERE id <= 5")
    stock.edit(3, name="edited")
    report = engine.incremental()
    assert (wrote(report), report.conflicts) == ((0, 0), 1)
    report = engine.full()
    assert (report.to_lark.deleted, report.to_sql.created) == (4, 0)
    assert sorted(stock.cells())[0] == 3
    assert stock.ask("SELECT record_id, status FROM sync_conflict") == [("3", "open")]
    assert wrote(engine.full()) == wrote(engine.incremental()) == (0, 0)
    stock.run("UPDATE sync_conflict SET outcome = 'lark'")
    assert wrote(engine.incremental()) == (1, 0)
    assert stock.ask("SELECT name FROM stock WHERE id = 3") == [("edited",)]


def test_many_deletes_that_a_full_sync_finds_are_held(stock: Plain) -> None:
    engine = filled(stock, 60)
    stock.run("DELETE FROM stock WHERE id <= 30")
    assert engine.incremental().held == 0
    with pytest.raises(SafetyStop, match="rows deleted in SQL whose records are kept in Lark: 30"):
        engine.full()
    assert len(records(stock)) == 60


def test_scan_finds_deletes_by_itself_under_the_guard(stock: Plain) -> None:
    engine = filled(stock, 60, capture="scan")
    stock.run("DELETE FROM stock WHERE id IN (1, 60)")
    assert engine.incremental().to_lark.deleted == 2
    stock.edit(5, name="edited")
    stock.run("DELETE FROM stock WHERE id = 5")
    report = engine.incremental()
    assert (wrote(report), report.conflicts) == ((0, 0), 1)
    stock.run("DELETE FROM stock WHERE id < 40")
    for _ in range(2):
        with pytest.raises(SafetyStop, match="rows deleted in SQL whose records are kept in Lark: 37"):
            engine.incremental()
    assert len(waiting(stock)) == 37
    stock.run("INSERT INTO stock (id, name) SELECT id - 30, 'n' FROM stock WHERE id > 55")
    with pytest.raises(SafetyStop, match="kept in Lark: 33"):
        engine.incremental()
    assert engine.incremental(allow_mass_deletes=True).to_lark.deleted == 33
    assert wrote(engine.incremental()) == (0, 0)
