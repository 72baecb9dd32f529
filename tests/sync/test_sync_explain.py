"""Why a row is as it is: the state with its reasons, the past with its values, and who wrote in Lark."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_lark.core import LarkClient, SyncEngine
from airflow_provider_lark.core.errors import OutcomeUnknown
from airflow_provider_lark.core.ledger import migrate
from airflow_provider_lark.core.sync.explain.explanation import Explanation, explain
from tests.clocks import JumpingClock
from tests.sync.world import World

ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def clock() -> JumpingClock:
    """Let retries of a call pass at once."""
    return JumpingClock()


def told(world: World, key: object = 1, **changes: Any) -> Explanation:
    found = explain(world.client, world.sql, world.mapping(**changes), str(key))
    assert found is not None
    return found


def past(found: Explanation) -> list[tuple[str, dict[str, Any] | None, dict[str, Any] | None, str]]:
    return [(each.what, dict(each.base or {}), dict(each.after or {}), each.why) for each in found.events]


def test_row_in_step_tells_each_write_with_its_values(world: World) -> None:
    world.ready(2)
    world.update(1, qty=5)
    world.engine().incremental()
    world.edit(1, Name="[red]x[/red]")
    world.engine().incremental()
    found = told(world)
    assert (found.state.word, found.state.why) == ("in step", ("both sides hold the same",))
    first, *rest = past(found)
    assert first[0] == "created in Lark"
    assert first[2]["name"] == "n1"
    assert rest == [
        ("updated in Lark", {"qty": 1}, {"qty": 5}, "SQL had changed it"),
        ("updated in SQL", {"name": "n1"}, {"name": "[red]x[/red]"}, "Lark had changed it"),
    ]
    assert found.gap is None
    assert [each.run_id for each in found.events] == [line.run_id for line in world.ask("SELECT run_id FROM sync_log")][
        1:
    ]


@ON_SQLITE
def test_row_by_its_record_id_is_the_same(world: World) -> None:
    world.ready(1)
    assert told(world, world.record_id(1)).key == "1"


@ON_SQLITE
def test_unknown_row_is_none(world: World) -> None:
    world.ready(1)
    assert explain(world.client, world.sql, world.mapping(), "99") is None
    assert explain(world.client, world.sql, world.mapping(), "recUnknown") is None


@ON_SQLITE
def test_row_that_no_run_has_met_says_that_it_waits(world: World) -> None:
    world.ready(1)
    world.insert({"code": 7, "name": "new"})
    found = told(world, 7)
    assert found.state.word == "waiting"
    assert "the INSERT captured in SQL" in found.state.why[0]
    assert "no record in Lark yet" in found.state.why[1]


@ON_SQLITE
def test_edit_that_no_run_has_met_names_the_column_and_the_side(world: World) -> None:
    world.ready(1)
    world.edit(1, Qty=9)
    found = told(world)
    assert found.state.word == "different"
    (column,) = [each for each in found.state.values if each.note]
    assert (column.column, column.base, column.lark, column.sql, column.note) == ("qty", 1, 9, 1, "Lark changed")


def test_conflict_blacklist_and_failure_come_with_their_reasons(world: World) -> None:
    engine = world.ready(3, conflict="manual")
    world.update(1, name="sql")
    world.edit(1, Name="lark")
    engine.incremental()
    found = told(world)
    assert found.state.word == "conflict"
    assert "`airflow lark sync conflicts show people 1`" in found.state.why[0] or "conflict" in found.state.why[0]
    (event,) = [each for each in found.events if each.what == "conflict"]
    assert (event.base, event.lark, event.sql) == ({"name": "n1"}, {"name": "lark"}, {"name": "sql"})
    assert event.why == "both had changed it; it waits for a decision (policy manual)"
    world.execute("INSERT INTO sync_blacklist (record_id, reason) VALUES ('2', '[/x] loops')")
    assert told(world, 2).state.why[0] == "on the blacklist ([/x] loops): runs leave it alone"
    world.update(3, name="bad")
    world.emu.faults.add("batch_update", code=1254060, times=None, contains="bad")
    engine.incremental()
    failed = told(world, 3)
    assert failed.state.word == "waiting"
    assert "is tried again in" in failed.state.why[0]
    world.execute("UPDATE sync_queue SET status = 'failed' WHERE record_id = '3' AND status = 'pending'")
    failed = told(world, 3)
    assert failed.state.word == "failed"
    assert "failed for good" in failed.state.why[0]
    assert "failed" in [each.what for each in failed.events]


@ON_SQLITE
def test_resolved_conflict_says_who_won_and_by_which_policy(world: World) -> None:
    engine = world.ready(1, conflict="lark")
    world.update(1, name="sql")
    world.edit(1, Name="lark")
    engine.incremental()
    event = told(world).events[-1]
    assert (event.what, event.why) == ("updated in SQL", "both had changed it; Lark won (policy lark)")
    assert (event.base, event.lark, event.sql) == ({"name": "n1"}, {"name": "lark"}, {"name": "sql"})


@ON_SQLITE
def test_deletes_are_told_with_the_whole_row(world: World) -> None:
    engine = world.ready(3)
    world.delete(1)
    world.remove(2)
    engine.incremental()
    by_sql, by_lark = told(world, 1), told(world, 2)
    assert (by_sql.state.word, by_lark.state.word) == ("deleted", "deleted")
    assert (by_sql.events[-1].what, by_sql.events[-1].why) == ("deleted in Lark", "deleted in SQL")
    assert (by_sql.events[-1].lark or {})["name"] == "n1"
    assert (by_lark.events[-1].what, by_lark.events[-1].why) == ("deleted in SQL", "deleted in Lark")
    assert (by_lark.events[-1].sql or {})["name"] == "n2"


@ON_SQLITE
def test_held_delete_says_so(world: World) -> None:
    engine = world.ready(10, max_delete_rows=1, max_delete_ratio=0.1)
    world.delete(1, 2, 3)
    with pytest.raises(Exception, match="kept in Lark"):
        engine.incremental()
    found = told(world)
    assert found.state.word == "held"
    assert "a delete is held back" in found.state.why[0]


@ON_SQLITE
def test_author_is_shown_only_where_lark_names_one(world: World) -> None:
    """O14."""
    engine = world.ready(1)
    anna = world.emu.state.directory.add_user("Anna [red]")
    place = (world.app_token, world.table_id, world.record_id(1))
    world.emu.person.edit_record(*place, {"Name": "a"}, actor=anna.open_id)
    engine.incremental()
    edit, create = told(world).authors.edits
    assert (edit.by, edit.columns, edit.activity) == (f"Anna [red] ({anna.open_id})", ("name",), "update")
    assert create.by.startswith("this app (")
    world.emu.switches.history_tells_operator = False
    assert {each.by for each in told(world).authors.edits} == {"Lark does not say who"}


@ON_SQLITE
def test_edits_of_a_form_an_automation_and_a_colleague_who_left_are_put_down_to_nobody_else(world: World) -> None:
    """O14: whom Lark does not name, nobody is; above all not our app, whose edits stand beside them."""
    engine = world.ready(1)
    anna = world.emu.state.directory.add_user("Anna")
    place = (world.app_token, world.table_id, world.record_id(1))
    world.emu.person.edit_record(*place, {"Name": "form"})
    world.emu.person.edit_record(*place, {"Name": "automation"}, how="automationBatchUpdate")
    engine.incremental()
    world.update(1, name="program")
    engine.incremental()
    world.emu.person.edit_record(*place, {"Name": "last"}, actor=anna.open_id)
    world.emu.state.directory.resign(anna.open_id)
    versions = world.emu.state.bases[world.app_token].tables[world.table_id].versions[place[2]]
    # Lark names nobody for what nobody did by hand
    versions[1:3] = [replace(each, actor="") for each in versions[1:3]]
    by = [each.by for each in told(world).authors.edits][::-1]
    app, form, automation, again, left = by
    assert app == again
    assert app.startswith("this app (")
    assert (form, automation) == ("Lark does not say who",) * 2
    assert anna.open_id in left
    assert "this app" not in left
    # what the engine knows by itself is told all the same, and names no author
    events = told(world).events
    assert [each.what for each in events] == ["created in Lark", "updated in SQL", "updated in Lark"]
    for refuse in ({"code": 91403, "status": 403}, {"code": 1255002, "status": 500}):
        world.emu.faults.add("record_history", times=None, **refuse)
        refused = told(world)
        assert (refused.authors.edits, refused.events, refused.state) == ((), events, told(world).state)
        world.emu.faults.clear()


@ON_SQLITE
@pytest.mark.parametrize(
    "refuse",
    [
        pytest.param({"code": 91403, "status": 403}, id="403"),
        pytest.param({"code": 1255002, "status": 500}, id="5xx"),
        pytest.param({"action": "bad_json"}, id="bad answer"),
        pytest.param(None, id="not supported"),
    ],
)
def test_history_that_lark_does_not_tell_keeps_the_rest(world: World, refuse: dict[str, Any] | None) -> None:
    """O14."""
    world.ready(1)
    if refuse is None:
        world.emu.switches.serves_record_history = False
    else:
        world.emu.faults.add("record_history", times=None, **refuse)
    found = told(world)
    assert found.authors.why_not.startswith("Lark does not say who: ")
    assert not found.authors.edits
    assert (found.state.word, len(found.events)) == ("in step", 1)


def test_history_that_the_retention_has_dropped_says_since_when_it_is_complete(world: World) -> None:
    """O13."""
    engine = world.ready(2, retention_days=1)
    old = {
        "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-3 days')",
        "postgresql": "now() - interval '3 days'",
    }.get(world.sql.dialect.name, "now() - interval 3 day")
    world.update(1, name="new")
    world.execute(f"UPDATE sync_log SET created_at = {old}")
    world.execute(f"UPDATE sync_change SET created_at = {old}")
    engine.full()
    found = told(world)
    assert [each.what for each in found.events] == ["updated in Lark"]
    assert found.gap is not None
    assert found.gap.reason == "retention"
    (event,) = found.events
    day_ms = 86_400_000
    assert event.at_ms - 1.1 * day_ms < found.gap.until_ms < event.at_ms - 0.9 * day_ms
    engine.full()
    again = told(world).gap
    assert again is not None
    assert again.until_ms == found.gap.until_ms, "nothing was dropped, so that nothing more is missing"


def test_ledger_of_a_version_without_values_says_since_when_it_has_them(world: World) -> None:
    world.ready(1)
    with world.sql.begin() as conn:
        for name in ("sync_change", "sync_history"):
            conn.exec_driver_sql(f"DROP TABLE {name}")
        conn.exec_driver_sql(f"UPDATE {migrate.VERSION_TABLE} SET version_num = 'v0008'")
    world.update(1, name="new")
    world.engine().incremental()
    found = told(world)
    assert found.gap is not None
    assert found.gap.reason == "upgrade"
    assert past(found) == [
        ("created in Lark", {}, {}, ""),
        ("updated in Lark", {"name": "n1"}, {"name": "new"}, "SQL had changed it"),
    ]


@ON_SQLITE
def test_killed_write_that_arrived_is_told_by_the_run_that_found_it(world: World) -> None:
    world.ready(1)
    world.update(1, name="new")
    world.emu.faults.add("batch_update", action="drop_after", times=None)
    hasty = LarkClient(world.emu.app_id, world.emu.app_secret, world.emu.url, max_attempts=1)
    with hasty as client, pytest.raises(OutcomeUnknown):
        SyncEngine(client, world.sql, world.mapping()).incremental()
    world.emu.faults.clear()
    world.engine().incremental()
    found = told(world)
    assert found.state.word == "in step"
    assert past(found)[-1] == ("updated in Lark", {"name": "n1"}, {"name": "new"}, "SQL had changed it")


@ON_SQLITE
def test_idle_run_keeps_nothing_and_a_plan_neither(world: World) -> None:
    engine = world.ready(2)
    before = world.ask("SELECT count(*) FROM sync_change")
    engine.incremental()
    world.update(1, name="new")
    with engine.plan() as plan:
        assert plan
    assert world.ask("SELECT count(*) FROM sync_change") == before


@ON_SQLITE
def test_row_outside_the_filter_says_so(world: World) -> None:
    world.ready(2, sql={"table": "people", "filter": {"qty": {"isLess": 5}}})
    world.update(1, qty=9)
    world.engine().incremental()
    found = told(world)
    assert found.state.word == "outside"
    assert "outside the mapping's filter" in found.state.why[0]
