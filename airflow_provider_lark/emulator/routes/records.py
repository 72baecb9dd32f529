"""Records: search, batch_get and the writes (lark-api §2.2 to §2.5)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from airflow_provider_lark.emulator import nearmisses
from airflow_provider_lark.emulator.errors import ApiError, invalid, optional_flag
from airflow_provider_lark.emulator.fieldtypes.reading import Reading
from airflow_provider_lark.emulator.jsontext import dump
from airflow_provider_lark.emulator.routes.gate import known_only
from airflow_provider_lark.emulator.routes.resolve import page_size_of, query_flag, table_of, view_of
from airflow_provider_lark.emulator.routes.router import BITABLE_READ, BITABLE_WRITE, Rate, Route
from airflow_provider_lark.emulator.state import history, records
from airflow_provider_lark.emulator.state.model import Record, Table
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.state.search import Query, search
from airflow_provider_lark.emulator.wire import Request, parse_user_id_type

# §2.5; the oldest texts still say 500 for create and update
MAX_CREATE: Final = 1000
MAX_UPDATE: Final = 1000
MAX_DELETE: Final = 500
MAX_GET: Final = 100
MAX_PAGE: Final = 500
MAX_FIELD_NAMES: Final = 200


def automatic_members(record: Record, reading: Reading) -> dict[str, Any]:
    """The members of a record that are no fields (§2.4)."""
    return {
        "created_by": reading.person(record.created_by),
        "created_time": record.created_ms,
        "last_modified_by": reading.person(record.modified_by),
        "last_modified_time": record.modified_ms,
    }


def _item(record: Record, reading: Reading, names: list[str] | None, *, automatic: bool) -> dict[str, Any]:
    fields = reading.fields_of(record)
    if names is not None:
        fields = {name: fields[name] for name in names if name in fields}
    item: dict[str, Any] = {"fields": fields, "record_id": record.record_id}
    if automatic:
        item.update(automatic_members(record, reading))
    return item


def field_names_of(given: object, table: Table) -> list[str] | None:
    """The fields that are asked for, in the table's order; None: all."""
    if given is None or given == []:
        return None
    if not isinstance(given, list) or len(given) > MAX_FIELD_NAMES:
        raise ApiError(1254024, f"field_names is a list of at most {MAX_FIELD_NAMES} names")
    wanted: set[str] = set()
    for name in given:
        column = table.field_named(name) if isinstance(name, str) else None
        if column is None:
            raise ApiError(1254024, "field_names names a field that is not there")
        wanted.add(column.name)
    return [each.name for each in table.fields if each.name in wanted]


def search_records(state: State, request: Request) -> dict[str, Any]:
    """One page of records that match (§2.4)."""
    base, table = table_of(state, request)
    body = request.json()
    names = field_names_of(body.get("field_names"), table)
    # SDKs send an empty text for "no view"
    view_id = None if body.get("view_id") in (None, "") else body["view_id"]
    if view_id is not None:
        view_of(state, table, view_id)
    query = Query(
        filter=body.get("filter"),
        sort=body.get("sort"),
        view_id=view_id,
        page_size=page_size_of(state, request, most=MAX_PAGE),
        page_token=request.query.get("page_token") or None,
        user_id_type=request.user_id_type,
        reader=request.reader,
    )
    page = search(state, base, table, query)
    if base.leaves_out(request.member_id):
        # advanced permissions: success with nothing in it (§2.4, §9.3)
        return {"items": [], "has_more": False, "total": 0}
    automatic = optional_flag(body.get("automatic_fields"), "automatic_fields")
    shows_stages = state.switches.shows_stages
    reading = Reading(base, table, state.directory, query.user_id_type, origin=state.origin, shows_stages=shows_stages)
    items = [_item(each, reading, names, automatic=automatic) for each in page.records]
    limit = state.switches.max_response_bytes
    if limit is not None and len(items) > 1 and len(dump(items)) > limit:
        raise ApiError(1254030, "the answer is too large: ask for smaller pages")
    request.records = len(items)
    answer: dict[str, Any] = {"items": items, "has_more": page.has_more, "total": page.total}
    if page.page_token is not None:
        answer["page_token"] = page.page_token
    return answer


def batch_get(state: State, request: Request) -> dict[str, Any]:
    """Records by id: a partial result, no error for unknown ones (§2.4)."""
    base, table = table_of(state, request)
    body = request.json()
    wanted = body.get("record_ids")
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        raise invalid("record_ids", wanted, "record_ids must be a list of ids")
    if not wanted:
        raise invalid("record_ids", wanted, "record_ids is empty")
    if len(wanted) > MAX_GET:
        raise _too_many(state, "record_ids", len(wanted), MAX_GET)
    if base.leaves_out(request.member_id):
        return {"records": [], "forbidden_record_ids": wanted, "absent_record_ids": []}
    # here the kind of user ids is asked for in the body (§2.4)
    kind = parse_user_id_type(body.get("user_id_type"))
    shows_stages = state.switches.shows_stages
    reading = Reading(base, table, state.directory, kind, origin=state.origin, shows_stages=shows_stages)
    automatic = optional_flag(body.get("automatic_fields"), "automatic_fields")
    shared = optional_flag(body.get("with_shared_url"), "with_shared_url")
    visible = table.records
    if not history.is_plain(table, request.reader):
        visible = {each.record_id: each for each in history.visible_records(state, table, request.reader)}
    found = [visible[each] for each in wanted if each in visible]
    items = [_item(each, reading, None, automatic=automatic) for each in found]
    if shared:
        for item in items:
            item["shared_url"] = f"https://emulator.feishu.cn/record/{item['record_id']}"
    request.records = len(items)
    absent = [each for each in wanted if each not in visible]
    forbidden = [each for each in absent if each in table.records and table.hides(each, request.member_id)]
    if not state.switches.names_hidden_records:
        forbidden = []
    absent = [each for each in absent if each not in forbidden]
    return {"records": items, "forbidden_record_ids": forbidden, "absent_record_ids": absent}


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
        raise ApiError(1254001, "a record is {fields: {name: value}}")
    known_only(state, row, known, "records")
    return row["fields"]


def _rows(state: State, request: Request, most: int) -> list[Any]:
    rows = request.json().get("records")
    if not isinstance(rows, list):
        raise ApiError(1254001, "records must be a list")
    if not rows:
        raise ApiError(1254007, "records is empty")
    if len(rows) > most:
        raise _too_many(state, "records", len(rows), most)
    largest = state.switches.max_changeset_bytes
    if largest is not None and len(request.body) > largest:
        raise ApiError(1254002, msg=f"changeset size exceed the limit, len:{len(request.body)}")
    request.records = len(rows)
    return rows


def _too_many(state: State, name: str, count: int, most: int) -> ApiError:
    detail = f"at most {most} records a call"
    if state.switches.oversize_code == 99992402:
        return invalid(name, count, detail)
    return ApiError(state.switches.oversize_code, detail)


def create_record(state: State, request: Request) -> dict[str, Any]:
    """Create one record."""
    edit, rows = _edit(state, request), [_fields_in(state, request.json())]
    (record_id,) = records.create(edit, nearmisses.stored(request.near_misses, edit.table, rows))
    request.records = 1
    return {"record": _written(record_id, nearmisses.told(request.near_misses, edit.table, rows)[0])}


def batch_create(state: State, request: Request) -> dict[str, Any]:
    """Create records, all or none, in order."""
    edit = _edit(state, request)
    rows = [_fields_in(state, each) for each in _rows(state, request, MAX_CREATE)]
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
    rows = [_identified(state, each) for each in _rows(state, request, MAX_UPDATE)]
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
        raise ApiError(1254006, "a record is {record_id, fields}")
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


_RECORDS: Final = "/open-apis/bitable/v1/apps/:app_token/tables/:table_id/records"
_WRITE: Final = frozenset({"user_id_type", "client_token", "ignore_consistency_check"})
_DELETE: Final = frozenset({"ignore_consistency_check"})
_CREATE_SCOPES: Final = (*BITABLE_WRITE, "base:record:create")
_UPDATE_SCOPES: Final = (*BITABLE_WRITE, "base:record:update")
_DELETE_SCOPES: Final = (*BITABLE_WRITE, "base:record:delete")


def _write_route(method: str, tail: str, handler: Any, members: set[str], scopes: tuple[str, ...]) -> Route:
    return Route(
        method,
        _RECORDS + tail,
        handler,
        query=_WRITE,
        members=frozenset(members),
        scopes=scopes,
        rate=Rate(50),
        holds="table",
    )


ROUTES: Final = (
    Route(
        "POST",
        f"{_RECORDS}/search",
        search_records,
        query=frozenset({"user_id_type", "page_token", "page_size"}),
        members=frozenset({"view_id", "field_names", "sort", "filter", "automatic_fields"}),
        scopes=(*BITABLE_READ, "base:record:retrieve"),
        family="search",
        rate=Rate(20),
        note="view_id selects by the view's filter, unless filter or sort is given",
    ),
    Route(
        "POST",
        f"{_RECORDS}/batch_get",
        batch_get,
        members=frozenset({"record_ids", "user_id_type", "with_shared_url", "automatic_fields"}),
        scopes=(*BITABLE_READ, "base:record:read"),
        rate=Rate(20),
        family="strict",
    ),
    _write_route("POST", "", create_record, {"fields"}, _CREATE_SCOPES),
    _write_route("POST", "/batch_create", batch_create, {"records"}, _CREATE_SCOPES),
    _write_route("PUT", "/:record_id", update_record, {"fields"}, _UPDATE_SCOPES),
    _write_route("POST", "/batch_update", batch_update, {"records"}, _UPDATE_SCOPES),
    Route(
        "DELETE",
        f"{_RECORDS}/:record_id",
        delete_record,
        query=_DELETE,
        scopes=_DELETE_SCOPES,
        rate=Rate(50),
        holds="table",
    ),
    Route(
        "POST",
        f"{_RECORDS}/batch_delete",
        batch_delete,
        query=_DELETE,
        members=frozenset({"records"}),
        scopes=_DELETE_SCOPES,
        rate=Rate(50),
        holds="table",
    ),
)
