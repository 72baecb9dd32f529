"""Open points of the reference, each under both of its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_lark.emulator import Emulator
from airflow_provider_lark.emulator.switches import Switches


def field_id(caller: Any, definition: dict[str, Any]) -> str:
    made: str = caller.emu.person.add_field(caller.app_token, caller.table_id, definition)
    return made


def cells(caller: Any, record_id: str) -> dict[str, Any]:
    answer = caller.call("POST", f"{caller.records}/batch_get", {"record_ids": [record_id]})
    fields: dict[str, Any] = answer["data"]["records"][0]["fields"]
    return fields


@pytest.mark.parametrize(("setting", "email"), [("empty", ""), ("absent", None)])
def test_app_that_writes_has_no_address(caller: Any, setting: str, email: str | None) -> None:
    field_id(caller, {"field_name": "By", "type": 1003})
    field_id(caller, {"field_name": "Last", "type": 1004})
    ann = caller.emu.state.add_user("Ann", "ann@example.com")
    caller.emu.switches.app_email = "empty" if setting == "absent" else "absent"
    caller.create({"Name": "a"})
    caller.search({"automatic_fields": True})  # what was rendered before counts no longer
    caller.emu.switches.app_email = setting
    person = caller.emu.person.add_record(caller.app_token, caller.table_id, {"Name": "b"}, actor=ann.open_id)

    ours, theirs = caller.search({"automatic_fields": True})["items"]

    shown = [*ours["fields"]["By"], *ours["fields"]["Last"], ours["created_by"], ours["last_modified_by"]]
    assert [each.get("email") for each in shown] == [email] * 4
    assert {each["id"] for each in shown} == {caller.emu.state.apps[caller.emu.app_id].open_id}
    assert theirs["record_id"] == person
    assert theirs["created_by"]["email"] == "ann@example.com"


LINKS = "see https://a.example/x?y=1 and\nhttp://b.example"


def test_web_address_in_a_text_is_a_segment_or_not(caller: Any) -> None:
    (record_id,) = caller.create({"Name": LINKS})
    assert cells(caller, record_id)["Name"] == [{"text": LINKS, "type": "text"}]

    caller.emu.switches.splits_urls = True

    shown = cells(caller, record_id)["Name"]
    assert shown == [
        {"text": "see ", "type": "text"},
        {"text": "https://a.example/x?y=1", "type": "url", "link": "https://a.example/x?y=1"},
        {"text": " and\n", "type": "text"},
        {"text": "http://b.example", "type": "url", "link": "http://b.example"},
    ]
    assert caller.call("GET", f"{caller.records}/{record_id}")["data"]["record"]["fields"]["Name"] == LINKS
    wanted = {"conjunction": "and", "conditions": [{"field_name": "Name", "operator": "is", "value": [LINKS]}]}
    assert caller.search({"filter": wanted})["total"] == 1


@pytest.mark.parametrize(("setting", "code"), [("clears", 0), ("error", 1254062)])
def test_empty_text_for_a_select(caller: Any, setting: str, code: int) -> None:
    (record_id,) = caller.create({"Kind": "a"})
    caller.emu.switches.empty_option = setting

    assert caller.code("PUT", f"{caller.records}/{record_id}", {"fields": {"Kind": ""}}) == code
    assert ("Kind" in cells(caller, record_id)) is (setting == "error")


@pytest.mark.parametrize("status", [400, 404])
def test_status_of_a_base_that_is_not_there(caller: Any, status: int) -> None:
    caller.emu.switches.not_exist_status = status
    answer = caller.raw("GET", "/open-apis/bitable/v1/apps/wikNodeToken")
    assert (answer.status_code, answer.json()["code"]) == (status, 91402)


@pytest.mark.parametrize(("code", "asked", "status"), [(1254303, 403, 403), (1254303, 200, 200), (1254027, 200, 403)])
def test_status_of_a_file_of_another_base(caller: Any, code: int, asked: int, status: int) -> None:
    field_id(caller, {"field_name": "File", "type": 17})
    caller.emu.switches.foreign_file_code = code
    caller.emu.switches.foreign_file_status = asked
    answer = caller.raw("POST", caller.records, {"fields": {"File": [{"file_token": "boxOther"}]}})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("keeps", [False, True])
def test_one_way_link_to_a_deleted_record(caller: Any, keeps: bool) -> None:
    field_id(caller, {"field_name": "One", "type": 18, "property": {"table_id": caller.table_id}})
    field_id(caller, {"field_name": "Two", "type": 21, "property": {"table_id": caller.table_id}})
    (far,) = caller.create({"Name": "far"})
    (near,) = caller.create({"One": [far], "Two": [far]})
    caller.emu.switches.keeps_dead_links = keeps

    caller.emu.person.delete_record(caller.app_token, caller.table_id, far)

    shown = cells(caller, near)
    assert shown.get("One") == ({"link_record_ids": [far]} if keeps else None)
    assert "Two" not in shown
    assert caller.code("PUT", f"{caller.records}/{near}", {"fields": {"One": [far]}}) == 1254067


@pytest.mark.parametrize("stays", [False, True])
def test_far_side_of_a_deleted_two_way_field(caller: Any, stays: bool) -> None:
    far = caller.emu.state.create_table(caller.app_token, "far", [{"field_name": "Name", "type": 1}]).table_id
    property_ = {"table_id": far, "back_field_name": "Back"}
    near_field = field_id(caller, {"field_name": "Two", "type": 21, "property": property_})
    record = caller.emu.person.add_record(caller.app_token, far, {"Name": "x"})
    (linked,) = caller.create({"Two": [record]})
    caller.emu.switches.far_field_stays = stays

    assert caller.code("DELETE", f"{caller.table}/fields/{near_field}") == 0

    path = f"/open-apis/bitable/v1/apps/{caller.app_token}/tables/{far}"
    fields = {each["field_name"]: each for each in caller.call("GET", f"{path}/fields")["data"]["items"]}
    assert list(fields) == (["Name", "Back"] if stays else ["Name"])
    if stays:
        assert (fields["Back"]["type"], fields["Back"]["ui_type"]) == (18, "SingleLink")
        assert fields["Back"]["property"] == {"multiple": True, "table_id": caller.table_id, "table_name": "goods"}
        shown = caller.emu.person.records(caller.app_token, far)[0]["fields"]["Back"]
        assert shown == {"link_record_ids": [linked]}
        assert caller.code("PUT", f"{path}/records/{record}", {"fields": {"Back": []}}) == 0


@pytest.mark.parametrize(("setting", "tags"), [("create", ["new", "new", "old"]), ("merge", ["new", "old"])])
def test_new_option_that_is_named_twice(caller: Any, setting: str, tags: list[str]) -> None:
    caller.create({"Tags": ["old"]})
    caller.emu.switches.repeated_options = setting

    (record_id,) = caller.create({"Tags": ["new", "new", "old", "old"]})

    assert cells(caller, record_id)["Tags"] == tags
    column = next(
        each for each in caller.call("GET", f"{caller.table}/fields")["data"]["items"] if each["field_name"] == "Tags"
    )
    assert sorted(each["name"] for each in column["property"]["options"]) == sorted(tags)


@pytest.mark.parametrize("tells", [False, True])
def test_auto_number_in_events(caller: Any, listener: Any, tells: bool) -> None:
    rule = [{"type": "fixed_text", "value": "N"}, {"type": "system_number", "value": "3"}]
    serial = {"auto_serial": {"type": "custom", "options": rule}}
    number = field_id(caller, {"field_name": "No", "type": 1005, "property": serial})
    caller.emu.switches.events_tell_auto_numbers = tells
    caller.emu.state.set_event_url(caller.emu.app_id, listener.url, verify=False)
    caller.call("POST", f"/open-apis/drive/v1/files/{caller.app_token}/subscribe", file_type="bitable")

    (record_id,) = caller.create({"Name": "a"})
    caller.call("PUT", f"{caller.records}/{record_id}", {"fields": {"Name": "b"}})
    caller.call("DELETE", f"{caller.records}/{record_id}")
    caller.emu.events.settle()

    told = [each["event"]["action_list"][0] for each in listener.events()]
    numbers = [
        [cell["field_value"] for cell in [*action.get("before_value", []), *action.get("after_value", [])]
         if cell["field_id"] == number]
        for action in told
    ]  # fmt: skip
    assert [each["action"] for each in told] == ["record_added", "record_edited", "record_deleted"]
    assert numbers == ([["N001"], [], ["N001"]] if tells else [[], [], []])


@pytest.mark.parametrize(("setting", "shown"), [("absent", None), ("empty", {})])
def test_link_cell_that_holds_nothing(caller: Any, setting: str, shown: Any) -> None:
    field_id(caller, {"field_name": "One", "type": 18, "property": {"table_id": caller.table_id}})
    (record_id,) = caller.create({"Name": "a"})
    caller.emu.switches.empty_links = setting
    assert cells(caller, record_id).get("One") == shown
    assert caller.code("GET", f"{caller.records}/{record_id}") == 0


@pytest.mark.parametrize(("setting", "names"), [("oldest_first", ["a", "b"]), ("newest_first", ["b", "a"])])
def test_order_of_a_search_without_sort(caller: Any, setting: str, names: list[str]) -> None:
    caller.create({"Name": "a"}, {"Name": "b"})
    caller.emu.switches.unsorted = setting

    first = caller.search(page_size=1)
    second = caller.search(page_size=1, page_token=first["page_token"])

    assert [*caller.names(first), *caller.names(second)] == names
    assert caller.names(caller.search({"sort": [{"field_name": "Name"}]})) == ["a", "b"]


@pytest.mark.parametrize(("heeds", "code"), [(True, 1255006), (False, 0)])
def test_client_token_of_an_update_of_one_record(caller: Any, heeds: bool, code: int) -> None:
    (record_id,) = caller.create({"Name": "a"})
    caller.emu.switches.token_on_single_update = heeds
    token = {"client_token": "7c0e3f6e-6c4f-4d6e-9f0a-2b6f6a1f3a11"}

    assert caller.code("PUT", f"{caller.records}/{record_id}", {"fields": {"Name": "b"}}, **token) == 0
    assert caller.code("PUT", f"{caller.records}/{record_id}", {"fields": {"Name": "c"}}, **token) == code


def test_object_field_shows_nothing_and_takes_nothing(caller: Any) -> None:
    field_id(caller, {"field_name": "Answer", "type": 25})
    (record_id,) = caller.create({"Name": "a"})
    described = caller.call("GET", f"{caller.table}/fields")["data"]["items"][-1]

    assert (described["type"], described["ui_type"], described["property"]) == (25, "Object", None)
    assert "Answer" not in cells(caller, record_id)
    assert caller.code("PUT", f"{caller.records}/{record_id}", {"fields": {"Answer": "x"}}) == 1254015
    assert caller.code("POST", f"{caller.table}/fields", {"field_name": "x", "type": 25}) == 1254012


def test_person_reads_under_the_switches_too(emu: Emulator) -> None:
    base = emu.state.create_base("Shop")
    table = emu.state.create_table(base.app_token, "goods", [{"field_name": "Name", "type": 1}])
    emu.person.add_record(base.app_token, table.table_id, {"Name": "http://a.example"})
    emu.switches.splits_urls = True
    assert emu.person.records(base.app_token, table.table_id)[0]["fields"]["Name"][0]["type"] == "url"


def test_every_switch_is_told_of_in_the_docs() -> None:
    told = Path(__file__).parents[2].joinpath("docs/emulator.md").read_text(encoding="utf-8")
    assert [name for name in vars(Switches()) if f"`{name}`" not in told] == []
