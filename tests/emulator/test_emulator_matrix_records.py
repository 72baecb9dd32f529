"""Reading records by base/v3: pages as matrices, by offset (lark-api §4.10)."""

from __future__ import annotations

import json
from typing import Any

import pytest

WIDE: list[dict[str, Any]] = [
    {"field_name": "Name", "type": 1},
    {"field_name": "Mail", "type": 1, "ui_type": "Email"},
    {"field_name": "Qty", "type": 2},
    {"field_name": "Kind", "type": 3},
    {"field_name": "Tags", "type": 4},
    {"field_name": "Day", "type": 5},
    {"field_name": "Ok", "type": 7},
    {"field_name": "Who", "type": 11},
    {"field_name": "Phone", "type": 13},
    {"field_name": "Site", "type": 15},
    {"field_name": "Where", "type": 22},
    {"field_name": "No", "type": 1005},
    {"field_name": "By", "type": 1003},
]
NOON_MS = 1_767_240_000_123  # 2026-01-01 12:00:00.123 in Shanghai


@pytest.fixture
def path(caller: Any) -> str:
    return f"/open-apis/base/v3/bases/{caller.app_token}/tables/{caller.table_id}/records"


def test_page_is_a_matrix_in_the_order_of_its_fields(caller: Any, path: str) -> None:
    ids = caller.create({"Name": "a", "Qty": 1, "Kind": "x", "Tags": ["p", "q"], "Day": NOON_MS, "Ok": True}, {})
    data = caller.call("GET", path, limit=2000)["data"]
    assert data["fields"] == ["Name", "Qty", "Kind", "Tags", "Day", "Ok", "Changed"]
    assert data["field_type_list"] == ["text", "number", "select", "select", "datetime", "checkbox", "updated_at"]
    assert (data["record_id_list"], data["has_more"], data["timezone"]) == (ids, False, "Asia/Shanghai")
    full, empty = data["data"]
    assert full[:6] == ["a", 1, ["x"], ["p", "q"], "2026-01-01 12:00:00", True]
    assert empty[:6] == [None, None, [], [], None, False]
    assert data["query_context"] == {"record_scope": "all_records", "field_scope": "all_fields"}


def test_fields_are_chosen_by_id_or_name(caller: Any, path: str) -> None:
    caller.create({"Name": "a", "Qty": 2})
    whole = caller.call("GET", path)["data"]
    qty = whole["field_id_list"][whole["fields"].index("Qty")]
    shown = caller.call("GET", path, field_id=[qty, "Name"])["data"]
    assert (shown["fields"], shown["data"]) == (["Qty", "Name"], [[2, "a"]])
    assert shown["query_context"]["field_scope"] == "selected_fields"
    assert caller.code("GET", path, field_id=["fldNone"]) == 1254045


def test_cells_of_every_other_kind(caller: Any) -> None:
    table = caller.emu.state.create_table(caller.app_token, "wide", WIDE)
    ann = caller.emu.state.add_user("Ann")
    path = f"/open-apis/base/v3/bases/{caller.app_token}/tables/{table.table_id}/records"
    row = {
        "Mail": "a@example.com",
        "Who": [{"id": ann.open_id}],
        "Phone": "+4912",
        "Site": {"text": "home", "link": "https://a.example"},
        "Where": "116.25,39.5",
    }
    made = caller.call("POST", path.replace("base/v3/bases", "bitable/v1/apps"), {"fields": row})
    assert made["code"] == 0, made
    data = caller.call("GET", path)["data"]
    cells = dict(zip(data["fields"], data["data"][0], strict=True))
    assert cells["Mail"] == "a@example.com"
    assert cells["Who"] == [{"id": ann.open_id, "name": "Ann"}]
    assert (cells["Phone"], cells["Site"], cells["No"]) == ("+4912", "[home](https://a.example)", "1")
    assert (cells["Where"]["lng"], cells["Where"]["lat"]) == (116.25, 39.5)
    assert set(cells["By"][0]) == {"id", "name"}


@pytest.mark.parametrize(
    ("times", "shown"),
    [
        ("seconds", "2026-01-01 12:00:00"),
        ("zoned", "2026-01-01T12:00:00+08:00"),
        ("milliseconds", "2026-01-01T04:00:00.123Z"),
    ],
)
def test_moments_are_shown_as_the_switch_says(caller: Any, path: str, times: str, shown: str) -> None:
    caller.emu.switches.update({"v3_times": times})
    caller.create({"Day": NOON_MS})
    assert caller.call("GET", path, field_id=["Day"])["data"]["data"] == [[shown]]


def test_pages_go_by_offset_and_tell_the_revision_that_they_show(caller: Any, path: str) -> None:
    ids = caller.create(*({"Name": str(number)} for number in range(5)))
    first, second = (caller.call("GET", path, offset=offset, limit=3)["data"] for offset in (0, 3))
    assert first["record_id_list"] + second["record_id_list"] == ids
    assert (first["has_more"], second["has_more"], first["rev"]) == (True, False, second["rev"])
    caller.call("DELETE", f"{caller.records}/{ids[0]}")
    # one has moved up into the page before
    third = caller.call("GET", path, offset=3, limit=3)["data"]
    assert (third["record_id_list"], third["rev"] > first["rev"]) == ([ids[4]], True)


def test_limit_over_the_tenants_is_refused(caller: Any, path: str) -> None:
    assert caller.code("GET", path, limit=2001) == 800010701
    caller.emu.switches.update({"v3_page_max": 500})
    assert (caller.code("GET", path, limit=501), caller.code("GET", path, limit=500)) == (800010701, 0)


@pytest.mark.parametrize(("served", "code"), [("missing", 99991201), ("forbidden", 91403), ("failing", 5000)])
def test_tenant_without_it_refuses(caller: Any, path: str, served: str, code: int) -> None:
    caller.emu.switches.update({"v3_records": served})
    assert caller.code("GET", path) == code
    assert caller.code("POST", f"{path}/search", {}) == code
    assert caller.search() == {"items": [], "has_more": False, "total": 0}


def test_other_readings_of_a_page(caller: Any, path: str) -> None:
    caller.create({"Name": "a"})
    caller.emu.switches.update({"v3_rev": "absent", "v3_types": "new", "v3_rows": "objects"})
    data = caller.call("GET", path, field_id=["Name"])["data"]
    assert ("rev" in data, data["field_type_list"], data["data"]) == (False, ["text_v2"], [{"Name": "a"}])
    caller.emu.switches.update({"v3_rev": "zero"})
    assert caller.call("GET", path)["data"]["rev"] == 0


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ([["Name", "==", "b"]], ["b"]),
        ([["Name", "intersects", "b"]], ["b", "bb"]),
        ([["Qty", ">=", 2], ["Qty", "<", 3]], ["b"]),
        ([["Qty", "empty"]], ["bb"]),
        ([["Tags", "intersects", ["p", "z"]]], ["a"]),
        ([["Ok", "==", True]], ["a"]),
        ([["Day", "==", "ExactDate(2026-01-01)"]], ["a", "b"]),
        ([["Day", ">", "ExactDate(2026-01-01 12:00:00.122)"]], ["a"]),
        ([["Day", ">", "ExactDate(2026-01-01 12:00)"]], []),
    ],
    ids=str,
)
def test_filter_finds_to_the_millisecond(caller: Any, path: str, conditions: list[Any], found: list[str]) -> None:
    caller.create(
        {"Name": "a", "Qty": 1, "Tags": ["p"], "Ok": True, "Day": NOON_MS},
        {"Name": "b", "Qty": 2, "Day": NOON_MS - 1},
        {"Name": "bb"},
    )
    filter_ = {"logic": "and", "conditions": conditions}
    asked = {"field_id": ["Name"], "filter": json.dumps(filter_)}
    assert [row[0] for row in caller.call("GET", path, **asked)["data"]["data"]] == found
    by_body = caller.call("POST", f"{path}/search", {"select_fields": ["Name"], "filter": filter_})
    assert [row[0] for row in by_body["data"]["data"]] == found


def test_sort_and_keyword(caller: Any, path: str) -> None:
    caller.create({"Name": "One", "Qty": 1}, {"Name": "Two", "Qty": 2}, {"Name": "three", "Qty": 3})
    sort = [{"field": "Qty", "desc": True}]
    names = caller.call("GET", path, field_id=["Name"], sort=json.dumps(sort))["data"]["data"]
    assert names == [["three"], ["Two"], ["One"]]
    body = {"keyword": "t", "search_fields": ["Name"], "select_fields": ["Name"], "sort": sort}
    assert caller.call("POST", f"{path}/search", body)["data"]["data"] == [["three"], ["Two"]]


@pytest.mark.parametrize(
    "asked",
    [
        {"limit": "0"},
        {"limit": "x"},
        {"offset": "-1"},
        {"filter": "{"},
        {"filter": "[]"},
        {"filter": '{"conditions": [["Name", "~", "a"]]}'},
        {"filter": '{"conditions": [["Day", ">=", "Today"]]}'},
        {"filter": '{"conditions": [["Qty", "==", "1"]]}'},
        {"sort": '[{"field": "Qty"}]'},
        {"sort": "{}"},
    ],
    ids=str,
)
def test_request_of_another_shape_is_refused(caller: Any, path: str, asked: dict[str, str]) -> None:
    assert caller.code("GET", path, **asked) == 800010701


def test_nothing_is_shown_where_advanced_permissions_leave_the_app_with_nothing(caller: Any, path: str) -> None:
    caller.create({"Name": "a"})
    caller.emu.state.set_advanced(caller.app_token, without_rights=[caller.emu.app_id])
    assert caller.call("GET", path)["data"]["record_id_list"] == []
