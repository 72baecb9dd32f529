"""A base in the emulator and a client; the databases come from tests/databases.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.address import TableAddress
from airflow_provider_lark.emulator import Emulator
from tests.clocks import JumpingClock
from tests.databases import open_sqlite


class Lark:
    """A base, the app's client, and what a person sees."""

    def __init__(self, emulator: Emulator, client: LarkClient) -> None:
        self.emulator = emulator
        self.client = client
        self.app_token = emulator.state.create_base("Shop").app_token

    def table(self, name: str, /, **fields: int | dict[str, Any]) -> TableAddress:
        """Make a table of fields by their types, or definitions."""
        definitions = [
            {"field_name": field, **(given if isinstance(given, dict) else {"type": given})}
            for field, given in fields.items()
        ]
        table_id = self.emulator.state.create_table(self.app_token, name, definitions).table_id
        return TableAddress(app_token=self.app_token, table_id=table_id)

    def named(self, name: str) -> TableAddress:
        return TableAddress(app_token=self.app_token, table=name)

    def add(self, where: TableAddress, *rows: dict[str, Any]) -> list[str]:
        return self.emulator.person.add_records(self.app_token, self.id_of(where), rows)

    def records(self, where: TableAddress) -> list[dict[str, Any]]:
        return self.emulator.person.records(self.app_token, self.id_of(where))

    def cells(self, where: TableAddress, name: str) -> list[Any]:
        """The cells of a field in order, texts as text."""
        return sorted(
            (plain(record["fields"].get(name)) for record in self.records(where)), key=lambda x: (x is None, x)
        )

    def id_of(self, where: TableAddress) -> str:
        return where.table_id or self.client.bitable.locate(where).table_id


def plain(cell: Any) -> Any:
    return "".join(run["text"] for run in cell) if isinstance(cell, list) and cell and "text" in cell[0] else cell


@pytest.fixture
def lark() -> Iterator[Lark]:
    clock = JumpingClock()
    with (
        Emulator(clock=clock) as emulator,
        LarkClient(emulator.app_id, emulator.app_secret, emulator.url, clock=clock) as client,
    ):
        yield Lark(emulator, client)


@pytest.fixture
def sqlite(tmp_path: Any) -> Iterator[Engine]:
    engine = open_sqlite(tmp_path / "shop.db")
    yield engine
    engine.dispose()


def run_sql(engine: Engine, *statements: str) -> list[tuple[Any, ...]]:
    """Execute statements and return the rows of the last."""
    rows: list[tuple[Any, ...]] = []
    with engine.begin() as conn:
        for statement in statements:
            done = conn.execute(text(statement))
            rows = [tuple(row) for row in done] if done.returns_rows else []
    return rows
