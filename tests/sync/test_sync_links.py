"""Foreign keys in SQL are links in Lark."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core import SyncEngine
from airflow_provider_lark.core.errors import SchemaMismatch
from tests.sync.own_table import OwnTable
from tests.sync.world import World, wrote


class Shop:
    """Two tables, orders with a foreign key to people."""

    def __init__(self, world: World, kind: int = 18) -> None:
        self.world = world
        world.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, buyer INTEGER, FOREIGN KEY (buyer) REFERENCES people (code))"
        )
        link: dict[str, Any] = {"table_id": world.table_id, "multiple": False}
        if kind == 21:
            link["back_field_name"] = "Orders"
        fields = [{"field_name": "Id", "type": 2}, {"field_name": "Buyer", "type": kind, "property": link}]
        self.table_id = world.emu.state.create_table(world.app_token, "orders", fields).table_id
        self.people = world.ready(rows=3)
        self.orders = self.engine()

    def engine(self, **field: Any) -> SyncEngine:
        buyer = {"field": "Buyer", "column": "buyer", "link": "people", **field}
        return self.world.engine(
            lark={"app_token": self.world.app_token, "table_id": self.table_id},
            sql="orders",
            fields=[{"field": "Id", "column": "id"}, buyer] if buyer["field"] != "Id" else [buyer],
        )

    def links(self) -> dict[int, list[int]]:
        codes = {record["id"]: int(record["Code"]) for record in self.world.records()}
        found = {}
        for record in self.world.emu.person.records(self.world.app_token, self.table_id):
            ids = record["fields"].get("Buyer", {}).get("link_record_ids", [])
            found[int(record["fields"]["Id"])] = [codes[id_] for id_ in ids]
        return found

    def rows(self) -> dict[int, int | None]:
        return {row.id: row.buyer for row in self.world.ask("SELECT id, buyer FROM orders")}

    def edit(self, order: int, buyers: list[str] | None) -> None:
        records = self.world.emu.person.records(self.world.app_token, self.table_id)
        record_id = next(record["record_id"] for record in records if record["fields"]["Id"] == order)
        self.world.emu.person.edit_record(self.world.app_token, self.table_id, record_id, {"Buyer": buyers})

    def due(self) -> None:
        """Let the backoff of what waits be over."""
        self.world.execute("UPDATE sync_queue SET next_attempt_at = NULL WHERE status = 'pending'")


@pytest.mark.parametrize("kind", [pytest.param(18, id="one-way link"), pytest.param(21, id="two-way link")])
def test_foreign_key_and_link_follow_each_other(world: World, kind: int) -> None:
    shop = Shop(world, kind)
    world.execute("INSERT INTO orders VALUES (1, 1), (2, 2), (3, NULL)")
    assert shop.orders.full().to_lark.created == 3
    assert shop.links() == {1: [1], 2: [2], 3: []}
    world.execute("UPDATE orders SET buyer = 3 WHERE id = 1")
    shop.edit(3, [world.record_id(2)])
    shop.edit(2, None)
    assert wrote(shop.orders.incremental()) == (2, 1)
    assert shop.links() == {1: [3], 2: [], 3: [2]}
    assert shop.rows() == {1: 3, 2: None, 3: 2}
    assert shop.orders.check().in_step
    assert wrote(shop.orders.incremental()) == (0, 0)


def test_row_whose_parent_has_no_record_yet_is_created_and_its_link_follows(world: World) -> None:
    shop = Shop(world)
    world.insert({"code": 9, "name": "not in Lark yet"})
    world.execute("INSERT INTO orders VALUES (1, 9), (2, 1)")
    assert shop.orders.full().to_lark.created == 2
    assert (shop.links(), shop.rows()) == ({1: [], 2: [1]}, {1: 9, 2: 1})
    waiting = world.ask("SELECT error_message FROM sync_queue WHERE table_name = 'orders' AND status = 'pending'")
    assert waiting == [("row '9' of table 'people' has no record in Lark yet",)]
    shop.people.incremental()
    shop.due()
    assert wrote(shop.orders.incremental()) == (0, 1)
    assert shop.links() == {1: [9], 2: [1]}
    assert shop.orders.check().in_step


def test_link_to_a_record_without_a_row_waits_for_it(world: World) -> None:
    shop = Shop(world)
    world.execute("INSERT INTO orders VALUES (1, 1)")
    shop.orders.full()
    new = world.add(Name="new buyer", Code=8)
    shop.edit(1, [new])
    report = shop.orders.incremental()
    assert (report.failed, shop.rows()) == (1, {1: 1})
    assert f"Buyer (SingleLink) links to record {new}, which is not in table 'people' yet" in report.problems[0]
    shop.people.incremental()
    shop.due()
    shop.orders.incremental()
    assert shop.rows() == {1: 8}
    assert shop.orders.check().in_step


def test_link_option_on_another_type_of_field_is_refused(world: World) -> None:
    shop = Shop(world)
    with pytest.raises(SchemaMismatch, match=r"field Id \(Number\) is not a link"):
        shop.engine(field="Id", column="buyer").setup()


def staff(world: World, key: str) -> OwnTable:
    """A table whose link field leads into the table itself."""
    own = OwnTable(
        world,
        "staff",
        {"id": 2, "name": 1},
        f"CREATE TABLE staff ({key}, name VARCHAR(20), boss INTEGER, FOREIGN KEY (boss) REFERENCES staff (id))",
        fields=["id", "name", {"field": "boss", "column": "boss", "link": "staff"}],
    )
    link = {"field_name": "boss", "type": 18, "property": {"table_id": own.table_id, "multiple": False}}
    world.emu.person.add_field(world.app_token, own.table_id, link)
    return own


SERIAL = {
    "sqlite": "id INTEGER PRIMARY KEY",
    "postgresql": "id SERIAL PRIMARY KEY",
    "mysql": "id INTEGER AUTO_INCREMENT PRIMARY KEY",
}


@pytest.mark.parametrize("keyed", [True, False], ids=["with keys", "without keys"])
def test_new_records_that_link_to_each_other_land_together(world: World, keyed: bool) -> None:
    own = staff(world, SERIAL[world.sql.dialect.name])
    engine = own.engine()
    engine.full()
    ids = own.add(*({"name": f"n{n}"} | ({"id": n} if keyed else {}) for n in range(1, 7)))
    # a pair, a ring of three, one of its own
    for position, boss in enumerate([1, 0, 3, 4, 2, 5]):
        own.edit(ids[position], boss=[ids[boss]])
    for _ in range(4):
        report = engine.incremental()
        own.due()
    assert report.failed == 0
    names = dict(own.rows("id, name"))
    bosses = {name: names[boss] for name, boss in own.rows("name, boss")}
    assert bosses == {"n1": "n2", "n2": "n1", "n3": "n4", "n4": "n5", "n5": "n3", "n6": "n6"}
    assert engine.check().in_step


def test_new_records_of_two_tables_that_link_to_each_other_land(world: World) -> None:
    ddl = (
        "CREATE TABLE teams (id INTEGER PRIMARY KEY, lead INTEGER)",
        "CREATE TABLE members (id INTEGER PRIMARY KEY, team INTEGER, FOREIGN KEY (team) REFERENCES teams (id))",
    )
    teams = OwnTable(
        world, "teams", {"id": 2}, ddl[0], fields=["id", {"field": "lead", "column": "lead", "link": "members"}]
    )
    members = OwnTable(
        world, "members", {"id": 2}, ddl[1], fields=["id", {"field": "team", "column": "team", "link": "teams"}]
    )
    for one, name, other in ((teams, "lead", members), (members, "team", teams)):
        link = {"field_name": name, "type": 18, "property": {"table_id": other.table_id, "multiple": False}}
        world.emu.person.add_field(world.app_token, one.table_id, link)
        one.engine().full()
    (team,) = teams.add({"id": 1})
    (member,) = members.add({"id": 7, "team": [team]})
    teams.edit(team, lead=[member])
    for _ in range(3):
        for each in (teams, members):
            each.engine().incremental()
            each.due()
    assert (teams.rows(), members.rows()) == ([(1, 7)], [(7, 1)])
    assert teams.engine().check().in_step
    assert members.engine().check().in_step
