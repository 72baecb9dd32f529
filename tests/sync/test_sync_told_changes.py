"""Edits that events tell of: what the search does not show yet is read by id, and looked for again for a while."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.inbox.hints import Hint
from airflow_provider_lark.core.sync.continuous import LATE_SECONDS, ContinuousSync, run_once
from airflow_provider_lark.core.sync.pull import told_changes
from airflow_provider_lark.core.sync.pull.told import Told
from tests.clocks import JumpingClock
from tests.sync.world import World


@pytest.fixture(scope="module")
def clock() -> Clock:
    """Give the emulator and the engine one time, which passes while somebody waits."""
    return JumpingClock()


def told(world: World, *ids: str, **more: Any) -> Told:
    """Return what an event says of an edit that was made within the last second."""
    return Told(changed=dict.fromkeys(ids, just_now(world) * 1000), **more)


def just_now(world: World) -> int:
    return int(world.clock.now() - 1)


def test_edit_that_the_search_shows_costs_no_call_more(world: World) -> None:
    engine = world.ready(20)
    world.edit(3, Name="new")
    report = engine.incremental(lambda: told(world, world.record_id(3)))
    assert (report.to_sql.updated, report.api_calls["total"], report.not_shown) == (1, 2, {})


def test_edit_and_new_record_that_the_search_misses_are_read_by_id_in_one_call(world: World) -> None:
    engine = world.ready(20)
    engine.incremental()
    world.clock.sleep(5)
    world.edit(3, Name="new")
    new = world.add(Code=77, Name="added")
    ids = (world.record_id(3), new)
    for id_ in ids:
        world.emu.faults.add("search", action="stale", record=id_, times=None)
    report = engine.incremental(lambda: told(world, *ids))
    assert (report.to_sql.updated, report.to_sql.created) == (1, 1)
    # the table's fields, the search, and one call by id
    assert (report.api_calls["batch_get"], report.api_calls["total"]) == (1, 3)
    world.emu.faults.clear()
    idle = engine.incremental()
    assert (idle.to_sql.total, idle.to_lark.total, idle.api_calls["total"]) == (0, 0, 2)
    world.assert_in_step()


def test_own_writes_of_which_events_tell_are_not_read_again(world: World) -> None:
    engine = world.ready(20)
    for code in range(1, 21):
        world.update(code, name=f"sql {code}")
    assert engine.incremental().to_lark.updated == 20
    ids = [world.record_id(code) for code in range(1, 21)]
    engine.incremental(lambda: told(world, *ids))
    report = engine.incremental(lambda: Told(changed=dict.fromkeys(ids, 0)))
    assert (report.to_sql.total, report.api_calls["total"]) == (0, 2)


@pytest.mark.parametrize("patience", [0.0, LATE_SECONDS])
def test_edit_that_lark_shows_late_is_waited_for_only_by_who_has_patience(world: World, patience: float) -> None:
    engine = world.ready(5)
    engine.incremental()
    world.clock.sleep(5)
    world.emu.switches.replica_lag_seconds = 3
    world.edit(2, Name="late")
    id_ = world.record_id(2)
    now = told(world, id_, patience_seconds=patience)
    report = engine.incremental(lambda: now)
    assert report.to_sql.updated == (1 if patience else 0)
    assert set(report.not_shown) == (set() if patience else {id_})
    assert "not_shown" not in report.to_dict()


def test_record_that_is_gone_or_never_was_is_looked_for_no_longer_than_patience_lasts(world: World) -> None:
    engine = world.ready(5)
    engine.incremental()
    before = world.clock.monotonic()
    now = told(world, "recnowhere", patience_seconds=LATE_SECONDS)
    report = engine.incremental(lambda: now)
    assert (report.failed, list(report.not_shown)) == (0, ["recnowhere"])
    assert report.api_calls["batch_get"] == 4
    assert LATE_SECONDS <= world.clock.monotonic() - before < LATE_SECONDS + 5


def test_more_than_can_be_looked_up_waits_for_the_next_poll(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told_changes, "LOOKED_UP_MAX", 1)
    engine = world.ready(5)
    report = engine.incremental(lambda: told(world, "recnowhere", "recnever"))
    assert ("batch_get" in report.api_calls, report.not_shown) == (False, {})


class Hearing:
    """Hands out hints once, and notes which were followed."""

    def __init__(self, world: World, *hints: Hint) -> None:
        self.coming = list(hints)
        self.followed: list[int] = []

    def begin(self) -> None:
        pass

    def take(self) -> Sequence[Hint]:
        hints, self.coming = self.coming, []
        return hints

    def done(self, ids: Sequence[int]) -> None:
        self.followed += ids

    def give_back(self, ids: Sequence[int], error: str) -> None:
        raise AssertionError(error)


def test_task_that_stays_looks_again_soon_for_an_edit_that_lark_shows_late(world: World) -> None:
    engine = world.ready(5)
    engine.incremental()
    world.clock.sleep(5)
    world.emu.switches.replica_lag_seconds = 3
    world.edit(2, Name="late")
    hints = Hearing(world, Hint(1, records=(world.record_id(2),), changed_at=float(just_now(world))))
    began = world.clock.monotonic()
    # with a poll an hour, nothing else would bring it
    report = ContinuousSync("people", engine.incremental, 3600, hints, world.clock).run_for(30)
    assert (report.to_sql.updated, hints.followed) == (1, [1])
    assert 3 <= report.runs <= 4
    assert world.clock.monotonic() - began >= 30


def test_run_that_an_event_started_waits_for_what_lark_shows_late(world: World) -> None:
    engine = world.ready(5)
    engine.incremental()
    world.clock.sleep(5)
    world.emu.switches.replica_lag_seconds = 3
    world.edit(2, Name="late")
    hints = Hearing(world, Hint(1, records=(world.record_id(2),), changed_at=float(just_now(world))))
    assert run_once(engine.incremental, hints).to_sql.updated == 1
    assert hints.followed == [1]
