"""A few seeds of ``make chaos``: hand-made tables, odd sessions, rival transactions, kills, two workers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.arena import Arena
from tests.chaos.campaign import blow
from tests.chaos.executioner import Executioner
from tests.chaos.gale import Places
from tests.clocks import JumpingClock
from tests.databases import KINDS, EngineOf


@pytest.fixture(scope="module")
def places(new_database: EngineOf) -> Places:
    return Places(new_database)


@pytest.fixture(scope="module")
def executioner() -> Iterator[Executioner]:
    with Executioner.at_work() as made:
        yield made


SEEDS = {"sqlite": (0, 3), "postgresql": (1, 4), "mysql": (0, 2)}


@pytest.mark.parametrize(("kind", "seed"), [(kind, seed) for kind in KINDS for seed in SEEDS[kind]])
def test_gale_ends_in_step(
    places: Places, arena: Arena, jumping_clock: JumpingClock, executioner: Executioner, kind: str, seed: int
) -> None:
    result = blow(places, arena, jumping_clock, executioner, kind, seed)
    assert result.error is None, result.error
