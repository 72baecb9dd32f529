"""Half-typed cells: a record that was changed just now in Lark is left on both sides, and taken once it rests."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core import SyncEngine
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.sync.continuous import ContinuousSync
from airflow_provider_lark.core.sync.explain.explanation import explain
from airflow_provider_lark.core.sync.pull.told import Told
from airflow_provider_lark.core.sync.report import SyncReport
from airflow_provider_lark.core.sync.run.settling import ENDLESS
from airflow_provider_lark.core.sync.status import read_status
from tests.clocks import JumpingClock
from tests.sync.test_sync_plan import planned
from tests.sync.test_sync_views import by_view, make_view
from tests.sync.world import World, wrote

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

SETTLE = 600


@pytest.fixture(scope="module")
def clock() -> Clock:
    """Give the emulator and the engine one time, which passes while somebody waits."""
    return JumpingClock()


def ready(world: World, rows: int = 3, **changes: Any) -> SyncEngine:
    """Bring both sides in step, and let the time pass that the first load's own records were changed in."""
    return world.ready(rows, **{"settle_seconds": SETTLE, **changes})


def rest(world: World) -> None:
    world.clock.sleep(SETTLE + 3)


def queued(world: World) -> list[tuple[Any, ...]]:
    """Return what waits in the queue."""
    return [
        tuple(row)
        for row in world.ask(
            "SELECT record_id, operation, status, retry_count FROM sync_queue WHERE status <> 'completed'"
        )
    ]


def calls(report: SyncReport) -> dict[str, int]:
    return {kind: count for kind, count in report.api_calls.items() if kind not in ("token", "total")}


IDLE = {"fields": 1, "search": 1}


def test_edit_is_left_while_somebody_types_and_taken_once_it_rests(world: World) -> None:
    engine = ready(world)
    assert calls(engine.incremental()) == IDLE
    for text in ("J", "Jo", "Joh"):
        world.edit(2, Name=text)
        report = engine.incremental()
        assert (wrote(report), report.unsettled, report.status, calls(report)) == ((0, 0), 1, "ok", IDLE)
    world.edit(2, Name="John")
    rest(world)
    report = engine.incremental()
    assert (wrote(report), report.unsettled, calls(report)) == ((1, 0), 0, IDLE)
    assert world.rows()[2]["name"] == "John"
    idle = engine.incremental()
    assert (wrote(idle), calls(idle)) == ((0, 0), IDLE)


def test_new_record_is_left_without_being_taken_for_one_that_was_deleted(world: World) -> None:
    engine = ready(world)
    world.add(Code=7, Name="hal")
    for _ in range(2):
        report = engine.incremental()
        assert (wrote(report), report.unsettled, calls(report)) == ((0, 0), 1, IDLE)
    # a delete beside it is found all the same, by the count
    world.remove(1)
    report = engine.incremental()
    assert (report.to_sql.deleted, report.unsettled) == (1, 1)
    assert world.rows().keys() == {2, 3}
    assert calls(engine.incremental()) == IDLE
    world.edit(7, Name="half")
    rest(world)
    report = engine.incremental()
    assert (report.to_sql.created, calls(report)) == (1, IDLE)
    world.assert_in_step()
    assert calls(engine.incremental()) == IDLE


def test_record_that_is_deleted_while_it_waits_leaves_nothing_behind(world: World) -> None:
    engine = ready(world)
    world.add(Code=7, Name="oops")
    world.edit(2, Name="Jo")
    assert engine.incremental().unsettled == 2
    world.remove(7, 2)
    report = engine.incremental()
    assert (report.to_sql.created, report.to_sql.deleted, report.unsettled) == (0, 1, 0)
    assert calls(engine.incremental()) == IDLE
    world.assert_in_step()


def test_row_whose_record_is_typed_in_waits_in_the_queue_as_if_it_were_not_tried(world: World) -> None:
    engine = ready(world, conflict="merge:lark")
    world.edit(2, Name="Jo")
    world.update(2, name="program", qty=9)
    world.update(3, qty=8)
    for _ in range(2):
        report = engine.incremental()
        assert (wrote(report), report.failed, report.conflicts) == ((0, 1) if _ == 0 else (0, 0), 0, 0)
        assert queued(world) == [("2", "UPDATE", "pending", 0)]
    assert world.by_code()[2]["Name"] == "Jo"
    assert (world.by_code()[2]["Qty"], world.by_code()[3]["Qty"]) == (2, 8)
    world.edit(2, Name="John")
    rest(world)
    report = engine.incremental()
    assert (report.conflicts, report.failed) == (1, 0)
    assert (world.rows()[2]["name"], world.by_code()[2]["Qty"]) == ("John", 9)
    assert queued(world) == []
    world.assert_in_step()


def test_delete_in_sql_waits_for_whoever_types_in_the_record(world: World) -> None:
    engine = ready(world, conflict="lark", max_delete_ratio=1)
    world.edit(2, Name="Jo")
    world.delete(2, 3)
    report = engine.incremental()
    assert (report.to_lark.deleted, report.unsettled) == (1, 1)
    rest(world)
    engine.incremental()
    assert world.rows()[2]["name"] == "Jo"
    world.assert_in_step()


@pytest.mark.parametrize("operation", ["incremental", "full"])
def test_row_with_the_key_of_a_record_that_is_still_typed_gets_no_second_record(world: World, operation: str) -> None:
    engine = ready(world, conflict="lark")
    world.add(Code=7, Name="per")
    world.insert({"code": 7, "name": "program"})
    report = getattr(engine, operation)()
    assert (wrote(report), report.unsettled, len(world.records())) == ((0, 0), 1, 4)
    world.edit(7, Name="person")
    rest(world)
    engine.incremental()
    assert world.rows()[7]["name"] == "person"
    world.assert_in_step()


def test_row_goes_on_when_the_record_turns_out_to_have_another_key(world: World) -> None:
    engine = ready(world)
    world.add(Code=7, Name="person")
    world.insert({"code": 7, "name": "program"})
    engine.incremental()
    world.edit(7, Code=71)
    rest(world)
    report = engine.incremental()
    assert (report.to_sql.created, report.to_lark.created) == (1, 1)
    world.assert_in_step()


def test_own_write_is_no_typing(world: World) -> None:
    engine = ready(world)
    for number in range(3):
        world.update(2, name=f"program {number}")
        report = engine.incremental()
        assert (wrote(report), report.unsettled) == ((0, 1), 0)
    world.edit(2, Name="person")
    assert engine.incremental().unsettled == 1
    rest(world)
    assert engine.incremental().to_sql.updated == 1
    world.assert_in_step()


def test_record_that_is_edited_without_end_is_taken_after_a_while_and_waits_anew(world: World) -> None:
    engine = ready(world)
    began = world.clock.now()
    runs = 0
    while True:
        world.edit(2, Name=f"still typing {runs}")
        report = engine.incremental()
        if report.to_sql.updated:
            break
        assert report.unsettled == 1
        runs += 1
        assert runs <= ENDLESS + 1
        world.clock.sleep(SETTLE - 10)
    assert world.clock.now() - began >= (ENDLESS - 1) * SETTLE
    world.edit(2, Name="and again")
    assert engine.incremental().unsettled == 1


def test_edit_that_an_event_tells_of_is_left_and_taken_by_a_later_run(world: World) -> None:
    engine = ready(world)
    world.clock.sleep(5)
    world.edit(2, Name="Jo")
    told = Told(changed={world.record_id(2): int(world.clock.now() - 1) * 1000})
    world.clock.sleep(5)
    # behind what the search shows: without a note of it no run would look for it
    world.edit(3, Name="newer")
    world.emu.faults.add("search", action="stale", record=world.record_id(2), times=1)
    report = engine.incremental(lambda: told)
    assert (report.to_sql.updated, report.unsettled, report.not_shown) == (0, 2, {})
    assert engine.incremental().unsettled == 2
    rest(world)
    assert engine.incremental().to_sql.updated == 2
    world.assert_in_step()


def test_record_that_lark_shows_in_an_older_state_is_read_by_id(world: World) -> None:
    engine = ready(world)
    engine.incremental()
    world.clock.sleep(5)
    world.edit(2, Name="Jo")
    assert engine.incremental().unsettled == 1
    rest(world)
    world.emu.faults.add("search", action="stale", record=world.record_id(2), times=None)
    report = engine.incremental()
    assert (report.to_sql.updated, calls(report)) == (1, {**IDLE, "batch_get": 1})
    world.emu.faults.clear()
    world.assert_in_step()


@pytest.mark.parametrize("seconds", [0, 30])
def test_less_patience_takes_what_a_run_before_has_left(world: World, seconds: int) -> None:
    engine = ready(world)
    world.edit(2, Name="Jo")
    world.add(Code=7, Name="new")
    assert engine.incremental().unsettled == 2
    world.clock.sleep(60)
    world.changes = {"settle_seconds": seconds}
    report = world.engine().incremental()
    assert (wrote(report), report.unsettled, calls(report)) == ((2, 0), 0, IDLE)
    assert calls(world.engine().incremental()) == IDLE
    world.assert_in_step()


def test_more_patience_loses_nothing_that_was_taken_or_not(world: World) -> None:
    engine = ready(world, settle_seconds=0)
    world.edit(1, Name="taken")
    engine.incremental()
    world.edit(2, Name="Jo")
    world.changes = {"settle_seconds": SETTLE}
    engine = world.engine()
    assert engine.incremental().unsettled == 1
    rest(world)
    assert engine.incremental().to_sql.updated == 1
    world.assert_in_step()


def test_value_that_fits_no_column_is_no_failure_while_it_is_typed(world: World) -> None:
    engine = ready(world)
    world.edit(2, Name="a text much longer than its column")
    world.add(Code=2.5, Name="half a key")
    report = engine.incremental()
    assert (report.failed, report.unsettled, queued(world)) == (0, 2, [])
    rest(world)
    assert engine.incremental().failed == 2
    # mended: neither is counted twice, nor held up by its dead letter
    world.edit(2, Name="short")
    world.edit(2.5, Code=25)
    report = engine.incremental()
    assert (report.failed, report.unsettled, calls(report)) == (0, 2, IDLE)
    rest(world)
    report = engine.incremental()
    assert (report.to_sql.created, report.to_sql.updated, report.failed) == (1, 1, 0)
    assert calls(engine.incremental()) == IDLE
    world.assert_in_step()
    assert queued(world) == []


def test_full_run_leaves_what_is_typed_too(world: World) -> None:
    world.add(Code=7, Name="first loa")
    engine = ready(world)
    assert (world.rows().keys(), len(world.records())) == ({1, 2, 3}, 4)
    world.edit(2, Name="Jo")
    report = engine.full()
    assert (wrote(report), report.unsettled) == ((0, 0), 2)
    assert calls(engine.incremental()) == IDLE
    world.edit(7, Name="first load")
    rest(world)
    report = engine.incremental()
    assert (wrote(report), calls(report)) == ((2, 0), IDLE)
    assert calls(engine.incremental()) == IDLE
    world.assert_in_step()


def test_plan_foresees_what_is_left_and_its_run_leaves_it(world: World) -> None:
    engine = ready(world, conflict="merge:lark")
    world.edit(2, Name="Jo")
    world.update(2, qty=9)
    world.add(Code=7, Name="ne")
    world.update(3, qty=8)
    new = world.record_id(7)
    found = {kind: sorted(keys) for kind, keys in planned(engine).items()}
    assert found == {("sql", "wait"): sorted(["2", new]), ("lark", "wait"): ["2"], ("lark", "update"): ["3"]}
    with engine.plan() as plan:
        report = engine.apply(plan)
    assert (wrote(report), report.unsettled, report.changed) == ((0, 1), 2, 0)
    rest(world)
    assert planned(engine) == {("sql", "create"): ["7"], ("sql", "update"): ["2"], ("lark", "update"): ["2"]}


@pytest.mark.parametrize("by", ["filter", "view"])
def test_row_whose_record_leaves_the_filter_in_passing_is_not_deleted(world: World, by: str) -> None:
    lark: dict[str, Any] = {"app_token": world.app_token, "table_id": world.table_id, "filter": {"Done": False}}
    if by == "view":
        make_view(world)
        lark = by_view(world, "Undone")["lark"]
    engine = ready(world, lark=lark, leaving="delete")
    engine.incremental()
    world.edit(2, Done=True)
    report = engine.incremental()
    assert (report.to_sql.deleted, report.unsettled) == (0, 1)
    world.edit(2, Done=False)
    assert engine.incremental().unsettled == 0
    world.edit(2, Done=True)
    rest(world)
    assert engine.incremental().to_sql.deleted == 1
    assert world.rows().keys() == {1, 3}


def test_decision_of_a_person_waits_for_whoever_types(world: World) -> None:
    engine = ready(world, conflict="manual")
    world.edit(2, Name="person")
    world.update(2, name="program")
    rest(world)
    assert engine.incremental().conflicts == 1
    world.edit(2, Name="person, sti")
    world.execute("UPDATE sync_conflict SET outcome = 'lark' WHERE record_id = '2'")
    assert wrote(engine.incremental()) == (0, 0)
    world.edit(2, Name="person, still")
    rest(world)
    engine.incremental()
    assert world.rows()[2]["name"] == "person, still"
    assert not world.ask("SELECT 1 FROM sync_conflict WHERE status = 'open'")


def test_check_takes_what_is_typed_for_no_drift(world: World) -> None:
    engine = ready(world)
    world.edit(2, Name="Jo")
    engine.incremental()
    report = engine.check()
    assert (report.in_step, report.waiting) == (True, {"changed": 1})


def test_status_and_explain_tell_of_the_record_that_waits(world: World) -> None:
    engine = ready(world)
    world.edit(2, Name="Jo")
    engine.incremental()
    with world.sql.connect() as conn:
        assert read_status(Ledger(conn, "people")).to_dict()["unsettled"] == 1
    found = explain(world.client, world.sql, world.mapping(), "2")
    assert found is not None
    assert (found.state.word, "settle_seconds" in found.state.why[0]) == ("waiting", True)
    rest(world)
    engine.incremental()
    with world.sql.connect() as conn:
        assert read_status(Ledger(conn, "people")).unsettled == 0
    found = explain(world.client, world.sql, world.mapping(), "2")
    assert found is not None
    assert found.state.word == "in step"


def test_table_without_a_modification_time_says_that_nothing_is_left(world: World) -> None:
    world.emu.faults.add("POST .*/fields$", code=91403, status=403, times=None)
    engine = ready(world)
    world.edit(2, Name="Jo")
    report = engine.incremental()
    assert (report.to_sql.updated, report.unsettled) == (1, 0)
    assert any("settle_seconds has no effect" in each for each in report.warnings)


def test_continuous_sync_looks_again_when_the_record_has_rested(world: World) -> None:
    engine = ready(world)
    world.edit(2, Name="Jo")
    reports: list[SyncReport] = []

    def run(tell: Any) -> SyncReport:
        reports.append(engine.incremental(tell))
        return reports[-1]

    total = ContinuousSync("people", run, poll_seconds=3000, clock=world.clock).run_for(2900)
    # what Lark calls its time may be a second off, and a look too early
    assert [report.unsettled for report in reports] in ([1, 0], [1, 1, 0])
    assert (total.to_sql.updated, total.unsettled) == (1, 0)
