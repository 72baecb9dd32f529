"""After an error of the database the state of the transaction is known: other writers' real transactions, lost
connections, and what undoes a transaction whole."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.database.connections import write_transaction
from airflow_provider_lark.core.database.savepoints import isolate, savepoint
from airflow_provider_lark.core.errors import SafetyStop, TransactionLost
from tests.sync.own_table import OwnTable
from tests.sync.world import World

PATIENCE_SECONDS = 120.0


@contextmanager
def before(engine: Engine, fragment: str, act: Callable[[Any], None]) -> Iterator[None]:
    """Call *act* with the connection, once, before the first statement that holds *fragment*."""
    done = threading.Event()

    def listen(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        if fragment in statement and not done.is_set():
            done.set()
            act(conn)

    event.listen(engine, "before_cursor_execute", listen)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    assert done.is_set(), f"no statement with {fragment!r}"


class Rival:
    """Another program's transaction, in a thread of its own: it does *first*, and when it is told to, *then*."""

    def __init__(self, engine: Engine, first: list[str], then: str) -> None:
        self.engine = engine
        self.first, self.then = first, then
        self.holds, self.go = threading.Event(), threading.Event()
        self.failed: list[BaseException] = []
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Rival:
        self.thread.start()
        assert self.holds.wait(PATIENCE_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self.go.set()
        self.thread.join(PATIENCE_SECONDS)
        assert not self.failed

    def _run(self) -> None:
        try:
            with self.engine.connect() as conn:
                if conn.dialect.name == "postgresql":
                    # whoever looks first is the victim; this one does not look
                    conn.execute(text("SET deadlock_timeout = '300s'"))
                else:
                    conn.execute(text("SET innodb_lock_wait_timeout = 300"))
                for statement in self.first:
                    conn.execute(text(statement))
                self.holds.set()
                self.go.wait(PATIENCE_SECONDS)
                conn.execute(text(self.then))
                conn.commit()
        except BaseException as exc:
            self.failed.append(exc)
            self.holds.set()
            raise

    def collide(self, conn: Any) -> None:
        """Let it do the second thing, and wait until it is blocked."""
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("SET LOCAL deadlock_timeout = '50ms'")
        self.go.set()
        asked = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            if conn.dialect.name == "postgresql"
            else "SELECT count(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE "
            f"'%{self.then[-20:]}%'"
        )
        pause = threading.Event()
        for _ in range(int(PATIENCE_SECONDS * 3)):
            with self.engine.connect() as other:
                if other.execute(text(asked)).scalar_one():
                    return
            # InnoDB makes its list of transactions anew once nobody has asked for it for 0.1 s
            pause.wait(0.35)
        raise AssertionError("the other transaction was never blocked")


def servers_only(world: World) -> None:
    if world.sql.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time, and so no deadlock")


def family(world: World) -> OwnTable:
    servers_only(world)
    return OwnTable(
        world,
        "child",
        {"id": 2, "parent": 2, "name": 1, "qty": 2},
        "CREATE TABLE parent (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)",
        "INSERT INTO parent VALUES " + ", ".join(f"({n}, 0)" for n in range(1, 101)),
        "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, name VARCHAR(20), qty INTEGER, "
        "FOREIGN KEY (parent) REFERENCES parent (id))",
        "INSERT INTO child VALUES (1, 1, 'one', 1), (2, 2, 'two', 2)",
    )


def test_deadlock_that_takes_the_engines_transaction_loses_no_edit(world: World) -> None:
    own = family(world)
    engine = own.engine(conflict="merge:sql")
    engine.full()
    own.edit(own.find(name="one"), name="edited by a person")
    own.add({"id": 10, "parent": 5, "name": "new"}, {"id": 11, "parent": 6, "name": "new"})
    locks = "SELECT id FROM parent ORDER BY id FOR UPDATE"
    rival = Rival(world.sql, ["UPDATE parent SET n = n + 1", locks], "UPDATE child SET qty = 77 WHERE id = 1")
    with rival, before(world.sql, "INSERT INTO child", rival.collide):
        report = engine.incremental()
    assert (report.failed, report.problems) == (0, [])
    for _ in range(3):
        engine.incremental()
    assert own.rows("id, name, qty") == [
        (1, "edited by a person", 77),
        (2, "two", 2),
        (10, "new", None),
        (11, "new", None),
    ]
    assert {record["name"]: record.get("qty") for record in own.records() if record["name"] != "new"} == {
        "edited by a person": 77,
        "two": 2,
    }
    assert engine.check().in_step


def test_deadlock_inside_a_savepoint_is_told_from_a_refusal(world: World) -> None:
    family(world)
    refused: list[object] = []
    rival = Rival(
        world.sql,
        ["UPDATE parent SET n = n + 1", "SELECT id FROM parent ORDER BY id FOR UPDATE"],
        "UPDATE child SET qty = 77 WHERE id = 1",
    )

    def send(conn: Any, ids: Any) -> None:
        for id_ in ids:
            conn.execute(text(f"INSERT INTO child VALUES ({id_}, {id_}, 'x', 0)"))

    def work() -> None:
        with write_transaction(world.sql) as conn, before(world.sql, "INSERT INTO child", rival.collide):
            conn.execute(text("UPDATE child SET name = 'mine' WHERE id = 1"))
            isolate(conn, [10, 11], lambda ids: send(conn, ids), lambda item, exc: refused.append(item))

    with rival, pytest.raises((DBAPIError, TransactionLost)) as caught:
        work()
    assert refused == []
    # InnoDB has undone all of it, PostgreSQL only what came after the savepoint
    assert isinstance(caught.value, TransactionLost) == (world.sql.dialect.name == "mysql")
    assert world.ask("SELECT name, qty FROM child WHERE id = 1") == [("one", 77)]


def test_connection_lost_before_the_commit_repeats_the_transaction(world: World) -> None:
    servers_only(world)
    engine = world.ready()
    world.edit(1, Name="edited")

    def cut(conn: Any) -> None:
        ask = "SELECT pg_backend_pid()" if conn.dialect.name == "postgresql" else "SELECT CONNECTION_ID()"
        id_ = conn.exec_driver_sql(ask).scalar_one()
        kill = f"SELECT pg_terminate_backend({id_})" if conn.dialect.name == "postgresql" else f"KILL {id_}"
        with world.sql.connect() as other:
            other.execute(text(kill))

    with before(world.sql, "UPDATE people SET", cut):
        report = engine.incremental()
    assert (report.failed, report.to_sql.updated) == (0, 1)
    world.assert_in_step()


def test_statement_that_fails_for_serialization_is_repeated(world: World) -> None:
    if world.sql.dialect.name != "postgresql":
        pytest.skip("a trigger of PostgreSQL can raise any error")
    engine = world.ready()
    world.execute("CREATE SEQUENCE tries")
    world.execute(
        "CREATE FUNCTION busy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('tries') < 3 THEN "
        "RAISE EXCEPTION 'busy' USING ERRCODE = '40001'; END IF; RETURN NEW; END $$"
    )
    world.execute("CREATE TRIGGER busy BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION busy()")
    world.edit(1, Name="edited")
    try:
        report = engine.incremental()
    finally:
        world.execute("DROP FUNCTION busy CASCADE")
        world.execute("DROP SEQUENCE tries")
    assert (report.failed, report.to_sql.updated) == (0, 1)
    world.assert_in_step()


@pytest.mark.parametrize(
    "ddl",
    [
        pytest.param(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER CHECK (n <> 13), UNIQUE (n) ON CONFLICT ROLLBACK)",
            id="conflict clause",
        ),
        pytest.param("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)", id="trigger"),
        pytest.param(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, "
            "up INTEGER REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED)",
            id="deferred foreign key",
        ),
    ],
)
def test_row_whose_refusal_undoes_everything_in_sqlite_stands_alone(
    world: World, ddl: str, request: pytest.FixtureRequest
) -> None:
    if world.sql.dialect.name != "sqlite":
        pytest.skip("what SQLite alone does")
    request.getfixturevalue("foreign_keys")
    own = OwnTable(world, "t", {"id": 2, "n": 2} | ({"up": 2} if "up" in ddl else {}), ddl)
    if "up" in ddl:
        bad = {"id": 5, "n": 5, "up": 99}
    elif "UNIQUE" in ddl:
        bad = {"id": 5, "n": 3}
    else:
        world.execute(
            "CREATE TRIGGER no_five BEFORE INSERT ON t WHEN NEW.n = 5 BEGIN SELECT RAISE(ROLLBACK, 'no five'); END"
        )
        bad = {"id": 5, "n": 5}
    own.add(*({"id": n, "n": n} for n in range(1, 5)), bad, *({"id": n, "n": n} for n in range(6, 10)))
    report = own.engine().full()
    assert (report.failed, report.to_sql.created) == (1, 8)
    assert len(report.problems) == 1
    assert "the database rejected the row" in report.problems[0]
    ids = [row[0] for row in own.rows("id")]
    assert len(ids) == 8
    assert len(own.records()) == 9
    again = own.engine().incremental()
    assert (again.failed, len(own.records()), len(own.rows())) == (0, 9, 8)


def test_parts_of_a_transaction_that_was_undone_share_the_room_for_deletes(world: World) -> None:
    if world.sql.dialect.name != "sqlite":
        pytest.skip("what SQLite alone does")
    engine = world.ready(rows=30, direction="both", max_delete_rows=5, max_delete_ratio=0)
    world.execute(
        "CREATE TRIGGER no_poison BEFORE UPDATE ON people WHEN NEW.name = 'poison' "
        "BEGIN SELECT RAISE(ROLLBACK, 'poison'); END"
    )
    for code in range(1, 10):
        world.execute(f"INSERT INTO sync_queue (table_name, record_id, operation) VALUES ('people', '{code}', 'PULL')")

    def meddle(_: Any) -> None:
        world.remove(*range(1, 9))
        world.edit(9, Name="poison")

    # after the poll has counted the records, and before they are asked for by id
    with (
        before(world.sql, "lease_until_ms <=", meddle),
        pytest.raises(SafetyStop, match="A run deletes at most 5") as caught,
    ):
        engine.incremental()
    assert "SQLITE_CONSTRAINT_TRIGGER" in str(caught.value)
    assert len(world.rows()) >= 30 - 5


def test_constraint_that_is_checked_at_the_commit_names_its_row(world: World) -> None:
    if world.sql.dialect.name != "postgresql":
        pytest.skip("PostgreSQL defers unique constraints")
    own = OwnTable(
        world,
        "t",
        {"id": 2, "n": 2},
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, CONSTRAINT one_n UNIQUE (n) DEFERRABLE INITIALLY DEFERRED)",
    )
    own.add({"id": 1, "n": 1}, {"id": 2, "n": 2}, {"id": 3, "n": 1}, {"id": 4, "n": 4})
    report = own.engine().full()
    assert (report.failed, report.to_sql.created) == (1, 3)
    assert "constraint one_n, column n" in report.problems[0]
    assert len(own.rows()) == 3


def test_savepoint_that_ends_well_or_badly_leaves_the_rest_of_the_transaction(world: World) -> None:
    def fail(conn: Any) -> None:
        with savepoint(conn):
            conn.execute(text("INSERT INTO people (code, name) VALUES (3, 'undone')"))
            conn.execute(text("INSERT INTO people (code, name) VALUES (1, 'twice')"))

    with write_transaction(world.sql) as conn:
        conn.execute(text("INSERT INTO people (code, name) VALUES (1, 'before')"))
        with savepoint(conn):
            conn.execute(text("INSERT INTO people (code, name) VALUES (2, 'inside')"))
        with pytest.raises(DBAPIError):
            fail(conn)
    assert [row["name"] for row in world.rows().values()] == ["before", "inside"]
