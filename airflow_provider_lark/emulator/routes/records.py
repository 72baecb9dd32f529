"""Reading records: search and batch_get (lark-api §2.4, §2.5)."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid, optional_flag
from airflow_provider_lark.emulator.fieldtypes.reading import Reading
from airflow_provider_lark.emulator.formats.jsontext import dump
from airflow_provider_lark.emulator.routes.resolve import page_size_of, table_of, view_of
from airflow_provider_lark.emulator.routes.router import BITABLE_READ, Rate, Route
from airflow_provider_lark.emulator.state import history
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.state.search import Query, search
from airflow_provider_lark.emulator.tenant.model import Record, Table
from airflow_provider_lark.emulator.wire import Request, parse_user_id_type

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
        raise ApiError(1254024, f"field_names must be a list of at most {MAX_FIELD_NAMES} names")
    wanted: set[str] = set()
    for name in given:
        column = table.field_named(name) if isinstance(name, str) else None
        if column is None:
            raise ApiError(1254024, "field_names contains an unknown field")
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
        raise too_many(state, "record_ids", len(wanted), MAX_GET)
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


def too_many(state: State, name: str, count: int, most: int) -> ApiError:
    """The refusal of more records in a call than it takes."""
    detail = f"a call may have at most {most} records"
    if state.switches.oversize_code == 99992402:
        return invalid(name, count, detail)
    return ApiError(state.switches.oversize_code, detail)


RECORDS_PATH: Final = "/open-apis/bitable/v1/apps/:app_token/tables/:table_id/records"

ROUTES: Final = (
    Route(
        "POST",
        f"{RECORDS_PATH}/search",
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
        f"{RECORDS_PATH}/batch_get",
        batch_get,
        members=frozenset({"record_ids", "user_id_type", "with_shared_url", "automatic_fields"}),
        scopes=(*BITABLE_READ, "base:record:read"),
        rate=Rate(20),
        family="strict",
    ),
)
