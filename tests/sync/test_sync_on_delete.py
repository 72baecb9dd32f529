"""What becomes of orders when their customer is deleted, on either side, by the mapping or by the database itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from airflow_provider_lark.core import SyncEngine
from airflow_provider_lark.core.errors import ConfigError, SafetyStop, SchemaMismatch
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.report import SyncReport
from airflow_provider_lark.core.sync.undo.carry_out import carry_out
from airflow_provider_lark.core.sync.undo.plan import plan_undo
from tests.sync.world import World

FOREIGN_KEY = ", FOREIGN KEY (buyer) REFERENCES people (code) ON DELETE {rule}"


class Shop:
    """People, and orders that refer to them: 1 and 2 to the first one, 3 to the second."""

    def __init__(self, world: World, rule: str | None, on_delete: str | None) -> None:
        self.world, self.on_delete = world, on_delete
        foreign_key = "" if rule is None else FOREIGN_KEY.format(rule=rule)
        world.execute(f"CREATE TABLE orders (id INTEGER PRIMARY KEY, buyer INTEGER{foreign_key})")
        link = {"table_id": world.table_id, "multiple": False}
        fields = [{"field_name": "Id", "type": 2}, {"field_name": "Buyer", "type": 18, "property": link}]
        self.table_id = world.emu.state.create_table(world.app_token, "orders", fields).table_id
        self.people = world.ready(rows=3)
        world.execute("INSERT INTO orders VALUES (1, 1), (2, 1), (3, 2)")
        self.orders = self._engine()
        self.orders.full()

    def _engine(self) -> SyncEngine:
        buyer = {"field": "Buyer", "column": "buyer", "link": "people", "on_delete": self.on_delete}
        return self.world.engine(
            lark={"app_token": self.world.app_token, "table_id": self.table_id},
            sql="orders",
            fields=[{"field": "Id", "column": "id"}, buyer],
        )

    def rows(self) -> dict[int, int | None]:
        return {row.id: row.buyer for row in self.world.ask("SELECT id, buyer FROM orders")}

    def linked(self) -> dict[int, bool]:
        found = self.world.emu.person.records(self.world.app_token, self.table_id)
        return {
            int(record["fields"]["Id"]): bool(record["fields"].get("Buyer", {}).get("link_record_ids"))
            for record in found
        }


Open = Callable[..., Shop]


@pytest.fixture
def open_shop(world: World, foreign_keys: None) -> Open:
    return lambda rule=None, on_delete=None: Shop(world, rule, on_delete)


@pytest.mark.parametrize(
    ("rule", "left"), [("SET NULL", {1: None, 2: None, 3: 2}), ("CASCADE", {3: 2})], ids=["set null", "cascade"]
)
def test_what_the_database_does_to_children_of_a_deleted_record_is_told_and_carried_over(
    open_shop: Open, world: World, rule: str, left: dict[int, Any]
) -> None:
    """O43: a person deletes the customer in Bitable."""
    shop = open_shop(rule)
    world.remove(1)
    with shop.people.plan() as plan:
        planned = plan.report.warnings
    report = shop.people.incremental()
    (told,) = (text for text in report.warnings if "orders" in text)
    assert told in planned
    assert "2 rows of orders (1, 2) referred to deleted rows of people (1): the foreign key " in told
    assert shop.rows() == left
    shop.orders.incremental()
    assert shop.linked() == {1: False, 2: False, 3: True} if rule == "SET NULL" else {3: True}
    assert shop.orders.check().in_step
    assert shop.people.check().in_step


@pytest.mark.parametrize("rule", ["SET NULL", "CASCADE"])
def test_what_the_database_does_to_children_of_a_deleted_row_is_told_and_carried_over(
    open_shop: Open, world: World, rule: str
) -> None:
    """O43: a program deletes the customer in SQL; MySQL and MariaDB leave no trace of the orders."""
    shop = open_shop(rule)
    world.delete(1)
    report = shop.people.incremental()
    (told,) = (text for text in report.warnings if "orders" in text)
    assert "2 rows of orders (1, 2) referred to deleted rows of people (1): the foreign key " in told
    shop.orders.incremental()
    assert shop.rows() == ({1: None, 2: None, 3: 2} if rule == "SET NULL" else {3: 2})
    assert shop.linked() == ({1: False, 2: False, 3: True} if rule == "SET NULL" else {3: True})
    assert shop.orders.check().in_step


@pytest.mark.parametrize("orders_first", [False, True])
def test_restrict_holds_the_row_of_a_deleted_record_until_nothing_refers_to_it(
    open_shop: Open, world: World, orders_first: bool
) -> None:
    """O43."""
    shop = open_shop("SET NULL", "restrict")
    world.remove(1)
    if orders_first:
        shop.orders.incremental()
    with pytest.raises(SafetyStop):
        shop.people.incremental()
    held = world.ask("SELECT record_id, error_message FROM sync_queue WHERE status = 'held'")
    assert [row.record_id for row in held] == ["1"]
    assert "on_delete: restrict): orders 1, 2" in held[0].error_message
    shop.orders.incremental()
    assert shop.rows() == {1: 1, 2: 1, 3: 2}
    assert 1 in world.rows()
    world.execute("UPDATE orders SET buyer = 3 WHERE buyer = 1")
    shop.people.incremental()
    assert 1 not in world.rows()
    shop.orders.incremental()
    assert shop.linked() == {1: True, 2: True, 3: True}
    assert shop.orders.check().in_step


def test_restrict_is_lifted_by_a_person_who_allows_the_delete(open_shop: Open, world: World) -> None:
    shop = open_shop("SET NULL", "restrict")
    world.remove(1)
    with pytest.raises(SafetyStop):
        shop.people.incremental()
    shop.people.incremental(allow_mass_deletes=True)
    assert 1 not in world.rows()
    assert shop.rows() == {1: None, 2: None, 3: 2}


def test_restrict_holds_the_record_of_a_deleted_row_without_a_foreign_key(open_shop: Open, world: World) -> None:
    shop = open_shop(None, "restrict")
    world.delete(1)
    with pytest.raises(SafetyStop):
        shop.people.incremental()
    assert 1 in world.by_code()
    assert shop.linked() == {1: True, 2: True, 3: True}
    world.execute("UPDATE orders SET buyer = NULL WHERE buyer = 1")
    shop.people.incremental()
    assert 1 not in world.by_code()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("side", ["lark", "sql"])
def test_restrict_of_many_rows_is_one_warning_and_a_handful_of_statements(
    open_shop: Open, world: World, side: str
) -> None:
    shop = open_shop(None, "restrict")
    codes = range(10, 130)
    world.insert(*({"code": n, "name": f"n{n}"} for n in codes))
    shop.people.full()
    world.execute("INSERT INTO orders VALUES " + ", ".join(f"({n}, {10 + n % 120})" for n in range(1000, 1240)))
    world.execute("INSERT INTO orders VALUES " + ", ".join(f"({n}, 10)" for n in range(2000, 2030)))
    if side == "lark":
        world.remove(*codes)
    else:
        world.delete(*codes)
    written: list[str] = []

    def note(*args: Any) -> None:
        if args[2].startswith(("INSERT", "UPDATE", "DELETE")):
            written.append(args[2])

    event.listen(world.sql, "before_cursor_execute", note)
    with pytest.raises(SafetyStop):
        world.engine(max_delete_rows=1000).incremental()
    event.remove(world.sql, "before_cursor_execute", note)
    assert len(world.by_code() if side == "sql" else world.rows()) == 123
    assert len(written) < 60, "not each row alone"
    told = dict(world.ask("SELECT record_id, error_message FROM sync_queue WHERE status = 'held'"))
    assert len(told) == 120
    assert told["10"].count(", ") == 19
    assert told["10"].endswith(" and 12 more")
    assert told["11"] == "other rows refer to it (on_delete: restrict): orders 1081, 1201"
    report = world.engine(max_delete_rows=1000).check()
    assert report.waiting == {"held": 120}


def test_many_rows_that_are_not_deleted_are_one_warning() -> None:
    report = SyncReport("people", "incremental")
    report.warnings.append("another one")
    for start in range(0, 2000, 500):
        # a transaction that is run again tells the same again
        for _ in range(2):
            report.warn_of_referred("sql", {Key(str(n)): f"orders {n}" for n in range(start, start + 500)})
    report.warn_of_referred("lark", {Key("1"): "orders 1"})
    assert report.warnings == [
        "another one",
        "2,000 rows not deleted in SQL: '0': orders 0; '1': orders 1; '2': orders 2; and 1997 more",
        "1 record not deleted in Lark: '1': orders 1",
    ]
    assert "referred" not in report.to_dict()


@pytest.mark.parametrize("side", ["lark", "sql"])
@pytest.mark.parametrize("orders_first", [False, True])
def test_cascade_and_set_null_do_what_they_say_without_a_foreign_key(
    open_shop: Open, world: World, side: str, orders_first: bool
) -> None:
    """O43."""
    shop = open_shop(None, "cascade")
    if side == "lark":
        world.remove(1)
    else:
        world.delete(1)
    if orders_first:
        shop.orders.incremental()
    report = shop.people.incremental()
    assert any("2 rows of orders (1, 2)" in text and "they are deleted too" in text for text in report.warnings)
    shop.orders.incremental()
    assert shop.rows() == {3: 2}
    assert shop.linked() == {3: True}
    assert shop.orders.check().in_step
    assert shop.people.check().in_step


def test_set_null_empties_the_column_before_a_foreign_key_that_would_refuse_is_asked(
    open_shop: Open, world: World
) -> None:
    shop = open_shop("NO ACTION", "set_null")
    world.remove(1)
    report = shop.people.incremental()
    assert (report.failed, shop.rows()) == (0, {1: None, 2: None, 3: 2})
    shop.orders.incremental()
    assert shop.orders.check().in_step


def test_cascade_beyond_the_limit_is_held(open_shop: Open, world: World) -> None:
    shop = open_shop(None, "cascade")
    world.execute("INSERT INTO orders VALUES " + ", ".join(f"({n}, 1)" for n in range(10, 40)))
    shop.orders.incremental()
    world.remove(1)
    with pytest.raises(SafetyStop):
        shop.people.incremental()
    assert len(shop.rows()) == 33
    held = world.ask("SELECT error_message FROM sync_queue WHERE status = 'held'")
    assert "32 rows of orders would be deleted with them" in held[0].error_message


def test_on_delete_without_link_or_on_a_column_that_cannot_be_empty_is_refused(world: World) -> None:
    raw = {"lark": {"app_token": "a", "table_id": "t"}, "sql": "o", "fields": [{"field": "x", "on_delete": "restrict"}]}
    with pytest.raises(ConfigError, match="needs link"):
        TableMapping.from_dict(raw)
    world.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, buyer INTEGER NOT NULL)")
    link = {"table_id": world.table_id, "multiple": False}
    fields = [{"field_name": "id", "type": 2}, {"field_name": "buyer", "type": 18, "property": link}]
    table_id = world.emu.state.create_table(world.app_token, "orders", fields).table_id
    buyer = {"field": "buyer", "link": "people", "on_delete": "set_null"}
    engine = world.engine(lark={"app_token": world.app_token, "table_id": table_id}, sql="orders", fields=["id", buyer])
    with pytest.raises(SchemaMismatch, match="is NOT NULL"):
        engine.setup()


@pytest.mark.parametrize("engine", ["sqlite", "mysql"], indirect=True)
@pytest.mark.parametrize(
    ("rule", "on_delete", "told"),
    [
        (None, "set_null", "orders.buyer of the rows that referred to it stays as the delete left it"),
        ("SET NULL", None, "orders.buyer of the rows that referred to it stays as the delete left it"),
        (None, "cascade", "rows of orders that were deleted with it come back by an undo"),
        (None, None, ""),
    ],
)
def test_undo_of_a_delete_says_what_it_leaves_of_rows_that_referred_to_it(
    open_shop: Open, world: World, rule: str | None, on_delete: str | None, told: str
) -> None:
    open_shop(rule, on_delete)
    world.delete(1)
    world.engine().incremental()
    (line,) = world.ask("SELECT run_id FROM sync_run ORDER BY id DESC LIMIT 1")
    plan = plan_undo(world.engine(), line.run_id)
    assert plan is not None
    (step,) = plan.steps
    assert (step.kind, step.key) == ("restore", "1")
    assert told in step.note
    assert ("orders" in step.note) == bool(told)
    assert carry_out(world.engine(), plan).to_lark.created == 1
