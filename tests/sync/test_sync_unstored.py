"""A database may take a write and store nothing, or something else: triggers, rules. What it did is looked at."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.sync.doctor.mapping import examine_mapping
from tests.sync.own_table import OwnTable
from tests.sync.world import World

TEXT, NUMBER = 1, 2
RETURNS_NULL = "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} END $$"


def postgres_only(world: World) -> None:
    if world.sql.dialect.name != "postgresql":
        pytest.skip("triggers that return NULL, and rules, are PostgreSQL's")


@pytest.fixture(autouse=True)
def _without_functions(world: World):
    yield
    if world.sql.dialect.name == "postgresql":
        world.execute("DROP FUNCTION IF EXISTS swallow CASCADE")


def swallowing(world: World, when: str, *, key: str = "INTEGER PRIMARY KEY") -> OwnTable:
    """A table whose trigger swallows what it is told to, in the words of the database."""
    ddl = [f"CREATE TABLE t (id {key}, n INTEGER, name VARCHAR(20))"]
    if world.sql.dialect.name == "postgresql":
        ddl.append(RETURNS_NULL.format("IF NEW.name = 'gone' THEN RETURN NULL; END IF; RETURN NEW;"))
        ddl.append(f"CREATE TRIGGER swallow BEFORE {when} ON t FOR EACH ROW EXECUTE FUNCTION swallow()")
    elif world.sql.dialect.name == "sqlite":
        ddl.append(f"CREATE TRIGGER swallow BEFORE {when} ON t WHEN NEW.name = 'gone' BEGIN SELECT RAISE(IGNORE); END")
    else:
        pytest.skip("a trigger of MySQL cannot swallow a row without an error")
    return OwnTable(world, "t", {"id": NUMBER, "n": NUMBER, "name": TEXT}, *ddl)


def test_record_with_a_key_that_the_database_does_not_store_is_set_aside_and_never_deleted(world: World) -> None:
    own = swallowing(world, "INSERT")
    engine = own.engine()
    engine.full()
    own.add({"id": 1, "n": 1, "name": "a"}, {"id": 2, "n": 2, "name": "gone"}, {"id": 3, "n": 3, "name": "c"})
    report = engine.incremental()
    assert (report.status, report.failed, report.to_sql.created) == ("partial", 1, 2)
    assert "the database did not store row '2' but reported no error" in report.problems[0]
    assert "trigger" in report.problems[0]
    for run in (engine.full, engine.incremental, engine.full):
        run()
        own.due()
    assert own.rows("id, name") == [(1, "a"), (3, "c")]
    assert own.column("id") == [1, 2, 3]
    assert world.ask("SELECT count(*) FROM sync_log WHERE operation = 'DELETE'") == [(0,)]
    # once the trigger is gone the record lands
    world.execute("DROP TRIGGER swallow" + (" ON t" if world.sql.dialect.name == "postgresql" else ""))
    world.execute("UPDATE sync_queue SET status = 'pending', next_attempt_at = NULL WHERE status <> 'completed'")
    engine.incremental()
    assert own.rows("id") == [(1,), (2,), (3,)]
    assert engine.check().in_step


def test_record_without_a_key_that_the_database_does_not_store_is_set_aside_and_the_others_land(world: World) -> None:
    key = "SERIAL PRIMARY KEY" if world.sql.dialect.name == "postgresql" else "INTEGER PRIMARY KEY"
    own = swallowing(world, "INSERT", key=key)
    engine = own.engine()
    engine.full()
    names = ["a", "gone", "c", "d", "e"]
    own.add(*({"n": n, "name": name} for n, name in enumerate(names)))
    report = engine.incremental()
    assert (report.failed, report.to_sql.created) == (1, 4)
    assert "did not store the row" in report.problems[0]
    for _ in range(2):
        engine.full()
        own.due()
    # each record got the key of its own row
    assert sorted((record.get("id"), record["name"]) for record in own.records() if record["name"] != "gone") == (
        own.rows("id, name")
    )
    assert [row[1] for row in own.rows("n, name")] == ["a", "c", "d", "e"]
    assert own.column("name") == sorted(names)


def test_update_that_the_database_drops_is_set_aside_and_not_counted_as_done(world: World) -> None:
    own = swallowing(world, "UPDATE")
    engine = own.engine()
    world.execute("INSERT INTO t VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')")
    engine.full()
    for name in ("a", "b", "c"):
        own.edit(own.find(name=name), name="gone" if name == "b" else name.upper())
    report = engine.incremental()
    assert (report.failed, report.to_sql.updated) == (1, 2)
    assert "the database did not store row '2'" in report.problems[0]
    assert own.rows("name") == [("A",), ("C",), ("b",)]
    assert own.column("name") == ["A", "C", "gone"]


def test_delete_that_the_database_does_not_carry_out_is_set_aside(world: World) -> None:
    if world.sql.dialect.name == "mysql":
        pytest.skip("a trigger of MySQL cannot keep a row without an error")
    ddl = ["CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20))"]
    if world.sql.dialect.name == "postgresql":
        ddl.append(RETURNS_NULL.format("IF OLD.name = 'kept' THEN RETURN NULL; END IF; RETURN OLD;"))
        ddl.append("CREATE TRIGGER swallow BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION swallow()")
    else:
        ddl.append("CREATE TRIGGER s BEFORE DELETE ON t WHEN OLD.name = 'kept' BEGIN SELECT RAISE(IGNORE); END")
    own = OwnTable(
        world, "t", {"id": NUMBER, "name": TEXT}, *ddl, "INSERT INTO t VALUES (1, 'kept'), (2, 'free'), (3, 'else')"
    )
    engine = own.engine()
    engine.full()
    own.remove(own.find(id=1), own.find(id=2))
    report = engine.incremental()
    assert (report.failed, report.to_sql.deleted, own.rows("name")) == (1, 1, [("else",), ("kept",)])
    assert world.ask("SELECT count(*) FROM sync_queue WHERE error_message LIKE '%the database kept row ''1''%'") == [
        (1,)
    ]


@pytest.mark.parametrize("keyed", [True, False], ids=["with a key", "without a key"])
def test_rule_that_does_nothing_instead_of_an_insert(world: World, keyed: bool) -> None:
    postgres_only(world)
    own = OwnTable(
        world,
        "t",
        {"id": NUMBER, "name": TEXT},
        "CREATE TABLE t (id SERIAL PRIMARY KEY, name VARCHAR(20))",
    )
    engine = own.engine()
    engine.full()
    # with a condition, so that INSERT … RETURNING stays possible
    world.execute("CREATE RULE none AS ON INSERT TO t WHERE NEW.name = 'gone' DO INSTEAD NOTHING")
    own.add(*({"name": name} | ({"id": n} if keyed else {}) for n, name in enumerate(["a", "gone", "c"], 1)))
    report = engine.incremental()
    # without a key PostgreSQL would have to tell the one it makes, and does not while there is such a rule
    assert (report.failed, report.to_sql.created) == ((1, 2) if keyed else (3, 0))
    engine.full()
    assert own.rows("name") == ([("a",), ("c",)] if keyed else [])
    assert own.column("name") == ["a", "c", "gone"]


def test_trigger_that_stores_the_row_by_a_statement_of_its_own_is_no_refusal(world: World) -> None:
    postgres_only(world)
    own = OwnTable(
        world,
        "t",
        {"id": NUMBER, "name": TEXT},
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20))",
        RETURNS_NULL.format(
            "IF pg_trigger_depth() = 1 THEN INSERT INTO t VALUES (NEW.*); RETURN NULL; END IF; RETURN NEW;"
        ),
        "CREATE TRIGGER swallow BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION swallow()",
    )
    own.add({"id": 1, "name": "a"}, {"id": 2, "name": "b"})
    report = own.engine().full()
    assert (report.failed, report.to_sql.created) == (0, 2)
    assert own.rows("id, name") == [(1, "a"), (2, "b")]


def test_trigger_that_makes_another_key_of_a_given_one_pairs_the_row_under_it(world: World) -> None:
    ddl = ["CREATE TABLE t (id VARCHAR(20) PRIMARY KEY NOT NULL, n INTEGER)"]
    if world.sql.dialect.name == "postgresql":
        ddl.append(RETURNS_NULL.format("NEW.id := upper(NEW.id); RETURN NEW;"))
        ddl.append("CREATE TRIGGER up BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION swallow()")
    elif world.sql.dialect.name == "mysql":
        ddl.append("CREATE TRIGGER up BEFORE INSERT ON t FOR EACH ROW SET NEW.id = UPPER(NEW.id)")
    else:
        ddl.append("CREATE TRIGGER up AFTER INSERT ON t BEGIN UPDATE t SET id = upper(id) WHERE id = NEW.id; END")
    own = OwnTable(world, "t", {"id": TEXT, "n": NUMBER}, *ddl)
    engine = own.engine()
    engine.full()
    own.add({"id": "abc", "n": 1}, {"id": "DEF", "n": 2}, {"id": "ghi", "n": 3})
    report = engine.incremental()
    if world.sql.dialect.name == "sqlite":
        # its answer is older than what an AFTER trigger does, so that nobody knows which row it is
        assert (report.failed, own.rows("id")) == (2, [("DEF",)])
        assert "changes keys" in report.problems[0]
        return
    for _ in range(2):
        engine.incremental()
    assert own.rows("id") == [("ABC",), ("DEF",), ("GHI",)]
    assert own.column("id") == ["ABC", "DEF", "GHI"]
    assert engine.check().in_step


@pytest.mark.parametrize("engine_name", ["MyISAM", "Aria", "MEMORY"])
def test_table_without_transactions_is_refused_by_setup_and_doctor(world: World, engine_name: str) -> None:
    if world.sql.dialect.name != "mysql":
        pytest.skip("tables without transactions are MySQL's")
    own = OwnTable(
        world,
        "t",
        {"id": NUMBER, "n": NUMBER},
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, CHECK (n < 100)) ENGINE={engine_name}",
    )
    own.add(*({"id": n, "n": 500 if n == 3 else n} for n in range(1, 6)))
    engine = own.engine()
    for act in (engine.setup, engine.full):
        with pytest.raises(
            SchemaMismatch, match=rf"'t' cannot be synced safely: its engine {engine_name} does not support"
        ):
            act()
    assert "Last modified" not in world.emu.person.fields(world.app_token, own.table_id)
    assert own.rows() == []
    found = examine_mapping(world.client, world.sql, engine.mapping, clock=SystemClock())
    (told,) = [finding for finding in found if finding.check == "transactions"]
    assert (told.status, "ENGINE=InnoDB" in told.detail) == ("trouble", True)
    world.execute("ALTER TABLE t ENGINE=InnoDB")
    report = engine.full()
    assert (report.to_sql.created, report.failed) == (4, 1)
    world.execute(f"ALTER TABLE t ENGINE={engine_name}")
    with pytest.raises(SchemaMismatch, match="does not support transactions"):
        engine.incremental()


def test_connection_of_sqlite_without_a_journal_is_refused(world: World) -> None:
    if world.sql.dialect.name != "sqlite":
        pytest.skip("a journal that can be left out is SQLite's")

    def switch_off(raw: Any, _: Any) -> None:
        raw.execute("PRAGMA journal_mode = OFF")

    world.sql.dispose()
    event.listen(world.sql, "connect", switch_off)
    try:
        with pytest.raises(SchemaMismatch, match="journal_mode=OFF"):
            world.engine().setup()
    finally:
        event.remove(world.sql, "connect", switch_off)
        world.sql.dispose()


REWRITE = {
    "sqlite": (
        "CREATE TRIGGER tidy AFTER INSERT ON t BEGIN UPDATE t SET name = upper(trim(name)) WHERE id = NEW.id; END",
        "CREATE TRIGGER tidy2 AFTER UPDATE ON t BEGIN UPDATE t SET name = upper(trim(name)) WHERE id = NEW.id; END",
    ),
    "mysql": (
        "CREATE TRIGGER tidy BEFORE INSERT ON t FOR EACH ROW SET NEW.name = UPPER(TRIM(NEW.name))",
        "CREATE TRIGGER tidy2 BEFORE UPDATE ON t FOR EACH ROW SET NEW.name = UPPER(TRIM(NEW.name))",
    ),
    "postgresql": (
        RETURNS_NULL.format("NEW.name := upper(trim(NEW.name)); RETURN NEW;"),
        "CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION swallow()",
    ),
}


def test_trigger_that_rewrites_a_text_is_allowed_and_counted(world: World) -> None:
    own = OwnTable(
        world,
        "t",
        {"id": NUMBER, "name": TEXT},
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20))",
        *REWRITE[world.sql.dialect.name],
    )
    engine = own.engine()
    engine.full()
    own.add({"id": 1, "name": " ann "}, {"id": 2, "name": "BOB"})
    report = engine.incremental()
    assert (report.status, report.failed, report.to_sql.created, report.rewritten) == ("ok", 0, 2, 1)
    assert world.ask("SELECT record_id, direction, detail FROM sync_log WHERE status = 'rewritten'") == [
        ("1", "to_sql", "the database stored different values than Lark's in name")
    ]
    for _ in range(2):
        engine.incremental()
    assert own.column("name") == ["ANN", "BOB"]
    own.edit(own.find(id=2), name="bob jr ")
    report = engine.incremental()
    assert (report.to_sql.updated, report.rewritten) == (1, 1)
    assert own.column("name") == ["ANN", "BOB JR"]
    for _ in range(3):
        idle = engine.incremental()
    assert (idle.to_sql.total, idle.to_lark.total, idle.rewritten) == (0, 0, 0)
    assert engine.check().in_step
