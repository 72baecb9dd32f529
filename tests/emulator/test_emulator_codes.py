"""Every code for a value or property of the wrong shape, limits, and client_token (lark-api §2.3, §2.7, §2.9)."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest

TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": 1},
    "email": {"type": 1, "ui_type": "Email"},
    "number": {"type": 2},
    "select": {"type": 3},
    "tags": {"type": 4},
    "day": {"type": 5},
    "box": {"type": 7},
    "user": {"type": 11},
    "one user": {"type": 11, "property": {"multiple": False}},
    "phone": {"type": 13},
    "url": {"type": 15},
    "files": {"type": 17},
    "link": {"type": 18},
    "both": {"type": 21},
    "place": {"type": 22},
    "group": {"type": 23},
}
LINKS = {18, 21}
READ_ONLY = {
    "lookup": 19,
    "formula": 20,
    "stage": 24,
    "made": 1001,
    "changed": 1002,
    "by": 1003,
    "last": 1004,
    "no": 1005,
}


def add_field(caller: Any, name: str, definition: dict[str, Any]) -> str:
    given = {"field_name": name, **definition}
    if definition["type"] in LINKS:
        given["property"] = {"table_id": caller.table_id}
    field_id: str = caller.emu.person.add_field(caller.app_token, caller.table_id, given)
    return field_id


@pytest.mark.parametrize(
    ("kind", "value", "code", "status"),
    [
        ("text", 1, 1254060, 200),
        ("text", [{"type": "text", "text": "a"}], 1254060, 200),
        ("email", {"text": "a"}, 1254060, 200),
        ("text", "a" * 100_001, 1254130, 200),
        ("number", "1", 1254061, 200),
        ("number", True, 1254061, 200),
        ("select", ["a"], 1254062, 200),
        ("tags", "a", 1254063, 200),
        ("tags", [""], 1254063, 200),
        ("tags", [str(each) for each in range(1001)], 1254063, 200),
        ("day", "2026-01-01", 1254064, 200),
        ("day", "1767225600000", 1254064, 200),
        ("box", 1, 1254065, 200),
        ("user", "ou_x", 1254066, 200),
        ("user", [{"id": "ou_of_another_app"}], 1254066, 200),
        ("user", [{"id": f"ou_{each}"} for each in range(1001)], 1254066, 200),
        ("one user", [{"id": "ou_1"}, {"id": "ou_2"}], 1254066, 200),
        ("link", {"link_record_ids": []}, 1254067, 200),
        ("link", ["recnone"], 1254067, 200),
        ("link", [f"rec{each}" for each in range(501)], 1254067, 200),
        ("url", "https://a.example", 1254068, 200),
        ("url", {"text": "a"}, 1254068, 200),
        ("files", "boxa", 1254069, 200),
        ("files", [{"name": "a"}], 1254069, 200),
        ("files", [{"file_token": "boxa"}], 1254303, 403),
        ("files", [{"file_token": "boxa"}] * 101, 1254106, 200),
        ("phone", "call me", 1254072, 200),
        ("phone", "1" * 65, 1254072, 200),
        ("both", "recnone", 1254074, 400),
        ("place", "here", 1254015, 400),
        ("group", [{"id": "oc_none"}], 1254015, 400),
        ("group", [{"id": f"oc_{each}"} for each in range(11)], 1254015, 400),
    ],
)
@pytest.mark.parametrize("way", ["create", "update"])
def test_value_of_the_wrong_shape_has_its_fields_code_and_writes_nothing(
    caller: Any, way: str, kind: str, value: Any, code: int, status: int
) -> None:
    add_field(caller, "It", TYPES[kind])
    record_id = caller.create({"Name": "a"})[0]
    fields = {"Name": "b", "It": value}

    if way == "create":
        answer = caller.raw("POST", f"{caller.records}/batch_create", {"records": [{"fields": fields}]})
    else:
        answer = caller.raw("PUT", f"{caller.records}/{record_id}", {"fields": fields})

    assert (answer.json()["code"], answer.status_code) == (code, status)
    assert caller.names(caller.search()) == ["a"]
    assert "It" not in answer.json()["msg"]


@pytest.mark.parametrize("kind", READ_ONLY)
def test_read_only_field_takes_no_value(caller: Any, kind: str) -> None:
    add_field(caller, "It", {"type": READ_ONLY[kind]})
    assert caller.code("POST", caller.records, {"fields": {"It": None}}) == 1254015


@pytest.mark.parametrize(
    ("definition", "code"),
    [
        ({"type": 1, "property": {"formatter": "0"}}, 1254080),
        ({"type": 2, "property": {"formatter": "0.00000"}}, 1254081),
        ({"type": 2, "property": []}, 1254081),
        ({"type": 3, "property": {"options": [{"name": "a", "color": 55}]}}, 1254082),
        ({"type": 3, "property": {"options": [{"id": "optnew", "name": "a"}]}}, 1254082),
        ({"type": 3, "property": {"options": [{"name": " "}]}}, 1254026),
        ({"type": 4, "property": {"options": "a"}}, 1254083),
        ({"type": 4, "property": {"options": [{"name": str(each)} for each in range(20_001)]}}, 1254083),
        ({"type": 5, "property": {"date_formatter": "dd.MM.yyyy"}}, 1254084),
        ({"type": 7, "property": {"x": 1}}, 1254085),
        ({"type": 11, "property": {"multiple": "yes"}}, 1254086),
        ({"type": 15, "property": {"x": 1}}, 1254087),
        ({"type": 17, "property": {"x": 1}}, 1254088),
        ({"type": 18, "property": {"table_id": "tblnone"}}, 1254089),
        ({"type": 18}, 1254089),
        ({"type": 20, "property": {"x": 1}}, 1254091),
        ({"type": 21, "property": {"multiple": 1, "table_id": "tblnone"}}, 1254092),
        ({"type": 1001, "property": {"date_formatter": "x"}}, 1254093),
        ({"type": 1002, "property": {"auto_fill": True}}, 1254094),
        ({"type": 1003, "property": {"x": 1}}, 1254095),
        ({"type": 1004, "property": {"x": 1}}, 1254096),
        ({"type": 13, "property": {"x": 1}}, 1254800),
        ({"type": 19}, 1254012),
        ({"type": 6}, 1254012),
        ({"type": 1, "ui_type": "Number"}, 1254012),
    ],
)
def test_field_definition_that_does_not_fit_has_its_types_code(
    caller: Any, definition: dict[str, Any], code: int
) -> None:
    answer = caller.raw("POST", f"{caller.table}/fields", {"field_name": "It", **definition})

    assert answer.json()["code"] == code
    if code in range(1254080, 1254097):
        assert answer.status_code == 400
    assert "It" not in caller.emu.person.fields(caller.app_token, caller.table_id)


def test_lookup_may_be_renamed_but_takes_no_property(caller: Any) -> None:
    path = f"{caller.table}/fields/{add_field(caller, 'It', {'type': 19})}"

    assert caller.code("PUT", path, {"field_name": "It", "type": 19, "property": {"x": 1}}) == 1254090
    assert caller.code("PUT", path, {"field_name": "New", "type": 19, "property": None}) == 0


def test_attachment_with_any_property_is_refused_in_a_new_table(caller: Any) -> None:
    fields = [{"field_name": "Name", "type": 1}, {"field_name": "Files", "type": 17, "property": {}}]
    path = f"/open-apis/bitable/v1/apps/{caller.app_token}/tables"

    assert caller.code("POST", path, {"table": {"name": "New", "fields": fields}}) == 99992402
    del fields[1]["property"]
    assert caller.code("POST", path, {"table": {"name": "New", "fields": fields}}) == 0


def test_tables_are_limited_and_several_are_made_all_or_none(caller: Any) -> None:
    tables = f"/open-apis/bitable/v1/apps/{caller.app_token}/tables"

    def code(*names: str) -> int:
        made: int = caller.code("POST", f"{tables}/batch_create", {"tables": [{"name": each} for each in names]})
        return made

    assert code(*[f"t{each}" for each in range(100)]) == 1254100
    assert code("new", "new") == 1254013
    assert code("new", "a/b") == 1254001
    assert caller.call("GET", tables)["data"]["total"] == 1
    assert code(*[f"t{each}" for each in range(99)]) == 0
    assert caller.code("POST", tables, {"table": {"name": "one more"}}) == 1254100


def test_fields_formulas_views_and_options_are_limited(caller: Any) -> None:
    def code(tail: str, body: dict[str, Any]) -> int:
        made: int = caller.code("POST", f"{caller.table}/{tail}", body)
        return made

    for number in range(100):
        add_field(caller, f"sum {number}", {"type": 20})
    assert code("fields", {"field_name": "one more", "type": 20}) == 1254105
    for number in range(300 - 107):
        add_field(caller, f"field {number}", {"type": 2})
    assert code("fields", {"field_name": "one more", "type": 2}) == 1254105
    for number in range(199):
        assert code("views", {"view_name": f"view {number}", "view_type": "grid"}) == 0
    assert code("views", {"view_name": "one more", "view_type": "grid"}) == 1254101
    caller.emu.person.set_options(
        caller.app_token, caller.table_id, "Kind", [{"name": str(each)} for each in range(20_000)]
    )
    assert code("records", {"fields": {"Kind": "7"}}) == 0
    assert code("records", {"fields": {"Kind": "one more"}}) == 1254062


def test_batches_are_limited(caller: Any) -> None:
    def code(tail: str, count: int) -> int:
        made: int = caller.code("POST", f"{caller.records}/{tail}", {"records": [{"fields": {}}] * count})
        return made

    assert (code("batch_create", 1001), code("batch_create", 0)) == (1254104, 1254007)
    assert caller.code("POST", f"{caller.records}/batch_delete", {"records": ["recx"] * 501}) == 1254104
    assert caller.code("POST", f"{caller.records}/batch_get", {"record_ids": ["recx"] * 101}) == 1254104
    caller.emu.switches.max_records = 2
    assert code("batch_create", 3) == 1254103


def test_new_names_make_options_and_a_repeated_one_makes_two(caller: Any) -> None:
    caller.create({"Kind": "a", "Tags": ["x", "y", "x"]}, {"Kind": "a", "Tags": ["x"]})

    fields = caller.call("GET", f"{caller.table}/fields")["data"]["items"]
    options = {each["field_name"]: each["property"]["options"] for each in fields if each["type"] in {3, 4}}
    assert [each["name"] for each in options["Kind"]] == ["a"]
    assert [each["name"] for each in options["Tags"]] == ["x", "y", "x"]
    assert len({each["id"] for each in options["Tags"]}) == 3


# the routes that document client_token, and PUT of a record, which the SDKs offer it for (§2.3)
TOKEN_ROUTES: dict[str, tuple[str, str, Any, Any]] = {
    "create": ("POST", "{records}", {"fields": {"Qty": 1}}, {"fields": {"Qty": 2}}),
    "batch_create": (
        "POST",
        "{records}/batch_create",
        {"records": [{"fields": {}}]},
        {"records": [{"fields": {}}] * 2},
    ),
    "update": ("PUT", "{records}/{record}", {"fields": {"Qty": 1}}, {"fields": {"Qty": 2}}),
    "batch_update": (
        "POST",
        "{records}/batch_update",
        {"records": [{"record_id": "", "fields": {"Qty": 1}}]},
        {"records": [{"record_id": "", "fields": {"Qty": 2}}]},
    ),
    "create field": ("POST", "{table}/fields", {"field_name": "A", "type": 1}, {"field_name": "B", "type": 1}),
    "update field": ("PUT", "{table}/fields/{field}", {"field_name": "A", "type": 1}, {"field_name": "B", "type": 1}),
}


@pytest.mark.parametrize("route", TOKEN_ROUTES)
def test_client_token_repeats_the_answer_and_refuses_another_request(caller: Any, clock: Any, route: str) -> None:
    method, template, body, other = TOKEN_ROUTES[route]
    record_id = caller.create({"Name": "a"})[0]
    for each in (body, other):
        if "record_id" in (each.get("records") or [{}])[0]:
            each["records"][0]["record_id"] = record_id
    field_id = caller.emu.person.fields(caller.app_token, caller.table_id)["Name"]
    path = template.format(records=caller.records, record=record_id, table=caller.table, field=field_id)
    token = str(uuid.uuid4())

    first = caller.call(method, path, body, client_token=token)
    assert first["code"] == 0
    revision = caller.emu.state.bases[caller.app_token].revision
    assert caller.call(method, path, body, client_token=token)["data"] == first["data"]
    assert caller.emu.state.bases[caller.app_token].revision == revision
    conflict = caller.raw(method, path, other, client_token=token)
    assert (conflict.json()["code"], conflict.status_code) == (1255006, 400)
    for malformed in ("abc", token.replace("-", ""), str(uuid.UUID(int=7)), str(uuid.uuid5(uuid.NAMESPACE_URL, "a"))):
        refused = caller.raw(method, path, other, client_token=malformed)
        assert (refused.json()["code"], refused.status_code) == (1254037, 400)


@pytest.mark.parametrize("route", TOKEN_ROUTES)
def test_equal_token_while_the_first_runs_is_1254608(caller: Any, clock: Any, monkeypatch: Any, route: str) -> None:
    method, template, body, _ = TOKEN_ROUTES[route]
    record_id = caller.create({"Name": "a"})[0]
    if "record_id" in (body.get("records") or [{}])[0]:
        body["records"][0]["record_id"] = record_id
    field_id = caller.emu.person.fields(caller.app_token, caller.table_id)["Name"]
    path = template.format(records=caller.records, record=record_id, table=caller.table, field=field_id)
    token = str(uuid.uuid4())
    running, done = threading.Event(), threading.Event()

    def wait(_seconds: float) -> None:
        running.set()
        assert done.wait(60)

    # the write holds its table as long as the clock sleeps
    caller.emu.switches.write_seconds = 1
    monkeypatch.setattr(clock, "sleep", wait)
    answers: list[int] = []
    first = threading.Thread(target=lambda: answers.append(caller.code(method, path, body, client_token=token)))
    first.start()
    assert running.wait(60)
    second = caller.raw(method, path, body, client_token=token)
    other = caller.code("POST", caller.records, {"fields": {}})
    done.set()
    first.join()

    assert (second.json()["code"], second.status_code) == (1254608, 403)
    assert other == 1254291
    assert answers == [0]


def test_routes_without_client_token_refuse_it_as_unknown(caller: Any) -> None:
    record_id = caller.create({"Name": "a"})[0]
    token = str(uuid.uuid4())
    for method, path, body in (
        ("DELETE", f"{caller.records}/{record_id}", None),
        ("POST", f"{caller.records}/batch_delete", {"records": [record_id]}),
        ("POST", f"{caller.table}/views", {"view_name": "v", "view_type": "grid"}),
    ):
        assert caller.code(method, path, body, client_token=token) == 99992402
