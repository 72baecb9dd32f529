"""Cells that nobody has filled: of a field whose type was changed, and of an app that has no address."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core.sync.doctor import examine_mapping
from tests.sync.plain import Plain
from tests.sync.world import World

lite_only = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
AUTHORS = (
    "CREATE TABLE notes (id INTEGER PRIMARY KEY NOT NULL, body VARCHAR(50), made TEXT, changed TEXT, twice INTEGER)"
)
AUTHOR_FIELDS = {"body": 1, "made": 1003, "changed": 1004, "twice": 20}


@pytest.mark.parametrize("field", [7, 1])
def test_changed_type_of_a_field_whose_empty_cell_means_false_empties_no_column(plain: Any, field: int) -> None:
    flags: Plain = plain(
        "CREATE TABLE flags (id INTEGER PRIMARY KEY NOT NULL, paid BOOLEAN NOT NULL, num BOOLEAN)",
        {"paid": 2, "num": 2},
    )
    flags.run("INSERT INTO flags VALUES (1, TRUE, TRUE), (2, FALSE, FALSE), (3, TRUE, NULL)")
    flags.engine().full()
    before = flags.ask("SELECT * FROM flags ORDER BY id")
    for name in ("paid", "num"):
        flags.emu.person.change_type(flags.base, flags.table_id, name, {"field_name": name, "type": field})

    report = flags.engine().full()

    assert flags.ask("SELECT * FROM flags ORDER BY id") == before
    assert report.status == "ok"
    assert flags.engine().check().in_step
    assert {flags.cells()[key].get("paid") for key in (1, 3)} <= {True, "true", "1"}
    flags.edit(1, paid=False if field == 7 else "0")
    flags.engine().incremental()
    assert not flags.ask("SELECT paid FROM flags WHERE id = 1")[0][0]


@lite_only
def test_computed_cell_that_cannot_be_read_does_not_hold_its_row(plain: Any) -> None:
    notes: Plain = plain(AUTHORS, AUTHOR_FIELDS)
    notes.run("INSERT INTO notes (id, body) VALUES (1, 'a')")
    engine = notes.engine()
    engine.full()
    notes.emu.person.set_computed(notes.base, notes.table_id, notes.record_id(1), "twice", "no number")
    notes.edit(1, body="b")

    report = engine.incremental()

    assert notes.ask("SELECT body, twice FROM notes") == [("b", None)]
    assert (report.status, report.failed) == ("ok", 0)
    assert ["twice" in warning and "is treated as empty" in warning for warning in report.warnings] == [True]
    notes.emu.person.set_computed(notes.base, notes.table_id, notes.record_id(1), "twice", 8)
    engine.full()
    assert notes.ask("SELECT twice FROM notes") == [(8,)]


@lite_only
@pytest.mark.parametrize("address", ["empty", "absent"])
def test_record_of_an_app_is_nobodys_and_its_later_edits_arrive(plain: Any, address: str) -> None:
    notes: Plain = plain(AUTHORS, AUTHOR_FIELDS)
    notes.emu.switches.update({"app_email": address})
    notes.run("INSERT INTO notes (id, body) VALUES (1, 'by the program')")
    engine = notes.engine(users="email")
    assert engine.full().to_lark.created == 1

    li = notes.emu.state.add_user("Li", "li@shop.example").open_id
    report = engine.full()
    assert (report.status, report.failed) == ("ok", 0)
    assert notes.ask("SELECT body, made, changed FROM notes") == [("by the program", None, None)]

    record_id = notes.record_id(1)
    notes.emu.person.edit_record(notes.base, notes.table_id, record_id, {"body": "by a person"}, actor=li)
    report = engine.incremental()
    assert (report.status, report.to_sql.updated) == ("ok", 1)
    ((body, made, changed),) = notes.ask("SELECT body, made, changed FROM notes")
    assert (body, made) == ("by a person", None)
    assert changed == "li@shop.example"
    assert engine.check().in_step


@lite_only
def test_doctor_warns_where_no_person_of_a_computed_field_shows_an_address(plain: Any) -> None:
    notes: Plain = plain(AUTHORS, AUTHOR_FIELDS)
    notes.run("INSERT INTO notes (id, body) VALUES (1, 'by the program')")
    engine = notes.engine(users="email")
    engine.full()

    def ask() -> Any:
        found = examine_mapping(notes.client, notes.sql, notes.mapping(users="email"), clock=engine.clock)
        return next(finding for finding in found if finding.check == "addresses")

    assert ask().status == "warning"
    assert "contact:user.email:readonly" in ask().detail
    li = notes.emu.state.add_user("Li", "li@notes.example").open_id
    notes.emu.person.edit_record(notes.base, notes.table_id, notes.record_id(1), {"body": "b"}, actor=li)
    assert ask().status == "ok"


def test_key_that_a_record_names_is_not_given_to_another_new_row(world: World) -> None:
    engine = world.engine()
    # in whichever order they are read, one comes before the record that names its key
    world.add(Name="no key", Qty=7)
    world.add(Name="first", Code=1)
    world.add(Name="no key either", Qty=8)
    report = engine.full()
    assert (report.to_sql.created, report.conflicts) == (3 - report.failed, 0)
    assert world.rows()[1]["name"] == "first"
    assert world.by_code()[1]["Name"] == "first"
    if report.failed:
        # a sequence is only moved on afterwards
        world.execute("UPDATE sync_queue SET next_attempt_at = NULL WHERE status = 'pending'")
        engine.incremental()
    assert sorted(row["name"] for row in world.rows().values()) == ["first", "no key", "no key either"]
    world.assert_in_step()
