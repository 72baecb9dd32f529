"""Every field type: write shape in, read shape out, and the code for a wrong shape (lark-api §3)."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def typed(caller: Any) -> Any:
    """The caller on a table with a field of every type, and the ids that its cells may name."""
    emu = caller.emu
    other = emu.state.create_table(caller.app_token, "far", [{"field_name": "Title", "type": 1}])
    fields: list[dict[str, Any]] = [
        {"field_name": "Text", "type": 1},
        {"field_name": "Email", "type": 1, "ui_type": "Email"},
        {"field_name": "Barcode", "type": 1, "ui_type": "Barcode"},
        {"field_name": "Number", "type": 2},
        {"field_name": "Currency", "type": 2, "ui_type": "Currency"},
        {"field_name": "Single", "type": 3, "property": {"options": [{"name": "s1"}]}},
        {"field_name": "Multi", "type": 4},
        {"field_name": "Date", "type": 5},
        {"field_name": "Check", "type": 7},
        {"field_name": "User", "type": 11},
        {"field_name": "OneUser", "type": 11, "property": {"multiple": False}},
        {"field_name": "Phone", "type": 13},
        {"field_name": "Url", "type": 15},
        {"field_name": "File", "type": 17},
        {"field_name": "Link", "type": 18, "property": {"table_id": other.table_id}},
        {"field_name": "Lookup", "type": 19},
        {"field_name": "Formula", "type": 20},
        {"field_name": "Both", "type": 21, "property": {"table_id": other.table_id, "back_field_name": "Back"}},
        {"field_name": "Place", "type": 22},
        {"field_name": "Group", "type": 23},
        {"field_name": "Stage", "type": 24},
        {"field_name": "Made", "type": 1001},
        {"field_name": "Changed", "type": 1002},
        {"field_name": "Maker", "type": 1003},
        {"field_name": "Changer", "type": 1004},
        {"field_name": "No", "type": 1005},
        {"field_name": "Button", "type": 3001},
    ]
    caller.table_id = emu.state.create_table(caller.app_token, "typed", fields).table_id
    caller.far_table = other.table_id
    caller.far = emu.person.add_record(caller.app_token, other.table_id, {"Title": "t"})
    caller.ann = emu.state.add_user("Ann", "ann@example.com", "+8613800000000")
    caller.chat = emu.state.add_chat("Team")
    caller.file = emu.state.add_file(caller.app_token, "a.txt", "text/plain", 3)
    return caller


def read(caller: Any, record_id: str, name: str) -> Any:
    items = {each["record_id"]: each["fields"] for each in caller.search()["items"]}
    return items[record_id].get(name)


@pytest.mark.parametrize(
    ("name", "written", "expected"),
    [
        pytest.param("Text", "a\nb", [{"text": "a\nb", "type": "text"}], id="text"),
        pytest.param(
            "Email", "a@b.c", [{"type": "url", "text": "a@b.c", "link": "mailto:a@b.c"}], id="email is a link"
        ),
        pytest.param("Barcode", "4006381", [{"text": "4006381", "type": "text"}], id="barcode"),
        pytest.param("Number", 2323.2323, 2323.2323, id="number"),
        pytest.param("Number", 3.0, 3, id="whole number has no fraction"),
        pytest.param("Number", 0, 0, id="zero is no empty cell"),
        pytest.param("Number", 2**53 + 1, 2**53, id="beyond a double's digits"),
        pytest.param("Currency", 9.99, 9.99, id="currency"),
        pytest.param("Single", "s1", "s1", id="known option"),
        pytest.param("Single", "s2", "s2", id="option made by writing"),
        pytest.param("Multi", ["a", "b"], ["a", "b"], id="options made by writing"),
        pytest.param("Multi", ["a", "a"], ["a", "a"], id="a new name twice makes two options"),
        pytest.param("Date", 1_702_449_755_123, 1_702_449_755_123, id="date keeps its ms"),
        pytest.param("Check", True, True, id="checked"),
        pytest.param("Check", False, False, id="unchecked by hand"),
        pytest.param("Phone", "+8613800000000", "+8613800000000", id="phone"),
        pytest.param("Url", {"text": "T", "link": "https://x.y"}, {"text": "T", "link": "https://x.y"}, id="url"),
        pytest.param("Text", "", None, id="empty text is an empty cell"),
        pytest.param("Multi", [], None, id="no choice is an empty cell"),
        pytest.param("Check", None, None, id="never touched"),
    ],
)
def test_value_written_reads_back_in_its_read_shape(typed: Any, name: str, written: Any, expected: Any) -> None:
    (record_id,) = typed.create({name: written})

    assert read(typed, record_id, name) == expected


def test_references_read_back_as_objects(typed: Any) -> None:
    (record_id,) = typed.create(
        {
            "User": [{"id": typed.ann.open_id}],
            "Group": [{"id": typed.chat}],
            "File": [{"file_token": typed.file}],
            "Link": [typed.far],
            "Place": "116.397,39.903",
        }
    )

    person = read(typed, record_id, "User")[0]
    assert (person["id"], person["name"], person["email"]) == (typed.ann.open_id, "Ann", "ann@example.com")
    assert read(typed, record_id, "Group")[0]["id"] == typed.chat
    attachment = read(typed, record_id, "File")[0]
    assert (attachment["file_token"], attachment["name"], attachment["size"]) == (typed.file, "a.txt", 3)
    assert "bitablePerm" in attachment["url"]
    assert read(typed, record_id, "Link") == {"link_record_ids": [typed.far]}
    assert read(typed, record_id, "Place")["location"] == "116.397,39.903"


@pytest.mark.parametrize(
    ("name", "written", "code"),
    [
        pytest.param("Text", [{"type": "text", "text": "a"}], 1254060, id="text as segments"),
        pytest.param("Text", 1, 1254060, id="text as number"),
        pytest.param("Text", "x" * 100_001, 1254130, id="too long"),
        pytest.param("Number", "1", 1254061, id="number as text"),
        pytest.param("Number", True, 1254061, id="number as bool"),
        pytest.param("Single", ["a"], 1254062, id="single as list"),
        pytest.param("Multi", "a", 1254063, id="multi as text"),
        pytest.param("Date", "2024-01-01", 1254064, id="ISO date"),
        pytest.param("Check", "true", 1254065, id="check as text"),
        pytest.param("User", [{"id": "ou_unknown"}], 1254066, id="unknown user"),
        pytest.param("User", ["ou_x"], 1254066, id="user as text"),
        pytest.param("Phone", "12-34", 1254072, id="phone with a dash"),
        pytest.param("Url", "https://x.y", 1254068, id="url as text"),
        pytest.param("File", "box", 1254069, id="file as text"),
        pytest.param("File", [{"file_token": "boxOther"}], 1254303, id="file of another base"),
        pytest.param("Link", {"link_record_ids": ["recX"]}, 1254067, id="link in its read shape"),
        pytest.param("Both", ["recX"], 1254074, id="two-way link to nothing"),
        pytest.param("Place", "here", 1254015, id="location without digits"),
        pytest.param("Group", [{"id": "oc_x"}], 1254015, id="unknown group"),
        *[
            pytest.param(name, "x", 1254015, id=f"{name} is read-only")
            for name in (
                *("Lookup", "Formula", "Stage", "Made", "Changed"),
                *("Maker", "Changer", "No", "Button"),
            )
        ],
    ],
)
def test_value_of_the_wrong_shape_is_refused_by_its_code(typed: Any, name: str, written: Any, code: int) -> None:
    assert typed.code("POST", typed.records, {"fields": {name: written}}) == code


@pytest.mark.parametrize("shows", [False, True])
def test_stage_is_shown_by_switch_and_never_filtered(typed: Any, shows: bool) -> None:
    typed.emu.switches.shows_stages = shows
    (record_id,) = typed.create({"Text": "a"})
    typed.emu.person.set_computed(typed.app_token, typed.table_id, record_id, "Stage", "late")
    (item,) = typed.search()["items"]
    assert item["fields"].get("Stage") == ("late" if shows else None)
    stage = {"conjunction": "and", "conditions": [{"field_name": "Stage", "operator": "is", "value": ["late"]}]}
    assert typed.code("POST", f"{typed.records}/search", {"filter": stage}) == 1254018


def test_two_users_in_a_single_user_field_are_refused(typed: Any) -> None:
    bob = typed.emu.state.add_user("Bob")
    both = [{"id": typed.ann.open_id}, {"id": bob.open_id}]

    assert typed.code("POST", typed.records, {"fields": {"OneUser": both}}) == 1254066


def test_user_ids_follow_user_id_type_in_and_out(typed: Any) -> None:
    body = {"fields": {"User": [{"id": typed.ann.union_id}]}}

    assert typed.code("POST", typed.records, body) == 1254066
    assert typed.code("POST", typed.records, body, user_id_type="union_id") == 0
    items = typed.search(user_id_type="user_id")["items"]
    assert items[0]["fields"]["User"][0]["id"] == typed.ann.user_id


def test_seconds_in_a_date_become_1970(typed: Any) -> None:
    (record_id,) = typed.create({"Date": 1_702_449_755})

    assert read(typed, record_id, "Date") < 86_400_000 * 30


def test_automatic_fields_are_kept(typed: Any, clock: Any) -> None:
    first, second = typed.create({"Text": "a"}, {"Text": "b"})
    clock.advance(2.5)
    typed.emu.person.edit_record(typed.app_token, typed.table_id, first, {"Text": "c"})

    assert read(typed, first, "Made") == 1_767_225_600_000
    assert read(typed, first, "Changed") == 1_767_225_602_500
    assert read(typed, first, "Maker")[0]["name"] == "Emulated app"
    assert read(typed, first, "Changer")[0]["name"] == "Person"
    assert (read(typed, first, "No"), read(typed, second, "No")) == ("1", "2")


def test_custom_auto_number_is_built_by_its_rule(typed: Any) -> None:
    rule = {
        "type": "custom",
        "options": [
            {"type": "fixed_text", "value": "A-"},
            {"type": "created_time", "value": "yyyyMMdd"},
            {"type": "system_number", "value": "3"},
        ],
    }
    typed.call(
        "POST", f"{typed.table}/fields", {"field_name": "Serial", "type": 1005, "property": {"auto_serial": rule}}
    )
    (record_id,) = typed.create({})

    assert read(typed, record_id, "Serial") == "A-20260101001"


def test_two_way_link_keeps_its_back_field(typed: Any) -> None:
    first, second = typed.create({"Both": [typed.far]}, {"Both": [typed.far]})
    back = lambda: typed.emu.person.records(typed.app_token, typed.far_table)[0]["fields"].get("Back")  # noqa: E731

    assert back() == {"link_record_ids": [first, second]}
    typed.call("PUT", f"{typed.records}/{first}", {"fields": {"Both": None}})
    assert back() == {"link_record_ids": [second]}
    typed.call("DELETE", f"{typed.records}/{second}")
    assert back() is None


def test_link_to_a_deleted_record_vanishes(typed: Any) -> None:
    (record_id,) = typed.create({"Link": [typed.far], "Both": [typed.far]})

    typed.emu.person.delete_record(typed.app_token, typed.far_table, typed.far)

    assert read(typed, record_id, "Link") is None
    assert read(typed, record_id, "Both") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("a", {"type": 1, "value": [{"text": "a", "type": "text"}]}, id="text"),
        pytest.param(3, {"type": 2, "value": [3]}, id="number"),
        pytest.param({"type": 5, "value": [1]}, {"type": 5, "value": [1]}, id="as it is read"),
        pytest.param(None, None, id="emptied"),
    ],
)
def test_computed_cells_are_seeded_by_a_person(typed: Any, value: Any, expected: Any) -> None:
    (record_id,) = typed.create({"Text": "a"})

    typed.emu.person.set_computed(typed.app_token, typed.table_id, record_id, "Formula", value)

    assert read(typed, record_id, "Formula") == expected


def test_person_writes_text_in_segments(typed: Any) -> None:
    segments = [{"type": "text", "text": "see "}, {"type": "url", "text": "x", "link": "https://x.y"}]

    record_id = typed.emu.person.add_record(typed.app_token, typed.table_id, {"Text": segments})

    assert read(typed, record_id, "Text") == segments


def test_renamed_option_shows_in_every_cell(typed: Any) -> None:
    (record_id,) = typed.create({"Single": "s1"})
    fields = typed.call("GET", f"{typed.table}/fields", page_size=100)["data"]["items"]
    options = next(each for each in fields if each["field_name"] == "Single")["property"]["options"]

    renamed = [{**options[0], "name": "s9"}]
    typed.emu.person.set_options(typed.app_token, typed.table_id, "Single", renamed)

    assert read(typed, record_id, "Single") == "s9"
