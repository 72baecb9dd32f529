"""``airflow lark sync plan``: all formats tell the same, and the exit status tells whether anything waits."""

from __future__ import annotations

import json

import pytest
import yaml
from sqlalchemy import text

from tests.databases import open_sqlite


@pytest.fixture
def shop(emulator, tmp_path, monkeypatch):
    """Two tables in step, a mapping file between them, and what runs SQL."""
    app_token = emulator.state.create_base("Shop").app_token
    fields = [{"field_name": "code", "type": 1}, {"field_name": "name", "type": 1}]
    emulator.state.create_table(app_token, "areas", fields)
    database = tmp_path / "shop.db"

    def execute(*statements):
        with open_sqlite(database).begin() as conn:
            for statement in statements:
                conn.execute(text(statement))

    execute("CREATE TABLE areas (code VARCHAR(20) NOT NULL PRIMARY KEY, name VARCHAR(80))")
    lark = {
        "conn_type": "lark",
        "login": emulator.app_id,
        "password": emulator.app_secret,
        "host": emulator.url,
        "extra": {"bases": {"MyDB": app_token}},
    }
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(lark))
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps({"conn_type": "sqlite", "host": str(database)}))
    file = tmp_path / "lark_sync.yaml"
    file.write_text(yaml.safe_dump({"mappings": [{"lark": {"base": "MyDB", "table": "areas"}, "sql": "areas"}]}))
    return str(file), execute


def plan(airflow, shop, *more):
    return airflow("sync", "plan", "--mapping", shop[0], "--sql-conn-id", "shop_db", *more)


@pytest.fixture
def waiting(shop):
    """Three rows of which no record is there; a value is what a terminal takes for markup, another for a command."""
    shop[1](
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


def test_nothing_to_do_exits_with_0_in_every_format(airflow, shop):
    file, execute = shop
    execute("INSERT INTO areas VALUES ('A1', 'north')")
    airflow_run(file)
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
    assert (done.status, "no such mapping; did you mean 'areas'?" in done.err) == (1, True)
    done = airflow("sync", "plan", "--mapping", shop[0])
    assert (done.status, "names no database; give --sql-conn-id" in done.err) == (1, True)
    done = plan(airflow, (str(tmp_path / "none.yaml"), None))
    assert done.status == 1
