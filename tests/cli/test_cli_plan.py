"""``airflow lark sync plan``: all formats tell the same, and the exit status tells whether anything waits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from sqlalchemy import text

from tests.databases import open_sqlite


@pytest.fixture
def execute(shop, tmp_path):
    """What runs SQL in the database of the shop."""

    def run(*statements):
        with open_sqlite(tmp_path / "shop.db").begin() as conn:
            for statement in statements:
                conn.execute(text(statement))

    return run


def plan(airflow, shop, *more):
    return airflow("sync", "plan", "--mapping", shop, "--sql-conn-id", "shop_db", *more)


@pytest.fixture
def waiting(shop, execute):
    """Three rows of which no record is there; a value is what a terminal takes for markup, another for a command."""
    execute(
        "INSERT INTO areas VALUES ('A1', '北[/red] \"x\"')",
        "INSERT INTO areas VALUES ('A2', 'two\nlines')",
        "INSERT INTO areas VALUES ('A3', char(27) || '[2J')",
    )
    return shop


def test_formats_tell_the_same_and_exit_with_2(airflow, waiting):
    told = {output: plan(airflow, waiting, "--output", output) for output in ("json", "yaml", "table", "plain")}
    assert {output: done.status for output, done in told.items()} == dict.fromkeys(told, 2)
    (found,) = json.loads(told["json"].out)
    assert yaml.safe_load(told["yaml"].out) == [found]
    assert found["counts"] == {"lark.create": 3, "setup.make": 3}
    assert [action["key"] for action in found["actions"] if action["side"] == "lark"] == ["A1", "A2", "A3"]
    names = [change["new"] for action in found["actions"] for change in action["changes"] if change["column"] == "name"]
    assert names == ['北[/red] "x"', "two\nlines", "\x1b[2J"]
    for output in ("table", "plain"):
        lines = told[output].out.splitlines()
        assert lines[-1] == "areas: lark create 3, setup make 3"
        # a key and a name each
        assert sum("create" in line for line in lines[:-1]) == 6
        assert any('北[/red] "x"' in line for line in lines)
        assert any(r"two\nlines" in line for line in lines)
        assert "\x1b[2J" not in told[output].out


def test_nothing_to_do_exits_with_0_in_every_format(airflow, shop, execute):
    execute("INSERT INTO areas VALUES ('A1', 'north')")
    airflow_run(shop)
    for output in ("json", "yaml"):
        done = plan(airflow, shop, "--output", output)
        assert (done.status, yaml.safe_load(done.out)[0]["actions"], done.err) == (0, [], "")
    for output in ("table", "plain"):
        done = plan(airflow, shop, "--output", output)
        assert (done.status, done.out.splitlines()[-1]) == (0, "areas: nothing to do")
        assert "create" not in done.out


def airflow_run(file):
    """Bring the tables in step, as a task does."""
    from airflow_provider_lark.core import SyncEngine, load_mappings
    from airflow_provider_lark.hooks.database import opened_engine
    from airflow_provider_lark.hooks.lark import LarkHook

    hook = LarkHook("lark_default")
    (mapping,) = load_mappings(file)
    with hook.client() as client, opened_engine("shop_db") as database:
        SyncEngine(client, database, mapping.with_bases(hook.bases)).full()


def test_trouble_exits_with_1_and_one_line(airflow, shop, tmp_path):
    done = plan(airflow, shop, "--mapping-name", "area")
    assert (done.status, "not in the given files; did you mean 'areas'?" in done.err) == (1, True)
    done = airflow("sync", "plan", "--mapping", shop)
    assert (done.status, "no database connection; give --sql-conn-id" in done.err) == (1, True)
    done = plan(airflow, str(tmp_path / "none.yaml"))
    assert done.status == 1


@pytest.fixture
def synced(shop, execute):
    """Four rows in step, and a change to two of them."""
    execute(*(f"INSERT INTO areas VALUES ('A{number}', 'n{number}')" for number in range(1, 5)))
    airflow_run(shop)
    execute("UPDATE areas SET name = 'secret' WHERE code IN ('A1', 'A2')")
    return shop


def test_saved_plan_is_applied_later_and_tells_what_was_changed_since(airflow, synced, execute, tmp_path):
    file = tmp_path / "p.plan"
    assert plan(airflow, synced, "--save", str(file)).status == 2
    assert "secret" not in file.read_text()
    execute("UPDATE areas SET name = 'later' WHERE code IN ('A2', 'A3')")
    done = apply(airflow, synced, file, "--output", "json")
    assert done.status == 2
    (told,) = done.json
    assert (told["Mapping"], told["Status"], told["Planned"], told["Changed since"]) == ("areas", "partial", 2, 1)
    assert told["In Lark"] == "0 created, 1 updated, 0 deleted"
    assert plan(airflow, synced, "--save", str(file)).status == 2
    done = apply(airflow, synced, file)
    assert (done.status, "changed since planned" in done.out) == (0, False)
    assert plan(airflow, synced).status == 0
    done = apply(airflow, synced, file)
    assert done.status == 2
    assert "areas: 2 of 2 rows changed since planned, and left to the next run: A2, A3" in done.out


def test_plan_of_another_mapping_and_a_file_for_readers_are_refused(airflow, synced, tmp_path):
    file = tmp_path / "p.plan"
    plan(airflow, synced, "--save", str(file))
    other = tmp_path / "other.yaml"
    other.write_text(Path(synced).read_text().replace("sql: areas", "sql: areas\n  direction: to_lark"))
    done = apply(airflow, str(other), file)
    assert (done.status, "belongs to another mapping" in done.err) == (1, True)
    file.write_text(plan(airflow, synced, "--output", "json").out)
    done = apply(airflow, synced, file)
    assert (done.status, "is not a plan file" in done.err) == (1, True)
    assert plan(airflow, synced).status == 2


def test_first_fill_of_linked_tables_is_applied_as_one_plan(airflow, shop, execute, emulator, tmp_path):
    (base,) = emulator.state.bases.values()
    (areas,) = (table for table in base.tables.values() if table.name == "areas")
    link = {"field_name": "area", "type": 18, "property": {"table_id": areas.table_id, "multiple": False}}
    cities = emulator.state.create_table(base.app_token, "cities", [{"field_name": "code", "type": 1}, link])
    columns = ["code", {"field": "area", "column": "area", "link": "areas"}]
    mappings = [
        {"lark": {"base": "MyDB", "table": "areas"}, "sql": "areas"},
        {"lark": {"base": "MyDB", "table": "cities"}, "sql": "cities", "fields": columns},
    ]
    Path(shop).write_text(yaml.safe_dump({"mappings": mappings}))
    execute(
        "CREATE TABLE cities (code VARCHAR(20) NOT NULL PRIMARY KEY, area VARCHAR(20) REFERENCES areas (code))",
        "INSERT INTO areas VALUES ('A1', 'north')",
        "INSERT INTO cities VALUES ('C1', 'A1'), ('C2', NULL)",
    )
    file = tmp_path / "p.plan"
    done = plan(airflow, shop, "--save", str(file), "--output", "json")
    (_, told) = json.loads(done.out)
    # no line of the kind wait, and none of the ledger, which the first plan has
    assert told["counts"] == {"lark.create": 2, "setup.make": 2}
    values = {each["key"]: {one["column"]: one["new"] for one in each["changes"]} for each in told["actions"]}
    assert (values["C1"], values["C2"]) == ({"code": "C1", "area": "A1"}, {"code": "C2"})
    done = apply(airflow, shop, file, "--output", "json")
    assert (done.status, [each["Changed since"] for each in done.json]) == (0, [0, 0])
    records = emulator.person.records(base.app_token, cities.table_id)
    assert sorted(len(each["fields"].get("area", {}).get("link_record_ids", ())) for each in records) == [0, 1]
    assert plan(airflow, shop).status == 0


def apply(airflow, shop, file, *more):
    return airflow("sync", "apply", str(file), "--mapping", shop, "--sql-conn-id", "shop_db", *more)
