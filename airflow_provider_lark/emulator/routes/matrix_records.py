"""Reading records by base/v3: pages as matrices, by offset (lark-api §4.10)."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.fieldtypes.matrix import Matrix, type_names
from airflow_provider_lark.emulator.fieldtypes.reading import Reading
from airflow_provider_lark.emulator.formats.jsontext import dump, parse_text
from airflow_provider_lark.emulator.routes.resolve import table_of, view_of
from airflow_provider_lark.emulator.routes.router import Rate, Route
from airflow_provider_lark.emulator.state import history, views
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.state.query import ordering, tuples
from airflow_provider_lark.emulator.state.query.filters import Filtering, Predicate, compile_filter
from airflow_provider_lark.emulator.state.query.tuples import refused
from airflow_provider_lark.emulator.state.query.values import getter, plain_text
from airflow_provider_lark.emulator.tenant.model import Base, Field, Record, Table
from airflow_provider_lark.emulator.wire import Request

MAX_SEARCH_FIELDS: Final = 20

_LIST_LIMIT: Final = 100
_SEARCH_LIMIT: Final = 10
_UNSERVED: Final = {"missing": 99991201, "forbidden": 91403, "failing": 5000}


def list_matrix(state: State, request: Request) -> dict[str, Any]:
    """One page; filter and sort are JSON texts in the query."""
    base, table = _open(state, request)
    asked = {name: request.query.get(name) for name in ("view_id", "filter", "sort")}
    for name in ("filter", "sort"):
        if asked[name] is not None:
            asked[name] = _json(name, str(asked[name]))
    query = {**asked, "select_fields": request.repeated.get("field_id") or None}
    limit = _number(request.query.get("limit"), "limit", _LIST_LIMIT)
    return _page(state, request, base, table, query, _number(request.query.get("offset"), "offset", 0), limit)


def search_matrix(state: State, request: Request) -> dict[str, Any]:
    """One page; filter and sort are members of the body."""
    base, table = _open(state, request)
    body = request.json()
    limit = _number(body.get("limit"), "limit", _SEARCH_LIMIT)
    return _page(state, request, base, table, body, _number(body.get("offset"), "offset", 0), limit)


def _open(state: State, request: Request) -> tuple[Base, Table]:
    served = state.switches.v3_records
    if served == "missing":
        raise ApiError(_UNSERVED[served], "base/v3 is switched off")
    base, table = table_of(state, request)
    if served != "served":
        raise ApiError(_UNSERVED[served], "base/v3 does not serve this base")
    return base, table


def _json(name: str, text: str) -> Any:
    try:
        return parse_text(text)
    except ValueError as exc:
        raise refused(f"{name}: a JSON text is expected") from exc


def _number(given: object, name: str, default: int) -> int:
    if given is None:
        return default
    text = str(given)
    if isinstance(given, bool) or not text.isdecimal() or len(text) > 9:
        raise refused(f"{name}: a whole number is expected")
    return int(text)


def _page(
    state: State, request: Request, base: Base, table: Table, query: dict[str, Any], offset: int, limit: int
) -> dict[str, Any]:
    switches = state.switches
    if not 1 <= limit <= switches.v3_page_max:
        raise refused(f"limit: 1 to {switches.v3_page_max} is expected")
    columns, is_chosen = _columns(table, query.get("select_fields"))
    found = [] if base.leaves_out(request.member_id) else _found(state, request, base, table, query)
    page = found[offset : offset + limit]
    reading = Reading(base, table, state.directory, "open_id", origin=state.origin, shows_stages=False)
    matrix = Matrix(reading, columns, switches)
    rows: list[Any] = [matrix.row(each) for each in page]
    bound = switches.max_response_bytes
    if bound is not None and len(rows) > 1 and len(dump(rows)) > bound:
        raise ApiError(1254030, "the answer is too large: ask for smaller pages")
    if switches.v3_rows == "objects":
        rows = [dict(zip((each.name for each in columns), row, strict=True)) for row in rows]
    request.records = len(page)
    answer: dict[str, Any] = {
        "timezone": base.time_zone,
        "has_more": offset + limit < len(found),
        "fields": [each.name for each in columns],
        "field_id_list": [each.field_id for each in columns],
        "field_type_list": type_names(columns, switches),
        "record_id_list": [each.record_id for each in page],
        "data": rows,
        "query_context": {
            "record_scope": "view_filtered_records" if query.get("view_id") else "all_records",
            "field_scope": "selected_fields" if is_chosen else "all_fields",
        },
        "ignored_fields": [],
    }
    if switches.v3_rev != "absent":
        answer["rev"] = table.revision if switches.v3_rev == "told" else 0
    return answer


def _columns(table: Table, given: object) -> tuple[list[Field], bool]:
    if given is None:
        return list(table.fields), False
    if not isinstance(given, list) or not given:
        raise refused("the fields to show are a list of names or ids")
    # a field that is named twice is shown once
    named = {each.field_id: each for each in (tuples.field_called(table, name) for name in given)}
    return list(named.values()), True


def _found(state: State, request: Request, base: Base, table: Table, query: dict[str, Any]) -> list[Record]:
    filtering = Filtering(base, table, state.directory, state.switches, state.now_ms, "open_id")
    fits: list[Predicate] = []
    view = None if query.get("view_id") in (None, "") else view_of(state, table, query["view_id"])
    if query.get("filter") is not None:
        own = tuples.compile_tuples(query["filter"], filtering)
    else:
        own = None if view is None else compile_filter(views.filter_of(view, table), filtering)
    fits += [own] if own is not None else []
    if query.get("keyword") is not None:
        fits.append(_holds(base, table, query["keyword"], query.get("search_fields")))
    elif query.get("search_fields") is not None:
        raise refused("search_fields needs a keyword")
    found = history.visible_records(state, table, request.reader)
    if state.switches.unsorted == "newest_first":
        found.reverse()
    found = [each for each in found if all(fit(each) for fit in fits)]
    if query.get("sort") is None:
        return found
    return ordering.order(found, tuples.parse_sort(query["sort"], table), base, state.switches)


def _holds(base: Base, table: Table, keyword: object, names: object) -> Predicate:
    if not isinstance(keyword, str) or not keyword:
        raise refused("keyword: a text is expected")
    if not isinstance(names, list) or not 1 <= len(names) <= MAX_SEARCH_FIELDS:
        raise refused(f"search_fields: 1 to {MAX_SEARCH_FIELDS} fields are expected")
    getters = [getter(tuples.field_called(table, name), base) for name in names]
    wanted = keyword.casefold()

    def fits(record: Record) -> bool:
        held = [get(record) for get in getters]
        texts = [each if isinstance(each, (str, list)) else str(each) for each in held if each is not None]
        return any(wanted in str(plain_text(each) if _is_segments(each) else each).casefold() for each in texts)

    return fits


def _is_segments(held: object) -> bool:
    return isinstance(held, list) and all(isinstance(each, dict) for each in held)


_RECORDS: Final = "/open-apis/base/v3/bases/:app_token/tables/:table_id/records"
_NOTE: Final = "the shapes of cells are those of the command line client's documents; nobody has seen a tenant's answer"
ROUTES: Final = (
    Route(
        "GET",
        _RECORDS,
        list_matrix,
        query=frozenset({"offset", "limit", "field_id", "view_id", "filter", "sort"}),
        scopes=("base:record:read",),
        rate=Rate(20),
        coverage="partly",
        note=_NOTE,
    ),
    Route(
        "POST",
        f"{_RECORDS}/search",
        search_matrix,
        members=frozenset(
            {"offset", "limit", "select_fields", "view_id", "filter", "sort", "keyword", "search_fields"}
        ),
        scopes=("base:record:read",),
        rate=Rate(20),
        coverage="partly",
        note=_NOTE,
    ),
)
