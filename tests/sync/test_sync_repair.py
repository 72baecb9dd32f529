"""The repair of what a check finds: which side is written, what is left, and that no edit is lost."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

import pytest

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.sync.consistency.options import CheckOptions
from airflow_provider_lark.core.sync.consistency.repair import RepairWork
from airflow_provider_lark.core.sync.report import CheckReport, RepairReport
from tests.clocks import JumpingClock
from tests.sync.conftest import MakePlain
from tests.sync.stock import BY_COLUMN, ddl, filled, keep_up, names
from tests.sync.world import World

SETTLE_SECONDS = 7.0
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


class SettlingClock(JumpingClock):
    """Lets something happen while a check waits for both sides to settle."""

    meanwhile: Callable[[], object] | None = None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if seconds == SETTLE_SECONDS and self.meanwhile is not None:
            self.meanwhile()


@pytest.fixture(scope="module")
def clock() -> SettlingClock:
    return SettlingClock()


def unseen(world: World) -> None:
    """Let the queue forget what programs did, as if no trigger had been there."""
    world.execute("DELETE FROM sync_queue WHERE status = 'pending'")


def check(world: World, **options: Any) -> CheckReport:
    return world.engine().check(CheckOptions(**options))


def repair(world: World, side: str, **options: Any) -> RepairReport:
    report = check(world, repair=side, **options)
    assert isinstance(report, RepairReport)
    return report


def writes(report: RepairReport) -> tuple[int, int]:
    return report.to_sql.total, report.to_lark.total


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Let something happen after the scan and before the repair."""
    carry_out = RepairWork.carry_out

    def happen(act: Callable[[], object]) -> None:
        def first_act(self: RepairWork, report: RepairReport) -> None:
            act()
            carry_out(self, report)

        monkeypatch.setattr(RepairWork, "carry_out", first_act)

    return happen


def test_row_that_goes_before_the_second_look_is_no_finding_and_a_queued_delete_is_on_its_way(
    world: World, clock: SettlingClock
) -> None:
    """O22."""
    world.ready(rows=5)
    world.update(2, qty=90)
    world.update(3, qty=90)
    unseen(world)
    assert check(world).different == 2

    def meanwhile() -> None:
        world.remove(2)
        world.delete(2, 3)

    clock.meanwhile = meanwhile
    try:
        report = repair(world, "policy", settle_seconds=SETTLE_SECONDS)
    finally:
        clock.meanwhile = None
    assert (report.different, report.only_lark, report.only_sql, report.in_step) == (0, 0, 0, True)
    assert (report.pending, report.waiting, writes(report)) == (1, {"queued": 1}, (0, 0))
    assert 3 in world.by_code()
    assert check(world).in_step


@pytest.mark.parametrize(
    ("engine", "side"),
    [("sqlite", "sql"), ("sqlite", "lark"), ("postgresql", "sql"), ("mysql", "lark"), ("mysql", "sql")],
    indirect=["engine"],
)
def test_row_that_changed_since_the_scan_is_skipped_by_name(
    world: World, side: str, between: Callable[[Callable[[], object]], None]
) -> None:
    """O23."""
    world.ready(rows=110)
    world.execute("UPDATE people SET name = 'drifted' WHERE code <= 100")
    unseen(world)

    def edit() -> None:
        for code in range(1, 11):
            world.update(code, qty=1000 + code)
        for code in range(11, 21):
            world.edit(code, Qty=2000 + code)

    between(edit)
    report = repair(world, side)
    assert (report.different, report.repaired, report.changed) == (100, 80, 20)
    assert set(report.changed_keys) == {str(code) for code in range(1, 21)}
    assert [text for text in report.warnings if "20 rows changed since the scan" in text]
    assert writes(report) == ((80, 0) if side == "sql" else (0, 80))
    rows, records = world.rows(), world.by_code()
    assert [rows[code]["qty"] for code in range(1, 11)] == [1000 + code for code in range(1, 11)]
    assert [records[code]["Qty"] for code in range(11, 21)] == [2000 + code for code in range(11, 21)]
    name = {"sql": "n{}", "lark": "drifted"}[side]
    assert {(rows[n]["name"], records[n]["Name"]) for n in range(21, 101)} == {
        (name.format(n), name.format(n)) for n in range(21, 101)
    }
    world.engine().full()
    world.assert_in_step()


NUMBERS = {
    "sqlite": "CREATE TABLE goods (id INTEGER PRIMARY KEY, a DOUBLE, b REAL, c NUMERIC(10, 2))",
    "postgresql": "CREATE TABLE goods (id INTEGER PRIMARY KEY, a DOUBLE PRECISION, b REAL, c NUMERIC(10, 2))",
    "mysql": "CREATE TABLE goods (id INTEGER PRIMARY KEY, a DOUBLE, b FLOAT, c NUMERIC(10, 2))",
}


def test_equal_numbers_that_are_printed_otherwise_are_no_difference(plain: MakePlain, engine: Any) -> None:
    """O24."""
    goods = plain(NUMBERS[engine.dialect.name], dict.fromkeys("abc", 2))
    cells = (0.36640625, 0.30000000000000004, 1e21, 5e-324)
    for number, cell in enumerate(cells, 1):
        goods.run(f"INSERT INTO goods VALUES ({number}, {cell!r}, {16777216 + number - 1}, 1.10)")
    goods.engine().full()
    for _ in range(2):
        report = goods.engine().check(CheckOptions(repair="policy"))
        assert (report.different, report.pending, report.equal, report.in_step) == (0, 0, 4, True)
        assert isinstance(report, RepairReport)
        assert writes(report) == (0, 0)


def drifted(world: World, **changes: Any) -> None:
    """Have one row of each kind: 1 differs, 2 and 3 have lost a side, 80 and 90 never had the other; 5 to 60 agree."""
    world.ready(rows=60, **changes)
    world.update(1, name="from SQL")
    world.delete(2)
    world.remove(3)
    world.insert({"code": 80, "name": "new row", "qty": 8})
    world.add(Code=90, Name="new record", Qty=9)
    unseen(world)


KINDS = [
    # side: names of 1, 2, 3, 80, 90 in SQL and in Lark, rows written to SQL and to Lark, rows left
    ("sql", ["n1", "n2", None, "new row", "new record"], ["n1", "n2", None, None, "new record"], (4, 0), 1),
    ("lark", ["from SQL", None, "n3", "new row", None], ["from SQL", None, "n3", "new row", "new record"], (0, 4), 1),
    (
        "policy",
        ["from SQL", None, None, "new row", "new record"],
        ["from SQL", None, None, "new row", "new record"],
        (2, 3),
        0,
    ),
]


@ON_SQLITE
@pytest.mark.parametrize(("side", "in_sql", "in_lark", "written", "left"), KINDS)
def test_repair_writes_the_side_that_it_names_and_a_second_one_writes_nothing(
    world: World, side: str, in_sql: list[str], in_lark: list[str], written: tuple[int, int], left: int
) -> None:
    drifted(world)
    before = (world.rows(), world.by_code())
    foretold = repair(world, side, dry_run=True)
    assert (world.rows(), world.by_code()) == before
    assert sum(each["count"] for each in foretold.would.values()) == 5 - left
    assert {name.split(".")[0] for name in foretold.would} == ({side} if side != "policy" else {"sql", "lark"})

    report = repair(world, side)
    found = (report.different, report.only_lark, report.only_sql)
    assert (found, report.repaired, report.left, writes(report)) == ((1, 2, 2), 5 - left, left, written)
    codes = (1, 2, 3, 80, 90)
    rows, records = world.rows(), world.by_code()
    assert [rows[code]["name"] if code in rows else None for code in codes] == in_sql
    assert [records[code]["Name"] if code in records else None for code in codes] == in_lark
    assert (report.in_step, len(report.warnings)) == (not left, 1 if left else 0)
    again = repair(world, side)
    assert (again.repaired, again.left, writes(again)) == (0, left, (0, 0))
    world.engine().full()
    world.assert_in_step()


@ON_SQLITE
def test_lines_of_a_repair_name_it_in_the_log_and_its_counts_are_those_of_the_run(world: World) -> None:
    drifted(world)
    repair(world, "lark")
    details = world.ask("SELECT record_id, operation, detail FROM sync_log WHERE detail LIKE 'repair%' ORDER BY 1")
    assert [(key, operation) for key, operation, _ in details] == [
        ("1", "UPDATE"),
        ("2", "DELETE"),
        ("3", "INSERT"),
        ("80", "INSERT"),
    ]
    line = world.ask(
        "SELECT operation, status, lark_created, lark_updated, lark_deleted, different FROM sync_run "
        "ORDER BY id DESC LIMIT 1"
    )
    assert line == [("check", "drift", 2, 1, 1, 1)]


@ON_SQLITE
@pytest.mark.parametrize("side", ["sql", "lark"])
def test_repair_holds_deletes_beyond_the_limit_and_deletes_none_of_them(world: World, side: str) -> None:
    world.ready(rows=40)
    if side == "sql":
        world.remove(*range(1, 26))
    else:
        world.delete(*range(1, 26))
    unseen(world)
    world.update(30, name="drifted")
    unseen(world)
    report = repair(world, side)
    assert (report.status, report.held, report.repaired, report.in_step) == ("held", 25, 1, True)
    assert (report.to_sql.deleted, report.to_lark.deleted) == (0, 0)
    assert [text for text in report.warnings if "25" in text and "allow_mass_deletes" in text]
    assert max(len(world.rows()), len(world.records())) == 40
    again = repair(world, side)
    assert (again.waiting, writes(again), again.in_step) == ({"held": 25}, (0, 0), True)


@ON_SQLITE
def test_what_a_person_has_taken_out_or_has_to_decide_is_neither_drift_nor_repaired(world: World) -> None:
    world.ready(rows=6, conflict="manual")
    world.edit(1, Name="Lark's")
    world.update(1, name="SQL's")
    assert world.engine().incremental().conflicts == 1
    world.update(2, name="left alone")
    world.execute("INSERT INTO sync_blacklist (record_id, reason) VALUES ('2', 'under repair')")
    world.update(3, name="queued")
    before = (world.rows(), world.by_code())
    for side in ("sql", "lark", "policy"):
        report = repair(world, side)
        assert (report.in_step, report.different, writes(report)) == (True, 0, (0, 0))
        assert report.waiting == {"conflict": 1, "blacklisted": 1, "queued": 1}
        assert (world.rows(), world.by_code()) == before


@ON_SQLITE
def test_policy_that_asks_people_opens_a_conflict_instead_of_choosing(world: World) -> None:
    world.ready(rows=3, conflict="manual")
    world.edit(2, Name="Lark's")
    world.update(2, name="SQL's")
    unseen(world)
    report = repair(world, "policy")
    assert (report.conflicts, report.repaired, writes(report), report.in_step) == (1, 0, (0, 0), True)
    assert world.ask("SELECT record_id, status FROM sync_conflict") == [("2", "open")]


@ON_SQLITE
@pytest.mark.parametrize(("direction", "side"), [("to_lark", "sql"), ("to_sql", "lark")])
def test_repair_against_the_direction_is_refused_before_anything_is_read(
    world: World, direction: str, side: str
) -> None:
    world.ready(rows=1, direction=direction)
    with pytest.raises(ConfigError, match=f"repair={side!r} would write to .* direction is {direction!r}"):
        repair(world, side)


@ON_SQLITE
@pytest.mark.parametrize(("deletes", "side"), [("ignore", "lark"), ("ignore", "sql"), ("soft:gone", "sql")])
def test_repair_deletes_as_the_mapping_says(world: World, deletes: str, side: str) -> None:
    drifted(world, deletes=deletes)
    report = repair(world, side)
    assert (report.to_sql.deleted, report.to_lark.deleted) == ((1, 0) if deletes != "ignore" else (0, 0))
    assert 2 in world.by_code()
    assert bool(world.rows()[3]["gone"]) == (deletes != "ignore")
    assert writes(repair(world, side)) == (0, 0)


@ON_SQLITE
def test_edit_within_the_settle_time_is_on_its_way(world: World, clock: SettlingClock) -> None:
    world.ready(rows=4)
    clock.meanwhile = lambda: world.edit(2, Name="typing")
    world.edit(2, Name="typin")
    try:
        report = repair(world, "sql", settle_seconds=SETTLE_SECONDS)
    finally:
        clock.meanwhile = None
    assert (report.waiting, report.in_step, world.rows()[2]["name"]) == ({"changed": 1}, True, "n2")


@ON_SQLITE
def test_check_costs_a_call_for_500_records_and_one_for_100_that_differ(world: World) -> None:
    world.ready(rows=1203)
    world.execute("UPDATE people SET qty = 7.5 WHERE code <= 90")
    world.delete(*range(91, 101))
    world.remove(*range(101, 151))
    world.insert({"code": 2000, "name": "new", "qty": 1})
    unseen(world)
    report = check(world)
    assert (report.different, report.only_lark, report.only_sql) == (90, 10, 51)
    assert report.api_calls["search"] == ceil(1153 / 500)
    assert report.api_calls["batch_get"] == ceil(150 / 100)
    assert [text for text in report.warnings if "151 rows differ, more than the threshold of 10" in text]
    assert not check(world, threshold=200).warnings


@ON_SQLITE
def test_repair_that_died_between_both_sides_is_carried_on_by_the_next_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ready(rows=30)
    world.execute("UPDATE people SET name = 'drifted' WHERE code <= 20")
    unseen(world)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(RepairWork, "_push", die)
        with pytest.raises(KeyboardInterrupt):
            repair(world, "lark")
    assert world.engine().incremental().to_lark.updated == 20
    world.assert_in_step()


@ON_SQLITE
@pytest.mark.parametrize("way", [BY_COLUMN, "scan"])
def test_change_that_no_trigger_notes_is_on_its_way(plain: MakePlain, way: str) -> None:
    stock = keep_up(plain(ddl("sqlite"), {"name": 1}, time_zone="UTC"))
    engine = filled(stock, 3, capture=way)
    stock.run("UPDATE stock SET name = 'program' WHERE id = 2")
    stock.edit(3, name="person")
    report = engine.check(CheckOptions(repair="sql"))
    assert (report.waiting, report.different, report.in_step) == ({"found": 1}, 1, True)
    assert dict(stock.ask("SELECT id, name FROM stock")) == {1: "n1", 2: "program", 3: "person"}
    assert engine.incremental().to_lark.updated == 1
    assert names(stock) == {1: "n1", 2: "program", 3: "person"}


@ON_SQLITE
def test_check_looks_for_changes_without_triggers_once(plain: MakePlain) -> None:
    stock = keep_up(plain(ddl("sqlite"), {"name": 1}, time_zone="UTC"))
    engine = filled(stock, 3)
    stock.run("UPDATE stock SET changed = '2099-01-01' WHERE id = 3")
    told = [text for text in engine.check().warnings if "ahead of the database's clock" in text]
    assert len(told) == 1
