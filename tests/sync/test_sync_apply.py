"""A plan that is run later does what it said, and leaves to the next run whatever was changed meanwhile."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_lark.core import SyncEngine
from airflow_provider_lark.core.errors import ConfigError, LarkError, SafetyStop, SchemaMismatch
from airflow_provider_lark.core.sync.plan.stored import read_plans
from airflow_provider_lark.core.sync.report import ApplyReport
from tests.sync.test_sync_plan import counts, dump, planned
from tests.sync.world import World


def save(engine: SyncEngine, path: Path, operation: Any = "incremental", **options: Any) -> dict[str, Any]:
    with engine.plan(operation, **options) as plan:
        plan.save(path)
        return counts(plan.report)


def apply(engine: SyncEngine, path: Path) -> ApplyReport:
    (plan,) = read_plans(path)
    with plan:
        return engine.apply(plan)


def left_by(report: ApplyReport) -> tuple[int, list[str]]:
    return report.changed, sorted(report.changed_keys, key=int)


def test_touched_rows_of_a_plan_are_left_and_the_rest_lands(world: World, tmp_path: Path) -> None:
    engine = world.ready(110)
    for code in range(1, 101):
        world.update(code, name=f"planned {code}")
    save(engine, tmp_path / "p")
    for code in range(1, 6):
        world.edit(code, Name=f"by hand {code}")
    for code in range(6, 11):
        world.update(code, qty=1000 + code)
    world.delete(11, 12, 13)
    report = apply(engine, tmp_path / "p")
    assert (report.planned, report.changed, report.status) == (100, 13, "partial")
    assert report.changed_keys == [str(code) for code in range(1, 11)]
    assert (report.to_lark.updated, report.to_lark.deleted, report.to_sql.total) == (87, 0, 0)
    lark = world.by_code()
    assert [lark[code]["Name"] for code in (1, 6, 11, 14, 100)] == [
        "by hand 1",
        "n6",
        "n11",
        "planned 14",
        "planned 100",
    ]
    assert report.warnings[-1].startswith("13 of 100 rows changed since planned, and left to the next run: 1, 2,")
    # the dropped ones are decided now: the person's edit wins, the program's other column goes along, rows are deleted
    later = engine.incremental()
    assert (later.to_sql.updated, later.to_lark.updated, later.to_lark.deleted) == (5, 5, 3)
    world.assert_in_step()
    assert world.rows()[1]["name"] == "by hand 1"


def test_plan_of_another_field_type_or_mapping_is_refused_as_a_whole(world: World, tmp_path: Path) -> None:
    engine = world.ready(3)
    world.update(1, name="planned")
    save(engine, tmp_path / "p")
    before = dump(world)
    with pytest.raises(ConfigError, match="belongs to another mapping or to an earlier version of this one"):
        apply(world.engine(batch_size=7), tmp_path / "p")
    table = world.emu.state.bases[world.app_token].tables[world.table_id]
    (qty,) = [field for field in table.fields if field.name == "Qty"]
    qty.type = 1
    with pytest.raises(SchemaMismatch, match=r"fields or columns have changed since the plan of .* UTC"):
        apply(engine, tmp_path / "p")
    qty.type = 2
    assert dump(world) == before
    assert apply(engine, tmp_path / "p").to_lark.updated == 1


def test_plan_of_another_column_type_is_refused(world: World, tmp_path: Path) -> None:
    engine = world.ready(3)
    world.update(1, name="planned")
    save(engine, tmp_path / "p")
    if world.sql.dialect.name == "sqlite":
        pytest.skip("SQLite does not change the type of a column")
    verb = "ALTER COLUMN name TYPE varchar(40)" if world.sql.dialect.name == "postgresql" else "MODIFY name varchar(40)"
    world.execute(f"ALTER TABLE people {verb}")
    with pytest.raises(SchemaMismatch, match="create a new plan"):
        apply(engine, tmp_path / "p")


@pytest.mark.parametrize("operation", ["incremental", "full"])
def test_untouched_plan_is_carried_out_whole_and_nothing_else(world: World, tmp_path: Path, operation: str) -> None:
    engine = world.ready(8, conflict="merge:lark")
    world.update(1, name="edited")
    world.delete(2)
    world.insert({"code": 20, "name": "new one"})
    world.edit(3, Name="by hand")
    world.remove(4)
    world.add(Name="no key")
    world.edit(6, Name="same row")
    world.update(6, qty=66)
    foreseen = save(engine, tmp_path / "p", operation)
    text = (tmp_path / "p").read_text()
    assert not [value for value in ("edited", "by hand", "no key", "same row", "new one") if value in text]
    assert oct((tmp_path / "p").stat().st_mode)[-3:] == "600"
    # what comes later is not in the plan, on whichever side
    world.update(7, name="later")
    world.edit(8, Name="later")
    world.insert({"code": 30, "name": "later"})
    report = apply(engine, tmp_path / "p")
    assert (report.planned, report.changed, report.status) == (7, 0, "ok"), report.changed_keys
    assert counts(report) == foreseen
    assert (report.to_lark.created, report.to_lark.updated, report.to_lark.deleted) == (1, 3, 1)
    assert [world.rows()[code]["name"] for code in (7, 8)] == ["later", "n8"]
    assert set(planned(engine)) == {("lark", "create"), ("lark", "update"), ("sql", "update")}
    engine.incremental()
    world.assert_in_step()
    assert planned(engine) == planned(engine, "full") == {}


def test_plan_of_the_first_run_sets_up_and_fills(world: World, tmp_path: Path) -> None:
    world.insert({"code": 1, "name": "a"}, {"code": 2, "name": "b"}, {"code": 3, "name": "c"})
    world.add(Name="d", Code=4)
    engine = world.engine()
    save(engine, tmp_path / "p")
    world.update(2, name="later")
    world.insert({"code": 5, "name": "later"})
    report = apply(world.engine(), tmp_path / "p")
    assert (report.planned, left_by(report)) == (4, (1, ["2"]))
    assert (report.to_lark.created, report.to_sql.created) == (2, 1)
    # what was left has no entry in the queue: the next run still compares everything
    world.engine().incremental()
    world.assert_in_step()


def test_second_run_of_a_plan_finds_everything_changed(world: World, tmp_path: Path) -> None:
    engine = world.ready(3)
    world.update(1, name="edited")
    with engine.plan() as plan:
        assert engine.apply(plan).to_lark.updated == 1
        again = engine.apply(plan)
    assert (again.planned, again.changed, again.to_lark.total) == (1, 1, 0)


def test_conflict_and_its_resolution_are_applied_as_planned(world: World, tmp_path: Path) -> None:
    engine = world.ready(4, conflict="manual")
    for code in (1, 2):
        world.edit(code, Name="person")
        world.update(code, name="program")
    save(engine, tmp_path / "p")
    report = apply(engine, tmp_path / "p")
    assert (report.conflicts, report.changed) == (2, 0)
    world.execute("UPDATE sync_conflict SET outcome = 'lark'")
    save(engine, tmp_path / "p")
    # one of the two is edited again before the resolution is carried out
    world.edit(2, Name="person again")
    report = apply(engine, tmp_path / "p")
    assert (report.to_sql.updated, left_by(report)) == (1, (1, ["2"]))
    engine.incremental()
    assert world.rows()[2]["name"] == "person again"
    world.assert_in_step()


def test_mass_deletes_that_were_seen_in_a_plan_are_allowed_and_no_others(world: World, tmp_path: Path) -> None:
    engine = world.ready(12, max_delete_rows=1, max_delete_ratio=0.0)
    world.delete(*range(1, 6))
    with pytest.raises(SafetyStop):
        engine.incremental()
    save(engine, tmp_path / "p", allow_mass_deletes=True)
    world.delete(6, 7)
    report = apply(engine, tmp_path / "p")
    assert (report.to_lark.deleted, report.changed) == (5, 0)
    assert {6, 7} <= world.by_code().keys()
    with pytest.raises(SafetyStop):
        engine.incremental()


def test_crash_between_and_a_rival_run_leave_nothing_to_apply_twice(world: World, tmp_path: Path) -> None:
    engine = world.ready(4)
    world.insert({"code": 9, "name": "new"})
    world.edit(3, Name="by hand")
    save(engine, tmp_path / "p")
    engine.incremental()
    report = apply(engine, tmp_path / "p")
    assert (report.planned, report.changed) == (2, 2)
    assert (report.to_lark.total, report.to_sql.total) == (0, 0)
    world.assert_in_step()


def test_file_that_is_no_plan_is_refused(tmp_path: Path) -> None:
    odd = dict.fromkeys(("mapping", "operation", "allow_mass_deletes", "version", "contract", "made_ms", "salt"), 1)
    whole = json.dumps({"format": "lark-sync-plan-4", "decisions": 0, "counts": {}, **odd})
    for text in ("", "{}", "[1]", '{"format": "lark-sync-plan-4"}', whole, "no json"):
        (tmp_path / "p").write_text(text)
        with pytest.raises(ConfigError):
            list(read_plans(tmp_path / "p"))
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read_plans(tmp_path / "none"))


def test_cut_file_is_refused_before_anything_is_written(world: World, tmp_path: Path) -> None:
    engine = world.ready(5)
    for code in range(1, 4):
        world.update(code, name="edited")
    save(engine, tmp_path / "p")
    lines = (tmp_path / "p").read_text().splitlines(keepends=True)
    (tmp_path / "p").write_text("".join([*lines[:-2], lines[-1]]))
    with pytest.raises(LarkError, match="is incomplete: it has 5 of 6 decisions"):
        apply(engine, tmp_path / "p")


@pytest.mark.parametrize("seed", range(2))
def test_random_edits_after_a_plan_are_never_overwritten_and_the_rest_is_carried_out(
    world: World, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    conflict = dice.choice(["newest", "merge:lark", "merge:sql", "lark", "sql", "manual"])
    engine = world.ready(14, conflict=conflict, max_delete_ratio=1)
    operation = dice.choice(["incremental", "full"])
    edit_randomly(world, dice, "a", range(1, 15))
    foreseen = save(engine, tmp_path / "p", operation)
    touched = edit_randomly(world, dice, "b", dice.sample(range(1, 15), 5))
    before = state_of(world)
    report = apply(engine, tmp_path / "p")
    after = state_of(world)
    assert {code: after.get(code) for code in touched} == {code: before.get(code) for code in touched}
    # of the others nothing is left to do
    left = {key for name, keys in planned(engine, operation).items() if name != ("both", "conflict") for key in keys}
    assert {int(key) for key in left if key.isdecimal()} <= touched, (left, touched, report.to_dict(), foreseen)
    engine.incremental()
    engine.full()
    waiting = planned(engine, "full")
    assert not waiting or (set(waiting) == {("both", "conflict")} and conflict == "manual")
    if not waiting:
        world.assert_in_step()


def edit_randomly(world: World, dice: random.Random, name: str, codes: Iterable[int]) -> set[int]:
    """Edit rows on either side, each to values of its own, and add some; return whose state changed."""
    touched = set()
    for code in codes:
        in_sql, in_lark = code in world.rows(), code in world.by_code()
        match dice.randint(0, 6):
            case 0 if in_sql:
                world.update(code, name=f"p{name}{code}")
            case 1 if in_sql:
                world.update(code, qty=1000 + code + (500 if name == "b" else 0))
            case 2 if in_sql:
                world.delete(code)
            case 3 if in_lark:
                world.edit(code, Name=f"h{name}{code}")
            case 4 if in_lark:
                world.edit(code, Qty=2000 + code + (500 if name == "b" else 0))
            case 5 if in_lark:
                world.remove(code)
            case _:
                continue
        touched.add(code)
    in_sql, in_lark = (100, 50) if name == "a" else (200, 51)
    world.insert({"code": in_sql, "name": f"new {name}"})
    world.add(Name=f"added {name}", Code=in_lark)
    # the database gives it a key behind all others
    world.add(Name=f"no key {name}")
    return touched | {in_sql, in_lark}


def state_of(world: World) -> dict[Any, Any]:
    rows, records = world.rows(), world.by_code()
    return {code: (rows.get(code), records.get(code)) for code in rows.keys() | records.keys()}


def test_dead_letter_that_a_plan_tries_again_is_applied_and_another_is_left(world: World, tmp_path: Path) -> None:
    if world.sql.dialect.name != "sqlite":
        pytest.skip("one way to refuse rows for a while will do")
    engine = world.ready(2)
    world.execute("CREATE TRIGGER no BEFORE INSERT ON people BEGIN SELECT RAISE(ABORT, 'not now'); END")
    world.add(Name="a", Code=50)
    world.add(Name="b", Code=51)
    assert engine.incremental().failed == 2
    world.execute("DROP TRIGGER no")
    world.execute("UPDATE sync_queue SET next_attempt_at = NULL WHERE status = 'pending'")
    save(engine, tmp_path / "p")
    world.edit(51, Name="b again")
    report = apply(engine, tmp_path / "p")
    assert (report.to_sql.created, left_by(report)) == (1, (1, ["51"]))
    assert 51 not in world.rows()
    engine.incremental()
    world.assert_in_step()
    assert world.ask("SELECT count(*) FROM sync_queue WHERE status <> 'completed'") == [(0,)]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_rows_behind_one_that_was_changed_many_times_are_applied(world: World, tmp_path: Path) -> None:
    engine = world.ready(1, batch_size=2)
    world.insert({"code": 11, "name": "new"})
    for number in range(4):
        world.update(11, name=f"often {number}")
    world.insert({"code": 12, "name": "new"})
    save(engine, tmp_path / "p")
    report = apply(engine, tmp_path / "p")
    assert (report.to_lark.created, report.changed) == (2, 0)
    world.assert_in_step()
