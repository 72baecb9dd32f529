"""Bases, tables, fields and views (lark-api §2.2, §3.1)."""

from __future__ import annotations

from typing import Any

import pytest

APPS = "/open-apis/bitable/v1/apps"


def field(caller: Any, name: str) -> dict[str, Any]:
    items = caller.call("GET", f"{caller.table}/fields", page_size=100)["data"]["items"]
    found: dict[str, Any] = next(each for each in items if each["field_name"] == name)
    return found


def test_created_base_comes_with_a_default_table_and_blank_rows(caller: Any) -> None:
    made = caller.call("POST", APPS, {"name": "New", "time_zone": "Europe/Berlin"})["data"]["app"]
    records = f"{APPS}/{made['app_token']}/tables/{made['default_table_id']}/records"

    described = caller.call("GET", f"{APPS}/{made['app_token']}")["data"]["app"]
    assert (described["name"], described["time_zone"]) == ("New", "Europe/Berlin")
    blank = caller.call("POST", f"{records}/search", {})["data"]["items"]
    assert [each["fields"] for each in blank] == [{}] * 10


def test_created_base_belongs_to_its_app_alone(caller: Any) -> None:
    made = caller.call("POST", APPS, {"name": "New"})["data"]["app"]["app_token"]
    caller.emu.state.add_app("cli_other", "secret")
    known = {"app_id": "cli_other", "app_secret": "secret"}
    token = caller.http.post("/open-apis/auth/v3/tenant_access_token/internal", json=known).json()
    caller.headers = {"Authorization": f"Bearer {token['tenant_access_token']}"}

    assert caller.code("GET", f"{APPS}/{made}") == 91403


def test_created_table_lists_its_fields_and_takes_records(caller: Any) -> None:
    table = {"name": "orders", "fields": [{"field_name": "No", "type": 1}, {"field_name": "Sum", "type": 2}]}

    made = caller.call("POST", f"{APPS}/{caller.app_token}/tables", {"table": table})["data"]

    listed = caller.call("GET", f"{APPS}/{caller.app_token}/tables")["data"]
    assert [each["name"] for each in listed["items"]] == ["goods", "orders"]
    assert len(made["field_id_list"]) == 2
    caller.table_id = made["table_id"]
    assert field(caller, "No")["is_primary"] is True
    assert field(caller, "Sum")["property"] == {"formatter": "0"}


@pytest.mark.parametrize(
    ("table", "code"),
    [
        pytest.param({"name": "goods"}, 1254013, id="name taken"),
        pytest.param({"name": "a/b"}, 1254001, id="forbidden character"),
        pytest.param({"name": "n", "fields": [{"field_name": "A", "type": 7}]}, 1254012, id="checkbox as primary"),
        pytest.param({"name": "n", "fields": [{"field_name": "A", "type": 99}]}, 1254012, id="unknown type"),
        pytest.param(
            {
                "name": "n",
                "fields": [{"field_name": "A", "type": 1}, {"field_name": "B", "type": 17, "property": {}}],
            },
            99992402,
            id="property on an attachment",
        ),
    ],
)
def test_table_that_cannot_be_made_is_refused_and_leaves_none(caller: Any, table: dict[str, Any], code: int) -> None:
    assert caller.code("POST", f"{APPS}/{caller.app_token}/tables", {"table": table}) == code
    assert caller.call("GET", f"{APPS}/{caller.app_token}/tables")["data"]["total"] == 1


def test_last_table_stays(caller: Any) -> None:
    answer = caller.raw("DELETE", caller.table)

    assert (answer.status_code, answer.json()["code"]) == (403, 1254034)


def test_tables_are_made_renamed_and_deleted_together(caller: Any) -> None:
    root = f"{APPS}/{caller.app_token}/tables"
    ids = caller.call("POST", f"{root}/batch_create", {"tables": [{"name": "a"}, {"name": "b"}]})["data"]["table_ids"]

    assert caller.call("PATCH", f"{root}/{ids[0]}", {"name": "c"})["data"] == {"name": "c"}
    assert caller.code("POST", f"{root}/batch_delete", {"table_ids": ids}) == 0
    assert caller.call("GET", root)["data"]["total"] == 1


def test_field_pages_hand_out_a_token_even_at_the_end(caller: Any) -> None:
    first = caller.call("GET", f"{caller.table}/fields", page_size=4)["data"]
    last = caller.call("GET", f"{caller.table}/fields", page_size=4, page_token=first["page_token"])["data"]

    assert (len(first["items"]), first["has_more"], first["total"]) == (4, True, 7)
    assert (len(last["items"]), last["has_more"]) == (3, False)
    assert last["page_token"]


def test_renamed_field_keeps_its_id_and_cells(caller: Any) -> None:
    caller.create({"Qty": 1})
    old = field(caller, "Qty")

    caller.emu.person.rename_field(caller.app_token, caller.table_id, "Qty", "Amount")

    assert field(caller, "Amount")["field_id"] == old["field_id"]
    assert caller.search()["items"][0]["fields"]["Amount"] == 1
    assert caller.code("POST", caller.records, {"fields": {"Qty": 2}}) == 1254045


def test_deleted_field_takes_its_cells_and_the_primary_one_stays(caller: Any) -> None:
    caller.create({"Name": "a", "Qty": 1})
    path = f"{caller.table}/fields"

    deleted = caller.call("DELETE", f"{path}/{field(caller, 'Qty')['field_id']}")["data"]

    assert deleted["deleted"] is True
    assert "Qty" not in caller.search()["items"][0]["fields"]
    assert caller.code("DELETE", f"{path}/{field(caller, 'Name')['field_id']}") == 1254046


def test_put_without_the_options_empties_the_select(caller: Any) -> None:
    caller.create({"Kind": "x"})
    kind = field(caller, "Kind")
    path = f"{caller.table}/fields/{kind['field_id']}"
    same = {"field_name": "Kind", "type": 3, "property": kind["property"]}

    assert caller.code("PUT", path, same) == 1254606
    assert caller.code("PUT", path, {"field_name": "Kind", "type": 3}) == 0
    assert "Kind" not in caller.search()["items"][0]["fields"]


@pytest.mark.parametrize(
    ("definition", "code"),
    [
        pytest.param({"field_name": "Name", "type": 1}, 1254014, id="name taken"),
        pytest.param({"field_name": " ", "type": 1}, 1254028, id="no name"),
        pytest.param({"field_name": "L", "type": 19}, 1254012, id="lookup"),
        pytest.param(
            {"field_name": "S", "type": 3, "property": {"options": [{"name": ""}]}}, 1254026, id="empty option"
        ),
        pytest.param(
            {"field_name": "S", "type": 3, "property": {"options": [{"id": "optX", "name": "a"}]}},
            1254082,
            id="option with an id",
        ),
        pytest.param({"field_name": "N", "type": 2, "property": {"formatter": "x"}}, 1254081, id="formatter"),
        pytest.param({"field_name": "D", "type": 5, "property": {"date_formatter": "x"}}, 1254084, id="date formatter"),
        pytest.param({"field_name": "L", "type": 18, "property": {"table_id": "tblX"}}, 1254089, id="link to nothing"),
        pytest.param(
            {"field_name": "L", "type": 21, "property": {"table_id": "tblX"}}, 1254092, id="two-way to nothing"
        ),
    ],
)
def test_field_that_cannot_be_made_is_refused(caller: Any, definition: dict[str, Any], code: int) -> None:
    assert caller.code("POST", f"{caller.table}/fields", definition) == code


@pytest.mark.parametrize("face", ["Progress", "Currency", "Rating"])
def test_face_of_a_number_needs_its_property(caller: Any, face: str) -> None:
    definition = {"field_name": "Face", "type": 2, "ui_type": face}
    assert caller.code("POST", f"{caller.table}/fields", definition) == 1254081


def test_description_is_replaced_with_the_rest_or_kept_by_switch(caller: Any) -> None:
    definition = {"field_name": "Note", "type": 1, "description": {"text": "why"}}
    fields = f"{caller.table}/fields"
    field = f"{fields}/{caller.call('POST', fields, definition)['data']['field']['field_id']}"
    assert caller.code("PUT", field, {**definition, "description": "bare"}) == 99992402
    caller.emu.switches.update_keeps_description = True
    kept = caller.call("PUT", field, {"field_name": "Notes", "type": 1})["data"]["field"]
    caller.emu.switches.update_keeps_description = False
    lost = caller.call("PUT", field, {"field_name": "Note", "type": 1})["data"]["field"]

    assert (kept["description"], lost.get("description")) == ("why", None)


def test_description_is_written_as_object_and_read_as_text(caller: Any) -> None:
    definition = {"field_name": "Note", "type": 1, "description": {"text": "why", "disable_sync": True}}

    assert caller.call("POST", f"{caller.table}/fields", definition)["data"]["field"]["description"] == "why"
    items = caller.call("GET", f"{caller.table}/fields", text_field_as_array="true")["data"]["items"]
    assert items[-1]["description"] == [{"type": "text", "text": "why"}]


def test_views_are_made_read_changed_and_deleted(caller: Any) -> None:
    path = f"{caller.table}/views"
    view = caller.call("POST", path, {"view_name": "Mine", "view_type": "grid"})["data"]["view"]

    one = f"{path}/{view['view_id']}"
    assert caller.call("PATCH", one, {"view_name": "Yours"})["data"]["view"]["view_name"] == "Yours"
    assert caller.call("GET", one)["data"]["view"]["view_type"] == "grid"
    assert caller.call("GET", path)["data"]["total"] == 2
    assert caller.code("POST", f"{caller.records}/search", {"view_id": view["view_id"]}) == 0
    assert caller.code("DELETE", one) == 0
    assert caller.code("POST", f"{caller.records}/search", {"view_id": view["view_id"]}) == 1254042


def test_too_large_answer_asks_for_smaller_pages(caller: Any) -> None:
    caller.create(*[{"Name": "x" * 100} for _ in range(4)])
    caller.emu.switches.max_response_bytes = 400

    assert caller.code("POST", f"{caller.records}/search", {}) == 1254030
    assert len(caller.search(page_size=1)["items"]) == 1


def test_full_table_takes_no_more(caller: Any) -> None:
    caller.emu.switches.max_records = 1
    caller.create({"Name": "a"})

    assert caller.code("POST", caller.records, {"fields": {}}) == 1254103


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        pytest.param(APPS, {"time_zone": "Mars/Base"}, 1254800, id="unknown zone"),
        pytest.param(APPS, {"time_zone": ["x" * 300]}, 1254800, id="zone as list"),
        pytest.param("{table}/views", {"view_name": "v", "view_type": [1]}, 1254019, id="view type as list"),
        pytest.param("{root}/tables/batch_delete", {"table_ids": [{}]}, 1254041, id="table id as object"),
        pytest.param(
            "{table}/records/search", {"filter": {"conjunction": [], "conditions": [1]}}, 1254018, id="filter"
        ),
        pytest.param("{table}/records/search", {"sort": [1]}, 1254016, id="sort as number"),
        pytest.param("{table}/records/search", {"field_names": "Name"}, 1254024, id="names as text"),
        pytest.param("{table}/records/batch_get", {"record_ids": "rec"}, 99992402, id="ids as text"),
        pytest.param("{table}/records/batch_create", {"records": {}}, 1254001, id="records as object"),
        pytest.param("{table}/records/batch_create", {"records": [1]}, 1254001, id="record as number"),
        pytest.param("{table}/records/batch_create", {"records": [{"fields": []}]}, 1254001, id="fields as list"),
        pytest.param("{table}/records/batch_delete", {"records": [{}]}, 1254006, id="deleted id as object"),
        pytest.param(
            "{table}/fields", {"field_name": "n", "type": 2, "property": {"formatter": []}}, 1254081, id="formatter"
        ),
    ],
)
def test_body_of_the_wrong_shape_is_refused_not_crashed_on(caller: Any, path: str, body: Any, code: int) -> None:
    full = path.format(table=caller.table, root=f"{APPS}/{caller.app_token}")

    assert caller.code("POST", full, body) == code
