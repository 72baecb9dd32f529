"""Values that the database or Lark will make: a plan says who makes them, and shows none that it made up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_lark.core.sync.plan.actions import Change, dump_changes, load_changes
from tests.sync.conftest import MakePlain
from tests.sync.own_table import OwnTable
from tests.sync.world import World

NUMBERED = {
    "sqlite": "id INTEGER PRIMARY KEY AUTOINCREMENT",
    "postgresql": "id SERIAL PRIMARY KEY",
    "mysql": "id TINYINT AUTO_INCREMENT PRIMARY KEY",
}


def told(engine: Any, operation: Any = "incremental") -> list[dict[str, Any]]:
    """Return what the plan says, as JSON has it, in an order of its own."""
    with engine.plan(operation) as plan:
        actions = [action.to_dict() for action in plan.actions() if action.side != "setup"]
        text = json.dumps([actions, plan.to_dict()])
    assert "recPlanned" not in text
    assert "ufdd0" not in text
    return sorted(actions, key=lambda each: (each["side"], each["kind"], each["key"]))


def changes(action: dict[str, Any]) -> dict[str, Any]:
    """Return old and new values by column; who makes a new value in its place."""
    shown = {}
    for change in action["changes"]:
        assert not (change["new_made_by"] and change["new"] is not None)
        shown[change["column"]] = (change["old"], change["new_made_by"] or change["new"])
    return shown


def test_key_that_the_database_numbers_is_no_negative_number(plain: MakePlain, engine: Any) -> None:
    goods = plain(f"CREATE TABLE goods ({NUMBERED[engine.dialect.name]}, name VARCHAR(20))", {"name": 1})
    # a row of which the plan's own number was the key
    goods.run("INSERT INTO goods VALUES (-1, 'minus')")
    goods.engine().full()
    for number in range(3):
        goods.add(name=f"n{number}")
    found = told(goods.engine())
    assert [(each["side"], each["kind"], each["key"]) for each in found] == [
        *[("lark", "update", "(made by the database)")] * 3,
        *[("sql", "create", "(made by the database)")] * 3,
    ]
    assert [changes(each) for each in found[:3]] == [{"id": (None, "database")}] * 3
    assert sorted(changes(each)["name"][1] for each in found[3:]) == ["n0", "n1", "n2"]
    report = goods.engine().incremental()
    assert (report.to_sql.created, report.to_lark.updated) == (3, 3)
    assert told(goods.engine()) == []
    goods.run("DROP TABLE goods")


def test_each_part_of_a_key_that_the_database_makes_is_told(plain: MakePlain, engine: Any) -> None:
    if engine.dialect.name != "postgresql":
        pytest.skip("only PostgreSQL tells all parts of a key that it has made")
    ddl = "CREATE TABLE goods (shop VARCHAR(9) DEFAULT 'main', id SERIAL, name VARCHAR(20), PRIMARY KEY (shop, id))"
    goods = plain(ddl, {"shop": 1, "name": 1})
    goods.engine().full()
    goods.add(name="a")
    update, create = told(goods.engine())
    assert (update["key"], changes(update)) == (
        "(made by the database)",
        {"shop": (None, "database"), "id": (None, "database")},
    )
    assert changes(create) == {"name": (None, "a")}
    report = goods.engine().incremental()
    assert (report.to_sql.created, report.to_lark.updated) == (1, 1)
    goods.run("DROP TABLE goods")


def test_record_id_that_lark_will_give_is_not_made_up(plain: MakePlain, engine: Any) -> None:
    goods = plain("CREATE TABLE goods (id INTEGER PRIMARY KEY, name VARCHAR(30), lark_id VARCHAR(40))", {"name": 1})
    made_up = "recPlanned00000001"
    goods.run("INSERT INTO goods (id, name) VALUES (1, 'a'), (2, 'b')")
    found = told(goods.engine(record_id_column="lark_id"))
    links = [each for each in found if each["kind"] == "link"]
    assert [(each["key"], each["record_id"], changes(each)) for each in links] == [
        ("1", "", {"lark_id": (None, "lark")}),
        ("2", "", {"lark_id": (None, "lark")}),
    ]
    # a text of a person's that looks like it is shown as it is
    goods.run(f"UPDATE goods SET name = '{made_up}' WHERE id = 1")
    with goods.engine(record_id_column="lark_id").plan() as plan:
        names = [change.new for action in plan.actions() for change in action.changes if change.column == "name"]
    assert made_up in names
    goods.run("DROP TABLE goods")


GENERATED = {
    "sqlite": "GENERATED ALWAYS AS (qty * 2) VIRTUAL",
    "postgresql": "GENERATED ALWAYS AS (qty * 2) STORED",
    "mysql": "GENERATED ALWAYS AS (qty * 2) VIRTUAL",
}


@pytest.mark.parametrize("stored", [False, True])
def test_generated_column_is_left_to_the_database(plain: MakePlain, engine: Any, stored: bool) -> None:
    made = GENERATED[engine.dialect.name]
    if stored:
        made = made.replace("VIRTUAL", "STORED" if engine.dialect.name == "sqlite" else "PERSISTENT")
    ddl = f"CREATE TABLE goods (id INTEGER PRIMARY KEY, name VARCHAR(20), qty INTEGER, twice INTEGER {made})"
    goods = plain(ddl, {"name": 1, "qty": 2, "twice": 2})
    goods.run("INSERT INTO goods (id, name, qty) VALUES (1, 'a', 5), (2, 'b', 7)")
    goods.engine().full()
    goods.edit(1, qty=6)
    goods.edit(2, name="c")
    # somebody typed into the cell that the database computes
    goods.add(id=3, name="d", qty=8, twice=99)
    found = told(goods.engine())
    assert [(each["side"], each["kind"], each["key"], changes(each)) for each in found] == [
        ("lark", "update", "1", {"twice": (10, 12)}),
        ("lark", "update", "3", {"twice": (99, 16)}),
        ("sql", "create", "3", {"id": (None, 3), "name": (None, "d"), "qty": (None, 8)}),
        ("sql", "update", "1", {"qty": (5, 6)}),
        ("sql", "update", "2", {"name": ("b", "c")}),
    ]
    with goods.engine().plan() as plan:
        report = goods.engine().apply(plan)
    assert (report.status, report.changed, report.to_lark.updated, report.to_sql.total) == ("ok", 0, 2, 3)
    assert told(goods.engine()) == []
    assert goods.engine().incremental().to_lark.total == 0
    goods.run("DROP TABLE goods")


def test_key_of_a_new_row_is_not_made_up_in_the_rows_that_link_to_it(world: World) -> None:
    numbered = NUMBERED[world.sql.dialect.name].replace("TINYINT", "INTEGER")
    ddl = f"CREATE TABLE goods ({numbered}, name VARCHAR(20), part_of INTEGER)"
    goods = OwnTable(world, "goods", {"id": 2, "name": 1}, ddl)
    link = {"field_name": "part_of", "type": 18, "property": {"table_id": goods.table_id, "multiple": False}}
    world.emu.person.add_field(world.app_token, goods.table_id, link)
    part_of = {"field": "part_of", "column": "part_of", "link": "goods"}
    engine = goods.engine(fields=[{"field": "id", "column": "id"}, {"field": "name", "column": "name"}, part_of])
    engine.full()
    (parent,) = goods.add({"name": "parent"})
    goods.add({"name": "child", "part_of": [parent]})
    found = [each for each in told(engine) if each["side"] == "sql"]
    (linked,) = [changes(each)["part_of"] for each in found if "part_of" in changes(each)]
    assert linked == (None, "database")
    assert {each["key"] for each in found} == {"(made by the database)"}
    report = engine.incremental()
    assert (report.status, report.to_sql.created) == ("ok", 2)


def test_new_row_that_cannot_be_linked_is_refused_once(world: World) -> None:
    world.ready(1)
    numbered = NUMBERED[world.sql.dialect.name].replace("TINYINT", "INTEGER")
    ddl = f"CREATE TABLE goods ({numbered}, name VARCHAR(20) NOT NULL, buyer INTEGER)"
    goods = OwnTable(world, "goods", {"id": 2, "name": 1}, ddl)
    link = {"field_name": "buyer", "type": 18, "property": {"table_id": world.table_id, "multiple": False}}
    world.emu.person.add_field(world.app_token, goods.table_id, link)
    engine = goods.engine(fields=["id", "name", {"field": "buyer", "column": "buyer", "link": "people"}])
    engine.full()
    goods.add({"name": "a", "buyer": [world.add(Code=9, Name="has no row yet")]})
    why = "links to record rec"
    with engine.plan() as plan:
        actions = [(each.side, each.kind, each.key, why in each.why) for each in plan.actions()]
        problems = plan.report.problems
    made = "(made by the database)"
    assert actions == [
        ("sql", "create", made, False),
        ("sql", "refuse", made, True),
        # the number that the row will get goes to Lark together with what the row waits for
        ("lark", "wait", made, True),
    ]
    assert [why in each for each in problems] == [True]
    report = engine.incremental()
    assert (report.to_sql.created, report.to_lark.total, report.failed) == (1, 0, 1)
    assert world.ask("SELECT DISTINCT status FROM sync_queue WHERE table_name = 'goods'") == [("pending",)]


def test_changes_come_back_from_the_plans_own_file_as_they_were() -> None:
    changes = (Change("a", None, None, "database"), Change("b", "x", None, "lark"), Change("c", 1, "y"))
    assert load_changes(dump_changes(changes)) == changes


def test_default_of_a_column_that_lark_does_not_write_goes_to_lark(plain: MakePlain, engine: Any) -> None:
    odd = {"sqlite": "(lower('X'))", "postgresql": "lower('X')", "mysql": "(lower('X'))"}[engine.dialect.name]
    ddl = f"""CREATE TABLE goods (id INTEGER PRIMARY KEY, name VARCHAR(20), state VARCHAR(9) DEFAULT 'new',
        stock INTEGER DEFAULT 5, ok INTEGER DEFAULT 0, tag VARCHAR(9) DEFAULT {odd})"""
    goods = plain(ddl, {"name": 1, "state": 1, "stock": 2, "ok": 2, "tag": 1})
    fields = [{"field": each, "column": each} for each in ("id", "name")]
    fields += [{"field": each, "column": each, "direction": "to_lark"} for each in ("state", "stock", "ok", "tag")]
    goods.engine(fields=fields).full()
    # the second record says what the database will, as far as it is known
    goods.add(id=1, name="a")
    goods.add(id=2, name="b", state="new", stock=5, ok=0, tag="x")
    defaults = {"state": (None, "new"), "stock": (None, 5), "ok": (None, 0), "tag": (None, "database")}
    found = told(goods.engine(fields=fields))
    assert [(each["side"], each["kind"], each["key"], changes(each)) for each in found] == [
        ("lark", "update", "1", defaults),
        ("lark", "update", "2", {"tag": ("x", "database")}),
        ("sql", "create", "1", {"id": (None, 1), "name": (None, "a"), **defaults}),
        ("sql", "create", "2", {"id": (None, 2), "name": (None, "b"), **defaults}),
    ]
    goods.engine(fields=fields).incremental()
    assert goods.ask("SELECT state, stock, ok, tag FROM goods WHERE id = 1") == [("new", 5, 0, "x")]
    assert told(goods.engine(fields=fields)) == []
    goods.run("DROP TABLE goods")


def test_generated_column_that_stays_the_same_is_no_update(plain: MakePlain, engine: Any) -> None:
    stored = "STORED" if engine.dialect.name != "mysql" else "PERSISTENT"
    ddl = f"""CREATE TABLE goods (id INTEGER PRIMARY KEY, qty NUMERIC(10, 2), name VARCHAR(20),
        half NUMERIC GENERATED ALWAYS AS (round(qty / 2)) {stored},
        size VARCHAR(9) GENERATED ALWAYS AS (CASE WHEN qty > 50 THEN 'large' ELSE 'small' END) {stored},
        label VARCHAR(30) GENERATED ALWAYS AS (CASE WHEN name = 'X' THEN 'x' ELSE 'other' END) {stored})"""
    goods = plain(ddl, {"qty": 2, "name": 1, "half": 2, "size": 1, "label": 1})
    goods.run("INSERT INTO goods (id, qty, name) VALUES (1, 10, 'a'), (2, 10, 'b'), (3, 10, 'c')")
    goods.engine().full()
    goods.edit(1, qty=10.4)
    goods.edit(2, qty=70)
    goods.edit(3, name="d")
    # a copy of a record that says already what the database will compute
    goods.add(id=4, qty=80, name="e", half=40, size="large", label="other")
    # how texts compare is only known on PostgreSQL
    label = {} if engine.dialect.name == "postgresql" else {"label": ("other", "database")}
    found = [each for each in told(goods.engine()) if each["side"] == "lark"]
    assert [(each["key"], changes(each)) for each in found] == [
        ("2", {"half": (5, 35), "size": ("small", "large")}),
        *([("3", label), ("4", label)] if label else []),
    ]
    with goods.engine().plan() as plan:
        report = goods.engine().apply(plan)
    assert report.to_lark.updated == 1
    goods.run("DROP TABLE goods")
