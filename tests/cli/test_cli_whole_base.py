"""A file that ``init`` drafted beside one that maps the whole base, and what ``plan`` says of both."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.databases import open_sqlite

FIELDS = [{"field_name": "code", "type": 1}, {"field_name": "name", "type": 1}]


@pytest.fixture
def execute(shop, tmp_path):
    def run(*statements):
        with open_sqlite(tmp_path / "shop.db").begin() as conn:
            for statement in statements:
                conn.execute(text(statement))

    return run


def test_drafted_mapping_keeps_its_table_and_the_whole_base_takes_the_rest(airflow, shop, emulator, execute, tmp_path):
    """O36, O37: no table is planned twice, and one that gets its SQL table later joins."""
    (base,) = emulator.state.bases.values()
    emulator.state.create_table(base.app_token, "cities", FIELDS)
    execute(
        "CREATE TABLE cities (code VARCHAR(20) NOT NULL PRIMARY KEY, name VARCHAR(80))",
        "INSERT INTO areas VALUES ('1', 'one')",
        "INSERT INTO cities VALUES ('a', 'A'), ('b', 'B')",
    )
    drafted, whole = tmp_path / "drafted.yaml", tmp_path / "whole.yaml"
    init = ("sync", "init", "MyDB", "--sql-conn-id", "shop_db")
    assert airflow(*init, "--file", str(drafted), "--table", "areas").status == 0
    whole.write_text('{lark: {base: MyDB, tables: "*"}, sql: {conn_id: shop_db, table: "*"}}')
    both = ("--mapping", str(drafted), "--mapping", str(whole), "--output", "json")

    def planned():
        done = airflow("sync", "plan", *both)
        found = {each["mapping"]: each["counts"].get("lark.create", 0) for each in done.json}
        assert len(found) == len(done.json)
        return done, found

    assert planned()[1] == {"areas": 1, "cities": 2}
    assert not any(emulator.person.records(base.app_token, table_id) for table_id in base.tables)
    assert airflow("sync", "full", *both).status == 0
    assert (planned()[0].status, planned()[1]) == (0, {"areas": 0, "cities": 0})
    streets = emulator.state.create_table(base.app_token, "streets", FIELDS).table_id
    emulator.person.add_record(base.app_token, streets, {"code": "s", "name": "S"})
    told, found = planned()
    assert found == {"areas": 0, "cities": 0}
    assert "streets" in told.err
    made = airflow(*init, "--file", str(tmp_path / "more.yaml"), "--table", "streets", "--create", "sql", "--yes")
    assert made.status == 0, made.text
    assert planned()[1].keys() == {"areas", "cities", "streets"}
    assert airflow("sync", "run", *both).status == 0
    with open_sqlite(tmp_path / "shop.db").connect() as conn:
        assert conn.execute(text("SELECT code, name FROM streets")).all() == [("s", "S")]
