"""The world of the engine, on each kind of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, event

from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.core.clock import SYSTEM_CLOCK, Clock
from airflow_provider_lark.emulator import Emulator
from tests.sync.plain import Plain, make_plain
from tests.sync.shop import open_shop, tempered
from tests.sync.world import FIELDS, World, people

__all__ = ["emulator", "open_shop", "tempered", "world"]

MakePlain = Callable[..., Plain]


@pytest.fixture(scope="module")
def clock() -> Clock:
    """Give the machine's; a module whose tests would have to wait takes a JumpingClock instead."""
    return SYSTEM_CLOCK


@pytest.fixture(scope="module")
def emulator(clock: Clock) -> Iterator[Emulator]:
    with Emulator(clock=clock) as emu:
        yield emu


@pytest.fixture
def world(engine: Engine, emulator: Emulator, clock: Clock) -> Iterator[World]:
    base = emulator.state.create_base("Shop")
    lark = emulator.state.create_table(base.app_token, "people", FIELDS)
    table = people(engine)
    table.create(engine)
    with LarkClient(emulator.app_id, emulator.app_secret, emulator.url, clock=clock) as client:
        yield World(emulator, engine, client, base.app_token, lark.table_id, table, clock)
    emulator.faults.clear()
    emulator.switches.restore()


@pytest.fixture
def foreign_keys(engine: Engine) -> Iterator[None]:
    """Let SQLite check foreign keys, which it does only where it is told to; for this test's connections alone."""
    if engine.dialect.name != "sqlite":
        yield
        return

    def switch_on(raw: Any, _: Any) -> None:
        raw.execute("PRAGMA foreign_keys = ON")

    event.listen(engine, "connect", switch_on)
    engine.dispose()
    yield
    event.remove(engine, "connect", switch_on)
    engine.dispose()


@pytest.fixture
def plain(engine: Engine, emulator: Emulator, clock: Clock) -> Iterator[MakePlain]:
    """Give what makes a table from hand-written DDL and one of Bitable beside it."""
    with LarkClient(emulator.app_id, emulator.app_secret, emulator.url, clock=clock) as client:
        yield partial(make_plain, emulator, engine, client)
    emulator.faults.clear()
    emulator.switches.restore()
