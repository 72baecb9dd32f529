"""Random edits around a plan: what its run then writes stands in the plan, cell by cell, whatever comes between."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.sync.test_sync_apply import apply
from tests.sync.test_sync_plan import counts, dump
from tests.sync.world import PAIRS, World

State = dict[str, dict[str, object]]


def shake(world: World, dice: random.Random, steps: int, tag: str, first: int) -> None:
    """Edit both sides, put keys on the blacklist, and let entries of the queue wait."""
    for step in range(steps):
        code = dice.randint(1, 10)
        name, mine = f"{tag}{step}", f"WHERE record_id = '{code}' AND status = 'pending'"
        edits: list[Callable[[], object]] = [
            partial(world.insert, {"code": first + step, "name": name}),
            partial(world.add, Name=name, Code=first + 50 + step),
            partial(world.execute, f"INSERT INTO sync_blacklist (record_id, reason) VALUES ('{code}', 'x')"),
            partial(world.execute, f"UPDATE sync_queue SET next_attempt_at = '2099-01-01 00:00:00.000000' {mine}"),
        ]
        if code in world.rows():
            edits += [
                partial(world.update, code, name=name),
                partial(world.update, code, qty=step, done=True),
                partial(world.delete, code),
            ]
        if code in world.by_code():
            edits += [
                partial(world.edit, code, Name=f"{name} by hand"),
                partial(world.edit, code, Qty=step + 0.5),
                partial(world.remove, code),
            ]
        dice.choice(edits)()


def state(world: World) -> tuple[State, State]:
    """Return the rows by key, and the records by id with the names of columns."""
    records = {
        str(each["id"]): {PAIRS[name]: cell for name, cell in each.items() if name in PAIRS} for each in world.records()
    }
    return {str(code): row for code, row in world.rows().items()}, records


def written(before: State, after: State) -> dict[str, tuple[str, set[str]]]:
    """Return what happened to rows, with the columns of those that were updated."""
    found = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            found[name] = ("create" if old is None else "delete", set[str]())
        elif old != new:
            found[name] = ("update", {each for each in old.keys() | new.keys() if old.get(each) != new.get(each)})
    return found


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", range(6))
def test_apply_writes_only_cells_that_the_plan_lists(world: World, seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    engine = world.ready(
        10,
        conflict=dice.choice(["newest", "merge:lark", "merge:sql", "lark", "sql", "manual"]),
        deletes=dice.choice(["propagate", "ignore"]),
        direction=dice.choice(["both", "both", "to_lark", "to_sql"]),
        max_delete_ratio=dice.choice([1, 0.1]),
    )
    shake(world, dice, dice.randint(3, 9), "", 100)
    before = dump(world)
    with engine.plan(dice.choice(["incremental", "full"])) as plan:
        plan.save(tmp_path / "p")
        actions, report = list(plan.actions()), counts(plan.report)
    assert dump(world) == before
    is_touched = seed % 2 == 0
    if is_touched:
        shake(world, dice, dice.randint(2, 6), "later", 200)
    rows, records = state(world)
    done = apply(engine, tmp_path / "p")
    rows_now, records_now = state(world)
    listed = {(each.side, each.kind, each.key): {one.column for one in each.changes} for each in actions}
    for key, (kind, columns) in written(rows, rows_now).items():
        assert columns <= listed["sql", kind, key]
    for id_, (kind, columns) in written(records, records_now).items():
        key = int(str((records.get(id_) or records_now[id_])["code"]))
        assert columns <= listed["lark", kind, str(key)]
    if not is_touched:
        assert (counts(done), done.changed) == (report, 0)
