"""The deprecated reads of records: ``GET …/records`` and ``GET …/records/:record_id`` (lark-api §2.6, §3.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.fieldtypes.oldshapes import OldReading
from airflow_provider_lark.emulator.fieldtypes.reading import Reading
from airflow_provider_lark.emulator.formats.jsontext import parse_text
from airflow_provider_lark.emulator.routes.records import MAX_PAGE, automatic_members, field_names_of
from airflow_provider_lark.emulator.routes.resolve import base_of, page_of, query_flag, table_of, view_of
from airflow_provider_lark.emulator.routes.router import BITABLE_READ, Rate, Route
from airflow_provider_lark.emulator.state import history, views
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.state.query import ordering
from airflow_provider_lark.emulator.state.query.filters import Filtering, Predicate, compile_filter
from airflow_provider_lark.emulator.state.query.formulas import compile_formula
from airflow_provider_lark.emulator.tenant.model import Field, Record, Table
from airflow_provider_lark.emulator.wire import Request

MAX_SORT: Final = 1000


def _texts(request: Request, name: str, wrong: Callable[[str], ApiError]) -> list[str]:
    """A parameter that holds a list of texts as JSON."""
    given = request.query.get(name)
    if not given:
        return []
    try:
        parsed = parse_text(given)
    except ValueError as exc:
        raise wrong(f"{name} must be a list of strings, as JSON") from exc
    if not isinstance(parsed, list) or not all(isinstance(each, str) for each in parsed):
        raise wrong(f"{name} must be a list of strings, as JSON")
    return parsed


def _sorts(request: Request, table: Table) -> list[tuple[Field, bool]]:
    if len(request.query.get("sort", "")) > MAX_SORT:
        raise ApiError(1254108, f"a sort may have at most {MAX_SORT} characters")
    sorts: list[dict[str, Any]] = []
    for each in _texts(request, "sort", lambda detail: ApiError(1254016, detail)):
        name, _, direction = each.rpartition(" ")
        if direction not in {"ASC", "DESC"}:
            raise ApiError(1254016, 'a sort must be "Field ASC" or "Field DESC"')
        sorts.append({"field_name": name, "desc": direction == "DESC"})
    return ordering.parse_sort(sorts, table)


def list_records(state: State, request: Request) -> dict[str, Any]:
    """One page of records that fit a formula."""
    base, table = table_of(state, request)
    view = view_of(state, table, request.query["view_id"]) if request.query.get("view_id") else None
    names = field_names_of(_texts(request, "field_names", lambda detail: ApiError(1254024, detail)), table)
    sorts = _sorts(request, table)
    found = history.visible_records(state, table, request.reader)
    filtering = Filtering(base, table, state.directory, state.switches, state.now_ms, request.user_id_type)
    fits: Predicate | None = None
    if request.query.get("filter"):
        fits = compile_formula(request.query["filter"], filtering)
    elif view is not None and not sorts:
        fits = compile_filter(views.filter_of(view, table), filtering)
    found = [each for each in found if fits is None or fits(each)]
    if base.leaves_out(request.member_id):
        return {"items": [], "has_more": False, "total": 0}
    query_flag(request, "automatic_fields")
    old = _reading(state, request)
    page, members = page_of(state, request, ordering.order(found, sorts, base, state.switches), most=MAX_PAGE)
    request.records = len(page)
    return {"items": [_item(each, old, request, names) for each in page], **members}


def get_record(state: State, request: Request) -> dict[str, Any]:
    """One record."""
    base, table = table_of(state, request, writes=base_of(state, request).leaves_out(request.member_id))
    record_id = request.params["record_id"]
    if not record_id.startswith("rec"):
        raise ApiError(1254006, "a record_id must begin with rec")
    found = history.visible_records(state, table, request.reader)
    record = next((each for each in found if each.record_id == record_id), None)
    if record is None:
        code = state.switches.hidden_record_code if table.hides(record_id, request.member_id) else 1254043
        raise ApiError(code, f"record {record_id} is not in table {table.table_id}, or is hidden")
    request.records = 1
    item = _item(record, _reading(state, request), request, None)
    if query_flag(request, "with_shared_url"):
        url = f"https://emulator.feishu.cn/base/{base.app_token}?table={table.table_id}&record={record_id}"
        item.update({"record_url": url, "shared_url": f"https://emulator.feishu.cn/record/{record_id}"})
    return {"record": item}


def _reading(state: State, request: Request) -> OldReading:
    base, table = table_of(state, request)
    reading = Reading(base, table, state.directory, request.user_id_type, origin=state.origin)
    as_array, refs = query_flag(request, "text_field_as_array"), query_flag(request, "display_formula_ref")
    return OldReading(reading, text_as_array=as_array, formula_refs=refs)


def _item(record: Record, old: OldReading, request: Request, names: list[str] | None) -> dict[str, Any]:
    fields = old.fields_of(record)
    if names is not None:
        fields = {name: fields[name] for name in names if name in fields}
    item: dict[str, Any] = {"fields": fields, "id": record.record_id, "record_id": record.record_id}
    if query_flag(request, "automatic_fields"):
        item.update(automatic_members(record, old.reading))
    return item


_RECORDS: Final = "/open-apis/bitable/v1/apps/:app_token/tables/:table_id/records"
_SHAPES: Final = frozenset({"text_field_as_array", "user_id_type", "display_formula_ref", "automatic_fields"})
_PAGING: Final = frozenset({"page_token", "page_size"})
ROUTES: Final = (
    Route(
        "GET",
        _RECORDS,
        list_records,
        query=_SHAPES | _PAGING | {"view_id", "filter", "sort", "field_names"},
        scopes=BITABLE_READ,
        rate=Rate(20),
        coverage="partly",
        note="deprecated; formula filters as far as documented, others 1254018",
    ),
    Route(
        "GET",
        f"{_RECORDS}/:record_id",
        get_record,
        query=_SHAPES | {"with_shared_url"},
        scopes=BITABLE_READ,
        rate=Rate(20),
        note="deprecated",
    ),
)
