"""What people decide elsewhere than in the ledger: carried out only where it still is what they saw."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core import SyncEngine
from airflow_provider_lark.core.errors import SafetyStop
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sync.push.resolutions import note_of
from airflow_provider_lark.core.sync.verdicts import Choice, Fate, Kind, Verdict, Verdicts
from tests.sync.test_sync_deletes import statuses
from tests.sync.test_sync_policies import clash
from tests.sync.world import World, wrote

BY = "Lin (ou_lin)"

ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def verdict(world: World, kind: Kind, choice: Choice, key: str = "") -> Verdict:
    """Return what somebody decides who sees what the ledger holds now."""
    with world.sql.connect() as conn:
        ledger = Ledger(conn, "people")
        if kind == "conflict":
            seen = next(each.fingerprint for each in ledger.conflicts.open_page(after=0, limit=9) if each.key == key)
        else:
            seen = ledger.deletes.fingerprint(pulls=kind == "held_rows")
    return Verdict(f"q-{kind}-{choice}", kind, key, seen, choice, BY)


def carry_out(engine: SyncEngine, *given: Verdict, full: bool = False) -> dict[str, Fate]:
    engine.verdicts = Verdicts(given)
    try:
        _ = engine.full() if full else engine.incremental()
    except SafetyStop:
        assert any(each != "applied" for each in engine.verdicts.fates.values()) or not given
    return engine.verdicts.fates


@ON_SQLITE
@pytest.mark.parametrize(("choice", "name"), [("lark", "lark"), ("sql", "sql")])
def test_verdict_on_a_conflict_wins_is_logged_with_the_person_and_closes_it(
    world: World, choice: Choice, name: str
) -> None:
    engine = world.ready(conflict="manual")
    clash(world)
    engine.incremental()
    given = verdict(world, "conflict", choice, "1")
    assert carry_out(engine, given) == {given.id: "applied"}
    assert (world.rows()[1]["name"], world.by_code()[1]["Name"]) == (name, name)
    assert world.ask("SELECT status, outcome FROM sync_conflict") == [("closed", choice)]
    logged = world.ask("SELECT record_id, detail FROM sync_log WHERE status = 'decided'")
    assert logged == [("1", f"{choice} wins, as {BY} decided (question {given.id})")]
    # a run that died before anybody learnt of it says that nothing is left
    assert carry_out(engine, given) == {given.id: "settled"}
    world.assert_in_step()


@ON_SQLITE
@pytest.mark.parametrize("side", ["lark", "sql", "both, seen by a run"])
def test_verdict_on_values_that_have_changed_since_is_not_carried_out(world: World, side: str) -> None:
    engine = world.ready(conflict="manual")
    clash(world)
    engine.incremental()
    given = verdict(world, "conflict", "sql", "1")
    if side != "sql":
        world.edit(1, Name="newer")
    if side != "lark":
        world.update(1, name="newest")
    if side.startswith("both"):
        engine.incremental()
    before = world.by_code()[1]["Name"], world.rows()[1]["name"]
    assert carry_out(engine, given) == {given.id: "changed"}
    assert (world.by_code()[1]["Name"], world.rows()[1]["name"]) == before
    assert world.ask("SELECT outcome FROM sync_conflict WHERE status = 'open'") == [(None,)]
    # decided anew, over what is there now
    assert carry_out(engine, verdict(world, "conflict", "sql", "1")).popitem()[1] == "applied"
    world.assert_in_step()


@ON_SQLITE
def test_verdict_gives_way_to_what_stands_in_the_table(world: World) -> None:
    engine = world.ready(conflict="manual")
    clash(world)
    engine.incremental()
    given = verdict(world, "conflict", "sql", "1")
    world.execute("UPDATE sync_conflict SET outcome = 'lark'")
    assert carry_out(engine, given) == {given.id: "settled"}
    assert world.rows()[1]["name"] == "lark"


@ON_SQLITE
def test_verdict_that_the_database_refuses_waits_and_is_tried_again(world: World) -> None:
    engine = world.ready(conflict="manual")
    world.edit(1, Name="longer than twenty characters")
    world.update(1, name="sql")
    engine.incremental()
    given = verdict(world, "conflict", "lark", "1")
    assert carry_out(engine, given) == {given.id: "waiting"}
    assert world.ask("SELECT status FROM sync_conflict") == [("open",)]
    assert carry_out(engine, given) == {given.id: "waiting"}


def hold(world: World, side: str, count: int = 6) -> SyncEngine:
    """Return an engine that holds *count* deletes of 12."""
    engine = world.ready(rows=12, conflict="manual", max_delete_rows=2, max_delete_ratio=0)
    if side == "held_records":
        world.execute(f"DELETE FROM people WHERE code <= {count}")
    else:
        world.remove(*range(1, count + 1))
    with pytest.raises(SafetyStop):
        engine.incremental()
    return engine


@pytest.mark.parametrize(("kind", "full"), [("held_records", False), ("held_rows", True)])
def test_released_deletes_are_carried_out_and_no_others(world: World, kind: Kind, full: bool) -> None:
    engine = hold(world, kind)
    world.delete(10)
    world.remove(11)
    given = verdict(world, kind, "release")
    assert carry_out(engine, given, full=full) == {given.id: "applied"}
    assert len(world.rows()) == len(world.records()) == 4
    world.assert_in_step()
    assert statuses(world) == {}
    assert len(world.ask("SELECT id FROM sync_log WHERE status = 'decided'")) == 6
    assert wrote(engine.incremental()) == (0, 0)


@ON_SQLITE
@pytest.mark.parametrize("kind", ["held_records", "held_rows"])
def test_deletes_that_are_not_wanted_are_undone_on_the_other_side(world: World, kind: Kind) -> None:
    engine = hold(world, kind)
    given = verdict(world, kind, "keep")
    assert carry_out(engine, given) == {given.id: "applied"}
    assert len(world.rows()) == len(world.records()) == 12
    world.assert_in_step()
    assert statuses(world) == {}
    assert wrote(engine.incremental()) == (0, 0)
    assert wrote(engine.full()) == (0, 0)


@ON_SQLITE
@pytest.mark.parametrize("what", ["came back", "one more"])
def test_verdict_on_other_deletes_than_are_held_now_is_not_carried_out(world: World, what: str) -> None:
    engine = hold(world, "held_records")
    given = verdict(world, "held_records", "release")
    if what == "came back":
        world.insert({"code": 3, "name": "back", "qty": 7})
    else:
        world.execute("DELETE FROM people WHERE code BETWEEN 7 AND 9")
    with pytest.raises(SafetyStop):
        engine.incremental()
    assert carry_out(engine, given) == {given.id: "changed"}
    assert len(world.records()) == 12
    assert statuses(world)["DELETE", "held"] == {"came back": 5, "one more": 9}[what]


@pytest.mark.parametrize("released", [0, 2])
def test_release_that_was_cut_off_goes_on_with_what_it_had_accepted(world: World, released: int) -> None:
    engine = hold(world, "held_records")
    given = verdict(world, "held_records", "release")
    with world.sql.begin() as conn:
        # as a run leaves it that ends after it has accepted the verdict, and begun to carry it out
        deletes = Ledger(conn, "people").deletes
        deletes.mark(note_of(given), pulls=False)
        deletes.release_marked(note_of(given), [Key(str(code)) for code in range(1, released + 1)])
    assert carry_out(engine, given) == {given.id: "applied"}
    assert len(world.records()) == 6
    world.assert_in_step()
    assert statuses(world) == {}
