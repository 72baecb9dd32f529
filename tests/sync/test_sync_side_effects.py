"""What a write of the engine sets off in SQL, by triggers and foreign keys of the user's own, reaches Lark."""

from __future__ import annotations

import pytest

from tests.sync.own_table import OwnTable
from tests.sync.world import World, wrote

NUMBER = 2

COUNTING = (
    "UPDATE orders SET items = (SELECT count(*) FROM items WHERE order_id = NEW.order_id) WHERE id = NEW.order_id"
)
BOXES = "CREATE TABLE boxes (id INTEGER PRIMARY KEY, main INTEGER)"


def on_insert(world: World, table: str, statement: str) -> tuple[str, ...]:
    """A trigger that runs *statement*, in the words of the database."""
    if world.sql.dialect.name == "sqlite":
        return (f"CREATE TRIGGER own AFTER INSERT ON {table} BEGIN {statement}; END",)
    if world.sql.dialect.name == "mysql":
        return (f"CREATE TRIGGER own AFTER INSERT ON {table} FOR EACH ROW {statement}",)
    body = f"$$ BEGIN {statement}; RETURN NULL; END $$"
    return (
        f"CREATE FUNCTION own_effect() RETURNS trigger LANGUAGE plpgsql AS {body}",
        f"CREATE TRIGGER own AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION own_effect()",
    )


@pytest.fixture(autouse=True)
def _without_functions(world: World):
    yield
    if world.sql.dialect.name == "postgresql":
        world.execute("DROP FUNCTION IF EXISTS own_effect CASCADE")


def test_other_table_that_a_trigger_of_the_user_changes_reaches_lark(world: World) -> None:
    orders = OwnTable(
        world,
        "orders",
        {"id": NUMBER, "items": NUMBER},
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, items INTEGER)",
        "INSERT INTO orders VALUES (1, 0), (2, 0)",
    )
    items = OwnTable(
        world,
        "items",
        {"id": NUMBER, "order_id": NUMBER},
        "CREATE TABLE items (id INTEGER PRIMARY KEY, order_id INTEGER)",
        *on_insert(world, "items", COUNTING),
    )
    first, second = orders.engine(), items.engine()
    first.full()
    second.full()
    items.add({"id": 1, "order_id": 1}, {"id": 2, "order_id": 1})
    assert wrote(second.incremental()) == (2, 0)
    assert wrote(first.incremental()) == (0, 1)
    assert orders.records()[0]["items"] == 2
    for engine in (first, second, first, second):
        assert wrote(engine.incremental()) == (0, 0)
    assert first.check().in_step


def test_rows_that_a_foreign_key_deletes_are_deleted_in_lark(world: World) -> None:
    if world.sql.dialect.name == "mysql":
        pytest.skip("cascades of MySQL wake no triggers")
    orders = OwnTable(
        world,
        "orders",
        {"id": NUMBER},
        "CREATE TABLE orders (id INTEGER PRIMARY KEY)",
        "INSERT INTO orders VALUES (1), (2)",
    )
    items = OwnTable(
        world,
        "items",
        {"id": NUMBER, "order_id": NUMBER},
        "CREATE TABLE items (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders ON DELETE CASCADE)",
        "INSERT INTO items VALUES (1, 1), (2, 2), (3, 2)",
    )
    first, second = orders.engine(), items.engine()
    first.full()
    second.full()
    orders.remove(orders.find(id=1))
    assert wrote(first.incremental()) == (1, 0)
    assert items.rows("id") == [(2,), (3,)]
    assert wrote(second.incremental()) == (0, 1)
    assert items.column("id") == [2, 3]


def test_other_rows_of_the_same_table_that_a_trigger_changes_reach_lark(world: World) -> None:
    if world.sql.dialect.name != "postgresql":
        pytest.skip("MySQL forbids it, and SQLite's triggers cannot tell")
    boxes = OwnTable(
        world,
        "boxes",
        {"id": NUMBER, "main": NUMBER},
        BOXES,
        "INSERT INTO boxes VALUES (1, 1), (2, 0)",
        *on_insert(world, "boxes", "UPDATE boxes SET main = 0 WHERE id <> NEW.id AND main = 1"),
    )
    engine = boxes.engine()
    engine.full()
    boxes.add({"id": 3, "main": 1})
    engine.incremental()
    engine.incremental()
    assert boxes.rows() == [(1, 0), (2, 0), (3, 1)]
    assert {one["id"]: one["main"] for one in boxes.records()} == {1: 0, 2: 0, 3: 1}
    assert wrote(engine.incremental()) == (0, 0)
