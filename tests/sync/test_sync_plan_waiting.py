"""What a plan says of rows that wait: for a person, for another row, or for their next attempt."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_lark.core import SyncEngine
from airflow_provider_lark.core.errors import SafetyStop
from airflow_provider_lark.core.sync.plan.actions import Change
from tests.sync.own_table import OwnTable
from tests.sync.test_sync_apply import apply, save
from tests.sync.test_sync_plan import counts, dump, planned
from tests.sync.world import World, wrote


def test_row_with_several_held_entries_is_one_hold_of_the_plan(world: World) -> None:
    engine = world.ready(8, max_delete_rows=1, max_delete_ratio=0.0)
    for code in (1, 2, 3):
        # deleted, made again by a job, and deleted for good
        world.delete(code)
        world.insert({"code": code, "name": "again"})
        world.delete(code)
    held = {("lark", "hold"): ["1", "2", "3"]}
    assert planned(engine) == held
    with pytest.raises(SafetyStop):
        engine.incremental()
    assert planned(engine) == held
    with engine.plan() as plan:
        assert plan.report.held == plan.counts["lark", "hold"] == 3


@pytest.mark.parametrize("resolution", ["lark", "sql", None])
def test_conflict_whose_sides_agree_by_now_is_a_line_of_the_plan(world: World, resolution: str | None) -> None:
    engine = world.ready(3, conflict="manual")
    for code in (1, 2):
        world.edit(code, Name=f"person {code}")
        world.update(code, name=f"program {code}")
    engine.incremental()
    if resolution:
        world.execute(f"UPDATE sync_conflict SET outcome = '{resolution}' WHERE record_id = '1'")
    # somebody typed the other side's value in by hand
    world.edit(1, Name="program 1")
    before = dump(world)
    with engine.plan() as plan:
        told = {(each.side, each.kind, each.key): each.why for each in plan.actions()}
    assert dump(world) == before
    assert told == {
        ("both", "conflict", "1"): "both sides agree; the conflict is closed",
        ("both", "conflict", "2"): "waiting for a resolution in sync_conflict",
    }
    engine.incremental()
    assert world.ask("SELECT record_id FROM sync_conflict WHERE status = 'open'") == [("2",)]
    assert planned(engine) == {("both", "conflict"): ["2"]}


class Shop:
    """Orders with a foreign key to people, of whom one has a row and no record yet."""

    def __init__(self, world: World) -> None:
        self.people = world.ready(3)
        self.table = OwnTable(
            world,
            "orders",
            {"id": 2, "note": 1},
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, note VARCHAR(20), buyer INTEGER, "
            "FOREIGN KEY (buyer) REFERENCES people (code))",
            fields=["id", "note", {"field": "buyer", "column": "buyer", "link": "people"}],
            conflict="merge:lark",
        )
        link = {"field_name": "buyer", "type": 18, "property": {"table_id": world.table_id, "multiple": False}}
        world.emu.person.add_field(world.app_token, self.table.table_id, link)
        world.execute("INSERT INTO orders VALUES (1, 'a', 1), (2, 'b', 2)")
        self.engine: SyncEngine = self.table.engine()
        self.engine.full()
        world.insert({"code": 9, "name": "not in Lark yet"})

    def buyers(self) -> dict[int, int]:
        return {
            int(each["id"]): len((each.get("buyer") or {}).get("link_record_ids", ())) for each in self.table.records()
        }


MISSING = "row '9' of table 'people' has no record in Lark yet"


def test_link_to_a_row_without_a_record_is_a_line_that_waits(world: World) -> None:
    shop = Shop(world)
    world.execute("UPDATE orders SET buyer = 9 WHERE id = 1")
    world.execute("UPDATE orders SET buyer = 9, note = 'now' WHERE id = 2")
    world.execute("INSERT INTO orders VALUES (3, 'c', 9)")
    before = dump(world)
    with shop.engine.plan() as plan:
        told = {(each.side, each.kind, each.key): each for each in plan.actions()}
        report = counts(plan.report)
    assert dump(world) == before
    assert set(told) == {
        ("lark", "wait", "1"),
        ("lark", "update", "2"),
        ("lark", "wait", "2"),
        ("lark", "create", "3"),
        ("lark", "wait", "3"),
    }
    waiting = [told["lark", "wait", key] for key in ("1", "2", "3")]
    assert [each.changes for each in waiting] == [(Change("buyer", old, 9),) for old in (1, 2, None)]
    assert [each.why for each in waiting] == [MISSING] * 3
    assert [bool(each.record_id) for each in waiting] == [True, True, False]
    assert told["lark", "update", "2"].changes == (Change("note", "b", "now"),)
    assert counts(shop.engine.incremental()) == report
    # tried again later: until then that is all that a plan has to say
    with shop.engine.plan() as plan:
        left = list(plan.actions())
    assert sorted((each.side, each.kind, each.key) for each in left) == [("lark", "wait", key) for key in "123"]
    assert all(each.why.startswith(f"{MISSING}; tried again after 20") for each in left)
    assert counts(shop.engine.incremental()) == counts(plan.report)
    shop.people.incremental()
    shop.table.due()
    assert planned(shop.engine) == {("lark", "update"): ["1", "2", "3"]}
    assert wrote(shop.engine.incremental()) == (0, 3)
    assert planned(shop.engine) == {}


def test_apply_writes_no_link_of_which_the_plan_said_that_it_waits(world: World, tmp_path: Path) -> None:
    shop = Shop(world)
    world.execute("UPDATE orders SET buyer = 9 WHERE id = 1")
    # both sides of one row: what SQL gets is planned, the link waits
    world.execute("UPDATE orders SET buyer = 9 WHERE id = 2")
    shop.table.edit(shop.table.find(id=2), note="by hand")
    world.execute("INSERT INTO orders VALUES (3, 'c', 9), (4, 'd', 1)")
    save(shop.engine, tmp_path / "p")
    shop.people.incremental()
    records = shop.buyers()
    report = apply(shop.engine, tmp_path / "p")
    assert shop.buyers() == {**records, 4: 1}
    assert (wrote(report), report.planned, report.changed, report.status) == ((1, 1), 4, 3, "partial")
    assert sorted(report.changed_keys) == ["1", "2", "3"]
    assert wrote(shop.engine.incremental()) == (0, 3)
    assert {key: row["buyer"] for key, row in shop.table.by_key().items()} == {1: 9, 2: 9, 3: 9, 4: 1}
    assert shop.engine.check().in_step


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_apply_of_a_plan_whose_link_still_waits_finds_nothing_changed(world: World, tmp_path: Path) -> None:
    shop = Shop(world)
    world.execute("UPDATE orders SET buyer = 9 WHERE id = 1")
    world.execute("UPDATE orders SET buyer = 9, note = 'now' WHERE id = 2")
    save(shop.engine, tmp_path / "p")
    report = apply(shop.engine, tmp_path / "p")
    assert (wrote(report), report.planned, report.changed, report.status) == ((0, 1), 2, 0, "ok")
    # by now both wait for their next attempt, and are not written by a plan that knows nothing of it
    save(shop.engine, tmp_path / "q")
    shop.people.incremental()
    shop.table.due()
    assert wrote(apply(shop.engine, tmp_path / "q")) == (0, 0)
    assert wrote(shop.engine.incremental()) == (0, 2)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_record_whose_link_leads_nowhere_yet_is_one_line(world: World) -> None:
    shop = Shop(world)
    new = world.add(Name="new buyer", Code=8)
    shop.table.edit(shop.table.find(id=1), buyer=[new])
    with shop.engine.plan() as plan:
        (refused,) = plan.actions()
    assert (refused.side, refused.kind, refused.key) == ("sql", "refuse", "1")
    report = shop.engine.incremental()
    assert (report.failed, wrote(report)) == (1, (0, 0))
    with shop.engine.plan() as plan:
        (waiting,) = plan.actions()
    assert (waiting.side, waiting.kind, waiting.key) == ("sql", "wait", "1")
    assert "tried again after 20" in waiting.why
    shop.people.incremental()
    shop.table.due()
    assert planned(shop.engine) == {("sql", "update"): ["1"]}


def staff(world: World) -> OwnTable:
    """Make a table whose link field leads into the table itself."""
    own = OwnTable(
        world,
        "staff",
        {"id": 2},
        "CREATE TABLE staff (id INTEGER PRIMARY KEY, boss INTEGER)",
        fields=["id", {"field": "boss", "column": "boss", "link": "staff"}],
    )
    link = {"field_name": "boss", "type": 18, "property": {"table_id": own.table_id, "multiple": False}}
    world.emu.person.add_field(world.app_token, own.table_id, link)
    return own


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_record_whose_link_leads_to_a_later_page_is_no_refusal(world: World) -> None:
    own = staff(world)
    engine = own.engine()
    engine.full()
    # the newest records come first, and link to the oldest, which is on the next page; one has no key yet
    (oldest,) = own.add({"id": 1})
    ids = own.add(*({"id": number} for number in range(2, 501)), {}, {"id": 501})
    for id_ in ids[-2:]:
        own.edit(id_, boss=[oldest])
    with engine.plan() as plan:
        told, report = plan.counts, counts(plan.report)
    assert told == {("sql", "create"): 502, ("sql", "update"): 2, ("lark", "update"): 1}
    assert report["failed"] == 0
    assert counts(engine.incremental()) == report


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_rows_that_link_to_each_other_in_a_circle_are_planned_as_the_run_creates_them(world: World) -> None:
    own = staff(world)
    engine = own.engine()
    engine.full()
    world.execute("INSERT INTO staff VALUES (1, 2), (2, 3), (3, 1)")
    with engine.plan() as plan:
        report = counts(plan.report)
        assert plan.counts == {("lark", "create"): 3, ("lark", "wait"): 3}
    assert counts(engine.incremental()) == report
    own.due()
    assert planned(engine) == {("lark", "update"): ["1", "2", "3"]}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_plans_of_two_mappings_foresee_links_to_rows_that_the_first_creates(world: World, tmp_path: Path) -> None:
    shop = Shop(world)
    world.execute("INSERT INTO orders VALUES (3, 'c', 9)")
    # and the other way round: a record that the first run makes a row of; of one the database makes the key
    keyed, keyless = world.add(Name="in Lark only", Code=8), world.add(Name="without a key")
    for number, buyer in ((4, keyed), (5, keyless)):
        shop.table.edit(shop.table.add({"id": number})[0], buyer=[buyer])
    with shop.people.plan() as people, shop.engine.plan(after=[people]) as orders:
        told = {(each.side, each.kind, each.key): {c.column: c.new for c in each.changes} for each in orders.actions()}
        people.save(tmp_path / "people")
        orders.save(tmp_path / "orders")
    assert told == {
        ("lark", "create", "3"): {"id": 3, "note": "c", "buyer": 9},
        ("sql", "create", "4"): {"id": 4, "buyer": 8},
        # its buyer has no key before the first run, so that nobody knows what the link will be
        ("sql", "create", "5"): {"id": 5},
        ("sql", "refuse", "5"): {},
    }
    assert apply(shop.people, tmp_path / "people").status == "ok"
    report = apply(shop.engine, tmp_path / "orders")
    assert (wrote(report), report.changed_keys) == ((1, 1), ["5"])
    assert shop.buyers()[3] == 1
    assert planned(shop.engine) == {("sql", "create"): ["5"]}
