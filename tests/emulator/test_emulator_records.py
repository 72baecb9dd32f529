"""Records: create, search, batch_get, update, delete, all or nothing."""

from __future__ import annotations

from typing import Any

import pytest


def test_create_then_search_shows_the_read_shapes(caller: Any) -> None:
    row = {"Name": "a", "Qty": 1.5, "Kind": "x", "Tags": ["p", "q"], "Day": 1_700_000_000_000, "Ok": True}
    (record_id,) = caller.create(row)

    data = caller.search()

    assert data["total"] == 1
    assert data["has_more"] is False
    assert "page_token" not in data
    (item,) = data["items"]
    assert item["record_id"] == record_id
    assert item["fields"] == {**row, "Name": [{"text": "a", "type": "text"}], "Changed": 1_767_225_600_000}


def test_create_answer_echoes_what_was_sent(caller: Any) -> None:
    answer = caller.call("POST", f"{caller.records}/batch_create", {"records": [{"fields": {"Name": "a"}}]})

    (record,) = answer["data"]["records"]
    assert record["fields"] == {"Name": "a"}
    assert record["id"] == record["record_id"]
    assert set(record) == {"fields", "id", "record_id"}


def test_update_with_null_clears_the_cell_and_leaves_the_others(caller: Any) -> None:
    (record_id,) = caller.create({"Name": "a", "Qty": 1})

    caller.call("PUT", f"{caller.records}/{record_id}", {"fields": {"Qty": None}})

    assert caller.search()["items"][0]["fields"].keys() == {"Name", "Changed"}


def test_batch_update_with_one_bad_row_changes_nothing(caller: Any) -> None:
    first, second = caller.create({"Name": "a"}, {"Name": "b"})
    rows = [{"record_id": first, "fields": {"Name": "z"}}, {"record_id": second, "fields": {"Qty": "1"}}]

    assert caller.code("POST", f"{caller.records}/batch_update", {"records": rows}) == 1254061
    assert caller.names(caller.search()) == ["a", "b"]


def test_batch_create_with_one_bad_row_creates_neither_records_nor_options(caller: Any) -> None:
    rows = [{"fields": {"Kind": "new"}}, {"fields": {"Qty": True}}]

    assert caller.code("POST", f"{caller.records}/batch_create", {"records": rows}) == 1254061
    assert caller.search()["total"] == 0
    fields = caller.call("GET", f"{caller.table}/fields")["data"]["items"]
    assert fields[2]["property"] == {"options": []}


def test_batch_delete_removes_and_says_so(caller: Any) -> None:
    ids = caller.create({"Name": "a"}, {"Name": "b"})

    answer = caller.call("POST", f"{caller.records}/batch_delete", {"records": ids})

    assert answer["data"]["records"] == [{"deleted": True, "record_id": each} for each in ids]
    assert caller.search()["total"] == 0


def test_batch_get_sorts_known_from_absent_ids(caller: Any) -> None:
    (known,) = caller.create({"Name": "a"})

    data = caller.call("POST", f"{caller.records}/batch_get", {"record_ids": [known, "recUnknown"]})["data"]

    assert [each["record_id"] for each in data["records"]] == [known]
    assert data["absent_record_ids"] == ["recUnknown"]
    assert data["forbidden_record_ids"] == []


def test_search_pages_until_the_last_without_token(caller: Any) -> None:
    caller.create(*[{"Name": str(number)} for number in range(5)])

    seen: list[str] = []
    token: dict[str, str] = {}
    for expected_more in (True, True, False):
        data = caller.search(page_size=2, **token)
        seen += caller.names(data)
        assert data["has_more"] is expected_more
        assert data["total"] == 5
        token = {"page_token": data.get("page_token", "")}

    assert seen == ["0", "1", "2", "3", "4"]


def test_search_newest_first_puts_the_edited_record_on_top(caller: Any, clock: Any) -> None:
    first, _ = caller.create({"Name": "a"}, {"Name": "b"})
    clock.advance(1)
    caller.emu.person.edit_record(caller.app_token, caller.table_id, first, {"Name": "c"})

    data = caller.search({"sort": [{"field_name": "Changed", "desc": True}], "automatic_fields": True})

    assert caller.names(data) == ["c", "b"]
    assert data["items"][0]["last_modified_time"] == 1_767_225_601_000
    assert data["items"][0]["created_time"] == 1_767_225_600_000
    assert data["items"][0]["last_modified_by"]["name"] == "Person"


def test_search_with_an_empty_body_is_refused_as_9499(caller: Any) -> None:
    answer = caller.raw("POST", f"{caller.records}/search")

    assert (answer.status_code, answer.json()["code"]) == (400, 9499)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        pytest.param("batch_create", {"records": [{"fields": {}}] * 1001}, 1254104, id="create over 1000"),
        pytest.param("batch_delete", {"records": ["recA"] * 501}, 1254104, id="delete over 500"),
        pytest.param("batch_get", {"record_ids": ["recA"] * 101}, 1254104, id="get over 100"),
        pytest.param("batch_create", {"records": []}, 1254007, id="nothing to create"),
        pytest.param("batch_create", {"records": [{"fields": {"Nope": 1}}]}, 1254045, id="unknown field"),
        pytest.param("batch_create", {"records": [{"fields": {"Changed": 1}}]}, 1254015, id="read-only field"),
        pytest.param("batch_update", {"records": [{"record_id": "x", "fields": {}}]}, 1254006, id="malformed id"),
        pytest.param("batch_update", {"records": [{"record_id": "recX", "fields": {}}]}, 1254043, id="unknown id"),
    ],
)
def test_write_over_a_limit_or_to_something_unknown_is_refused(
    caller: Any, path: str, body: dict[str, Any], code: int
) -> None:
    assert caller.code("POST", f"{caller.records}/{path}", body) == code


def test_field_names_pick_and_trim(caller: Any) -> None:
    caller.create({" Name ": "a", "Qty": 1})

    data = caller.search({"field_names": ["Name"]})

    assert data["items"][0]["fields"] == {"Name": [{"text": "a", "type": "text"}]}


def test_empty_fields_create_an_empty_row(caller: Any) -> None:
    caller.create({})

    assert caller.search()["total"] == 1


def test_page_size_over_500_is_refused_or_clamped_by_switch(caller: Any) -> None:
    assert caller.code("POST", f"{caller.records}/search", {}, page_size=501) == 1254011
    caller.emu.switches.oversize_page = "clamp"
    assert caller.code("POST", f"{caller.records}/search", {}, page_size=501) == 0


def test_page_token_of_another_query_is_refused(caller: Any) -> None:
    caller.create({"Name": "a"}, {"Name": "b"})
    token = caller.search(page_size=1)["page_token"]

    answer = caller.call("POST", f"{caller.records}/search", {"sort": [{"field_name": "Name"}]}, page_token=token)

    assert answer["code"] == 1254030
    assert answer["msg"] == "InvalidPageToken"
