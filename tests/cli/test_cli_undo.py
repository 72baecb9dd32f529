"""``airflow lark sync undo``: the plan first, then the undo, and what it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.cli.test_cli_sync import desk, synced

__all__ = ["desk", "synced"]


def newest(synced):
    return synced("runs", "--output", "json").json[0]["run_id"]


@pytest.fixture
def undone(synced):
    """The id of a run that wrote to three records, of which a person has edited one since."""
    synced.execute("UPDATE areas SET name = '[red]' || code")
    synced("run")
    run_id = newest(synced)
    synced.edit("3", "person")
    return run_id


def test_undo_prints_its_plan_and_writes_nothing_without_yes(synced, undone):
    """O4, O11."""
    told = synced("undo", undone)
    assert told.status == 2
    assert "[red]1" in told.out
    assert "take back" in told.out
    assert "changed since" in told.out
    assert told.out.splitlines()[-1] == "areas: would take back 2 changes, and leave 1 value or row"
    assert synced.names() == {"1": "[red]1", "2": "[red]2", "3": "person"}


def test_undo_with_yes_takes_back_and_says_what_it_left(synced, undone):
    told = synced("undo", undone, "--yes")
    assert told.status == 2, "something was left"
    assert "areas: taken back in Lark 2 updated, 0 created, 0 deleted; in SQL 0 updated" in told.out
    assert synced.names() == {"1": "one", "2": "two", "3": "person"}
    assert synced("runs", "--output", "json").json[0]["operation"] == "undo"
    synced("run")
    again = synced("undo", undone)
    assert again.status == 2
    assert "wrote it again" in again.out
    assert "would take back 0 changes" in again.out


def test_undo_goes_on_where_one_mapping_fails_and_tells_it_at_the_end(airflow, synced, undone, shop):
    file = Path(shop)
    (mapping,) = yaml.safe_load(file.read_text())["mappings"]
    gone = {"lark": {"base": "MyDB", "table": "gone"}, "sql": {"table": "gone", "conn_id": "nowhere"}, "name": "gone"}
    file.write_text(yaml.safe_dump({"mappings": [gone, {**mapping, "sql": {"table": "areas", "conn_id": "shop_db"}}]}))
    told = airflow("sync", "undo", undone, "--yes", "--output", "json", "--mapping", shop)
    assert told.status == 1
    assert told.err.startswith("gone: ")
    (done,) = told.json
    assert (done["mapping"], done["done"]["to_lark"]["updated"]) == ("areas", 2)
    assert synced.names() == {"1": "one", "2": "two", "3": "person"}
    unknown = airflow("sync", "undo", "vm:nobody", "--mapping", shop)
    assert (unknown.status, unknown.err.startswith("gone: ")) == (1, True)


def test_undo_as_a_document_is_one(synced, undone):
    """O1."""
    (told,) = synced("undo", undone, "--output", "json").json
    assert told["done"] is None
    assert {step["key"] for step in told["steps"]} == {"1", "2"}
    assert told["left"][0]["why"] == "changed since"
    (told,) = yaml.safe_load(synced("undo", undone, "--yes", "--output", "yaml").out)
    assert told["done"]["to_lark"]["updated"] == 2


def test_undo_of_what_is_unknown_exits_with_1_and_its_name(synced):
    told = synced("undo", "[/x]", "--output", "json")
    assert (told.status, told.out) == (1, "")
    assert "run '[/x]': not in the ledger of areas" in told.err
    told = synced("undo", "x", "--mapping-name", "nobody")
    assert (told.status, told.out) == (1, "")


def test_undo_of_an_idle_run_has_nothing_to_do(synced):
    synced("run")
    told = synced("undo", newest(synced))
    assert told.status == 0
    assert told.out == "areas: would take back 0 changes, and leave 0 values and rows\n"


def test_undo_of_a_pruned_run_exits_with_1(synced, undone):
    """O13."""
    old = "'2020-01-01 00:00:00.000000'"
    synced.execute(f"UPDATE sync_change SET created_at = {old}")
    synced.execute(f"UPDATE sync_run SET started_at = {old}")
    synced("full")
    told = synced("undo", undone)
    assert (told.status, told.out) == (1, "")
    assert "this run's bases are gone (the retention has dropped them)" in told.err


def test_undo_of_a_delete_sets_the_links_of_another_mapping_again(synced, emulator, shop):
    """O12."""
    app_token, areas = synced.place
    link = {"field_name": "area", "type": 18, "property": {"table_id": areas, "multiple": False}}
    fields = [{"field_name": "id", "type": 1}, link]
    branches = emulator.state.create_table(app_token, "branches", fields).table_id
    synced.execute("CREATE TABLE branches (id VARCHAR(20) NOT NULL PRIMARY KEY, area VARCHAR(20))")
    synced.execute("INSERT INTO branches VALUES ('a', '1'), ('b', '1'), ('c', '2')")
    file = Path(shop)
    named = yaml.safe_load(file.read_text())
    entry = {"name": "branches", "lark": {"base": "MyDB", "table": "branches"}, "sql": "branches"}
    named["mappings"].append({**entry, "fields": ["id", {"field": "area", "column": "area", "link": "areas"}]})
    file.write_text(yaml.safe_dump(named))
    synced("full")
    synced.execute("DELETE FROM areas WHERE code = '1'")
    synced("run", "--mapping-name", "areas")
    run_id = synced("runs", "--mapping-name", "areas", "--output", "json").json[0]["run_id"]

    def linked():
        found = emulator.person.records(app_token, branches)
        return sum(bool(each["fields"].get("area", {}).get("link_record_ids")) for each in found)

    assert linked() == 1
    told = synced("undo", run_id)
    assert told.status == 2
    assert told.out.count("its link leads to a record that comes back") == 2
    assert "links from tables that no mapping knows, comments and the record's history do not come back" in told.out
    done = synced("undo", run_id, "--yes")
    assert done.status == 0, done.text
    assert linked() == 3
    assert len(synced.names()) == 3
    assert synced("run").status == 0
    assert linked() == 3
