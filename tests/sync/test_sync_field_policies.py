"""Who wins, and whose edits count, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core.errors import ConfigError
from tests.sync.world import PAIRS, World, wrote


def fields(**policies: dict[str, str]) -> list[dict[str, str]]:
    return [{"field": field, "column": column, **policies.get(column, {})} for field, column in PAIRS.items()]


def clash(world: World) -> None:
    world.update(1, name="sql", qty=11)
    world.edit(1, Name="lark", Qty=12, Done=True)


@pytest.mark.parametrize(
    ("conflict", "own", "expected"),
    [
        pytest.param("lark", {"qty": {"conflict": "sql"}}, ("lark", 11, True), id="one field apart from the row"),
        pytest.param("merge:sql", {"name": {"conflict": "lark"}}, ("lark", 11, True), id="one apart from the merge"),
        pytest.param("sql", {"qty": {"owner": "lark"}}, ("sql", 12, False), id="the owner's, apart from the row"),
    ],
)
def test_field_with_a_policy_of_its_own_is_decided_alone(
    world: World, conflict: str, own: dict[str, dict[str, str]], expected: Any
) -> None:
    engine = world.ready(conflict=conflict, fields=fields(**own))
    clash(world)
    engine.incremental()
    row = world.rows()[1]
    assert (row["name"], int(row["qty"]), bool(row["done"])) == expected
    world.assert_in_step()
    assert wrote(engine.incremental()) == (0, 0)


def test_manual_field_waits_alone_for_a_person(world: World) -> None:
    engine = world.ready(conflict="merge", fields=fields(qty={"conflict": "manual"}))
    world.update(1, name="sql")
    world.edit(1, Done=True)
    world.update(2, qty=5)
    world.edit(2, Qty=6)
    assert (engine.incremental().conflicts, int(world.rows()[2]["qty"]), world.by_code()[2]["Qty"]) == (1, 5, 6)
    assert (world.by_code()[1]["Name"], bool(world.rows()[1]["done"])) == ("sql", True)
    world.execute("UPDATE sync_conflict SET outcome = 'lark' WHERE status = 'open'")
    engine.incremental()
    world.assert_in_step()
    assert int(world.rows()[2]["qty"]) == 6


@pytest.mark.parametrize("owner", ["lark", "sql"])
def test_edit_of_the_other_side_is_put_back(world: World, owner: str) -> None:
    engine = world.ready(fields=fields(name={"owner": owner}))
    world.update(1, name="by sql", qty=50)
    world.edit(2, Name="by lark", Qty=60)
    assert engine.incremental().conflicts == 0
    engine.incremental()
    world.assert_in_step()
    rows = world.rows()
    assert [rows[n]["name"] for n in (1, 2)] == (["n1", "by lark"] if owner == "lark" else ["by sql", "n2"])
    # the other fields of the same rows go both ways
    assert [int(rows[n]["qty"]) for n in (1, 2)] == [50, 60]
    # a new row brings its value along, whoever owns it
    world.insert({"code": 30, "name": "new"})
    world.add(Name="added", Code=31)
    engine.incremental()
    world.assert_in_step()
    assert {world.rows()[n]["name"] for n in (30, 31)} == {"new", "added"}
    assert wrote(engine.incremental()) == (0, 0)
    assert wrote(engine.full()) == (0, 0)


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"code": {"owner": "lark"}}, "part of the key"),
        ({"name": {"owner": "lark", "direction": "to_sql"}}, "only flows to_sql"),
        ({"name": {"owner": "lark", "conflict": "sql"}}, "has no conflicts"),
    ],
)
def test_policy_without_an_effect_is_refused(world: World, own: dict[str, dict[str, str]], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        world.engine(fields=fields(**own)).setup()
