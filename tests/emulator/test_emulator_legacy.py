"""The deprecated reads, their shapes and formula filter, and copies of bases (lark-api §2.2, §2.6, §3.3, §4.6)."""

from __future__ import annotations

import json
from typing import Any

import pytest

DAY_MS = 24 * 3600 * 1000
ALICE = "Alice"


@pytest.fixture
def shop(caller: Any) -> Any:
    """Goods a..d in a base whose days begin at 16:00 UTC; the clock stands at 08:00 there, 2026-01-01."""
    emu, place = caller.emu, (caller.app_token, caller.table_id)
    alice = emu.state.add_user(ALICE)
    for definition in (
        {"field_name": "Who", "type": 11},
        {"field_name": "Mail", "type": 1, "ui_type": "Email"},
        {"field_name": "Next", "type": 18, "property": {"table_id": caller.table_id}},
        {"field_name": "Sum", "type": 20},
        {"field_name": "By", "type": 1003},
    ):
        emu.person.add_field(*place, definition)
    now = emu.state.now_ms
    rows = [
        {"Name": "a", "Qty": 1, "Kind": "x", "Tags": ["p", "q"], "Day": now, "Ok": True},
        {"Name": "b", "Qty": 2.5, "Kind": "y", "Day": now - DAY_MS, "Who": [{"id": alice.open_id}]},
        {"Name": "c", "Qty": 3, "Kind": "x", "Tags": ["q"], "Day": now + DAY_MS, "Mail": "c@d.e"},
        {"Name": "d"},
    ]
    caller.ids = emu.person.add_records(*place, rows)
    emu.person.edit_record(*place, caller.ids[0], {"Next": caller.ids[1:3]})
    emu.person.set_computed(*place, caller.ids[0], "Sum", [1.5, 2])
    return caller


def listed(caller: Any, **params: Any) -> list[str]:
    answer = caller.call("GET", caller.records, **params)
    assert answer["code"] == 0, answer
    return [each["fields"]["Name"] for each in answer["data"]["items"]]


def test_list_gives_its_own_shapes(shop: Any) -> None:
    items = shop.call("GET", shop.records)["data"]["items"]
    first, second, third = (each["fields"] for each in items[:3])

    assert (items[0]["id"], items[0]["record_id"]) == (shop.ids[0], shop.ids[0])
    assert (first["Name"], first["Qty"], second["Qty"], third["Mail"]) == ("a", "1", "2.5", "c@d.e")
    assert first["Next"] == [
        {
            "record_ids": shop.ids[1:3],
            "table_id": shop.table_id,
            "text": "b,c",
            "text_arr": ["b", "c"],
            "type": "text",
        }
    ]
    assert first["Sum"] == "1.5,2"
    assert first["By"]["name"] == "Person"
    assert (first["Kind"], first["Tags"], first["Ok"]) == ("x", ["p", "q"], True)
    assert "Qty" not in items[3]["fields"]


def test_list_shows_segments_references_and_automatic_members_on_request(shop: Any) -> None:
    given = {"text_field_as_array": "true", "display_formula_ref": "true", "automatic_fields": "true"}
    item = shop.call("GET", shop.records, **given)["data"]["items"][0]

    assert item["fields"]["Name"] == [{"text": "a", "type": "text"}]
    assert item["fields"]["Sum"] == [{"text": "1.5", "type": "text"}, {"text": "2", "type": "text"}]
    assert item["created_time"] == shop.emu.state.now_ms


def test_get_one_gives_the_record_and_its_addresses(shop: Any) -> None:
    one = shop.call("GET", f"{shop.records}/{shop.ids[1]}", with_shared_url="true")["data"]["record"]

    assert (one["fields"]["Qty"], one["record_id"]) == ("2.5", shop.ids[1])
    assert one["shared_url"].endswith(shop.ids[1])
    assert shop.code("GET", f"{shop.records}/recnone") == 1254043
    assert shop.code("GET", f"{shop.records}/none") == 1254006


@pytest.mark.parametrize(
    ("formula", "names"),
    [
        pytest.param('CurrentValue.[Name]="b"', "b", id="text equals"),
        pytest.param('CurrentValue.[Name]!="b"', "acd", id="text differs"),
        pytest.param('CurrentValue.[Name].contains("c")', "c", id="text contains"),
        pytest.param("CurrentValue.[Qty]>=2.5", "bc", id="number"),
        pytest.param("CurrentValue.[Qty] > -1", "abc", id="negative number"),
        pytest.param('CurrentValue.[Qty]=""', "d", id="empty"),
        pytest.param('CurrentValue.[Tags]!=""', "ac", id="not empty"),
        pytest.param('CurrentValue.[Kind]="x"', "ac", id="select"),
        pytest.param('CurrentValue.[Tags].contains("p")', "a", id="multi-select contains"),
        pytest.param("CurrentValue.[Ok]=1", "a", id="checkbox"),
        pytest.param(f'CurrentValue.[Who]="{ALICE}"', "b", id="user by name"),
        pytest.param("CurrentValue.[Day]=TODAY()", "a", id="today"),
        pytest.param("CurrentValue.[Day]>=TODAY()", "ac", id="from today on"),
        pytest.param("CurrentValue.[Day]<TODAY()", "b", id="before today"),
        pytest.param("CurrentValue.[Day]=TODAY()-1", "b", id="yesterday"),
        pytest.param('CurrentValue.[Day]=TODATE("2026/01/02")', "c", id="a date in the base's zone"),
        pytest.param('AND(CurrentValue.[Kind]="x",CurrentValue.[Qty]>1)', "c", id="AND"),
        pytest.param('OR(CurrentValue.[Name]="a",CurrentValue.[Name]="d")', "ad", id="OR"),
        pytest.param('NOT(CurrentValue.[Kind]="x")', "bd", id="NOT"),
        pytest.param(
            'CurrentValue.[Name]="b" || CurrentValue.[Kind]="x" && CurrentValue.[Qty]<2', "ab", id="&& binds first"
        ),
        pytest.param('(CurrentValue.[Name]="b"||CurrentValue.[Kind]="x")&&CurrentValue.[Qty]<2', "a", id="brackets"),
        pytest.param(r'CurrentValue.[Name]="\""', "", id="escaped quote"),
    ],
)
def test_list_filters_by_formula(shop: Any, formula: str, names: str) -> None:
    assert listed(shop, filter=formula) == list(names)


def test_list_reads_later_than_a_day_both_ways(shop: Any) -> None:
    later = "CurrentValue.[Day]>TODAY()"
    assert listed(shop, filter=later) == ["a", "c"]
    shop.emu.switches.greater_excludes_day = True
    assert listed(shop, filter=later) == ["c"]


@pytest.mark.parametrize(
    ("formula", "code"),
    [
        pytest.param('CurrentValue.[Nope]="x"', 1254018, id="unknown field"),
        pytest.param("CurrentValue.[Qty]", 1254018, id="no comparison"),
        pytest.param('CurrentValue.[Qty]="2"', 1254018, id="number as text"),
        pytest.param('CurrentValue.[Name]>"a"', 1254018, id="text order"),
        pytest.param('AND(CurrentValue.[Name]="a"', 1254018, id="open bracket"),
        pytest.param('LEN(CurrentValue.[Name])="a"', 1254018, id="other function"),
        pytest.param("CurrentValue.[Day]=NOW()", 1254018, id="other time"),
        pytest.param('CurrentValue.[Day]=TODATE("2026-01-02")', 1254018, id="other date form"),
        pytest.param('CurrentValue.[Name]="a" CurrentValue.[Name]="a"', 1254018, id="no operator"),
        pytest.param('CurrentValue.[Name]="' + "a" * 2000 + '"', 1254107, id="over 2000 characters"),
    ],
)
def test_list_refuses_formulas_that_are_not_documented(shop: Any, formula: str, code: int) -> None:
    assert shop.code("GET", shop.records, filter=formula) == code


def test_list_sorts_selects_fields_and_pages(shop: Any) -> None:
    order = json.dumps(["Kind DESC", "Qty ASC"])
    assert listed(shop, sort=order) == ["b", "a", "c", "d"]
    page = shop.call("GET", shop.records, field_names='["Qty"]', page_size=3)["data"]
    assert [each["fields"] for each in page["items"]] == [{"Qty": "1"}, {"Qty": "2.5"}, {"Qty": "3"}]
    assert (page["has_more"], page["total"]) == (True, 4)
    assert listed(shop, page_token=page["page_token"]) == ["d"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        pytest.param({"sort": "Qty"}, 1254016, id="sort no JSON"),
        pytest.param({"sort": '["Qty"]'}, 1254016, id="sort without direction"),
        pytest.param({"sort": '["Nope ASC"]'}, 1254016, id="sort by no field"),
        pytest.param({"sort": '["' + "a" * 1000 + ' ASC"]'}, 1254108, id="long sort"),
        pytest.param({"field_names": "Qty"}, 1254024, id="field_names no JSON"),
        pytest.param({"field_names": '["Nope"]'}, 1254024, id="no such field"),
        pytest.param({"page_size": 501}, 1254011, id="page too large"),
        pytest.param({"view_id": "vewnone"}, 1254042, id="no such view"),
        pytest.param({"automatic_fields": "yes"}, 99992402, id="flag"),
    ],
)
def test_list_refuses_parameters_that_do_not_fit(shop: Any, params: dict[str, Any], code: int) -> None:
    assert shop.code("GET", shop.records, **params) == code


COPY = "/open-apis/bitable/v1/apps/{}/copy"


def test_copy_answers_1254036_until_it_is_done_and_then_stands_alone(shop: Any, clock: Any) -> None:
    shop.emu.person.add_field(shop.app_token, shop.table_id, {"field_name": "Files", "type": 17})
    file = shop.emu.state.add_file(shop.app_token, "a.txt", content="a")
    shop.emu.person.edit_record(shop.app_token, shop.table_id, shop.ids[3], {"Files": [{"file_token": file}]})
    shop.emu.switches.copy_seconds = 5

    made = shop.call("POST", COPY.format(shop.app_token), {"name": "Second", "time_zone": "UTC"})["data"]["app"]

    tables = f"/open-apis/bitable/v1/apps/{made['app_token']}/tables"
    early = shop.raw("GET", tables)
    assert (early.status_code, early.json()["code"]) == (400, 1254036)
    clock.advance(5)
    table_id = shop.call("GET", tables)["data"]["items"][0]["table_id"]
    assert (made["name"], made["time_zone"], made["default_table_id"]) == ("Second", "UTC", table_id)
    items = shop.call("POST", f"{tables}/{table_id}/records/search", {})["data"]["items"]
    assert [each["fields"]["Name"][0]["text"] for each in items] == list("abcd")
    copied = items[3]["fields"]["Files"][0]
    assert copied["file_token"] != file
    assert shop.http.get(copied["url"], headers=shop.headers).content == b"a"
    shop.call("POST", f"{tables}/{table_id}/records", {"fields": {"Name": "e"}})
    assert listed(shop) == list("abcd")


def test_copy_without_content_or_of_too_much_has_the_structure_only(shop: Any, monkeypatch: Any) -> None:
    def count(body: dict[str, Any]) -> int:
        app = shop.call("POST", COPY.format(shop.app_token), body)["data"]["app"]
        path = f"/open-apis/bitable/v1/apps/{app['app_token']}/tables/{app['default_table_id']}/records/search"
        total: int = shop.call("POST", path, {})["data"]["total"]
        return total

    assert count({}) == 4
    assert count({"without_content": True}) == 0
    monkeypatch.setattr("airflow_provider_lark.emulator.state.copying.MOST_RECORDS", 3)
    assert count({}) == 0
    assert shop.code("POST", COPY.format(shop.app_token), {"without_content": "no"}) == 99992402
