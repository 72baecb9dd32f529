"""The arena, and a world in it on each kind of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from sqlalchemy import Engine, inspect, text

from airflow_provider_lark.core.ledger import migrate, tables
from tests.chaos.arena import Arena, ChaosWorld, open_world
from tests.clocks import JumpingClock
from tests.databases import EngineOf

NewWorld = Callable[[str], AbstractContextManager[ChaosWorld]]


@pytest.fixture(scope="session")
def jumping_clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture(scope="session")
def arena(jumping_clock: JumpingClock) -> Iterator[Arena]:
    with Arena(clock=jumping_clock) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def new_world(new_database: EngineOf, arena: Arena, jumping_clock: JumpingClock) -> NewWorld:
    """Give what opens a new world, with an empty ledger, in the one database of a kind."""
    engines: dict[str, Engine] = {}

    @contextmanager
    def make(kind: str) -> Iterator[ChaosWorld]:
        if kind not in engines:
            engines[kind] = new_database(kind)
            migrate.upgrade(engines[kind])
        engine = engines[kind]
        try:
            with open_world(engine, arena, jumping_clock) as world:
                yield world
        finally:
            with engine.begin() as conn:
                for name in set(tables.metadata.tables) & set(inspect(conn).get_table_names()):
                    conn.execute(text(f"DELETE FROM {name}"))

    return make


@pytest.fixture
def world(new_world: NewWorld) -> Iterator[ChaosWorld]:
    with new_world("sqlite") as made:
        yield made
