"""Plans of many mappings of one database, one after the other."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest
import sqlalchemy as sa

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.sync.plan.plan import Plan
from airflow_provider_lark.emulator import Emulator

MANY = 4


@pytest.fixture
def database(tmp_path: Any) -> Any:
    """Give a database without a ledger."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'many'}")
    yield engine
    engine.dispose()


def test_ledger_is_told_once_of_many_mappings_of_a_database(emulator: Emulator, database: sa.Engine) -> None:
    base = emulator.state.create_base("Many").app_token
    plans: list[Plan] = []
    with ExitStack() as stack:
        client = stack.enter_context(LarkClient(emulator.app_id, emulator.app_secret, emulator.url))
        for number in range(MANY):
            name = f"t{number}"
            with database.begin() as conn:
                conn.execute(sa.text(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY)"))
                conn.execute(sa.text(f"INSERT INTO {name} VALUES (1)"))
            table_id = emulator.state.create_table(base, name, [{"field_name": "id", "type": 2}]).table_id
            lark = {"app_token": base, "table_id": table_id}
            mapping = TableMapping.from_dict({"lark": lark, "sql": {"table": name}})
            engine = SyncEngine(client, database, mapping)
            plans.append(stack.enter_context(engine.plan(after=plans)))
        made = [[each.key for each in plan.actions("setup", "make")] for plan in plans]
        assert [keys.count("ledger") for keys in made] == [1] + [0] * (MANY - 1)
        assert all(f"triggers on t{number}" in keys for number, keys in enumerate(made))
        assert all(plan.counts["lark", "create"] == 1 for plan in plans)
