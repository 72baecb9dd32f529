"""Edits by hand, and the tenant's people."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_lark.emulator import ApiError


def test_person_changes_a_type_and_the_cells_are_gone(caller: Any) -> None:
    place = (caller.app_token, caller.table_id)
    caller.create({"Name": "a", "Qty": 1})

    caller.emu.person.change_type(*place, "Qty", {"type": 1})

    (shown,) = caller.emu.person.records(*place)
    assert "Qty" not in shown["fields"]
    caller.create({"Qty": "now text"})


def test_api_changes_no_type_while_cells_are_filled(caller: Any) -> None:
    caller.create({"Qty": 1})
    field_id = caller.emu.person.fields(caller.app_token, caller.table_id)["Qty"]

    assert caller.code("PUT", f"{caller.table}/fields/{field_id}", {"field_name": "Qty", "type": 1}) == 1254012


def test_person_deletes_a_field_and_renames_a_table(caller: Any) -> None:
    person, place = caller.emu.person, (caller.app_token, caller.table_id)

    person.delete_field(*place, "Qty")
    person.rename_table(*place, "wares")

    assert "Qty" not in person.fields(*place)
    tables = caller.call("GET", f"/open-apis/bitable/v1/apps/{caller.app_token}/tables")["data"]["items"]
    assert tables[0]["name"] == "wares"


@pytest.mark.parametrize(
    ("place", "code"),
    [
        pytest.param(("nothing", "tblX"), 91402, id="unknown base"),
        pytest.param((None, "tblX"), 1254041, id="unknown table"),
    ],
)
def test_person_cannot_edit_what_is_not_there(caller: Any, place: tuple[str | None, str], code: int) -> None:
    with pytest.raises(ApiError) as refused:
        caller.emu.person.records(place[0] or caller.app_token, place[1])

    assert refused.value.code == code


def test_person_computes_no_plain_field(caller: Any) -> None:
    (record_id,) = caller.create({"Name": "a"})

    with pytest.raises(ValueError, match="not computed"):
        caller.emu.person.set_computed(caller.app_token, caller.table_id, record_id, "Name", "b")


def test_edit_by_a_named_person_shows_that_person(caller: Any) -> None:
    ann = caller.emu.state.add_user("Ann")

    caller.emu.person.add_record(caller.app_token, caller.table_id, {"Name": "a"}, actor=ann.open_id)

    assert caller.search({"automatic_fields": True})["items"][0]["created_by"]["id"] == ann.open_id


def test_two_way_link_renames_with_its_back_field(caller: Any) -> None:
    far = caller.emu.state.create_table(caller.app_token, "far", [{"field_name": "T", "type": 1}]).table_id
    link = {"field_name": "Both", "type": 21, "property": {"table_id": far, "back_field_name": "Back"}}
    caller.emu.person.add_field(caller.app_token, caller.table_id, link)

    caller.emu.person.rename_field(caller.app_token, far, "Back", "Goods")
    caller.emu.person.rename_table(caller.app_token, far, "shops")

    items = caller.call("GET", f"{caller.table}/fields", page_size=100)["data"]["items"]
    assert items[-1]["property"]["back_field_name"] == "Goods"
    assert items[-1]["property"]["table_name"] == "shops"
    caller.emu.person.delete_field(caller.app_token, far, "Goods")
    assert "Both" not in caller.emu.person.fields(caller.app_token, caller.table_id)


def test_user_members_are_missing_without_their_scope(caller: Any) -> None:
    ann = caller.emu.state.add_user("Ann", "ann@example.com")
    path = f"/open-apis/contact/v3/users/{ann.open_id}"
    assert caller.call("GET", path)["data"]["user"]["email"] == "ann@example.com"

    caller.emu.state.add_app("cli_poor", "secret", scopes=["contact:contact.base:readonly"])
    known = {"app_id": "cli_poor", "app_secret": "secret"}
    answer = caller.http.post("/open-apis/auth/v3/app_access_token/internal", json=known).json()
    caller.headers = {"Authorization": f"Bearer {answer['app_access_token']}"}

    assert caller.call("GET", path)["data"]["user"].keys() == {"open_id", "union_id"}
    assert caller.code("GET", "/open-apis/contact/v3/users/ou_nobody") == 99992351


def test_base_is_renamed_and_turned_advanced(caller: Any) -> None:
    path = f"/open-apis/bitable/v1/apps/{caller.app_token}"

    caller.call("PUT", path, {"name": "Store", "is_advanced": True})

    described = caller.call("GET", path)["data"]["app"]
    assert (described["name"], described["is_advanced"]) == ("Store", True)
