"""Filters and sorts of records/search (lark-api §4)."""

from __future__ import annotations

from typing import Any

import pytest

DAY = 86_400_000
# 2024-03-10 00:00 in Shanghai is 2024-03-09 16:00 UTC
MIDNIGHT = 1_710_000_000_000


def condition(name: str, operator: str, *value: str) -> dict[str, Any]:
    return {"field_name": name, "operator": operator, "value": list(value)}


def found(caller: Any, *conditions: dict[str, Any], conjunction: str = "and", **more: Any) -> list[str]:
    body = {"filter": {"conjunction": conjunction, "conditions": list(conditions), **more}}
    return sorted(caller.names(caller.search(body)))


@pytest.fixture
def goods(caller: Any) -> Any:
    caller.create(
        {"Name": "apple", "Qty": 1, "Kind": "x", "Tags": ["p"], "Day": MIDNIGHT - 1, "Ok": True},
        {"Name": "banana", "Qty": 2.5, "Kind": "y", "Tags": ["p", "q"], "Day": MIDNIGHT, "Ok": False},
        {"Name": "cherry", "Qty": 10, "Day": MIDNIGHT + 1},
        {"Name": "date", "Day": MIDNIGHT + DAY},
        {"Name": "elder"},
    )
    return caller


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        pytest.param(condition("Name", "is", "apple"), ["apple"], id="text is"),
        pytest.param(condition("Name", "contains", "an"), ["banana"], id="text contains"),
        pytest.param(condition("Name", "doesNotContain", "e"), ["banana"], id="text does not contain"),
        pytest.param(condition("Qty", "is", "2.5"), ["banana"], id="number is"),
        pytest.param(condition("Qty", "isGreater", "2.5"), ["cherry"], id="number greater"),
        pytest.param(condition("Qty", "isGreaterEqual", "2.5"), ["banana", "cherry"], id="number at least"),
        pytest.param(condition("Qty", "isLess", "2.5"), ["apple"], id="number less"),
        pytest.param(condition("Qty", "isEmpty"), ["date", "elder"], id="number empty"),
        pytest.param(condition("Kind", "is", "x"), ["apple"], id="select is"),
        pytest.param(condition("Kind", "contains", "x", "y"), ["apple", "banana"], id="select among"),
        pytest.param(condition("Tags", "is", "p"), ["apple"], id="multi is only that"),
        pytest.param(condition("Tags", "contains", "p"), ["apple", "banana"], id="multi contains"),
        pytest.param(condition("Ok", "is", "true"), ["apple"], id="checked"),
        pytest.param(condition("Ok", "is", "false"), ["banana", "cherry", "date", "elder"], id="unchecked or empty"),
        pytest.param(condition("Day", "isNotEmpty"), ["apple", "banana", "cherry", "date"], id="date filled"),
    ],
)
def test_condition_finds_its_records(goods: Any, wanted: dict[str, Any], names: list[str]) -> None:
    assert found(goods, wanted) == names


@pytest.mark.parametrize(
    ("operator", "excludes_day", "names"),
    [
        # the ms is noon of 10 March in Shanghai, of which only the day counts
        pytest.param("is", False, ["banana", "cherry"], id="is: that day"),
        pytest.param("isLess", False, ["apple"], id="less: before midnight"),
        pytest.param("isGreater", False, ["cherry", "date"], id="greater: after midnight"),
        pytest.param("isGreater", True, ["date"], id="greater: after the day"),
    ],
)
def test_date_condition_counts_days_in_the_zone_of_the_base(
    goods: Any, operator: str, excludes_day: bool, names: list[str]
) -> None:
    goods.emu.switches.greater_excludes_day = excludes_day

    assert found(goods, condition("Day", operator, "ExactDate", str(MIDNIGHT + DAY // 2))) == names


def test_relative_date_follows_the_clock(goods: Any, clock: Any) -> None:
    clock.advance(MIDNIGHT / 1000 - clock.now())
    assert found(goods, condition("Day", "is", "Today")) == ["banana", "cherry"]
    clock.advance(DAY / 1000)
    assert found(goods, condition("Day", "is", "Today")) == ["date"]
    assert found(goods, condition("Day", "is", "Yesterday")) == ["banana", "cherry"]
    assert found(goods, condition("Day", "is", "CurrentMonth")) == ["apple", "banana", "cherry", "date"]


def test_modified_time_is_filtered_by_the_day_too(goods: Any) -> None:
    assert len(found(goods, condition("Changed", "is", "ExactDate", "1767225600000"))) == 5
    assert found(goods, condition("Changed", "isLess", "ExactDate", "1767225600000")) == []


def test_groups_join_and_nest_one_level(goods: Any) -> None:
    either = [condition("Name", "is", "apple"), condition("Name", "is", "elder")]

    assert found(goods, *either) == []
    assert found(goods, *either, conjunction="or") == ["apple", "elder"]
    child = {"conjunction": "or", "conditions": either}
    assert found(goods, condition("Qty", "isNotEmpty"), children=[child]) == ["apple"]


@pytest.mark.parametrize(
    ("filter_", "code"),
    [
        pytest.param({"conditions": [condition("Name", "is", "a")]}, 1254018, id="no conjunction"),
        pytest.param({"conjunction": "and", "conditions": [condition("Nope", "is", "a")]}, 1254018, id="unknown field"),
        pytest.param(
            {"conjunction": "and", "conditions": [{"field_name": "Name", "operator": "isEmpty"}]},
            1254018,
            id="isEmpty without []",
        ),
        pytest.param(
            {"conjunction": "and", "conditions": [{"field_name": "Qty", "operator": "is", "value": [1]}]},
            99992402,
            id="value is no text",
        ),
        pytest.param({"conjunction": "and", "conditions": [condition("Name", "like", "a")]}, 1254018, id="like"),
        pytest.param({"conjunction": "and", "conditions": [condition("Ok", "isEmpty")]}, 1254018, id="checkbox empty"),
        pytest.param(
            {"conjunction": "and", "conditions": [condition("Day", "isGreater", "CurrentWeek")]},
            1254018,
            id="week with greater",
        ),
        pytest.param(
            {"conjunction": "or", "conditions": [condition("Ok", "is", "true")] * 51},
            1254107,
            id="over 2000 characters",
        ),
        pytest.param(
            {
                "conjunction": "and",
                "children": [{"conjunction": "and", "children": [{"conjunction": "and", "conditions": []}]}],
            },
            1254018,
            id="two levels",
        ),
    ],
)
def test_filter_that_the_platform_does_not_know_is_refused(goods: Any, filter_: Any, code: int) -> None:
    assert goods.code("POST", f"{goods.records}/search", {"filter": filter_}) == code


def test_date_range_operator_finds_nothing_or_is_refused(goods: Any) -> None:
    wanted = condition("Day", "isGreaterEqual", "ExactDate", str(MIDNIGHT))
    body = {"filter": {"conjunction": "and", "conditions": [wanted]}}

    assert goods.search(body)["total"] == 0
    goods.emu.switches.date_range_operators = "error"
    assert goods.code("POST", f"{goods.records}/search", body) == 1254018


def test_unknown_field_finds_nothing_by_switch(goods: Any) -> None:
    goods.emu.switches.unknown_filter_field = "empty"

    assert found(goods, condition("Nope", "is", "a")) == []


def test_user_condition_compares_whole_lists_with_is(caller: Any) -> None:
    emu = caller.emu
    ann, bob = emu.state.add_user("Ann"), emu.state.add_user("Bob")
    emu.person.add_field(caller.app_token, caller.table_id, {"field_name": "Who", "type": 11})
    both = [{"id": ann.open_id}, {"id": bob.open_id}]
    caller.create({"Name": "one", "Who": both[:1]}, {"Name": "two", "Who": both})

    assert found(caller, condition("Who", "is", ann.open_id)) == ["one"]
    assert found(caller, condition("Who", "contains", ann.open_id)) == ["one", "two"]
    two = {"filter": {"conjunction": "and", "conditions": [condition("Who", "is", ann.open_id, bob.open_id)]}}
    assert caller.code("POST", f"{caller.records}/search", two) == 1254018


def test_auto_number_is_compared_as_a_number(caller: Any) -> None:
    caller.emu.person.add_field(caller.app_token, caller.table_id, {"field_name": "No", "type": 1005})
    caller.create(*({"Name": f"n{n:02}"} for n in range(1, 12)))

    assert found(caller, condition("No", "isGreater", "8"), condition("No", "isLessEqual", "10")) == ["n09", "n10"]


@pytest.mark.parametrize(
    ("means_all", "tagged", "untagged"),
    [
        pytest.param(False, ["apple", "banana"], ["cherry", "date", "elder"], id="any"),
        pytest.param(True, ["banana"], ["apple", "cherry", "date", "elder"], id="all"),
    ],
)
def test_contains_of_several_means_any_or_all_by_switch(
    goods: Any, means_all: bool, tagged: list[str], untagged: list[str]
) -> None:
    goods.emu.switches.contains_all = means_all

    assert found(goods, condition("Tags", "contains", "p", "q")) == tagged
    assert found(goods, condition("Tags", "doesNotContain", "p", "q")) == untagged
    assert found(goods, condition("Kind", "contains", "x", "y")) == ["apple", "banana"]


def test_conditions_beside_children_may_not_count_by_switch(goods: Any) -> None:
    goods.emu.switches.conditions_beside_children = False
    child = {"conjunction": "or", "conditions": [condition("Kind", "is", "x"), condition("Kind", "is", "y")]}

    assert found(goods, condition("Qty", "is", "1"), children=[child]) == ["apple", "banana"]


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        pytest.param([{"field_name": "Qty"}], ["apple", "banana", "cherry", "date", "elder"], id="ascending"),
        pytest.param(
            [{"field_name": "Qty", "desc": True}],
            ["cherry", "banana", "apple", "date", "elder"],
            id="descending, empty last",
        ),
        pytest.param(
            [{"field_name": "Ok"}, {"field_name": "Name", "desc": True}],
            ["banana", "apple", "elder", "date", "cherry"],
            id="two fields",
        ),
    ],
)
def test_sort_orders_records(goods: Any, sort: list[Any], names: list[str]) -> None:
    assert goods.names(goods.search({"sort": sort})) == names


def test_sort_by_an_automatic_member_is_refused(goods: Any) -> None:
    body = {"sort": [{"field_name": "last_modified_time"}]}

    assert goods.code("POST", f"{goods.records}/search", body) == 1254016


def test_sorted_search_sees_an_edit_at_once(goods: Any) -> None:
    body = {"sort": [{"field_name": "Name"}]}
    first = goods.search(body)["items"][0]["record_id"]

    goods.emu.person.edit_record(goods.app_token, goods.table_id, first, {"Name": "zebra"})

    assert goods.names(goods.search(body))[-1] == "zebra"
