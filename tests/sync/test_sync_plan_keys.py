"""A plan knows which keys the database takes for one, as far as its collation goes: case, accents, outer blanks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from tests.sync.own_table import OwnTable
from tests.sync.test_sync_keys import codes
from tests.sync.test_sync_plan import counts, planned
from tests.sync.world import World

__all__ = ["codes"]

SPELLINGS = ("abc", "ABC", "abc ", "äbc", "straße", "STRASSE", "strasse", "xyz", "9", "１")


@pytest.fixture
def citext(world: World) -> Iterator[OwnTable]:
    if world.sql.dialect.name != "postgresql":
        pytest.skip("only PostgreSQL has such a type")
    world.execute("CREATE EXTENSION IF NOT EXISTS citext")
    yield OwnTable(world, "codes", {"code": 1, "n": 2}, "CREATE TABLE codes (code citext PRIMARY KEY, n INTEGER)")
    world.execute("DROP TABLE codes")


def foresee(table: OwnTable) -> tuple[int, int]:
    """Plan and run; return how many rows were created and how many refused, which the plan has to know."""
    engine = table.engine()
    with engine.plan() as plan:
        report = counts(plan.report)
        refused = {each.key for each in plan.actions("sql", "refuse")}
        whys = {each.why for each in plan.actions("sql", "refuse")}
    done = engine.incremental()
    assert counts(done) == report
    assert {problem.split(":", 1)[0] for problem in done.problems} == refused
    assert {problem.split(": ", 1)[1] for problem in done.problems} == whys
    return done.to_sql.created, done.failed


def test_namesakes_are_planned_as_refused_whether_new_or_there(codes: OwnTable) -> None:
    # records are read in another order once the table has a modification time, and the first of two is the row
    codes.engine().setup()
    for spelling in SPELLINGS:
        codes.add({"code": spelling, "n": 1})
    created, failed = foresee(codes)
    assert (created, created + failed) == (len(codes.by_key()), len(SPELLINGS))
    assert failed
    for spelling in ("Abc", "XYZ", "new", "NEW"):
        codes.add({"code": spelling, "n": 2})
    created, failed = foresee(codes)
    assert (created, failed) == (1, 3)


def test_namesake_of_a_row_that_is_deleted_first_is_planned_as_created(codes: OwnTable) -> None:
    codes.world.execute("INSERT INTO codes VALUES ('abc', 1), ('kept', 2)")
    codes.engine().full()
    first = {record["code"]: record["record_id"] for record in codes.records()}["abc"]
    codes.remove(first)
    codes.add({"code": "ABC", "n": 2})
    foresee(codes)
    foresee(codes)


def test_namesakes_of_citext_are_planned_as_refused(citext: OwnTable) -> None:
    for spelling in SPELLINGS:
        citext.add({"code": spelling, "n": 1})
    assert foresee(citext) == (8, 2)


def test_many_new_keys_are_looked_at_in_batches(codes: OwnTable) -> None:
    world = codes.world
    cells = [{"code": f"k{number}", "n": number} for number in range(300)]
    cells += [{"code": f"K{number}", "n": number} for number in range(300)]
    world.emu.person.add_records(world.app_token, codes.table_id, cells)
    statements = []

    def count(_conn: sa.Connection, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(world.sql, "before_cursor_execute", count)
    try:
        assert len(planned(codes.engine())["sql", "refuse"]) == 300
    finally:
        event.remove(world.sql, "before_cursor_execute", count)
    # a query for each key would be 600
    assert len(statements) < 150
