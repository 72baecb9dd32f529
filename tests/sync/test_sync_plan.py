"""A plan leaves no trace, says what the run then does, and is empty when nothing is to be done."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from airflow_provider_lark.core import LarkClient, TableMapping
from airflow_provider_lark.core.database.connections import read_only_session
from airflow_provider_lark.core.errors import ConfigError, SafetyStop
from airflow_provider_lark.core.sync.engine import SyncEngine
from airflow_provider_lark.core.sync.plan.actions import Change
from airflow_provider_lark.core.sync.report import SyncReport
from airflow_provider_lark.emulator import Emulator
from tests.databases import EngineOf, open_sqlite
from tests.sync.world import FIELDS, World

WRITES = (
    "batch_create",
    "batch_update",
    "batch_delete",
    "POST /open-apis/bitable/v1/apps/:app_token/tables/:table_id/fields",
)


def dump(world: World) -> dict[str, Any]:
    """Return every row of every table of the database, and how often Lark was written to."""
    metadata = sa.MetaData()
    metadata.reflect(world.sql)
    with world.sql.connect() as conn:
        tables = {
            name: sorted(map(repr, conn.execute(sa.select(table)).all())) for name, table in metadata.tables.items()
        }
    calls = {route: count for route, count in world.emu.counters().items() if any(part in route for part in WRITES)}
    return {**tables, "calls": calls, "records": world.records(), "triggers": triggers(world)}


def triggers(world: World) -> int:
    asked = {
        "sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal",
    }
    default = "SELECT count(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()"
    return int(world.ask(asked.get(world.sql.dialect.name, default))[0][0])


def planned(engine: SyncEngine, operation: Any = "incremental", **options: Any) -> dict[tuple[str, str], list[str]]:
    """Return the keys of a plan by side and kind."""
    found: dict[tuple[str, str], list[str]] = {}
    with engine.plan(operation, **options) as plan:
        for action in plan.actions():
            found.setdefault((action.side, action.kind), []).append(action.key)
        assert {name: len(keys) for name, keys in found.items()} == plan.counts
        assert bool(plan) == bool(found)
    return found


def counts(report: SyncReport) -> dict[str, Any]:
    told = report.to_dict()
    return {name: told[name] for name in ("to_sql", "to_lark", "conflicts", "skipped", "failed", "held")}


def test_plan_leaves_no_trace_and_the_run_does_what_it_said(world: World) -> None:
    engine = world.ready(6, conflict="manual")
    world.edit(5, Name="person")
    world.update(5, name="program")
    engine.incremental()
    world.execute("UPDATE sync_conflict SET outcome = 'lark'")
    world.update(1, name="edited")
    world.delete(2)
    world.insert({"code": 9, "name": "new", "qty": 1.5})
    world.edit(3, Name="by hand", Qty=None)
    world.remove(4)
    before = dump(world)
    with engine.plan() as plan:
        actions = {(each.side, each.kind, each.key): each for each in plan.actions()}
        report = counts(plan.report)
    assert dump(world) == before
    assert set(actions) == {
        ("lark", "update", "1"),
        ("lark", "delete", "2"),
        ("lark", "create", "9"),
        ("sql", "update", "3"),
        ("sql", "delete", "4"),
        ("sql", "update", "5"),
    }
    assert actions["lark", "update", "1"].changes == (Change("name", "n1", "edited"),)
    assert set(actions["sql", "update", "3"].changes) == {
        Change("name", "n3", "by hand"),
        Change("qty", Decimal(3), None),
    }
    assert Change("qty", None, Decimal("1.5")) in actions["lark", "create", "9"].changes
    assert counts(engine.incremental()) == report
    assert planned(engine) == {}
    world.assert_in_step()


def test_first_plan_says_what_the_setup_would_make_and_makes_nothing(world: World) -> None:
    world.insert({"code": 1, "name": "a"}, {"code": 2, "name": "b"})
    world.add(Name="c", Code=3)
    before = dump(world)
    found = planned(world.engine())
    assert dump(world) == before
    assert found == {
        ("setup", "make"): ["field 'Last modified' in Lark", "triggers on people"],
        ("lark", "create"): ["1", "2"],
        ("sql", "create"): ["3"],
    }
    world.engine().full()
    world.assert_in_step()


@pytest.mark.parametrize("operation", ["incremental", "full"])
def test_nothing_to_do_is_an_empty_plan(world: World, operation: str) -> None:
    engine = world.ready(3)
    # an entry whose row equals the base, and the echoes of the first run
    world.update(1, name="other")
    world.update(1, name="n1")
    assert planned(engine, operation) == {}
    empty = world.engine(direction="to_lark")
    assert planned(empty, operation) == {}


def test_each_kind_that_waits_stands_in_the_plan_alone(world: World) -> None:
    engine = world.ready(8, conflict="manual")
    world.delete(1)
    assert planned(engine) == {("lark", "delete"): ["1"]}
    engine.incremental()
    world.remove(2)
    assert planned(engine) == {("sql", "delete"): ["2"]}
    engine.incremental()
    world.edit(3, Name="person")
    world.update(3, name="program")
    assert planned(engine) == {("both", "conflict"): ["3"]}
    engine.incremental()
    assert planned(engine) == {("both", "conflict"): ["3"]}
    world.execute("UPDATE sync_conflict SET outcome = 'lark'")
    assert planned(engine) == {("sql", "update"): ["3"]}
    engine.incremental()
    assert planned(engine) == {}


def test_held_deletes_stand_in_the_plan_and_nothing_else(world: World) -> None:
    engine = world.ready(8, max_delete_rows=1, max_delete_ratio=0.0)
    world.delete(*range(1, 6))
    held = {("lark", "hold"): [str(code) for code in range(1, 6)]}
    assert planned(engine) == held
    with pytest.raises(SafetyStop):
        engine.incremental()
    assert planned(engine) == held
    assert planned(engine, allow_mass_deletes=True) == {("lark", "delete"): held["lark", "hold"]}


def test_forgotten_write_raises_in_the_session_of_a_plan(world: World) -> None:
    world.insert({"code": 1, "name": "a"})
    with pytest.raises((ConfigError, sa.exc.DBAPIError)), read_only_session(world.sql) as conn:
        conn.execute(world.table.delete())
    assert len(world.rows()) == 1
    # what the application does afterwards is its own matter
    world.update(1, name="b")
    assert world.rows()[1]["name"] == "b"


@pytest.mark.parametrize("seed", range(3))
def test_plan_and_run_agree_on_random_edits(world: World, seed: int) -> None:
    dice = random.Random(seed)
    conflict = dice.choice(["newest", "merge:lark", "merge:sql", "lark", "sql", "manual"])
    engine = world.ready(12, conflict=conflict, max_delete_ratio=1)
    sql, lark = set(range(1, 13)), set(range(1, 13))
    for step in range(dice.randint(1, 14)):
        code = dice.randint(1, 12)
        match dice.randint(0, 6):
            case 0 if code in sql:
                world.update(code, name=f"p{step}")
            case 1 if code in sql:
                world.update(code, qty=step, done=True)
            case 2 if code in sql:
                world.delete(code)
                sql.discard(code)
            case 3 if code in lark:
                world.edit(code, Name=f"h{step}")
            case 4 if code in lark:
                world.edit(code, Qty=step + 0.5)
            case 5 if code in lark:
                world.remove(code)
                lark.discard(code)
            case 6:
                world.insert({"code": 100 + step, "name": f"new{step}"})
                world.add(Name=f"added{step}", Code=200 + step)
    operation = dice.choice(["incremental", "full"])
    before = dump(world)
    with engine.plan(operation) as plan:
        report, kinds = counts(plan.report), Counter((each.side, each.kind) for each in plan.actions())
    assert dump(world) == before
    done = counts(engine.full() if operation == "full" else engine.incremental())
    assert done == report, kinds
    for side, writes in (("lark", done["to_lark"]), ("sql", done["to_sql"])):
        assert [kinds[side, kind] for kind in ("create", "update", "delete")] == list(writes.values())
    waiting = planned(engine, operation)
    assert not waiting or (set(waiting) == {("both", "conflict")} and conflict == "manual")


def test_plan_needs_no_more_than_to_read(ledger_database: EngineOf, emulator: Emulator) -> None:
    engine = ledger_database("postgresql")
    role = f"reader_{uuid.uuid4().hex[:8]}"
    lark = emulator.state.create_base("Shop").app_token
    table = emulator.state.create_table(lark, "people", FIELDS).table_id
    with engine.begin() as conn:
        conn.execute(sa.text("CREATE TABLE people (code integer PRIMARY KEY, name text NOT NULL, qty numeric)"))
        conn.execute(sa.text("INSERT INTO people VALUES (1, 'a', 2)"))
        conn.execute(sa.text(f"CREATE ROLE {role} LOGIN"))
        conn.execute(sa.text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"))
    reader = sa.create_engine(engine.url.set(username=role))
    fields = {"Name": "name", "Code": "code", "Qty": "qty"}
    place = {"lark": {"app_token": lark, "table_id": table}, "sql": {"table": "people"}, "fields": fields}
    try:
        with LarkClient(emulator.app_id, emulator.app_secret, emulator.url) as client:
            found = planned(SyncEngine(client, reader, TableMapping.from_dict(place)))
    finally:
        reader.dispose()
        with engine.begin() as conn:
            conn.execute(sa.text(f"DROP OWNED BY {role}"))
            conn.execute(sa.text(f"DROP ROLE {role}"))
            conn.execute(sa.text("DROP TABLE people"))
    assert found["lark", "create"] == ["1"]


def test_plan_of_a_database_without_a_ledger_says_so(tmp_path: Path, emulator: Emulator) -> None:
    engine = open_sqlite(tmp_path / "shop.db")
    with engine.begin() as conn:
        conn.execute(sa.text("CREATE TABLE people (code INTEGER PRIMARY KEY, name TEXT NOT NULL)"))
    lark = emulator.state.create_base("Shop").app_token
    table = emulator.state.create_table(lark, "people", FIELDS).table_id
    place = {"app_token": lark, "table_id": table}
    mapping = TableMapping.from_dict(
        {"lark": place, "sql": {"table": "people"}, "fields": {"Name": "name", "Code": "code"}}
    )
    with LarkClient(emulator.app_id, emulator.app_secret, emulator.url) as client:
        found = planned(SyncEngine(client, engine, mapping))
    assert found["setup", "make"] == ["ledger", "field 'Last modified' in Lark", "triggers on people"]
    assert sa.inspect(engine).get_table_names() == ["people"]
    engine.dispose()


def test_record_without_key_and_its_generated_key_are_foreseen(world: World) -> None:
    engine = world.ready()
    world.add(Name="no key")
    with engine.plan() as plan:
        (row, record) = list(plan.actions())
        report = counts(plan.report)
    assert (row.side, row.kind, row.key) == ("sql", "create", "(made by the database)")
    assert (record.side, record.kind) == ("lark", "update")
    assert counts(engine.incremental()) == report
