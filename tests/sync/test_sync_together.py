"""Rows that only fit together are written together: swapped unique values, rows that refer to each other."""

from __future__ import annotations

import pytest

from tests.sync.own_table import OwnTable
from tests.sync.world import World

TEXT, NUMBER = 1, 2


pytestmark = pytest.mark.usefixtures("foreign_keys")

UNIQUE = {
    "nullable text": ("seat VARCHAR(20) UNIQUE", TEXT, ["A1", "B2", "C3"]),
    "text that must be there": ("seat VARCHAR(20) NOT NULL UNIQUE", TEXT, ["A1", "B2", "C3"]),
    "short text that must be there": ("seat CHAR(3) NOT NULL UNIQUE", TEXT, ["A1", "B2", "C3"]),
    "number that must be there": ("seat INTEGER NOT NULL UNIQUE", NUMBER, [10, 20, 30]),
    "decimal that must be there": ("seat DECIMAL(6, 2) NOT NULL UNIQUE", NUMBER, [1.5, 2.5, 3.5]),
    "two columns": (
        "seat VARCHAR(20) NOT NULL, hall INTEGER NOT NULL DEFAULT 1, UNIQUE (hall, seat)",
        TEXT,
        ["A", "B", "C"],
    ),
}


@pytest.mark.parametrize("kind", UNIQUE)
def test_records_that_swap_a_unique_value_are_written_together(world: World, kind: str) -> None:
    column, field, values = UNIQUE[kind]
    own = OwnTable(
        world,
        "t",
        {"id": NUMBER, "seat": field, "name": TEXT},
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20), {column})",
    )
    own.add(*({"id": n, "seat": value, "name": f"n{n}"} for n, value in enumerate(values, 1)))
    engine = own.engine()
    assert engine.full().failed == 0
    first, second, third = (own.find(id=n) for n in (1, 2, 3))
    own.edit(first, seat=values[1], name="moved")
    own.edit(second, seat=values[0])
    report = engine.incremental()
    assert (report.failed, report.to_sql.updated, report.problems) == (0, 2, [])
    assert own.rows("name") == [("moved",), ("n2",), ("n3",)]
    # a ring of three, and a new record that takes a value which is given up
    own.edit(first, seat=values[2])
    own.edit(second, seat=values[1])
    own.edit(third, seat=values[0])
    assert engine.incremental().failed == 0
    for _ in range(2):
        assert engine.incremental().to_lark.total == 0
    assert engine.check().in_step


def test_chain_of_values_and_one_that_is_taken_by_nobody_of_them(world: World) -> None:
    own = OwnTable(
        world,
        "t",
        {"id": NUMBER, "seat": TEXT},
        "CREATE TABLE t (id INTEGER PRIMARY KEY, seat VARCHAR(20) NOT NULL UNIQUE)",
    )
    own.add(*({"id": n, "seat": f"s{n}"} for n in range(1, 9)))
    engine = own.engine()
    engine.full()
    # 1 to 4 move on by one, 4 to a free one; 5 and 6 swap; 7 wants what 8 keeps
    for n, seat in {1: "s2", 2: "s3", 3: "s4", 4: "s9", 5: "s6", 6: "s5", 7: "s8"}.items():
        own.edit(own.find(id=n), seat=seat)
    report = engine.incremental()
    assert (report.failed, report.to_sql.updated) == (1, 6)
    assert "column seat" in report.problems[0]
    assert own.rows("id, seat") == [
        (1, "s2"),
        (2, "s3"),
        (3, "s4"),
        (4, "s9"),
        (5, "s6"),
        (6, "s5"),
        (7, "s7"),
        (8, "s8"),
    ]


SELF = {
    "nullable": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, boss INTEGER, name VARCHAR(20), FOREIGN KEY (boss) REFERENCES t (id))"
    ),
    "not null": (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, boss INTEGER NOT NULL, name VARCHAR(20), "
        "FOREIGN KEY (boss) REFERENCES t (id))"
    ),
}


def test_new_records_that_refer_to_each_other_over_a_nullable_foreign_key(world: World) -> None:
    own = OwnTable(world, "t", {"id": NUMBER, "boss": NUMBER, "name": TEXT}, SELF["nullable"])
    engine = own.engine()
    engine.full()
    own.add(
        {"id": 1, "boss": 2, "name": "a"},
        {"id": 2, "boss": 1, "name": "b"},
        {"id": 3, "boss": 4, "name": "c"},
        {"id": 4, "boss": 5, "name": "d"},
        {"id": 5, "boss": 3, "name": "e"},
        {"id": 6, "boss": 99, "name": "nobody's"},
        {"id": 7, "boss": 1, "name": "f"},
        {"id": 8, "boss": 8, "name": "own"},
    )
    report = engine.incremental()
    assert (report.failed, report.to_sql.created) == (1, 7)
    assert "boss" in report.problems[0] or world.sql.dialect.name == "sqlite"
    assert own.rows("id, boss") == [(1, 2), (2, 1), (3, 4), (4, 5), (5, 3), (7, 1), (8, 8)]
    own.edit(own.find(id=6), boss=1)
    own.due()
    engine.incremental()
    assert engine.check().in_step


@pytest.mark.parametrize("kind", SELF)
def test_tree_that_arrives_with_its_leaves_first(world: World, kind: str) -> None:
    own = OwnTable(world, "t", {"id": NUMBER, "boss": NUMBER, "name": TEXT}, SELF[kind])
    engine = own.engine()
    engine.full()
    # each row refers to the one behind it
    own.add(*({"id": n, "boss": min(n + 1, 30), "name": f"n{n}"} for n in range(1, 31)))
    report = engine.incremental()
    assert (report.failed, report.to_sql.created) == (0, 30)
    assert engine.check().in_step


def test_rows_deleted_together_go_whatever_refers_to_what(world: World) -> None:
    own = OwnTable(world, "t", {"id": NUMBER, "boss": NUMBER, "name": TEXT}, SELF["nullable"])
    engine = own.engine()
    own.add(*({"id": n, "boss": None if n in (1, 20) else n - 1, "name": f"n{n}"} for n in range(1, 31)))
    engine.full()
    for _ in range(3):
        engine.incremental()
        own.due()
    assert len(own.rows()) == 30
    own.remove(*(own.find(id=n) for n in range(20, 31)))
    report = engine.incremental()
    assert (report.failed, report.to_sql.deleted) == (0, 11)
    assert own.rows("max(id)") == [(19,)]


def test_rows_that_need_each_other_where_the_constraint_can_be_deferred(world: World) -> None:
    if world.sql.dialect.name != "postgresql":
        pytest.skip("PostgreSQL can be asked to defer")
    own = OwnTable(
        world,
        "t",
        {"id": NUMBER, "boss": NUMBER, "seat": TEXT},
        "CREATE TABLE t (id INTEGER PRIMARY KEY, seat VARCHAR(9) NOT NULL UNIQUE DEFERRABLE, "
        "boss INTEGER NOT NULL REFERENCES t (id) DEFERRABLE)",
    )
    engine = own.engine()
    engine.full()
    own.add({"id": 1, "boss": 2, "seat": "a"}, {"id": 2, "boss": 1, "seat": "b"})
    report = engine.incremental()
    assert (report.failed, report.to_sql.created) == (0, 2)
    own.edit(own.find(id=1), seat="b")
    own.edit(own.find(id=2), seat="a")
    assert engine.incremental().failed == 0
    assert own.rows("id, boss, seat") == [(1, 2, "b"), (2, 1, "a")]


def test_swap_beside_rows_that_are_refused_for_themselves(world: World) -> None:
    own = OwnTable(
        world,
        "t",
        {"id": NUMBER, "seat": TEXT, "n": NUMBER},
        "CREATE TABLE t (id INTEGER PRIMARY KEY, seat VARCHAR(20) UNIQUE, n INTEGER, CONSTRAINT small CHECK (n < 100))",
    )
    own.add(*({"id": n, "seat": f"s{n}", "n": n} for n in range(1, 6)))
    engine = own.engine()
    engine.full()
    for n, cells in {1: {"seat": "s2"}, 2: {"seat": "s1", "n": 500}, 3: {"n": 7}, 4: {"n": 900}}.items():
        own.edit(own.find(id=n), **cells)
    report = engine.incremental()
    # 2 cannot move, so that 1 cannot have its seat
    assert (report.failed, report.to_sql.updated) == (3, 1)
    assert sum("small" in problem for problem in report.problems) == 2
    own.edit(own.find(id=2), n=2)
    own.due()
    engine.incremental()
    assert own.rows("id, seat, n") == [(1, "s2", 1), (2, "s1", 2), (3, "s3", 7), (4, "s4", 4), (5, "s5", 5)]


def test_parent_on_a_later_page_lands_in_the_same_run(world: World) -> None:
    own = OwnTable(world, "t", {"id": NUMBER, "boss": NUMBER, "name": TEXT}, SELF["not null"])
    # Lark lists the newest first, so that the parent comes last
    own.add(*({"id": n, "boss": 1 if n == 503 else n, "name": f"n{n}"} for n in range(1, 504)))
    engine = own.engine()
    report = engine.full()
    assert (report.status, report.failed, report.problems, report.to_sql.created) == ("ok", 0, [], 503)
    assert engine.check().in_step
