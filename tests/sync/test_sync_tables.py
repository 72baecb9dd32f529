"""Tables of unusual kinds: schemas, computed columns, columns that no field fills, odd names."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core.errors import SchemaMismatch
from tests.sync.own_table import OwnTable
from tests.sync.world import World, wrote


def lark_table(world: World, *names: str) -> dict[str, str]:
    fields = [{"field_name": name, "type": 1 if name.startswith("t") or name == "名称" else 2} for name in names]
    return {
        "app_token": world.app_token,
        "table_id": world.emu.state.create_table(world.app_token, "odd", fields).table_id,
    }


def test_table_in_another_schema_is_synced_both_ways(world: World) -> None:
    if world.sql.dialect.name != "postgresql":
        pytest.skip("schemas inside one database are PostgreSQL's")
    world.execute('CREATE SCHEMA IF NOT EXISTS "Odd schema"')
    world.execute('DROP TABLE IF EXISTS "Odd schema".stock')
    world.execute('CREATE TABLE "Odd schema".stock (id INTEGER PRIMARY KEY, n INTEGER)')
    world.execute('INSERT INTO "Odd schema".stock VALUES (1, 1), (2, 2)')
    lark = lark_table(world, "id", "n")
    engine = world.engine(lark=lark, sql={"table": "stock", "schema": "Odd schema"}, fields=None)
    assert engine.full().to_lark.created == 2
    world.execute('UPDATE "Odd schema".stock SET n = 5 WHERE id = 1')
    world.emu.person.add_record(lark["app_token"], lark["table_id"], {"id": 3, "n": 3})
    assert wrote(engine.incremental()) == (1, 1)
    assert engine.check().in_step
    engine.uninstall()
    world.execute('DROP SCHEMA "Odd schema" CASCADE')


def test_names_in_chinese_with_spaces_and_quotes_are_synced(world: World) -> None:
    mark = "`" if world.sql.dialect.name == "mysql" else '"'
    table, column = f"{mark}订单 order{mark}", f"{mark}my name{mark}"
    world.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {column} VARCHAR(20))")
    world.execute(f"INSERT INTO {table} VALUES (1, '一'), (2, '二')")
    lark = lark_table(world, "id", "名称")
    engine = world.engine(lark=lark, sql={"table": "订单 order"}, fields={"id": "id", "名称": "my name"})
    assert engine.full().to_lark.created == 2
    world.execute(f"UPDATE {table} SET {column} = '三' WHERE id = 2")
    assert wrote(engine.incremental()) == (0, 1)
    assert engine.check().in_step


def test_names_that_end_a_quotation_or_look_like_a_parameter_are_synced(world: World) -> None:
    """Back-tick, quotation marks, per cent sign, colon, backslash: in table, key, mapped column and filter."""
    mark = "`" if world.sql.dialect.name == "mysql" else '"'
    name, key, odd = "ta`b\"l'e%s :x", "k`e\"y'%(a)s:n", "c`o\"l'%d\\:m 名"

    def quoted(text: str) -> str:
        return mark + text.replace(mark, mark * 2) + mark

    def execute(sql: str) -> None:
        with world.sql.begin() as conn:
            conn.exec_driver_sql(sql, execution_options={"no_parameters": True})

    table, k, c = quoted(name), quoted(key), quoted(odd)
    columns = f"{k} INTEGER NOT NULL, {c} VARCHAR(20), PRIMARY KEY ({k}), UNIQUE ({c})"
    execute(f"CREATE TABLE {table} ({columns})")
    execute(f"INSERT INTO {table} VALUES (1, '一'), (2, '二'), (3, '三')")
    fields = [{"field_name": key, "type": 2}, {"field_name": odd, "type": 1}]
    table_id = world.emu.state.create_table(world.app_token, "odd", fields).table_id
    lark = {"app_token": world.app_token, "table_id": table_id}
    engine = world.engine(lark=lark, sql={"table": name, "filter": {odd: {"isNot": "out"}}}, fields=None)
    report = engine.full()
    assert (report.to_lark.created, report.problems) == (3, [])
    assert engine.setup().warnings == []
    execute(f"UPDATE {table} SET {c} = '四' WHERE {k} = 2")
    execute(f"DELETE FROM {table} WHERE {k} = 3")
    world.emu.person.add_record(lark["app_token"], lark["table_id"], {key: 5, odd: "五"})
    (first,) = [
        each["record_id"]
        for each in world.emu.person.records(lark["app_token"], lark["table_id"])
        if each["fields"][key] == 1
    ]
    world.emu.person.edit_record(lark["app_token"], lark["table_id"], first, {odd: "六"})
    with engine.plan() as plan:
        assert plan.counts == {("sql", "create"): 1, ("sql", "update"): 1, ("lark", "update"): 1, ("lark", "delete"): 1}
    report = engine.incremental()
    assert (wrote(report), report.failed, report.warnings) == ((2, 2), 0, [])
    with world.sql.connect() as conn:
        found = conn.exec_driver_sql(f"SELECT * FROM {table}", execution_options={"no_parameters": True}).all()
    assert sorted(map(tuple, found)) == [(1, "六"), (2, "四"), (5, "五")]
    assert wrote(engine.full()) == (0, 0)
    assert engine.check().in_step
    engine.uninstall()
    execute(f"DROP TABLE {table}")


def test_computed_column_flows_to_lark_only(world: World) -> None:
    world.execute(
        "CREATE TABLE priced (id INTEGER PRIMARY KEY, n INTEGER, pair INTEGER GENERATED ALWAYS AS (n * 2) STORED)"
    )
    world.execute("INSERT INTO priced (id, n) VALUES (1, 10)")
    lark = lark_table(world, "id", "n", "pair")
    engine = world.engine(lark=lark, sql={"table": "priced"}, fields=None)
    assert engine.full().to_lark.created == 1
    (record,) = world.emu.person.records(lark["app_token"], lark["table_id"])
    assert record["fields"]["pair"] == 20
    world.emu.person.edit_record(lark["app_token"], lark["table_id"], record["record_id"], {"n": 7})
    engine.incremental()
    engine.incremental()
    assert world.ask("SELECT n, pair FROM priced") == [(7, 14)]
    (record,) = world.emu.person.records(lark["app_token"], lark["table_id"])
    assert record["fields"]["pair"] == 14
    with pytest.raises(SchemaMismatch, match=r"pair .* is computed by the database and cannot be written"):
        world.engine(lark=lark, sql={"table": "priced"}, fields=None, direction="to_sql").setup()


def test_setup_warns_of_a_column_that_no_field_fills(world: World) -> None:
    world.execute("CREATE TABLE strict (id INTEGER PRIMARY KEY, owner VARCHAR(9) NOT NULL)")
    report = world.engine(lark=lark_table(world, "id"), sql={"table": "strict"}, fields=None).setup()
    assert any("column owner is NOT NULL" in warning for warning in report.warnings)


def test_full_sync_forgets_what_is_older_than_the_retention(world: World) -> None:
    engine = world.ready(retention_days=1)
    for table in ("sync_log", "sync_queue"):
        world.execute(f"UPDATE {table} SET created_at = '2001-01-02 00:00:00'")
    world.execute("UPDATE sync_queue SET processed_at = '2001-01-02 00:00:00'")
    engine.full()
    assert world.ask("SELECT count(*) FROM sync_log") == [(0,)]


def test_emptied_cell_of_a_json_column_becomes_null(world: World) -> None:
    kind = "JSONB" if world.sql.dialect.name == "postgresql" else "JSON"
    world.execute(f"CREATE TABLE tagged (id INTEGER PRIMARY KEY, tags {kind})")
    world.execute("""INSERT INTO tagged VALUES (1, '["a","b"]')""")
    lark = world.emu.state.create_table(
        world.app_token, "tagged", [{"field_name": "id", "type": 2}, {"field_name": "tags", "type": 4}]
    )
    engine = world.engine(lark={"app_token": world.app_token, "table_id": lark.table_id}, sql="tagged", fields=None)
    engine.full()
    (record,) = world.emu.person.records(world.app_token, lark.table_id)
    assert record["fields"]["tags"] == ["a", "b"]
    world.emu.person.edit_record(world.app_token, lark.table_id, record["record_id"], {"tags": None})
    engine.incremental()
    assert world.ask("SELECT id FROM tagged WHERE tags IS NULL") == [(1,)]
    assert wrote(engine.incremental()) == (0, 0)


def test_ledger_behind_the_first_schema_of_the_search_path_takes_the_entries(world: World) -> None:
    if world.sql.dialect.name != "postgresql":
        pytest.skip("a search path is PostgreSQL's")
    world.engine().setup()
    world.execute("CREATE SCHEMA app")
    # as after CREATE SCHEMA AUTHORIZATION, with PostgreSQL's own search path of "$user", public
    url = world.sql.url.update_query_dict({"options": "-csearch_path=app,public"})
    engine = create_engine(url, poolclass=NullPool)
    own = OwnTable(
        replace(world, sql=engine), "t", {"id": 2, "name": 1}, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)"
    )
    try:
        sync = own.engine()
        sync.full()
        world.execute("INSERT INTO app.t VALUES (1, 'a')")
        sync.incremental()
        assert own.column("name") == ["a"]
        own.add({"id": 2, "name": "b"})
        sync.incremental()
        assert own.rows() == [(1, "a"), (2, "b")]
    finally:
        engine.dispose()
        world.execute("DROP SCHEMA app CASCADE")
