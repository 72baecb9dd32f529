"""Views: their property, and what a search through one finds (lark-api §2.2 notes, §2.4)."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.fixture
def board(caller: Any) -> Any:
    """Three goods and a view; ``caller.filter`` gives the view a filter of conditions."""
    caller.create({"Name": "a", "Qty": 1, "Kind": "x"}, {"Name": "b", "Qty": 2, "Kind": "y"}, {"Name": "c", "Qty": 3})
    made = caller.call("POST", f"{caller.table}/views", {"view_name": "Some", "view_type": "grid"})
    caller.view_id = made["data"]["view"]["view_id"]
    caller.fields = caller.emu.person.fields(caller.app_token, caller.table_id)

    def set_filter(*conditions: tuple[str, str, list[str]], conjunction: str = "and") -> dict[str, Any]:
        listed = [
            {"field_id": caller.fields[name], "operator": operator, "value": json.dumps(value)}
            for name, operator, value in conditions
        ]
        property_ = {"filter_info": {"conjunction": conjunction, "conditions": listed}}
        answer: dict[str, Any] = caller.call("PATCH", f"{caller.table}/views/{caller.view_id}", {"property": property_})
        return answer

    caller.filter = set_filter
    return caller


def test_search_through_a_view_finds_what_its_filter_selects(board: Any) -> None:
    kinds = board.emu.state.table(board.app_token, board.table_id).field_named("Kind").options
    assert board.filter(("Kind", "is", [kinds[0]["id"]]), ("Qty", "isGreater", ["2"]), conjunction="or")["code"] == 0

    found = board.search({"view_id": board.view_id})

    assert (board.names(found), found["total"]) == (["a", "c"], 2)
    old = board.call("GET", board.records, view_id=board.view_id)["data"]
    assert [each["fields"]["Name"] for each in old["items"]] == ["a", "c"]
    got = board.call("GET", f"{board.table}/views/{board.view_id}")["data"]["view"]
    assert got["property"]["filter_info"]["conjunction"] == "or"


def test_view_counts_only_without_filter_and_sort(board: Any) -> None:
    board.filter(("Qty", "isGreater", ["2"]))
    newest = [{"field_name": "Qty", "desc": True}]
    named = {"conjunction": "and", "conditions": [{"field_name": "Name", "operator": "is", "value": ["a"]}]}

    assert board.names(board.search({"view_id": board.view_id, "sort": newest})) == ["c", "b", "a"]
    assert board.names(board.search({"view_id": board.view_id, "filter": named})) == ["a"]
    assert board.search({})["total"] == 3


def test_view_follows_renames_edits_and_lost_fields(board: Any) -> None:
    board.filter(("Qty", "isGreater", ["2"]), ("Name", "isNotEmpty", []))
    place = (board.app_token, board.table_id)
    board.emu.person.rename_field(*place, "Qty", "Amount")
    assert board.names(board.search({"view_id": board.view_id})) == ["c"]
    board.create({"Name": "d", "Amount": 4})
    assert board.names(board.search({"view_id": board.view_id})) == ["c", "d"]
    board.emu.person.delete_field(*place, "Amount")
    assert board.names(board.search({"view_id": board.view_id})) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("property_", "code"),
    [
        pytest.param([], 99992402, id="no object"),
        pytest.param({"columns": []}, 99992402, id="unknown member"),
        pytest.param({"hidden_fields": "fldx"}, 99992402, id="hidden no list"),
        pytest.param({"hidden_fields": ["fldnone"]}, 1254044, id="hidden no field"),
        pytest.param({"filter_info": {"conjunction": "and"}}, 99992402, id="no conditions"),
        pytest.param({"filter_info": {"conjunction": "and", "conditions": ["x"]}}, 1254018, id="no condition"),
        pytest.param(
            {"filter_info": {"conjunction": "and", "conditions": [{"field_id": "fldnone", "operator": "isEmpty"}]}},
            1254044,
            id="no such field",
        ),
    ],
)
def test_view_property_that_does_not_fit_changes_nothing(board: Any, property_: Any, code: int) -> None:
    path = f"{board.table}/views/{board.view_id}"

    assert board.code("PATCH", path, {"view_name": "Other", "property": property_}) == code
    assert board.call("GET", path)["data"]["view"]["view_name"] == "Some"
    assert board.filter(("Qty", "is", "2"))["code"] == 99992402  # type: ignore[arg-type]
    assert board.filter(("Qty", "like", ["2"]))["code"] == 1254018
