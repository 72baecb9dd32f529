"""A table that another takes the place of, as online schema changers do it."""

from __future__ import annotations

import pytest

from tests.sync.own_table import OwnTable
from tests.sync.world import World, wrote

TEXT, NUMBER = 1, 2


@pytest.mark.parametrize("extra", ["", ", note TEXT"], ids=["alike", "wider"])
def test_table_that_another_took_the_place_of_is_synced_on(world: World, extra: str) -> None:
    own = OwnTable(
        world,
        "t",
        {"id": NUMBER, "name": TEXT},
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20))",
        "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
    )
    engine = own.engine()
    engine.full()
    # as pt-online-schema-change and gh-ost do it
    world.execute(f"CREATE TABLE t_new (id INTEGER PRIMARY KEY, name VARCHAR(20){extra})")
    world.execute("INSERT INTO t_new (id, name) SELECT id, name FROM t")
    world.execute("ALTER TABLE t RENAME TO t_old")
    world.execute("ALTER TABLE t_new RENAME TO t")
    world.execute("UPDATE t SET name = 'new' WHERE id = 1")
    assert wrote(engine.full()) == (0, 1)
    world.execute("UPDATE t SET name = 'newer' WHERE id = 2")
    world.execute("DELETE FROM t_old")
    assert wrote(engine.incremental()) == (0, 1)
    assert own.column("name") == ["new", "newer"]
    # and the triggers come off, also while the other table stands
    engine.uninstall(keep_state=True)
    world.execute("UPDATE t SET name = 'unseen' WHERE id = 2")
    assert wrote(engine.incremental()) == (0, 0)
    world.execute("DROP TABLE t_old")
