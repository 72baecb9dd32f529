"""Bases, tables, fields and views through the client, on the emulator; what repeats and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.wire.results import ViewInfo
from airflow_provider_lark.core.errors import BadRequest, FieldNotFound, NotFound, OutcomeUnknown, ValueRefused
from airflow_provider_lark.emulator import Emulator

AT: dict[str, Any] = {"app_token": "basA", "table_id": "tblA"}
FIELDS = [{"field_name": "Name", "type": 1}, {"field_name": "Qty", "type": 2}]


@pytest.fixture
def at(emu: Emulator) -> dict[str, Any]:
    base = emu.state.create_base("Shop")
    return {
        "app_token": base.app_token,
        "table_id": emu.state.create_table(base.app_token, "areas", FIELDS).table_id,
    }


def _field_id(lark: LarkClient, at: dict[str, Any], name: str) -> str:
    return next(field["field_id"] for field in lark.bitable.list_fields(**at) if field["field_name"] == name)


def test_update_app_renames_and_leaves_the_rest(lark: LarkClient, at: dict[str, Any]) -> None:
    app = lark.bitable.update_app(app_token=at["app_token"], name="Store")
    assert (app.app_token, app.name) == (at["app_token"], "Store")
    assert lark.bitable.get_app(app_token=at["app_token"]).name == "Store"


def test_update_app_sends_only_what_is_given(client: LarkClient, server: Any) -> None:
    server.say({"app": {"name": "A", "is_advanced": True}}, times=2)
    assert client.bitable.update_app(app_token="basA", is_advanced=False).app_token == "basA"
    client.bitable.update_app(app_token="basA", name="A")
    assert [heard.json for heard in server.calls] == [{"is_advanced": False}, {"name": "A"}]


def test_create_app_sends_the_folder(client: LarkClient, server: Any) -> None:
    server.say({"app": {"app_token": "basB", "name": "A"}})
    client.bitable.create_app(name="A", folder_token="fld1")
    assert server.calls[0].json == {"name": "A", "folder_token": "fld1"}


def test_update_table_renames_it(lark: LarkClient, at: dict[str, Any]) -> None:
    lark.bitable.update_table(**at, name="places")
    assert [table.name for table in lark.bitable.list_tables(app_token=at["app_token"])] == ["places"]


def test_delete_table_deletes_all_but_the_last(lark: LarkClient, at: dict[str, Any]) -> None:
    other = lark.bitable.create_table(app_token=at["app_token"], name="other", fields=FIELDS)
    lark.bitable.delete_table(app_token=at["app_token"], table_id=other)
    with pytest.raises(BadRequest, match="last table of a base"):
        lark.bitable.delete_table(**at)


def test_list_views_returns_the_grid(lark: LarkClient, at: dict[str, Any]) -> None:
    (view,) = lark.bitable.list_views(**at)
    assert isinstance(view, ViewInfo)
    assert view.view_id.startswith("vew")
    assert view.view_type == "grid"


def test_update_field_returns_it_as_it_is_now(lark: LarkClient, at: dict[str, Any]) -> None:
    field_id = _field_id(lark, at, "Qty")
    given = {"field_name": "Count", "type": 2, "property": {"formatter": "0.0"}}
    changed = lark.bitable.update_field(**at, field_id=field_id, field=given)
    assert (changed["field_id"], changed["field_name"]) == (field_id, "Count")
    assert lark.calls.by_kind["fields"] == 2


def test_update_field_that_changes_nothing_is_a_success(lark: LarkClient, at: dict[str, Any]) -> None:
    field_id = _field_id(lark, at, "Name")
    same = lark.bitable.update_field(**at, field_id=field_id, field={"field_name": "Name", "type": 1})
    assert (same["field_id"], same["field_name"]) == (field_id, "Name")


def test_update_field_that_nobody_has_is_named(lark: LarkClient, at: dict[str, Any]) -> None:
    with pytest.raises(FieldNotFound):
        lark.bitable.update_field(**at, field_id="fldNothing", field={"field_name": "X", "type": 1})


def test_update_field_that_is_deleted_meanwhile_is_named(client: LarkClient, server: Any) -> None:
    server.refuse(1254606)
    server.say({"items": [], "has_more": False})
    with pytest.raises(FieldNotFound, match=r"field fldA of .* has been deleted"):
        client.bitable.update_field(**AT, field_id="fldA", field={"field_name": "X", "type": 1})


def test_delete_field_deletes_all_but_the_primary(lark: LarkClient, at: dict[str, Any]) -> None:
    lark.bitable.delete_field(**at, field_id=_field_id(lark, at, "Qty"))
    assert [field["field_name"] for field in lark.bitable.list_fields(**at)] == ["Name"]
    with pytest.raises(BadRequest, match="primary field"):
        lark.bitable.delete_field(**at, field_id=_field_id(lark, at, "Name"))


def test_update_of_the_schema_without_an_answer_is_repeated(client: LarkClient, server: Any) -> None:
    server.do("cut")
    server.say({"name": "B"})
    client.bitable.update_table(**AT, name="B")
    assert len(server.calls) == 2


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        pytest.param("delete_table", {}, 1254041, id="table"),
        pytest.param("delete_field", {"field_id": "fldA"}, 1254044, id="field"),
        pytest.param("delete_record", {"record_id": "recA"}, 1254043, id="record"),
    ],
)
def test_delete_that_was_carried_out_unanswered_is_a_success(
    client: LarkClient, server: Any, name: str, arguments: Any, code: int
) -> None:
    server.do("cut")
    server.refuse(code)
    getattr(client.bitable, name)(**AT, **arguments)
    assert len(server.calls) == 2
    server.refuse(code)
    with pytest.raises(NotFound):
        getattr(client.bitable, name)(**AT, **arguments)


def test_create_app_without_an_answer_is_not_repeated(client: LarkClient, server: Any) -> None:
    server.do("cut")
    with pytest.raises(OutcomeUnknown):
        client.bitable.create_app(name="A")
    assert len(server.calls) == 1


@pytest.mark.parametrize("code", [1254080, 1254082, 1254096])
def test_property_that_does_not_fit_names_the_type(client: LarkClient, server: Any, code: int) -> None:
    server.refuse(code, status=400)
    with pytest.raises(BadRequest, match="the property of a field of type"):
        client.bitable.create_field(**AT, field={"field_name": "A", "type": 3})


# options of records


def test_search_of_a_view_sends_it(client: LarkClient, server: Any) -> None:
    server.say({"items": []}, times=2)
    client.bitable.search_page(**AT, view_id="vewA")
    list(client.bitable.search_pages(**AT, view_id="vewA"))
    assert [heard.json for heard in server.calls] == [{"view_id": "vewA"}] * 2


@pytest.mark.parametrize("beside", [{"filter": {"conjunction": "and"}}, {"sort": [{"field_name": "A"}]}])
def test_search_of_a_view_beside_what_would_hide_it_is_refused(client: LarkClient, server: Any, beside: Any) -> None:
    with pytest.raises(BadRequest, match="ignores view_id"):
        client.bitable.search_page(**AT, view_id="vewA", **beside)
    with pytest.raises(BadRequest, match="ignores view_id"):
        client.bitable.search_pages(**AT, view_id="vewA", **beside)
    assert server.heard == []


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param("create_record", {"fields": {}, "client_token": "t"}, id="create one"),
        pytest.param("batch_create", {"records": [{}], "client_token": "t"}, id="create"),
        pytest.param("update_record", {"record_id": "r", "fields": {}}, id="update one"),
        pytest.param("batch_update", {"records": [("r", {})]}, id="update"),
    ],
)
def test_write_sends_its_options(client: LarkClient, server: Any, name: str, arguments: Any) -> None:
    server.say({"record": {"record_id": "r"}, "records": [{"record_id": "r"}]})
    getattr(client.bitable, name)(**AT, **arguments, user_id_type="union_id", ignore_consistency_check=True)
    assert "user_id_type=union_id&ignore_consistency_check=true" in server.calls[0].path


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param("delete_record", {"record_id": "r"}, id="one"),
        pytest.param("batch_delete", {"record_ids": ["r"]}, id="many"),
    ],
)
def test_delete_sends_its_option(client: LarkClient, server: Any, name: str, arguments: Any) -> None:
    server.say({"deleted": True, "record_id": "r", "records": [{"deleted": True, "record_id": "r"}]})
    getattr(client.bitable, name)(**AT, **arguments, ignore_consistency_check=True)
    assert server.calls[0].path.endswith("?ignore_consistency_check=true")


def test_batch_get_sends_the_kind_of_ids_in_the_body(client: LarkClient, server: Any) -> None:
    server.say({"records": []})
    client.bitable.batch_get(**AT, record_ids=["r"], user_id_type="user_id")
    assert server.calls[0].json == {"record_ids": ["r"], "automatic_fields": False, "user_id_type": "user_id"}


def test_people_are_written_and_read_by_the_chosen_kind_of_id(
    emu: Emulator, lark: LarkClient, at: dict[str, Any]
) -> None:
    user = emu.state.add_user("Wang")
    lark.bitable.create_field(**at, field={"field_name": "Who", "type": 11, "property": {"multiple": True}})
    fields = {"Who": [{"id": user.union_id}]}
    made = lark.bitable.create_record(**at, fields=fields, user_id_type="union_id", ignore_consistency_check=True)
    found = lark.bitable.batch_get(**at, record_ids=[made["record_id"]], user_id_type="user_id").records
    assert found[0]["fields"]["Who"][0]["id"] == user.user_id
    with pytest.raises(ValueRefused, match="of another type"):
        lark.bitable.update_record(**at, record_id=made["record_id"], fields=fields)


# what cannot be sent


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("\ud800", id="half a surrogate pair"),
        pytest.param("a\0b", id="nul"),
        pytest.param({"text": "a\0"}, id="nul inside"),
        pytest.param("\\\0", id="nul after a backslash"),
    ],
)
def test_text_that_lark_cannot_hold_is_refused_before_sending(client: LarkClient, server: Any, value: Any) -> None:
    with pytest.raises(BadRequest, match="cannot be encoded as JSON") as caught:
        client.bitable.create_record(**AT, fields={"A": value})
    assert server.calls == []
    assert caught.value.__cause__ is None


def test_text_that_only_speaks_of_nul_is_sent(client: LarkClient, server: Any) -> None:
    server.say({"record": {"record_id": "r"}})
    client.bitable.create_record(**AT, fields={"A": "\\u0000 and \\\\u0000"})
    assert server.calls[0].json == {"fields": {"A": "\\u0000 and \\\\u0000"}}


@pytest.mark.parametrize("text", ["tbl\ud800", "tbl\0"])
def test_id_that_cannot_be_sent_is_refused(client: LarkClient, server: Any, text: str) -> None:
    with pytest.raises(BadRequest, match="table_id contains a NUL character or"):
        client.bitable.list_fields(app_token="basA", table_id=text)
    assert server.calls == []
