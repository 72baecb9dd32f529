"""Who changed a record: base/v3 (lark-api §4.9)."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.fieldtypes.reading import Reading
from airflow_provider_lark.emulator.routes.resolve import base_of
from airflow_provider_lark.emulator.routes.router import Rate, Route
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.model import Record, Table, Version
from airflow_provider_lark.emulator.wire import Request

PAGE_MOST: Final = 50
_DEFAULT: Final = 30


def record_history(state: State, request: Request) -> dict[str, Any]:
    """The changes of a record, the newest first."""
    if not state.switches.serves_record_history:
        raise ApiError(99991201, "base/v3 is switched off")
    base = base_of(state, request)
    table = base.tables.get(request.query.get("table_id", ""))
    if table is None:
        raise ApiError(1254041, "the base has no such table")
    record_id = request.query.get("record_id", "")
    if request.member_id and table.hides(record_id, request.member_id):
        raise ApiError(state.switches.hidden_record_code, "row rights hide the record from the caller")
    size = _number(request, "page_size", _DEFAULT)
    if not 1 <= size <= PAGE_MOST:
        raise invalid("page_size", size, f"page_size must be 1..{PAGE_MOST}")
    newest = _number(request, "max_version", 2**31)
    kept = [each for each in table.versions.get(record_id, [])[::-1] if each.revision <= newest]
    shown = kept[:size]
    reading = Reading(base, table, state.directory, request.user_id_type, origin=state.origin)
    told = [_entry(state, table, reading, record_id, each) for each in shown]
    answer: dict[str, Any] = {"items": told, "has_more": len(kept) > size}
    if len(kept) > size:
        answer["next_max_version"] = kept[size].revision
    return answer


def _number(request: Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdecimal():
        raise invalid(name, text, f"{name} must be a number")
    return int(text)


def _entry(state: State, table: Table, reading: Reading, record_id: str, version: Version) -> dict[str, Any]:
    before, after = version.before or {}, version.after or {}
    columns = [each for each in table.fields if before.get(each.field_id) != after.get(each.field_id)]
    kind = "create" if version.before is None else "delete" if version.after is None else "update"

    def shown(cells: dict[str, Any]) -> dict[str, Any]:
        return reading.fields_of(Record(record_id, cells, 0, version.at_ms, version.at_ms, "", ""))

    old, new = shown(before), shown(after)
    told = {
        "rev": version.revision,
        "create_time": version.at_ms // 1000,
        "activity_type": kind,
        "field_changes": [
            {
                "field_id": each.field_id,
                "name": each.name,
                "type": each.ui_type,
                "before": old.get(each.name),
                "after": new.get(each.name),
            }
            for each in columns
            if not each.is_read_only
        ],
    }
    if state.switches.history_tells_operator and version.actor:
        person = reading.person(version.actor)
        told["operator"] = {"id": person["id"], "name": person["name"]}
    return told


ROUTES: Final = (
    Route(
        "GET",
        "/open-apis/base/v3/bases/:app_token/record_history",
        record_history,
        query=frozenset({"table_id", "record_id", "page_size", "max_version"}),
        scopes=("base:record:read",),
        rate=Rate(20),
        coverage="partly",
        note="the newest 100 changes of a record, without links that Lark mirrors or drops by itself",
    ),
)
