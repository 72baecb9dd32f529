"""What Lark makes of our own writes never passes for a person's edit, and is not sent for ever."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.sync.report import SyncReport
from airflow_provider_lark.emulator import Emulator
from tests.sync.world import World, wrote

FIELDS = [
    {"field_name": "id", "type": 2},
    {"field_name": "title", "type": 1},
    {"field_name": "price", "type": 2},
    {"field_name": "stars", "type": 2, "ui_type": "Rating", "property": {"formatter": "0", "min": 1, "max": 5}},
    {"field_name": "tags", "type": 4, "property": {"options": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}},
    {"field_name": "note", "type": 1},
]
DDL = {
    "sqlite": "CREATE TABLE goods (id INTEGER PRIMARY KEY, title TEXT, price NUMERIC(10, 4), stars INTEGER, tags JSON,"
    " note TEXT)",
    "postgresql": "CREATE TABLE goods (id INTEGER PRIMARY KEY, title TEXT, price NUMERIC(10, 4), stars INTEGER,"
    " tags JSONB, note TEXT)",
    "mysql": "CREATE TABLE goods (id INTEGER PRIMARY KEY, title VARCHAR(200), price NUMERIC(10, 4), stars INTEGER,"
    " tags JSON, note TEXT)",
}
NEAR = {
    "trim": ({"field": "title"}, {"title": "  tea  "}, {"title": "tea"}),
    "crlf_to_lf": ({"field": "title"}, {"title": "tea\r\nmilk"}, {"title": "tea\nmilk"}),
    "round": ({"field": "price", "digits": 1}, {"price": 2.3456}, {"price": 2.3}),
    "clamp": ({"field": "stars"}, {"stars": 9}, {"stars": 5}),
    "drop_option": ({"field": "tags"}, {"tags": '["a", "b"]'}, {"tags": ["a"]}),
}
TOLD = pytest.mark.parametrize("told", [False, True], ids=["echoed", "told"])


class Shop:
    """A table of goods on both sides."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.execute(DDL[world.sql.dialect.name])
        table = world.emu.state.create_table(world.app_token, "goods", FIELDS)
        self.table_id = table.table_id
        self.direction = "both"

    @property
    def engine(self) -> SyncEngine:
        mapping = TableMapping.from_dict(
            {
                "lark": {"app_token": self.world.app_token, "table_id": self.table_id},
                "sql": {"table": "goods"},
                "direction": self.direction,
            }
        )
        return SyncEngine(self.world.client, self.world.sql, mapping, lease_wait_seconds=0)

    def fault(self, action: str, match: str = "batch_(create|update)", **settings: Any) -> None:
        self.world.emu.faults.add(match, action=action, times=None, **settings)

    def insert(self, **values: Any) -> None:
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        self.world.execute(f"INSERT INTO goods ({names}) VALUES ({marks})", values)

    def set(self, **values: Any) -> None:
        self.world.execute(f"UPDATE goods SET {', '.join(f'{n} = :{n}' for n in values)} WHERE id = 1", values)

    def sql(self, name: str) -> Any:
        return self.world.ask(f"SELECT {name} FROM goods WHERE id = 1")[0][0]

    def lark(self, name: str) -> Any:
        (record,) = self.world.emu.person.records(self.world.app_token, self.table_id)
        value = record["fields"].get(name)
        return "".join(part["text"] for part in value) if isinstance(value, list) and name != "tags" else value

    def edit(self, **fields: Any) -> None:
        (record,) = self.world.emu.person.records(self.world.app_token, self.table_id)
        self.world.emu.person.edit_record(self.world.app_token, self.table_id, record["record_id"], fields)

    def runs(self, count: int = 3) -> list[SyncReport]:
        reports = []
        for n in range(count):
            due(self.world)
            reports.append(self.engine.full() if n % 2 else self.engine.incremental())
        return reports

    def log(self) -> list[Any]:
        return [row[0] for row in self.world.ask("SELECT detail FROM sync_log WHERE status = 'near_miss'")]


def due(world: World) -> None:
    world.execute("UPDATE sync_queue SET next_attempt_at = NULL WHERE status = 'pending'")


@pytest.fixture
def shop(world: World) -> Iterator[Shop]:
    return Shop(world)


WAYS = [
    *product(["trim"], ["both", "to_lark"], [False, True], ["created", "updated"]),
    *((action, "both", False, "updated") for action in NEAR if action != "trim"),
    *((action, "to_lark", True, "created") for action in NEAR if action != "trim"),
]
# SQL takes no part in what Lark made: on servers one of each action, and of two settings each pair of values
PAIRS = [
    ("both", False, "updated"),
    ("both", True, "created"),
    ("to_lark", False, "created"),
    ("to_lark", True, "updated"),
]
ON_EACH_KIND = [
    *(("sqlite", *way) for way in WAYS),
    *(
        (kind, action, *PAIRS[number % 4])
        for kind, start in [("postgresql", 0), ("mysql", 2)]
        for number, action in enumerate(NEAR, start)
    ),
]
LEFT_OUT = [
    *(("sqlite", *each) for each in product(["both", "to_lark"], [False, True], ["created", "updated"])),
    *(("postgresql", *each) for each in PAIRS[:2]),
    *(("mysql", *each) for each in PAIRS[2:]),
]


@pytest.mark.parametrize(("engine", "action", "direction", "told", "way"), ON_EACH_KIND, indirect=["engine"])
def test_what_lark_made_of_a_value_stays_on_its_side(
    shop: Shop, direction: str, told: bool, action: str, way: str
) -> None:
    settings, values, stored = NEAR[action]
    (name, value), (_, shown) = *values.items(), *stored.items()
    shop.direction = direction
    if way == "updated":
        shop.insert(id=1, note="n")
        shop.engine.full()
    shop.fault(action, told=told, **settings)
    if way == "updated":
        shop.set(**values)
    else:
        shop.insert(id=1, note="n", **values)
    kept = shop.sql(name)
    first = shop.engine.full()
    again = shop.runs()
    assert (shop.sql(name), shop.lark(name)) == (kept, shown)
    assert sum(report.near_misses for report in [first, *again]) == 1
    assert [wrote(report) for report in again] == [(0, 0)] * 3
    assert len(shop.log()) == 1
    assert f"field {name} (" in shop.log()[0]
    assert str(value) not in shop.log()[0]
    assert shop.engine.check().in_step
    # either side may still change it
    shop.world.emu.faults.clear()
    shop.set(note="new")
    shop.runs(1)
    assert (shop.lark("note"), shop.sql(name), shop.lark(name)) == ("new", kept, shown)
    if direction == "both":
        shop.edit(note="person")
        shop.runs(1)
        assert (shop.sql("note"), shop.sql(name), shop.lark(name)) == ("person", kept, shown)
    shop.set(**{name: None})
    shop.runs(1)
    assert shop.lark(name) is None


@pytest.mark.parametrize(("engine", "direction", "told", "way"), LEFT_OUT, indirect=["engine"])
def test_cell_that_is_left_out_is_sent_again_then_fails(shop: Shop, direction: str, told: bool, way: str) -> None:
    shop.direction = direction
    if way == "updated":
        shop.insert(id=1, title="old", note="n")
        shop.engine.full()
    shop.fault("leave_out", field="title", told=told)
    if way == "updated":
        shop.set(title="new")
    else:
        shop.insert(id=1, title="new", note="n")
    reports = [shop.engine.full()]
    for _ in range(5):
        due(shop.world)
        reports.append(shop.engine.full() if direction == "to_lark" else shop.engine.incremental())
    assert shop.sql("title") == "new"
    assert sum(report.failed for report in reports) >= 3
    problem = next(text for report in reports for text in report.problems)
    assert problem.startswith("1: row '1': Lark reported success but did not change field title (Text)")
    assert shop.world.ask("SELECT record_id, retry_count FROM sync_queue WHERE status = 'failed'") == [("1", 3)]
    assert [wrote(report) for report in shop.runs()] == [(0, 0)] * 3
    assert not shop.engine.check().in_step
    shop.world.emu.faults.clear()
    shop.set(title="newer")
    shop.runs(2)
    assert (shop.lark("title"), shop.sql("title")) == ("newer", "newer")
    assert shop.engine.check().in_step


def test_cell_that_is_left_out_once_lands_with_the_next_try(shop: Shop) -> None:
    shop.insert(id=1, title="old")
    shop.engine.full()
    shop.world.emu.faults.add("batch_update", action="leave_out", field="title")
    shop.set(title="new")
    shop.engine.incremental()
    shop.runs(2)
    assert (shop.lark("title"), shop.sql("title")) == ("new", "new")
    assert shop.world.ask("SELECT count(*) FROM sync_queue WHERE status <> 'completed'") == [(0,)]


@TOLD
def test_edit_of_a_person_in_between_is_no_near_miss(shop: Shop, told: bool) -> None:
    shop.insert(id=1, title="old", price=1)
    shop.engine.full()
    shop.set(title="tea", price=2.5)
    shop.engine.incremental()
    # at once, and just what Lark might have made of it
    shop.edit(title="old", price=2)
    shop.runs(2)
    assert (shop.sql("title"), float(shop.sql("price")), shop.log()) == ("old", 2.0, [])


def test_edit_of_a_person_beside_a_near_miss_that_was_told_is_taken_in(shop: Shop) -> None:
    shop.insert(id=1, title="old")
    shop.engine.full()
    shop.fault("trim", field="title", told=True)
    shop.set(title=" tea ")
    shop.engine.incremental()
    shop.edit(note="person")
    shop.runs(2)
    assert (shop.sql("title"), shop.lark("title"), shop.sql("note")) == (" tea ", "tea", "person")
    shop.edit(title="coffee")
    shop.runs(2)
    assert shop.sql("title") == "coffee"


def test_user_behind_the_client_counts_as_ourselves(shop: Shop) -> None:
    shop.insert(id=1, title="old")
    shop.engine.full()
    assert shop.world.client.known_as == frozenset()
    with LarkClient("cli_a", "s", "http://127.0.0.1:1", user="ou_1") as client:
        assert client.known_as == {"ou_1"}


def test_lost_answer_of_a_near_miss_is_settled(shop: Shop, emulator: Emulator) -> None:
    shop.insert(id=1, title="old")
    shop.engine.full()
    shop.fault("trim", field="title")
    shop.world.emu.faults.add("batch_update", action="drop_after")
    shop.set(title=" tea ")
    with LarkClient(emulator.app_id, emulator.app_secret, emulator.url, max_attempts=1) as client:
        engine = shop.engine
        engine.client = client
        with pytest.raises(Exception, match="may have been carried out"):
            engine.incremental()
    reports = shop.runs()
    assert (shop.sql("title"), shop.lark("title")) == (" tea ", "tea")
    assert wrote(reports[-1]) == (0, 0)


def test_write_that_was_stored_as_sent_costs_no_call_more(shop: Shop) -> None:
    for n in range(1, 31):
        shop.insert(id=n, title=f"n{n}")
    shop.engine.full()
    shop.world.execute("UPDATE goods SET title = 'new'")
    report = shop.engine.incremental()
    assert {kind: n for kind, n in report.api_calls.items() if kind not in ("token", "total")} == {
        "fields": 1,
        "search": 1,
        "update": 1,
    }
    report = shop.engine.incremental()
    assert report.api_calls == {"fields": 1, "search": 1, "total": 2}
    assert shop.world.ask("SELECT count(*) FROM sync_record_map WHERE sent IS NOT NULL") == [(0,)]


def test_edit_that_a_late_replica_does_not_show_yet_is_no_near_miss(world: World) -> None:
    engine = world.ready(rows=5, conflict="merge", direction="both")
    world.update(1, qty=2.5)
    assert engine.incremental().to_lark.updated == 1
    world.edit(1, Qty=1)
    # asked who made the change, Lark tells of the one before: ours
    world.emu.faults.add("batch_get", action="stale", times=None)
    report = engine.incremental()
    assert (report.near_misses, report.to_sql.updated, world.rows()[1]["qty"]) == (0, 1, 1)
    world.assert_in_step()
