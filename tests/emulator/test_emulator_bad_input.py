"""Whatever comes, the emulator answers: a refusal with a code, never a connection that breaks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from airflow_provider_lark.emulator.formats.multipart import parse_form
from airflow_provider_lark.emulator.serving.dispatch import ROUTES

HUGE = 10**400
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
IN_PLACE = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def condition(**members: Any) -> dict[str, Any]:
    return {"filter": {"conjunction": "and", "conditions": [{"field_name": "Day", "operator": "is", **members}]}}


@pytest.mark.parametrize(
    ("tail", "body", "code"),
    [
        pytest.param("records", {"fields": {"Day": HUGE}}, 1254064, id="date beyond a double"),
        pytest.param("records", {"fields": {"Qty": HUGE}}, 1254061, id="number beyond a double"),
        pytest.param("records/search", condition(value=["ExactDate", "9" * 30]), 1254018, id="day beyond the calendar"),
        pytest.param("records/search", condition(value=["ExactDate", "²"]), 1254018, id="digit that is no number"),
        pytest.param(
            "records/search", {"filter": {"conjunction": "and", "conditions": 1.5}}, 99992402, id="conditions no list"
        ),
        pytest.param(
            "fields",
            {"field_name": "New", "type": 3, "property": {"options": [{"name": "a", "id": []}]}},
            1254082,
            id="option id no text",
        ),
    ],
)
def test_value_of_an_odd_kind_is_refused(caller: Any, tail: str, body: dict[str, Any], code: int) -> None:
    assert caller.code("POST", f"{caller.table}/{tail}", body) == code


@pytest.mark.parametrize(
    "formula",
    [
        'CurrentValue.[Day]=TODATE("9999/12/31")',
        'CurrentValue.[Day]=TODATE("0001/01/01")',
        "CurrentValue.[Day]=TODAY()-99999999",
        "CurrentValue.[Day]=TODAY()+" + "9" * 50,
    ],
)
def test_formula_beyond_the_calendar_is_refused(caller: Any, formula: str) -> None:
    assert caller.code("GET", caller.records, filter=formula) == 1254018


def test_upload_with_a_parent_type_of_an_odd_kind_is_refused(caller: Any) -> None:
    body = {"file_name": "a", "parent_type": {}, "parent_node": caller.app_token, "size": 1}
    assert caller.code("POST", "/open-apis/drive/v1/medias/upload_prepare", body) == 1061002
    assert caller.code("POST", "/open-apis/drive/v1/medias/upload_prepare", {**body, "size": HUGE}) == 1061002


@IN_PLACE
@given(data=st.data())
def test_every_route_answers_any_body(caller: Any, data: st.DataObject) -> None:
    route = data.draw(st.sampled_from([each for each in ROUTES if each.members]))
    members = st.sampled_from(sorted(route.members or ()))
    names = {"app_token": caller.app_token, "table_id": caller.table_id, "file_token": caller.app_token}
    path = "/".join(names.get(part[1:], part[1:]) if part[:1] == ":" else part for part in route.template.split("/"))

    answer = caller.raw(route.method, path, data.draw(st.dictionaries(members, JSON, max_size=4)))

    assert answer.json()["code"] is not None
    # 2200 alone may be what the platform says, too
    assert "the emulator failed" not in answer.text


@IN_PLACE
@given(
    parts=st.lists(
        st.sampled_from(
            [
                *("CurrentValue.[Name]", "CurrentValue.[Qty]", "CurrentValue.[Day]", "CurrentValue.[Tags]"),
                *("=", "!=", ">", ">=", ".contains(", "(", ")", ",", "&&", "||", "AND(", "NOT(", "TODAY()"),
                *('"a"', '""', "1", "-", "+", '"', "é"),
            ]
        ),
        max_size=9,
    )
)
def test_every_formula_selects_or_is_refused(caller: Any, parts: list[str]) -> None:
    assert caller.code("GET", caller.records, filter="".join(parts)) in {0, 1254018}


@given(content=st.binary(max_size=64))
def test_form_gives_back_what_was_put_into_it(content: bytes) -> None:
    assume(b"\r\n--B" not in b"\r\n" + content)
    body = b'--B\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n' + content + b"\r\n--B--\r\n"

    assert parse_form("multipart/form-data; boundary=B", body)["file"].content == content


@given(body=st.binary(max_size=200))
def test_broken_form_is_a_value_error(body: bytes) -> None:
    try:
        parse_form("multipart/form-data; boundary=B", b"--B\r\n" + body)
    except ValueError:
        return
