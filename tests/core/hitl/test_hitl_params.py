"""Params as form fields and back: whatever a form lets through, Airflow's own check of the Param takes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import FormatChecker, validate

from airflow_provider_lark.core.cards.check import check_card
from airflow_provider_lark.core.hitl.card import OPTIONS, make_terms, read_answer, read_request
from airflow_provider_lark.core.hitl.endings import delivered, not_assigned
from airflow_provider_lark.core.hitl.params import params_input, read_params
from airflow_provider_lark.core.hitl.request import Person, Request
from airflow_provider_lark.core.questions.shown import status_card
from airflow_provider_lark.core.questions.values import read_form
from tests.core.hitl.asking import PLACE, param, request, vote

OPTIONAL = ["null", "string"]


@pytest.mark.parametrize(
    ("schema", "filled", "value"),
    [
        pytest.param({"type": "string"}, "x", "x", id="text"),
        pytest.param({"type": OPTIONAL}, "", None, id="optional text left empty"),
        pytest.param({"type": "string", "format": "multiline", "maxLength": 5}, "a\nb", "a\nb", id="lines of text"),
        pytest.param({"type": "string", "pattern": "^[a-z]+$", "minLength": 2}, "ab", "ab", id="pattern"),
        pytest.param({"type": "integer", "minimum": 1, "maximum": 10}, " 7 ", 7, id="integer"),
        pytest.param({"type": "number"}, "2.5", 2.5, id="number"),
        pytest.param({"type": ["null", "number"]}, "", None, id="optional number left empty"),
        pytest.param({"type": "boolean"}, True, True, id="ticked"),
        pytest.param({"type": "boolean"}, None, False, id="not ticked"),
        pytest.param({"type": "string", "enum": ["a", "b"]}, "b", "b", id="choice"),
        pytest.param({"type": "integer", "enum": [1, 2]}, "2", 2, id="choice of numbers"),
        pytest.param({"type": "string", "format": "date"}, "2026-11-28 +0800", "2026-11-28", id="day"),
        pytest.param({"type": "string", "format": "time"}, "08:30 +0800", "08:30:00", id="time"),
        pytest.param(
            {"type": "string", "format": "date-time"},
            "2026-11-28 09:15 +0800",
            "2026-11-28T09:15:00+08:00",
            id="moment",
        ),
        pytest.param({"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}, ["b"], ["b"], id="choices"),
        pytest.param({"type": "array", "examples": ["a", "b"]}, ["a", "b"], ["a", "b"], id="choices of examples"),
        pytest.param({"type": "array"}, "a\n\n b ", ["a", "b"], id="a text a line"),
        pytest.param({"type": "array", "examples": ["a"]}, None, [], id="no choice"),
        pytest.param({"type": "string", "const": "fixed"}, None, "fixed", id="fixed"),
    ],
)
def test_param_comes_back_as_airflow_takes_it(schema: dict[str, Any], filled: Any, value: Any) -> None:
    params = {"given": param(**schema)}
    form = read_params(params)
    assert form is not None
    values, problems = read_form([each.field for each in form], {"given": filled})
    assert problems == []
    assert params_input(params, values, "Lin") == {"given": value}
    validate(value, schema, format_checker=FormatChecker())


@pytest.mark.parametrize(
    ("schema", "filled", "rule"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 10}, "abc", "has to be a whole number"),
        ({"type": "integer", "minimum": 1, "maximum": 10}, "11", "has to be at most 10"),
        ({"type": "integer"}, "", "is required"),
        ({"type": "integer"}, "７", "has to be a whole number"),
        ({"type": "string", "pattern": "^[a-z]+$"}, "A", "has to match"),
        ({"type": "string", "minLength": 3}, "ab", "needs at least 3 characters"),
        ({"type": "string", "enum": ["a"]}, "b", "has to be one of the options"),
        ({"type": "array", "examples": ["a"], "minItems": 1}, [], "needs at least one choice"),
    ],
)
def test_answer_that_airflow_would_fail_the_task_for_is_refused(schema: dict[str, Any], filled: Any, rule: str) -> None:
    form = read_params({"given": param(**schema)})
    assert form is not None
    _, problems = read_form([each.field for each in form], {"given": filled})
    assert dict(problems[0].rule.texts)["en_us"].startswith(rule)


@pytest.mark.parametrize(
    "given",
    [
        param(type="object"),
        param(),
        param(type=["string", "integer"]),
        param(type="string", format="uri"),
        param(type="string", format="date", pattern="^2026"),
        param(type="number", multipleOf=0.5),
        param(type="array", items={"type": "object"}),
        param(type="array", items={"type": "integer"}),
        param(type="array", minItems=2),
        param(type="string", anyOf=[{"minLength": 1}]),
        param("x" * 1001, type="string"),
        param(type="string", pattern="(unclosed"),
        param(type="integer", minimum="1"),
        param(type="string", enum=[str(each) for each in range(101)]),
    ],
)
def test_param_that_no_component_stands_for_leaves_the_answer_to_airflow(given: dict[str, Any]) -> None:
    asked = request(params={"plain": param(type="string"), "given": given}, link="https://airflow.example/x")
    assert read_params(asked.params) is None
    card = shown(asked)
    assert "Open in Airflow" in card
    assert "answer in Airflow" in card
    assert "callback" not in card


def shown(asked: Request, allowed: dict[str, str] | None = None, unknown: tuple[str, ...] = ()) -> str:
    card = make_terms("q1", asked, allowed, unknown).card
    assert card is not None
    check_card(card)
    return str(card)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"options": tuple(map(str, range(200)))}, id="more options than a card holds"),
        pytest.param({"options": tuple("华" * 190 + str(at) for at in range(100))}, id="options of too many bytes"),
        pytest.param({"params": {f"p{at}": param("d" * 900, type="string") for at in range(40)}}, id="long defaults"),
        pytest.param(
            {"params": {f"p{at}": param(type="string", enum=list(map(str, range(99)))) for at in range(3)}},
            id="choices",
        ),
    ],
)
def test_request_that_fits_no_card_leads_to_airflow(given: dict[str, Any]) -> None:
    card = shown(request(link="https://airflow.example/x", **given))
    assert "Open in Airflow" in card
    assert "answer in Airflow" in card
    assert "callback" not in card


def test_long_text_makes_room_for_a_form() -> None:
    params = {f"p{at}": param("d" * 400, type="string") for at in range(25)}
    asked = request(params=params, body="b" * 30_000, link="https://airflow.example/x")
    card = shown(asked)
    assert "The text goes on in Airflow" in card
    assert card.count("'tag': 'input'") == 25


def test_names_that_a_card_cannot_have_are_mapped_back() -> None:
    params = {"总数": param(type="integer"), "answer": param(type="string"), "ok": param(type="boolean")}
    form = read_params(params)
    assert form is not None
    assert [(each.field.name, each.field.label) for each in form] == [
        ("param_0", "总数"), ("param_1", "answer"), ("ok", "ok"),
    ]  # fmt: skip
    values, _ = read_form([each.field for each in form], {"param_0": "3", "param_1": "x"})
    assert params_input(params, values, "Lin") == {"总数": 3, "answer": "x", "ok": False}


def test_defaults_begin_the_form() -> None:
    params = {
        "n": param(5, type="integer"),
        "day": param("2026-11-28", type="string", format="date"),
        "at": param("2026-11-28T09:15:00+00:00", type="string", format="date-time"),
        "one": param("b", type="string", enum=["a", "b"], values_display={"b": "Second"}),
        "many": param(["a"], type="array", examples=["a", "b"]),
        "rows": param(["x", "y"], type="array"),
        "on": param(True, type="boolean"),
    }
    card = shown(request(params=params))
    for word in (
        "'5'",
        "2026-11-28'",
        "2026-11-28 09:15",
        "'initial_option': 'b'",
        "Second",
        "x\\ny",
        "'checked': True",
    ):
        assert word in card


def test_few_options_are_buttons_and_many_or_several_a_choice() -> None:
    assert [each.value for each in read_request(request()).choices] == ["Approve", "Reject"]
    many = request(options=tuple(f"o{at}" for at in range(7)), defaults=("o3",))
    assert "'initial_option': 'o3'" in shown(many)
    assert read_answer(many, vote("Submit", **{OPTIONS: "o5"})) == (("o5",), {})
    several = request(options=("a", "b"), multiple=True, params={"n": param(type="integer")})
    assert "multi_select_static" in shown(several)
    assert read_answer(several, vote("Submit", **{OPTIONS: ["a", "b"], "n": 1})) == (("a", "b"), {"n": 1})
    form = [each.field for each in read_request(several).form]
    _, problems = read_form(form, {"n": "1"})
    assert [dict(each.rule.texts)["en_us"] for each in problems] == ["needs at least one choice"]


def test_rejection_needs_no_values_and_sends_none() -> None:
    asked = request(params={"n": param(type="integer"), "why": param(type=OPTIONAL)})
    assert read_answer(asked, vote("Reject", n=None, why=None)) == (("Reject",), {})
    assert read_answer(asked, vote("Reject", n=1, why=None)) == (("Reject",), {"n": 1, "why": None})


def test_card_says_who_may_answer_until_when_and_mentions_nobody() -> None:
    asked = request(
        body="<at id=all></at>\n\n|a|b|\n|-|-|\n|1|2|",
        deadline_ms=1_764_000_000_000,
        defaults=("Reject",),
        assigned=(Person("lin", "Lin"), Person("bob", "Bob")),
        is_editable=True,
    )
    card = shown(asked, {"ou_lin": "Lin"}, ("Bob",))
    for word in ("ou_lin", "May answer in Airflow only: Bob", "1764000000000", "then: Reject", "before you approve"):
        assert word in card
    assert "<at id=all>" not in card
    # once it has ended, only where it was asked is left
    ended = replace(make_terms("q1", asked, {"ou_lin": "Lin"}, ("Bob",)), ending=delivered("success").texts)
    closed = json.dumps(status_card(ended, "answered", [vote()], decision="Approve"), ensure_ascii=False)
    for word in ("May answer", "可回答", "Bob", "1764000000000", "截止", "then: Reject", "before you approve"):
        assert word not in closed
    assert PLACE.run_id in closed
    check_card(json.loads(closed))
    # where Airflow still waits, what holds there is told on
    refused = replace(ended, ending=not_assigned("bridge").texts, is_void=True, is_asked_elsewhere=True)
    told = json.dumps(status_card(refused, "withdrawn", []), ensure_ascii=False)
    for word in ("May answer in Airflow only: Bob", "仅可在 Airflow 中回答：Bob", "then: Reject", "截止"):
        assert word in told
    for word in ("May answer:", "person_list", "before you approve", '"callback"'):
        assert word not in told
    nobody = shown(asked, {}, ("Lin", "Bob"))
    assert "Nobody who may answer is known in Lark" in nobody
    assert "callback" not in nobody


def test_text_that_does_not_fit_goes_on_in_airflow() -> None:
    card = shown(request(body="行" * 30_000, link="https://airflow.example/x"))
    assert "The text goes on in Airflow" in card
    assert len(card.encode()) < 60_000


@pytest.mark.parametrize("kind", ["string", OPTIONAL])
def test_param_of_who_answered_is_not_asked_and_gets_the_person(kind: Any) -> None:
    asked = request(params={"lark_user": param(type=kind, title="Who"), "n": param(type="integer")})
    assert [each.field.name for each in read_params(asked.params) or ()] == ["n"]
    assert "Who" not in shown(asked)
    assert read_answer(asked, vote(n=3)) == (("Approve",), {"lark_user": "Lin (ou_lin)", "n": 3})
    assert read_answer(asked, replace(vote(n=3), name=""))[1]["lark_user"] == "ou_lin"
    # alone, it needs no form
    alone = request(params={"lark_user": param(type=kind)})
    assert '"form"' not in shown(alone).replace("'", '"')
    # what any text need not fit is a field like others
    bound = request(params={"lark_user": param(type="string", enum=["a", "b"])})
    assert [each.field.name for each in read_params(bound.params) or ()] == ["lark_user"]
    assert read_answer(bound, vote(lark_user="a"))[1] == {"lark_user": "a"}


def test_request_survives_being_kept() -> None:
    asked = request(
        params={"n": param(type="integer")}, assigned=(Person("lin", "Lin", "lin@example.com"),), allowed=("ou_x",)
    )
    assert Request.from_plain({**asked.to_plain(), "of_a_later_version": 1}) == asked
