"""Writing records: create, update and delete, one or a batch (lark-api §2.2, §2.3, §2.5)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from airflow_provider_lark.emulator import nearmisses
from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.routes.gate import known_only
from airflow_provider_lark.emulator.routes.records import RECORDS_PATH, too_many
from airflow_provider_lark.emulator.routes.resolve import query_flag, table_of
from airflow_provider_lark.emulator.routes.router import BITABLE_WRITE, Rate, Route
from airflow_provider_lark.emulator.state import records
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.wire import Request

# §2.5; the oldest texts still say 500 for create and update
MAX_DELETE: Final = 500


def _edit(state: State, request: Request) -> records.Edit:
    base, table = table_of(state, request, writes=True)
    unchecked = query_flag(request, "ignore_consistency_check")
    return records.Edit(
        state,
        base,
        table,
        request.actor,
        request.user_id_type,
        unchecked=unchecked,
        member_id=request.member_id,
    )


def _written(record_id: str, fields: Any) -> dict[str, Any]:
    # the answer echoes what was sent, in the shape in which it was sent (§2.5)
    return {"fields": fields, "id": record_id, "record_id": record_id}


def _fields_in(state: State, row: object, *, known: Collection[str] = ("fields",)) -> Any:
    if not isinstance(row, dict) or "fields" not in row:
        raise ApiError(1254001, "a record must be {fields: {name: value}}")
    known_only(state, row, known, "records")
    return row["fields"]


def _rows(state: State, request: Request, most: int) -> list[Any]:
    rows = request.json().get("records")
    if not isinstance(rows, list):
        raise ApiError(1254001, "records must be a list")
    if not rows:
        raise ApiError(1254007, "records is empty")
    if len(rows) > most:
        raise too_many(state, "records", len(rows), most)
    largest = state.switches.max_changeset_bytes
    if largest is not None and len(request.body) > largest:
        raise ApiError(1254002, msg=f"changeset size exceed the limit, len:{len(request.body)}")
    request.records = len(rows)
    return rows


def create_record(state: State, request: Request) -> dict[str, Any]:
    """Create one record."""
    edit, rows = _edit(state, request), [_fields_in(state, request.json())]
    (record_id,) = records.create(edit, nearmisses.stored(request.near_misses, edit.table, rows))
    request.records = 1
    return {"record": _written(record_id, nearmisses.told(request.near_misses, edit.table, rows)[0])}


def batch_create(state: State, request: Request) -> dict[str, Any]:
    """Create records, all or none, in order."""
    edit = _edit(state, request)
    rows = [_fields_in(state, each) for each in _rows(state, request, state.switches.batch_write_max)]
    made = records.create(edit, nearmisses.stored(request.near_misses, edit.table, rows))
    shown = nearmisses.told(request.near_misses, edit.table, rows)
    return {"records": [_written(record_id, fields) for record_id, fields in zip(made, shown, strict=True)]}


def update_record(state: State, request: Request) -> dict[str, Any]:
    """Change one record."""
    edit, rows = _edit(state, request), [_fields_in(state, request.json())]
    record_ids = [request.params["record_id"]]
    request.records = 1
    return {"record": _update(edit, request, record_ids, rows)[0]}


def batch_update(state: State, request: Request) -> dict[str, Any]:
    """Change records, all or none."""
    edit = _edit(state, request)
    rows = [_identified(state, each) for each in _rows(state, request, state.switches.batch_write_max)]
    ids, fields = [record_id for record_id, _ in rows], [each for _, each in rows]
    return {"records": _update(edit, request, ids, fields)}


def _update(edit: records.Edit, request: Request, record_ids: list[str], rows: list[Any]) -> list[dict[str, Any]]:
    stored = nearmisses.stored(request.near_misses, edit.table, rows, record_ids)
    records.update(edit, list(zip(record_ids, stored, strict=True)))
    shown = nearmisses.told(request.near_misses, edit.table, rows, record_ids)
    return [_written(record_id, fields) for record_id, fields in zip(record_ids, shown, strict=True)]


def _identified(state: State, row: object) -> tuple[str, Any]:
    fields = _fields_in(state, row, known=("fields", "record_id"))
    record_id = row.get("record_id") if isinstance(row, dict) else None
    if not isinstance(record_id, str):
        raise ApiError(1254006, "a record must be {record_id, fields}")
    return record_id, fields


def delete_record(state: State, request: Request) -> dict[str, Any]:
    """Delete one record."""
    record_id = request.params["record_id"]
    records.delete(_edit(state, request), [record_id])
    request.records = 1
    return {"deleted": True, "record_id": record_id}


def batch_delete(state: State, request: Request) -> dict[str, Any]:
    """Delete records, all or none."""
    edit = _edit(state, request)
    wanted = _rows(state, request, MAX_DELETE)
    records.delete(edit, wanted)
    return {"records": [{"deleted": True, "record_id": each} for each in wanted]}


_WRITE: Final = frozenset({"user_id_type", "client_token", "ignore_consistency_check"})
_DELETE: Final = frozenset({"ignore_consistency_check"})
_CREATE_SCOPES: Final = (*BITABLE_WRITE, "base:record:create")
_UPDATE_SCOPES: Final = (*BITABLE_WRITE, "base:record:update")
_DELETE_SCOPES: Final = (*BITABLE_WRITE, "base:record:delete")


def _write_route(method: str, tail: str, handler: Any, members: set[str], scopes: tuple[str, ...]) -> Route:
    return Route(
        method,
        RECORDS_PATH + tail,
        handler,
        query=_WRITE,
        members=frozenset(members),
        scopes=scopes,
        rate=Rate(50),
        holds="table",
    )


ROUTES: Final = (
    _write_route("POST", "", create_record, {"fields"}, _CREATE_SCOPES),
    _write_route("POST", "/batch_create", batch_create, {"records"}, _CREATE_SCOPES),
    _write_route("PUT", "/:record_id", update_record, {"fields"}, _UPDATE_SCOPES),
    _write_route("POST", "/batch_update", batch_update, {"records"}, _UPDATE_SCOPES),
    Route(
        "DELETE",
        f"{RECORDS_PATH}/:record_id",
        delete_record,
        query=_DELETE,
        scopes=_DELETE_SCOPES,
        rate=Rate(50),
        holds="table",
    ),
    Route(
        "POST",
        f"{RECORDS_PATH}/batch_delete",
        batch_delete,
        query=_DELETE,
        members=frozenset({"records"}),
        scopes=_DELETE_SCOPES,
        rate=Rate(50),
        holds="table",
    ),
)
