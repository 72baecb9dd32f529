"""The world of the engine, on each kind of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from sqlalchemy import Engine

from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.emulator import Emulator
from tests.sync.plain import Plain, make_plain
from tests.sync.shop import open_shop, tempered
from tests.sync.world import FIELDS, World, people

__all__ = ["emulator", "open_shop", "tempered", "world"]

MakePlain = Callable[..., Plain]


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator() as emu:
        yield emu


@pytest.fixture
def world(engine: Engine, emulator: Emulator) -> Iterator[World]:
    base = emulator.state.create_base("Shop")
    lark = emulator.state.create_table(base.app_token, "people", FIELDS)
    table = people(engine)
    table.create(engine)
    with LarkClient(emulator.app_id, emulator.app_secret, emulator.url) as client:
        yield World(emulator, engine, client, base.app_token, lark.table_id, table)
    emulator.faults.clear()
    emulator.switches.restore()


@pytest.fixture
def plain(engine: Engine, emulator: Emulator) -> Iterator[MakePlain]:
    """Give what makes a table from hand-written DDL and one of Bitable beside it."""
    with LarkClient(emulator.app_id, emulator.app_secret, emulator.url) as client:
        yield partial(make_plain, emulator, engine, client)
    emulator.faults.clear()
    emulator.switches.restore()
