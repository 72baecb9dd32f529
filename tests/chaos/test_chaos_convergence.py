"""Convergence, no loss, no duplicates and termination, for seeded storms of edits, crashes of calls and engine runs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.arena import ChaosWorld
from tests.chaos.conftest import NewWorld
from tests.chaos.filtered import FilteredStorm, with_filters
from tests.chaos.storm import Storm

POLICIES: dict[str, dict[str, Any]] = {
    "newest": {"conflict": "newest", "batch_size": 4},
    "lark": {"conflict": "lark", "batch_size": 4},
    "sql": {"conflict": "sql", "batch_size": 4},
    "merge": {"conflict": "merge", "batch_size": 4},
    "merge:lark": {"conflict": "merge:lark", "batch_size": 4},
    "merge:sql": {"conflict": "merge:sql", "batch_size": 4},
}
#: one of each policy; `make chaos` has hundreds
SEEDS = range(6)


def _weather(world: ChaosWorld, seed: int, policy: str) -> None:
    # half of them with rows that wait for whoever types
    storm = Storm(world, seed, {**POLICIES[policy], "settle_seconds": 3 * (seed % 2)})
    try:
        storm.blow()
    except BaseException as error:
        error.add_note(f"seed {seed}, policy {policy}\n" + "\n".join(storm.story))
        raise


@pytest.mark.parametrize("seed", SEEDS)
def test_storm_of_edits_and_faults_ends_in_step(world: ChaosWorld, seed: int) -> None:
    _weather(world, seed, list(POLICIES)[seed % len(POLICIES)])


@pytest.mark.parametrize(("kind", "policy"), [("postgresql", "newest"), ("mysql", "merge")])
def test_storm_on_servers_ends_in_step(new_world: NewWorld, kind: str, policy: str) -> None:
    with new_world(kind) as world:
        _weather(world, 1000, policy)


@pytest.mark.parametrize(
    ("seed", "where", "leaving"),
    [(1, "sql", "keep"), (2, "sql", "delete"), (3, "lark", "keep"), (4, "lark", "delete"), (5, "both", "keep")],
)
def test_storm_over_filters_ends_with_what_is_inside_in_step(
    world: ChaosWorld, seed: int, where: str, leaving: str
) -> None:
    storm = FilteredStorm(world, seed, with_filters(world, where, leaving, 3 * (seed % 2)))
    try:
        storm.blow()
    except BaseException as error:
        error.add_note(f"seed {seed}, filter of {where}, leaving {leaving}\n" + "\n".join(storm.story))
        raise
