"""What a plan says of rows that cannot be synced, and of runs whose only work is of one kind."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.emulator import Emulator
from tests.databases import EngineOf, open_sqlite
from tests.sync.conftest import MakePlain
from tests.sync.plain import Plain, make_plain
from tests.sync.test_sync_plan import planned
from tests.sync.world import FIELDS, World


@pytest.mark.parametrize("made", ["no field", "empty cell", "generated always"])
def test_cause_that_spoils_every_new_row_is_told_once_before_the_run(plain: MakePlain, engine: Any, made: str) -> None:
    if made == "generated always" and engine.dialect.name != "postgresql":
        pytest.skip("only PostgreSQL has such keys")
    always = "GENERATED ALWAYS AS IDENTITY" if made == "generated always" else ""
    strict = {"no field": ", dept VARCHAR(20) NOT NULL", "empty cell": ", qty INTEGER NOT NULL"}.get(made, "")
    ddl = f"CREATE TABLE goods (id INTEGER {always} PRIMARY KEY, name VARCHAR(20){strict})"
    goods = plain(ddl, {"name": 1, "qty": 2} if "qty" in strict else {"name": 1})
    cells = [{"id": number, "name": f"n{number}"} for number in range(1, 61)]
    goods.emu.person.add_records(goods.base, goods.table_id, cells)
    said = {
        "no field": "column dept is NOT NULL, has no default and no mapped field",
        "empty cell": "column qty is NOT NULL, but the cell is empty",
        "generated always": r"the database generates id (GENERATED ALWAYS)",
    }[made]
    with goods.engine().plan() as plan:
        (cause,) = plan.refusals
        assert (cause.side, cause.rows, cause.why.startswith(said)) == ("sql", 60, True)
        assert plan.counts["sql", "refuse"] == 60
        assert ("sql", "create") not in plan.counts
        told = plan.to_dict()
    assert (told["failed"], told["status"], len(told["problems"])) == (60, "partial", 1)
    assert told["problems"][0].startswith(f"60 rows: {said}")
    report = goods.engine().full()
    assert (report.failed, report.status, report.to_sql.total) == (60, "partial", 0)
    goods.run("DROP TABLE goods")


def fill_by_trigger(goods: Plain, moment: str, event: str) -> list[str]:
    """Let a trigger give ``dept`` a value; return what removes it."""
    body = "NEW.dept = COALESCE(NEW.dept, 9)"
    if goods.sql.dialect.name != "postgresql":
        # a trigger AFTER the event cannot change the row
        body = body if moment == "BEFORE" else "DO 0"
        goods.run(
            f"CREATE TRIGGER fill {moment} {event} ON goods FOR EACH ROW {'' if body == 'DO 0' else 'SET '}{body}"
        )
        return []
    goods.run(
        f"CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NEW; END $$",
        f"CREATE TRIGGER fill {moment} {event} ON goods FOR EACH ROW EXECUTE FUNCTION fill()",
    )
    return ["DROP FUNCTION fill"]


DOUBT = "column dept is NOT NULL and gets no value: may be refused, unless a trigger fills it"


@pytest.mark.parametrize("event", ["INSERT", "UPDATE"])
@pytest.mark.parametrize("moment", ["BEFORE", "AFTER"])
def test_trigger_makes_a_refusal_doubtful_only_before_its_own_event(
    plain: MakePlain, engine: Any, moment: str, event: str
) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("a trigger of SQLite cannot change the new row")
    # a number, because an empty text would do where NULL will not
    goods = plain("CREATE TABLE goods (id INTEGER PRIMARY KEY, dept INTEGER NOT NULL)", {"dept": 2})
    goods.run("INSERT INTO goods VALUES (1, 10)")
    goods.engine().full()
    left = fill_by_trigger(goods, moment, event)
    goods.edit(1, dept=None)
    goods.add(id=2)
    with goods.engine().plan() as plan:
        told = {(each.kind, each.key): each.why for each in plan.actions("sql")}
    report = goods.engine().incremental()
    goods.run("DROP TABLE goods", *left)
    fills = {
        "INSERT": ("create", "2", "its record has no row"),
        "UPDATE": ("update", "1", "its record was changed in Lark"),
    }
    kind, key, why = fills[event]
    if moment == "BEFORE":
        assert told.pop((kind, key)) == f"{why}; {DOUBT}"
    assert (report.to_sql.total, report.failed) == ((1, 1) if moment == "BEFORE" else (0, 2))
    assert {name: why.partition(",")[0] for name, why in told.items()} == {
        ("refuse", key): "column dept is NOT NULL" for _, key, _ in fills.values() if ("refuse", key) in told
    }
    assert len(told) == report.failed


def test_trigger_of_a_partition_makes_a_refusal_doubtful(ledger_database: EngineOf, emulator: Emulator) -> None:
    engine = ledger_database("postgresql")
    with LarkClient(emulator.app_id, emulator.app_secret, emulator.url) as client:
        ddl = (
            "CREATE TABLE goods (id INTEGER PRIMARY KEY, dept INTEGER NOT NULL) PARTITION BY RANGE (id);"
            "CREATE TABLE low PARTITION OF goods FOR VALUES FROM (0) TO (100);"
        )
        goods = make_plain(emulator, engine, client, ddl, {"dept": 2})
        goods.run(
            "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.dept = 7; RETURN NEW; END $$",
            "CREATE TRIGGER fill BEFORE INSERT ON low FOR EACH ROW EXECUTE FUNCTION fill()",
        )
        goods.add(id=1)
        with goods.engine().plan() as plan:
            assert [each.why.endswith(DOUBT) for each in plan.actions("sql")] == [True]
        assert goods.engine().full().to_sql.created == 1
        goods.run("DROP TABLE goods", "DROP FUNCTION fill")


def test_triggers_that_the_reader_may_not_see_make_a_refusal_doubtful(
    ledger_database: EngineOf, emulator: Emulator
) -> None:
    owner = ledger_database("mysql")
    role = f"reader_{uuid.uuid4().hex[:8]}"
    with LarkClient(emulator.app_id, emulator.app_secret, emulator.url) as client:
        ddl = "CREATE TABLE goods (id INTEGER PRIMARY KEY, dept INTEGER NOT NULL)"
        goods = make_plain(emulator, owner, client, ddl, {"dept": 2})
        goods.run(f"CREATE USER {role}@'%' IDENTIFIED BY 'pw'", f"GRANT SELECT ON {owner.url.database}.* TO {role}@'%'")
        goods.add(id=1)
        reader = sa.create_engine(owner.url.set(username=role, password="pw"))
        try:
            with SyncEngine(client, reader, goods.mapping(direction="to_sql")).plan() as plan:
                assert [(each.kind, each.why.endswith(DOUBT)) for each in plan.actions("sql")] == [("create", True)]
            goods.run(f"GRANT TRIGGER ON {owner.url.database}.goods TO {role}@'%'")
            with SyncEngine(client, reader, goods.mapping(direction="to_sql")).plan() as plan:
                assert [each.kind for each in plan.actions("sql")] == ["refuse"]
        finally:
            reader.dispose()
            goods.run(f"DROP USER {role}@'%'", "DROP TABLE goods")


def test_emptied_cell_of_a_text_that_must_not_be_null_is_no_refusal(world: World) -> None:
    engine = world.ready(3)
    world.execute("UPDATE people SET qty = 1")
    engine.incremental()
    # an empty text will do where NULL will not
    world.edit(2, Name=None)
    with engine.plan() as plan:
        foreseen = (plan.report.failed, plan.report.to_sql.updated)
    report = engine.incremental()
    assert (report.failed, report.to_sql.updated) == foreseen


def test_link_of_a_row_created_before_is_a_line_of_the_plan(world: World) -> None:
    world.ready(2)
    # the mapping gets the column only now
    engine = world.engine(record_id_column="lark_id")
    assert planned(engine, "full") == {("sql", "link"): ["1", "2"]}
    with engine.plan("full") as plan:
        assert {each.record_id for each in plan.actions()} == {world.record_id(1), world.record_id(2)}
    assert engine.full().to_sql.updated == 2
    assert planned(engine, "full") == {}


def test_attachment_cell_alone_is_a_line_of_the_plan(plain: MakePlain, engine: Any) -> None:
    goods = plain("CREATE TABLE goods (id INTEGER PRIMARY KEY, files TEXT)", {"files": 17})
    goods.run("INSERT INTO goods VALUES (1, NULL)")
    goods.engine().full()
    token = goods.client.drive.upload_media(app_token=goods.base, name="a.txt", content=b"a")
    goods.edit(1, files=[{"file_token": token}])
    with goods.engine().plan() as plan:
        (action,) = plan.actions()
        assert (action.side, action.kind, action.key) == ("sql", "update", "1")
        (change,) = action.changes
        assert (change.column, change.old, token in str(change.new)) == ("files", None, True)
    assert goods.engine().incremental().to_sql.updated == 1
    with goods.engine().plan() as plan:
        assert not plan
    goods.run("DROP TABLE goods")


def test_counts_are_those_of_what_lark_confirmed(world: World) -> None:
    engine = world.ready(10)
    for code in range(1, 11):
        world.update(code, qty=7.5)
    with engine.plan() as plan:
        assert plan.counts == {("lark", "update"): 10}
    world.emu.faults.add("batch_update", record=world.record_id(4), times=None, code=1254302, status=403)
    report = engine.incremental()
    assert (report.to_lark.updated, report.failed, report.status) == (9, 1, "partial")


def test_triggers_that_are_gone_are_the_only_line_of_the_plan(world: World) -> None:
    engine = world.ready(2)
    engine.uninstall(keep_state=True)
    assert planned(engine) == {("setup", "make"): ["triggers on people"]}
    engine.incremental()
    assert planned(engine) == {}


def test_file_of_sqlite_that_may_only_be_read_is_planned(tmp_path: Path, emulator: Emulator) -> None:
    writer = open_sqlite(tmp_path / "shop.db")
    with writer.begin() as conn:
        conn.execute(sa.text("CREATE TABLE people (code INTEGER PRIMARY KEY, name TEXT NOT NULL)"))
        conn.execute(sa.text("INSERT INTO people VALUES (1, 'a')"))
    writer.dispose()
    before = (tmp_path / "shop.db").read_bytes()
    reader = sa.create_engine(f"sqlite:///file:{tmp_path / 'shop.db'}?mode=ro&uri=true")
    base = emulator.state.create_base("Shop").app_token
    table = emulator.state.create_table(base, "people", FIELDS).table_id
    place = {"lark": {"app_token": base, "table_id": table}, "sql": {"table": "people"}}
    mapping = TableMapping.from_dict({**place, "fields": {"Name": "name", "Code": "code"}})
    with LarkClient(emulator.app_id, emulator.app_secret, emulator.url) as client:
        found = planned(SyncEngine(client, reader, mapping))
    assert found["lark", "create"] == ["1"]
    assert found["setup", "make"] == ["ledger", "field 'Last modified' in Lark", "triggers on people"]
    reader.dispose()
    assert (tmp_path / "shop.db").read_bytes() == before


def test_plan_leaves_no_file_behind_and_is_refused_once_it_is_closed(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    world.insert({"code": 1, "name": "a"})
    plan = world.engine().plan()
    # also while it is open: a process that is killed leaves nothing
    assert list(folder.iterdir()) == []
    assert plan.counts["lark", "create"] == 1
    plan.close()
    with pytest.raises(ConfigError, match="the plan is closed"):
        list(plan.actions())
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("records", [1, 3, 50])
def test_key_that_the_database_makes_of_any_kind_is_planned(plain: MakePlain, engine: Any, records: int) -> None:
    made = {
        "sqlite": "CHAR(4) PRIMARY KEY DEFAULT (lower(hex(randomblob(2))))",
        "postgresql": "UUID PRIMARY KEY DEFAULT gen_random_uuid()",
    }.get(engine.dialect.name, "VARCHAR(36) PRIMARY KEY DEFAULT (UUID())")
    goods = plain(f"CREATE TABLE goods (id {made}, name VARCHAR(20))", {"id": 1, "name": 1})
    goods.engine().full()
    for number in range(records):
        goods.add(name=f"n{number}")
    with goods.engine().plan() as plan:
        assert plan.counts["sql", "create"] == records
        assert not plan.refusals
    report = goods.engine().incremental()
    assert (report.to_sql.created, report.failed) == (records, 0)
    goods.run("DROP TABLE goods")
