"""What the reference refuses, at every level of a request: names, properties, filters, nested members, odd values."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

FALSY: list[Any] = [[], "", 0, False, {}]
LONG = "n" * 101


def told(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["code"]


def tables(caller: Any) -> str:
    return f"/open-apis/bitable/v1/apps/{caller.app_token}/tables"


def number(ui_type: str, **property_: Any) -> dict[str, Any]:
    return {"field_name": "n", "type": 2, "ui_type": ui_type, "property": {"formatter": "0", **property_}}


@pytest.mark.parametrize(
    "definition",
    [
        pytest.param(number("Rating", min=2, max=5), id="rating from 2"),
        pytest.param(number("Rating", min=0, max=11), id="rating up to 11"),
        pytest.param(number("Rating", min=0, max=0), id="rating up to 0"),
        pytest.param(number("Rating", min=1, max=4.5), id="half a star"),
        pytest.param(number("Rating", min=True, max=5), id="rating from true"),
        pytest.param(number("Rating", min="0", max=5), id="rating from text"),
        pytest.param(number("Rating", min=3, max=2), id="rating upside down"),
        pytest.param(number("Rating", min=0, max=5, formatter="0.0"), id="rating with decimals"),
        pytest.param(number("Rating", min=0, max=5, rating={"symbol": "cat"}), id="unknown symbol"),
        pytest.param(number("Rating", min=0, max=5, rating=[]), id="rating no object"),
        pytest.param(number("Progress", min=2, max=1), id="progress upside down"),
        pytest.param(number("Progress", range_customize=1, min=0, max=1), id="range_customize no boolean"),
        pytest.param(number("Progress", range_customize=True), id="progress without its range"),
        pytest.param(number("Currency", currency_code="XXX"), id="unknown currency"),
        pytest.param(number("Number", min=0), id="number with min"),
        pytest.param(number("Number", formatter=0), id="formatter no text"),
    ],
)
def test_number_with_a_wrong_property_is_refused(caller: Any, definition: dict[str, Any]) -> None:
    assert told(caller.raw("POST", f"{caller.table}/fields", definition)) == (400, 1254081)


@pytest.mark.parametrize(
    "definition",
    [
        number("Rating", min=0, max=10, rating={"symbol": "heart"}),
        number("Rating", min=1, max=1),
        number("Progress", range_customize=True, min=0.1, max=4),
        number("Currency", currency_code="MOP"),
    ],
)
def test_number_with_a_documented_property_is_made(caller: Any, definition: dict[str, Any]) -> None:
    made = caller.call("POST", f"{caller.table}/fields", definition)["data"]["field"]
    assert made["property"].items() >= definition["property"].items()


@pytest.mark.parametrize(
    ("type_code", "property_", "code"),
    [
        pytest.param(1, {"x": 1}, 1254080, id="text"),
        pytest.param(3, {"options": [{"name": "a", "color": True}]}, 1254082, id="colour true"),
        pytest.param(3, {"options": [{"name": "a", "shape": 1}]}, 1254082, id="unknown member of an option"),
        pytest.param(3, {"options": None}, 1254082, id="options null, as of cascading selects"),
        pytest.param(4, {"options": {}}, 1254083, id="options no list"),
        pytest.param(5, {"date_formatter": "yyyy", "auto_fill": False}, 1254084, id="date format"),
        pytest.param(5, {"auto_fill": 1}, 1254084, id="auto_fill no boolean"),
        pytest.param(7, [], 1254085, id="checkbox, no object"),
        pytest.param(11, {"multiple": 1}, 1254086, id="multiple no boolean"),
        pytest.param(18, {"table_id": "tblNope"}, 1254089, id="link to nowhere"),
        pytest.param(20, {"formula_expression": 1}, 1254091, id="formula no text"),
        pytest.param(20, {"type": {"data_type": True}}, 1254091, id="formula of type true"),
        pytest.param(22, {"location": {"input_type": "not_limit", "x": 1}}, 1254800, id="location"),
        pytest.param(1005, {"auto_serial": {"type": "custom", "options": 0}}, 1254800, id="rules no list"),
        pytest.param(
            1005,
            {"auto_serial": {"type": "custom", "options": [{"type": "system_number", "value": "10"}]}},
            1254800,
            id="ten digits",
        ),
        pytest.param(
            1005,
            {"auto_serial": {"type": "custom", "options": [{"type": "fixed_text", "value": "a" * 21}]}},
            1254800,
            id="long text in a number",
        ),
        pytest.param(
            1005,
            {"auto_serial": {"type": "custom", "options": [{"type": "created_time", "value": "HH"}]}},
            1254800,
            id="hours in a number",
        ),
    ],
)
def test_wrong_property_has_the_code_of_its_type(caller: Any, type_code: int, property_: Any, code: int) -> None:
    definition = {"field_name": "new", "type": type_code, "property": property_}
    assert told(caller.raw("POST", f"{caller.table}/fields", definition)) == (400, code)


def test_barcode_modes_are_true_or_false(caller: Any) -> None:
    definition = {"field_name": "b", "type": 1, "ui_type": "Barcode", "property": {"allowed_edit_modes": {"scan": 1}}}
    assert caller.code("POST", f"{caller.table}/fields", definition) == 1254080
    definition["property"] = {"allowed_edit_modes": {"manual": False}}
    made = caller.call("POST", f"{caller.table}/fields", definition)["data"]["field"]
    assert made["property"] == {"allowed_edit_modes": {"manual": False, "scan": True}}


@pytest.mark.parametrize("type_code", [True, False, 1.0, "1", None, [1]])
def test_type_of_a_field_is_a_number(caller: Any, type_code: Any) -> None:
    assert caller.code("POST", f"{caller.table}/fields", {"field_name": "new", "type": type_code}) == 1254012
    table = {"table": {"name": "t", "fields": [{"field_name": "new", "type": type_code}]}}
    assert told(caller.raw("POST", tables(caller), table)) == (400, 1254012)


@pytest.mark.parametrize(
    ("name", "code"),
    [(LONG, 1254022), ("a[1", 1254022), ("a]", 1254022), ("", 1254021), (" ", 1254021), (7, 1254021)],
)
def test_view_name_is_checked_wherever_it_is_given(caller: Any, name: Any, code: int) -> None:
    view_id = caller.call("GET", f"{caller.table}/views")["data"]["items"][0]["view_id"]
    fields = [{"field_name": "a", "type": 1}]

    assert told(caller.raw("POST", f"{caller.table}/views", {"view_name": name})) == (200, code)
    assert told(caller.raw("PATCH", f"{caller.table}/views/{view_id}", {"view_name": name})) == (200, code)
    table = {"name": "t", "default_view_name": name, "fields": fields}
    assert told(caller.raw("POST", tables(caller), {"table": table})) == (400, code)


def test_view_name_is_trimmed_and_may_have_a_hundred_characters(caller: Any) -> None:
    made = caller.call("POST", f"{caller.table}/views", {"view_name": f" {LONG[1:]} "})["data"]["view"]
    assert made["view_name"] == LONG[1:]
    assert caller.code("POST", f"{caller.table}/views", {"view_name": LONG[1:]}) == 1254020


def test_default_view_name_stands_beside_fields_only(caller: Any) -> None:
    assert caller.code("POST", tables(caller), {"table": {"name": "t", "default_view_name": "v"}}) == 1254001


@pytest.mark.parametrize("limit", [100, 1000])
def test_field_name_beyond_the_limit_is_refused(caller: Any, limit: int) -> None:
    caller.emu.switches.max_field_name = limit
    field_id = caller.emu.person.fields(caller.app_token, caller.table_id)["Qty"]
    long = {"field_name": "n" * (limit + 1), "type": 2}

    assert told(caller.raw("POST", f"{caller.table}/fields", long)) == (400, 1254029)
    assert told(caller.raw("PUT", f"{caller.table}/fields/{field_id}", long)) == (400, 1254029)
    assert told(caller.raw("POST", tables(caller), {"table": {"name": "t", "fields": [long]}})) == (400, 1254029)
    duplex = {"table_id": caller.table_id, "back_field_name": "n" * (limit + 1)}
    link = {"field_name": "l", "type": 21, "property": duplex}
    assert told(caller.raw("POST", f"{caller.table}/fields", link)) == (400, 1254029)
    assert caller.code("POST", f"{caller.table}/fields", {"field_name": f" {'n' * limit} ", "type": 2}) == 0


def test_table_renamed_to_nothing_keeps_its_name(caller: Any) -> None:
    assert caller.call("PATCH", caller.table, {"name": ""})["data"] == {"name": "goods"}
    assert caller.call("PATCH", caller.table, {"name": " goods "})["data"] == {"name": "goods"}
    assert caller.code("PATCH", caller.table, {"name": " "}) == 1254001


@pytest.mark.parametrize("value", [*FALSY[:4], True, 1, "x", [1], [{}]])
def test_filter_that_is_no_object_is_refused(caller: Any, value: Any) -> None:
    caller.create({"Name": "a"})
    assert told(caller.raw("POST", f"{caller.records}/search", {"filter": value})) == (200, 1254018)


@pytest.mark.parametrize("value", [None, {}])
def test_filter_without_conditions_selects_everything(caller: Any, value: Any) -> None:
    caller.create({"Name": "a"})
    assert caller.search({"filter": value})["total"] == 1


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        *(("sort", each, 1254016) for each in ["", 0, False, {}, True, "Name", [0], [{"field_name": 1}]]),
        *(("field_names", each, 1254024) for each in ["", 0, False, {}, "Name", [0], [[]]]),
        *(("view_id", each, 1254005) for each in [[], 0, False, {}, 1, "x"]),
        *(("automatic_fields", each, 99992402) for each in ["", 0, [], {}, "true", 1]),
    ],
)
def test_search_member_of_a_wrong_type_is_refused(caller: Any, name: str, value: Any, code: int) -> None:
    assert caller.code("POST", f"{caller.records}/search", {name: value}) == code


def test_sort_over_a_thousand_characters_is_refused(caller: Any) -> None:
    sort = [{"field_name": "Name", "desc": True}] * 40
    assert told(caller.raw("POST", f"{caller.records}/search", {"sort": sort})) == (200, 1254108)


CONDITION = {"field_name": "Name", "operator": "is", "value": ["a"]}
NESTED: list[Any] = [
    pytest.param("POST", "records", {"fields": {}, "record": 1}, id="create"),
    pytest.param("POST", "records/batch_create", {"records": [{"fields": {}, "record_id": "recX"}]}, id="record"),
    pytest.param(
        "POST", "records/batch_update", {"records": [{"record_id": "{rec}", "fields": {}, "id": "x"}]}, id="update"
    ),
    pytest.param("POST", "records/search", {"sort": [{"field_name": "Name", "order": "asc"}]}, id="sort"),
    pytest.param(
        "POST", "records/search", {"filter": {"conjunction": "and", "conditions": [], "x": 1}}, id="filter"
    ),
    pytest.param(
        "POST",
        "records/search",
        {"filter": {"conjunction": "and", "conditions": [{**CONDITION, "field_id": "x"}]}},
        id="condition",
    ),
    pytest.param(
        "POST",
        "records/search",
        {"filter": {"conjunction": "and", "children": [{"conjunction": "or", "conditions": [], "x": 1}]}},
        id="child",
    ),
    pytest.param("POST", "fields", {"field_name": "x", "type": 1, "description": {"txt": "d"}}, id="description"),
    pytest.param("PATCH", "views/{view}", {"property": {"hidden": []}}, id="view"),
    pytest.param("PATCH", "views/{view}", {"property": {"hierarchy_config": {"x": 1}}}, id="hierarchy"),
    pytest.param(
        "PATCH", "views/{view}", {"property": {"filter_info": {"conjunction": "and", "conditions": [], "x": 1}}},
        id="filter of a view",
    ),
    pytest.param("POST", "../../tables", {"table": {"name": "t", "view": "v"}}, id="table"),
    pytest.param(
        "POST", "../../tables", {"table": {"name": "t", "fields": [{"field_name": "a", "type": 1, "x": 1}]}}, id="field"
    ),
    pytest.param("POST", "../../tables/batch_create", {"tables": [{"name": "t", "x": 1}]}, id="tables"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "tail", "body"), NESTED)
def test_unknown_member_is_refused_at_every_level(caller: Any, method: str, tail: str, body: Any) -> None:
    (record_id,) = caller.create({})
    view_id = caller.call("GET", f"{caller.table}/views")["data"]["items"][0]["view_id"]
    path = tables(caller) + tail.removeprefix("../../tables") if ".." in tail else f"{caller.table}/{tail}"
    if "records" in body and "record_id" in body["records"][0]:
        body = {"records": [{**body["records"][0], "record_id": record_id}]}

    answer = caller.raw(method, path.replace("{view}", view_id), body)

    assert told(answer) == (400, 99992402)
    assert answer.json()["error"]["field_violations"]


def test_unknown_members_pass_where_typos_may(caller: Any) -> None:
    caller.emu.switches.strict_parameters = False
    (record_id,) = caller.create({"Name": "a"})
    nested = {"conjunction": "and", "x": 1, "conditions": [{**CONDITION, "x": 1}]}

    assert caller.search({"filter": nested, "sort": [{"field_name": "Name", "x": 1}]})["total"] == 1
    rows = {"records": [{"record_id": record_id, "fields": {"Name": "b"}, "x": 1}]}
    assert caller.code("POST", f"{caller.records}/batch_update", rows) == 0


@pytest.mark.parametrize(
    "path",
    ["/open-apis/auth/v3/tenant_access_token/internal", "/open-apis/auth/v3/app_access_token/internal"],
)
def test_unknown_member_of_a_token_request_is_refused(caller: Any, path: str) -> None:
    body = {"app_id": caller.emu.app_id, "app_secret": caller.emu.app_secret, "secret": "x"}
    assert told(caller.raw("POST", path, body)) == (400, 99992402)


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        *(("POST", "/open-apis/bitable/v1/apps", {"time_zone": each}, 1254800) for each in (0, False, [], {})),
        *(("POST", "/open-apis/bitable/v1/apps", {"folder_token": each}, 99992402) for each in (0, {})),
        *(("POST", "/open-apis/bitable/v1/apps", {"name": each}, 1254031) for each in (0, False, [], "n" * 256)),
        *(("PUT", "/open-apis/bitable/v1/apps/{base}", {"is_advanced": each}, 99992402) for each in (0, "", [])),
        *(("POST", "/open-apis/bitable/v1/apps/{base}/copy", {"name": each}, 1254031) for each in (0, [], {})),
        *(("POST", "/open-apis/bitable/v1/apps/{base}/copy", {"time_zone": each}, 1254800) for each in (0, [])),
        ("POST", "/open-apis/bitable/v1/apps/{base}/tables/batch_create", {"tables": []}, 1254007),
        *(("POST", "{table}/views", {"view_name": "v", "view_type": each}, 1254019) for each in (0, False, [], {})),
        *(
            ("POST", "{table}/fields", {"field_name": "f", "type": 1, "description": {"text": each}}, 99992402)
            for each in (0, [], {})
        ),
        *(
            ("POST", "/open-apis/contact/v3/users/batch_get_id", {"include_resigned": each}, 99992402)
            for each in (0, "", [], 1)
        ),
        *(("POST", "/open-apis/contact/v3/users/batch_get_id", {"emails": each}, 99992402) for each in ("", 0, {})),
    ],
)
def test_value_that_is_false_in_python_is_no_missing_value(
    caller: Any, method: str, path: str, body: dict[str, Any], code: int
) -> None:
    names = {"{base}": caller.app_token, "{table}": caller.table}
    for name, value in names.items():
        path = path.replace(name, value)
    assert caller.code(method, path, body) == code


@pytest.mark.parametrize("name", ["filter_info", "hidden_fields", "hierarchy_config"])
@pytest.mark.parametrize("value", ["", 0, False])
def test_property_of_a_view_is_made_of_objects_and_lists(caller: Any, name: str, value: Any) -> None:
    view_id = caller.call("GET", f"{caller.table}/views")["data"]["items"][0]["view_id"]
    assert caller.code("PATCH", f"{caller.table}/views/{view_id}", {"property": {name: value}}) == 99992402


@pytest.mark.parametrize(
    ("params", "code"),
    [
        *(({"page_size": each}, 99992402) for each in ("²", " 5", "1_0", "a", "1.0")),
        *(({"page_size": each}, 1254011) for each in ("0", "-1", "501")),
        *(({"page_token": each}, 1254030) for each in ("²", "-1", "x", "9" * 30)),
        ({"text_field_as_array": "yes"}, 99992402),
        ({"automatic_fields": "1"}, 99992402),
        ({"sort": "[" * 900}, 1254016),
        ({"field_names": "[" * 3000}, 1254024),
        ({"filter": "(" * 1990}, 1254018),
        ({"filter": "NOT(" * 400 + 'CurrentValue.[Name]="a"' + ")" * 400}, 1254107),
        ({"filter": "NOT(" * 300 + 'CurrentValue.[Name]="a"' + ")" * 300}, 1254018),
    ],
)
def test_odd_parameter_is_refused(caller: Any, params: dict[str, str], code: int) -> None:
    assert caller.code("GET", caller.records, **params) == code


@pytest.mark.parametrize("size", ["0", "-1"])
@pytest.mark.parametrize("setting", ["1254011", "clamp"])
def test_page_size_below_one_is_never_clamped(caller: Any, setting: str, size: str) -> None:
    caller.emu.switches.oversize_page = setting
    assert caller.code("POST", f"{caller.records}/search", {}, page_size=size) == 1254011
    assert caller.code("GET", f"{caller.table}/fields", page_size=size) == 1254011


@pytest.mark.parametrize("code", [1254104, 99992402])
@pytest.mark.parametrize(
    ("tail", "name", "rows"),
    [
        ("batch_create", "records", [{"fields": {}}] * 1001),
        ("batch_update", "records", [{"record_id": "recX", "fields": {}}] * 1001),
        ("batch_delete", "records", ["recX"] * 501),
        ("batch_get", "record_ids", ["recX"] * 101),
    ],
)
def test_batch_over_its_limit_has_the_code_of_the_switch(
    caller: Any, code: int, tail: str, name: str, rows: list[Any]
) -> None:
    caller.emu.switches.oversize_code = code
    assert caller.code("POST", f"{caller.records}/{tail}", {name: rows}) == code


@pytest.mark.parametrize(
    ("held", "asked", "is_found"),
    [
        ("+8613800138000", "13800138000", True),
        ("13800138000", "+8613800138000", True),
        ("13800138000", "13800138000", True),
        ("+14155550100", "+14155550100", True),
        ("+14155550100", "4155550100", False),
        ("", "+86", False),
    ],
)
def test_mobile_of_the_mainland_needs_no_prefix(caller: Any, held: str, asked: str, is_found: bool) -> None:
    caller.emu.state.add_user("Ann", mobile=held)
    answer = caller.call("POST", "/open-apis/contact/v3/users/batch_get_id", {"mobiles": [asked]})
    assert ("user_id" in answer["data"]["user_list"][0]) is is_found


@pytest.mark.parametrize("kind", ["open_id", "union_id", "user_id"])
def test_text_to_an_app_reaches_nobody(caller: Any, kind: str) -> None:
    other = caller.emu.state.add_app("cli_other", "secret")
    for app in (caller.emu.state.apps[caller.emu.app_id], other):
        bot = caller.emu.state.directory.find(app.open_id, "open_id")
        body = {"receive_id": bot.id_as(kind), "msg_type": "text", "content": '{"text": "x"}'}
        answer = caller.raw("POST", "/open-apis/im/v1/messages", body, receive_id_type=kind)
        assert told(answer) == (400, 230034)
    assert caller.emu.messages == []


def test_app_is_no_person_of_the_directory(caller: Any) -> None:
    open_id = caller.emu.state.apps[caller.emu.app_id].open_id
    assert caller.code("GET", f"/open-apis/contact/v3/users/{open_id}") == 99992351
    caller.emu.switches.login_as = open_id
    login = {"client_id": caller.emu.app_id, "redirect_uri": "http://x/", "response_type": "code"}
    assert caller.code("GET", "/open-apis/authen/v1/authorize", **login) == 20008


@pytest.mark.parametrize(
    ("path", "code", "status"),
    [
        ("search", 1254302, 200),
        ("search", 1254303, 200),
        ("batch_get", 1254302, 400),
        ("batch_get", 1254607, 500),
        ("batch_get", 1254043, 404),
        ("batch_create", 1254302, 403),
        ("batch_create", 1254607, 400),
    ],
)
def test_status_of_a_code_depends_on_the_route(caller: Any, path: str, code: int, status: int) -> None:
    caller.emu.faults.add(path, code=code)
    assert told(caller.raw("POST", f"{caller.records}/{path}", {})) == (status, code)


@pytest.mark.parametrize(
    ("code", "status"),
    [(230029, 400), (230099, 400), (234002, 401), (1254048, 404), (1254120, 400), (99992361, 400), (11232, 200)],
)
def test_scripted_code_that_no_route_answers_has_its_documented_status(caller: Any, code: int, status: int) -> None:
    caller.emu.faults.add("bot/v3/info", code=code)
    assert told(caller.raw("GET", "/open-apis/bot/v3/info")) == (status, code)
