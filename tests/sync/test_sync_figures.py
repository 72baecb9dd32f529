"""What an engine tells whoever watches figures, on each kind of database."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from sqlalchemy import create_engine

from airflow_provider_lark.core import SyncEngine
from airflow_provider_lark.core.errors import LarkError, LeaseHeld
from airflow_provider_lark.core.sync.figures import RunFigures
from airflow_provider_lark.core.sync.run.lease import hold_lease
from tests.sync.world import World

ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@dataclass
class Watcher:
    """Keeps what it is told."""

    runs: list[RunFigures] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def ran(self, figures: RunFigures) -> None:
        self.runs.append(figures)

    def lost(self, mapping: str, changes: int) -> None:
        raise AssertionError(mapping, changes)

    def removed(self, mapping: str) -> None:
        self.gone.append(mapping)


def watched(engine: SyncEngine) -> tuple[SyncEngine, Watcher]:
    engine.observer = watcher = Watcher()
    return engine, watcher


def test_edits_tell_how_long_they_took_and_each_is_told_once(world: World) -> None:
    engine, watcher = watched(world.ready(rows=3))
    ago = {
        "sqlite": "datetime('now', '-100 seconds')",
        "postgresql": "now() - interval '100 seconds'",
        "mysql": "utc_timestamp(6) - interval 100 second",
    }
    engine.incremental()
    world.edit(1, Name="lark")
    world.update(2, name="sql")
    world.update(3, name="sql")
    world.execute(f"UPDATE sync_queue SET created_at = {ago[world.sql.dialect.name]} WHERE status = 'pending'")
    engine.incremental()
    engine.incremental()
    world.update(2, name="again")
    engine.incremental()
    idle, busy, after, again = watcher.runs
    assert idle.delays == after.delays == {}
    assert {way: delay.rows for way, delay in busy.delays.items()} == {"to_lark": 2, "to_sql": 1}
    assert 190 < busy.delays["to_lark"].seconds < 1200
    assert 0 <= busy.delays["to_sql"].seconds < 600
    assert {way: delay.rows for way, delay in again.delays.items()} == {"to_lark": 1}
    assert busy.status is not None
    assert (busy.status.backlog.pending, busy.line.counts["lark_updated"]) == (0, 2)
    assert idle.ended_at <= busy.ended_at <= after.ended_at


@ON_SQLITE
def test_edits_that_wait_are_told_no_delay_until_they_arrive(world: World) -> None:
    engine, watcher = watched(world.ready(rows=3, conflict="manual"))
    engine.incremental()
    world.execute("INSERT INTO sync_blacklist (record_id, reason) VALUES ('2', 'left alone')")
    world.edit(1, Name="lark")
    world.update(1, name="sql")
    world.edit(2, Name="lark")
    world.edit(3, Name="lark")
    engine.incremental()
    engine.incremental()
    world.execute("UPDATE sync_conflict SET outcome = 'lark' WHERE status = 'open'")
    world.execute("DELETE FROM sync_blacklist")
    engine.incremental()
    # 3 at once; 2 once nobody holds it back; when 1 was edited, the reading for its decision does not say
    assert [figures.delays["to_sql"].rows if figures.delays else 0 for figures in watcher.runs] == [0, 1, 0, 1]
    assert watcher.runs[-1].line.counts["sql_updated"] == 2


@ON_SQLITE
def test_first_run_tells_no_delay_of_what_was_there_before(world: World) -> None:
    world.insert({"code": 1, "name": "old"})
    world.add(Code=2, Name="older")
    engine, watcher = watched(world.engine())
    engine.incremental()
    assert [figures.delays for figures in watcher.runs] == [{}]


@ON_SQLITE
def test_only_runs_are_told_not_plans_nor_setups_and_not_one_that_came_too_late(world: World) -> None:
    engine, watcher = watched(world.ready(rows=1))
    engine.setup()
    engine.plan().close()
    assert engine.table is not None
    busy = hold_lease(world.sql, "/".join(engine.table), owner="other", clock=world.clock, wait_seconds=0)
    with busy, pytest.raises(LeaseHeld):
        engine.incremental()
    assert watcher.runs == []
    engine.check()
    assert [figures.line.operation for figures in watcher.runs] == ["check"]


@ON_SQLITE
def test_failed_run_tells_its_kind_and_one_whose_database_is_gone_too(world: World) -> None:
    engine, watcher = watched(world.ready(rows=1))
    world.emu.faults.add("/records/search", code=91403, status=403, times=None)
    with pytest.raises(LarkError):
        engine.incremental()
    world.emu.faults.clear()
    lost = SyncEngine(world.client, create_engine("sqlite:////no/such/folder/x.db"), world.mapping())
    lost.observer = watcher
    with pytest.raises(Exception, match="unable to open"):
        lost.incremental()
    refused, gone = watcher.runs
    assert (refused.line.status, refused.error_kind) == ("failed", "access_denied")
    assert refused.status is not None
    assert (gone.line.status, gone.error_kind, gone.status) == ("failed", "database", None)


@ON_SQLITE
def test_uninstall_is_told_once_the_mapping_is_gone(world: World) -> None:
    engine, watcher = watched(world.ready(rows=1))
    engine.uninstall(keep_state=True)
    assert watcher.gone == []
    engine.uninstall()
    assert watcher.gone == [engine.mapping.name]
