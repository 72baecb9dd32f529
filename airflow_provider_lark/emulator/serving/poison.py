"""Whether a request or its answer concerns a certain record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.fieldtypes.reading import Reading
from airflow_provider_lark.emulator.nearmisses import leaves
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.model import Record, Table
from airflow_provider_lark.emulator.wire import Outcome, Request


def in_request(state: State, request: Request, wanted: str) -> bool:
    """Whether a request names the record, by its id or by a value that it holds or is about to get."""
    named = [*request.params.values(), *leaves(_body_of(request))]
    if wanted in named:
        return True
    with state.lock:
        base = state.bases.get(request.params.get("app_token", ""))
        table = base.tables.get(request.params.get("table_id", "")) if base is not None else None
        if base is None or table is None:
            return False
        reading = Reading(base, table, state.directory, origin=state.origin)
        return any(wanted in leaves(reading.fields_of(each)) for each in _records_of(table, named))


def in_answer(data: Outcome, wanted: str) -> bool:
    """Whether what was read holds the record."""
    return isinstance(data, dict) and wanted in leaves(data)


def _body_of(request: Request) -> Any:
    try:
        return request.json() if request.body else None
    except ApiError:
        return None


def _records_of(table: Table, named: list[str]) -> Iterator[Record]:
    return (table.records[each] for each in named if each in table.records)
