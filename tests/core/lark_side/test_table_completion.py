"""A table of which Lark keeps a part of the fields is completed, at once or by the next try."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.core.errors import LarkError, SchemaMismatch
from airflow_provider_lark.core.lark_side.table_design import ensure_table
from airflow_provider_lark.emulator import Emulator

FIELDS = [{"name": f"f{n:02}", "type": "Number" if n else "Text"} for n in range(27)]
NAMES = [each["name"] for each in FIELDS]


@pytest.fixture
def emu() -> Iterator[Emulator]:
    with Emulator() as emu:
        yield emu


@pytest.fixture
def lark(emu: Emulator) -> Iterator[Any]:
    base = emu.state.create_base("Shop")
    with LarkClient(emu.app_id, emu.app_secret, emu.url, rate_share=None, max_attempts=1) as client:
        yield client, base.app_token


def names(client: LarkClient, app_token: str, table_id: str) -> list[str]:
    return [field["field_name"] for field in client.bitable.list_fields(app_token=app_token, table_id=table_id)]


@pytest.mark.parametrize("told", [False, True])
def test_fields_that_lark_left_out_are_made(emu: Emulator, lark: Any, told: bool) -> None:
    client, app_token = lark
    emu.faults.add("POST .*/tables$", action="keep_fields", count=20, told=told)
    made = ensure_table(client, app_token, "goods", FIELDS, if_exists="fail")
    assert made.created
    assert names(client, app_token, made.id) == NAMES


@pytest.mark.parametrize("if_exists", ["fail", "skip"])
def test_next_try_goes_on_where_the_first_ended(emu: Emulator, lark: Any, if_exists: Any) -> None:
    client, app_token = lark
    emu.faults.add("POST .*/tables$", action="keep_fields", count=20)
    emu.faults.add("POST .*/fields$", code=1255001, status=500, skip=3)
    with pytest.raises(LarkError):
        ensure_table(client, app_token, "goods", FIELDS, if_exists=if_exists)
    made = ensure_table(client, app_token, "goods", FIELDS, if_exists=if_exists)
    assert names(client, app_token, made.id) == NAMES
    assert len(client.bitable.list_tables(app_token=app_token)) == 1


def test_table_of_somebody_else_is_not_completed(emu: Emulator, lark: Any) -> None:
    client, app_token = lark
    table = emu.state.create_table(app_token, "goods", [{"field_name": "f00", "type": 1}])
    emu.person.add_record(app_token, table.table_id, {"f00": "a"})
    with pytest.raises(SchemaMismatch):
        ensure_table(client, app_token, "goods", FIELDS, if_exists="skip")
    assert names(client, app_token, table.table_id) == ["f00"]


def test_answer_without_data_to_a_creation_is_looked_up(emu: Emulator, lark: Any) -> None:
    client, app_token = lark
    emu.faults.add("POST .*/tables$", action="no_data")
    made = ensure_table(client, app_token, "goods", FIELDS, if_exists="fail")
    assert names(client, app_token, made.id) == NAMES
