"""What a click means, what a form holds, and what people are told: pure functions."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_lark.core.cards.check import check_card
from airflow_provider_lark.core.cards.display import note
from airflow_provider_lark.core.cards.limits import CARD_MAX_BYTES
from airflow_provider_lark.core.cards.writing import MESSAGE
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.questions.approval_card import approval_card
from airflow_provider_lark.core.questions.click import read_click
from airflow_provider_lark.core.questions.fields import Field, declared_fields
from airflow_provider_lark.core.questions.rules import State, Vote, decide, judge
from airflow_provider_lark.core.questions.shown import status_card
from airflow_provider_lark.core.questions.terms import Choice, Terms
from airflow_provider_lark.core.questions.toasts import toast_for
from airflow_provider_lark.core.questions.values import read_form
from tests.core.questions.asking import APPROVE, COUNT, PEOPLE, REJECT, press, standing, terms, vote


def told(asked: Terms, now: Any, click: Any) -> str:
    return str(toast_for(asked, now, judge(asked, now, click), click.open_id)["content"])


@pytest.mark.parametrize(
    ("click", "now", "reason", "words"),
    [
        pytest.param(press(), standing(), "accepted", "Recorded: Approve", id="first click"),
        pytest.param(press("ou_x"), standing(), "not_allowed", "Lin, Wei, Ann", id="wrong person"),
        pytest.param(press(), standing(vote(), state="answered"), "repeated", "already recorded at 00:15", id="again"),
        pytest.param(
            press("ou_wei"), standing(vote(), state="answered"), "answered", "by Lin at 00:15 (UTC): Approve", id="late"
        ),
        pytest.param(press(choice="reject"), standing(vote()), "voted", "already answered: Approve", id="other mind"),
        pytest.param(press(), standing(expires_at_ms=1_000_000), "expired", "Too late", id="on the second"),
        pytest.param(press(), standing(state="expired"), "expired", "Too late", id="expired"),
        pytest.param(press(), standing(state="replaced"), "replaced", "newer question", id="replaced"),
        pytest.param(press(), standing(state="withdrawn"), "withdrawn", "closed", id="withdrawn"),
        pytest.param(press(message_id="om_copy"), standing(), "other_message", "copy of the card", id="forwarded"),
        pytest.param(press(message_id="om_2"), standing(is_sent=False), "accepted", "Recorded", id="being sent"),
        pytest.param(press(message_id=""), standing(), "accepted", "Recorded", id="pinned on top"),
        pytest.param(press(choice="maybe"), standing(), "no_choice", "not one of the answers", id="forged choice"),
    ],
)
def test_click_is_judged_and_told_politely(click: Any, now: Any, reason: str, words: str) -> None:
    assert judge(terms(), now, click).reason == reason
    toast = toast_for(terms(), now, judge(terms(), now, click), click.open_id)
    assert words in toast["content"]
    assert set(toast["i18n"]) == {"en_us", "zh_cn"}
    assert toast["i18n"]["zh_cn"] != toast["content"]


@pytest.mark.parametrize("id_", ["ou_lin", "uou_lin", "onou_lin"])
def test_person_is_allowed_by_any_of_their_ids(id_: str) -> None:
    assert judge(terms(allowed={id_: "Lin"}), standing(), press()).reason == "accepted"


def test_nobody_named_means_everybody() -> None:
    assert judge(terms(allowed=None), standing(), press("ou_stranger")).reason == "accepted"


ALL = {"needed": 3, "rejections_needed": 1}
TWO_OF_THREE = {"needed": 2, "rejections_needed": 2}


@pytest.mark.parametrize(
    ("how", "given", "decision"),
    [
        ({}, ["approve"], "approve"),
        ({}, ["reject"], "reject"),
        (ALL, ["approve", "approve"], None),
        (ALL, ["approve", "approve", "approve"], "approve"),
        (ALL, ["approve", "reject"], "reject"),
        (TWO_OF_THREE, ["approve", "reject"], None),
        (TWO_OF_THREE, ["approve", "reject", "approve"], "approve"),
        (TWO_OF_THREE, ["reject", "reject"], "reject"),
    ],
)
def test_decision_needs_as_many_as_are_asked_for(how: dict[str, int], given: list[str], decision: str | None) -> None:
    votes = [vote(f"ou_{at}", each) for at, each in enumerate(given)]
    assert decide(terms(**how), votes) == decision


def test_rejection_need_not_fill_in_the_form_but_what_it_fills_in_is_read() -> None:
    asked = terms(fields=(COUNT,))
    assert judge(asked, standing(), press()).reason == "invalid"
    assert judge(asked, standing(), press(choice="reject")).reason == "accepted"
    assert judge(asked, standing(), press(choice="reject", form_value={"count": "x"})).reason == "invalid"


@pytest.mark.parametrize("typed", ["abc", "11", "0", "", "７", "1.5", "1" * 30, True, {"a": 1}, "1; DROP TABLE"])
def test_wrong_number_names_the_field_and_its_rule_and_the_card_stays(typed: Any) -> None:
    asked = terms(fields=(COUNT,))
    verdict = judge(asked, standing(), press(form_value={"count": typed}))
    assert (verdict.reason, verdict.vote, verdict.decision) == ("invalid", None, None)
    assert told(asked, standing(), press(form_value={"count": typed})).startswith("Count ")
    good = judge(asked, standing(), press(form_value={"count": "7"}))
    assert good.vote is not None
    assert good.vote.values == {"count": 7}


@pytest.mark.parametrize(
    ("field", "given", "value"),
    [
        pytest.param(Field("f", "text"), "中文 <b>", "中文 <b>", id="text"),
        pytest.param(Field("f", "number"), " -2.50 ", -2.5, id="number"),
        pytest.param(Field("f", "number"), "3", 3, id="whole number"),
        pytest.param(Field("f", "option", options=("a", "b")), "b", "b", id="option"),
        pytest.param(Field("f", "options", options=("a", "b")), ["b", "a", "b"], ["b", "a"], id="options"),
        pytest.param(Field("f", "options"), None, [], id="no options"),
        pytest.param(Field("f", "date"), "2024-04-01 +0800", "2024-04-01", id="date"),
        pytest.param(Field("f", "date"), "2024-04-01", "2024-04-01", id="date without zone"),
        pytest.param(Field("f", "time"), "08:30 +0800", "08:30", id="time"),
        pytest.param(Field("f", "datetime"), "2024-04-29 07:07 +0800", "2024-04-29T07:07:00+08:00", id="datetime"),
        pytest.param(Field("f", "datetime"), "2024-04-29 07:07 -0330", "2024-04-29T07:07:00-03:30", id="west"),
        pytest.param(Field("f", "person"), "ou_1", "ou_1", id="person"),
        pytest.param(Field("f", "persons"), ["ou_1", "ou_2"], ["ou_1", "ou_2"], id="persons"),
        pytest.param(Field("f", "checked"), True, True, id="checked"),
        pytest.param(Field("f", "checked"), None, False, id="not checked"),
        pytest.param(Field("f", "text"), "", None, id="empty"),
        pytest.param(Field("f", "integer"), "  ", None, id="blank"),
    ],
)
def test_form_value_is_read_by_its_kind(field: Field, given: Any, value: Any) -> None:
    assert read_form([field], {"f": given, "stranger": 1}) == ({"f": value}, [])


@pytest.mark.parametrize(
    ("field", "given"),
    [
        (Field("f", "text", is_required=True), "  "),
        (Field("f", "text"), "x" * 10_000),
        (Field("f", "option", options=("a",)), "b"),
        (Field("f", "options", is_required=True), []),
        (Field("f", "date"), "tomorrow"),
        (Field("f", "time"), "25:00 +0800"),
        (Field("f", "number"), "1e999"),
        (Field("f", "number"), "nan"),
        (Field("f", "checked", is_required=True), False),
        (Field("f", "text"), ["a"]),
        (Field("f", "person"), "<at id=all></at>"),
        (Field("f", "persons"), ["ou_1", "Wei"]),
    ],
)
def test_form_value_that_breaks_a_rule_is_a_problem(field: Field, given: Any) -> None:
    values, problems = read_form([field], {"f": given})
    assert (values, [each.field for each in problems]) == ({}, [field])


def test_fields_are_those_that_the_card_declares() -> None:
    form = {
        "tag": "form",
        "name": "f",
        "elements": [
            {"tag": "input", "name": "n", "label": {"content": "Number"}, "required": True, "max_length": 5},
            {"tag": "column_set", "columns": [{"tag": "column", "elements": [{"tag": "date_picker", "name": "day"}]}]},
            {"tag": "multi_select_static", "name": "many", "options": [{"text": {}, "value": "a"}]},
            {"tag": "select_person", "name": "who"},
            {"tag": "button", "name": "send", "form_action_type": "submit"},
        ],
    }
    outside = {"tag": "input", "name": "outside"}
    found = declared_fields({"schema": "2.0", "body": {"elements": [form, outside]}}, {"n": "integer"})
    assert [(each.name, each.kind) for each in found] == [
        ("n", "integer"),
        ("day", "date"),
        ("many", "options"),
        ("who", "person"),
    ]
    assert (found[0].shown_name, found[0].is_required, found[0].most, found[2].options) == ("Number", True, 5, ("a",))
    with pytest.raises(ConfigError, match="no form field named nope"):
        declared_fields({"body": {"elements": [form]}}, {"nope": "integer"})
    with pytest.raises(ConfigError, match="unknown kind of form field 'money'"):
        declared_fields({"body": {"elements": [form]}}, {"n": "money"})


HOSTILE = "<at id=all></at> **x** [pay](https://evil.example) </font>"


def test_closed_card_has_nothing_to_press_and_says_who_answered_and_when() -> None:
    answered = Vote("ou_lin", 1_700_000_000_000, "approve", values={"why": HOSTILE, "long": "y" * 10_000})
    asked = terms(fields=(Field("why", "text", HOSTILE), Field("long", "text")))
    card = status_card(asked, "answered", [answered], decision="approve")
    assert card is not None
    assert '"button"' not in json.dumps(card)
    status = card["body"]["elements"][-1]
    assert "<at id=ou_lin></at>" in status["content"]
    assert "1700000000000" in status["content"]
    assert "<at id=all>" not in status["content"]
    assert "(https://evil" not in status["content"]
    assert len(status["content"]) < 3000
    assert "Approve" in status["i18n_content"]["zh_cn"]
    assert card["header"]["template"] == "green"
    check_card(card)
    rejected = status_card(asked, "answered", [replace(answered, choice="reject")], decision="reject")
    assert rejected is not None
    assert rejected["header"]["template"] == "red"


@pytest.mark.parametrize(
    ("people", "shown", "left_out"),
    [
        (3, "华" * 500 + " …", "answered before"),
        (15, "华" * 60 + " …", "answered before"),
        (500, "answered before", "华"),
    ],
)
def test_card_that_many_answered_at_length_fits_and_names_the_last(people: int, shown: str, left_out: str) -> None:
    votes = [Vote(f"ou_{at}", 1_700_000_000_000, "approve", values={"why": "华" * 1000}) for at in range(people)]
    asked = terms(fields=(Field("why", "text"),), needed=people)
    for state, number in (("open", people - 1), ("answered", people)):
        card = status_card(asked, state, votes[:number], decision="approve")  # type: ignore[arg-type]
        assert card is not None
        check_card(card)
        assert MESSAGE.measure(card) <= CARD_MAX_BYTES
        status = card["body"]["elements"][-1]
        assert all(f"ou_{number - 1}>" in said for said in status["i18n_content"].values())
        assert (shown in status["content"], left_out in status["content"]) == (True, False)
    assert '"button"' not in json.dumps(card)


@pytest.mark.parametrize("allowed", [PEOPLE, None])
@pytest.mark.parametrize("state", ["answered", "expired", "replaced", "withdrawn"])
def test_card_says_who_may_answer_only_as_long_as_somebody_may(allowed: dict[str, str] | None, state: State) -> None:
    open_words = ("May answer", "可回答", "may answer", "均可回答", "decide", "相同回答", "person_list", "until noon")
    asked = terms(allowed=allowed, needed=2)
    card = approval_card(
        "q", asked, (), title="Load?", body="all", told=[note("the place")], told_while_open=[note("until noon")]
    )
    asked = replace(asked, card=card)
    still_open = status_card(asked, "open", [vote()])
    assert still_open is not None
    check_card(still_open)
    said = json.dumps(still_open, ensure_ascii=False)
    assert [word for word in open_words if word in said][-1] == "until noon"
    assert "2 equal answers decide" in said
    closed = status_card(asked, state, [vote()], decision="approve")
    assert closed is not None
    check_card(closed)
    said = json.dumps(closed, ensure_ascii=False)
    assert [word for word in open_words if word in said] == []
    assert "the place" in said


def test_card_of_json_1_stays_one_and_a_template_is_left_alone() -> None:
    words = {"tag": "plain_text", "content": "x"}
    pressed = {"tag": "button", "text": words, "value": {"choice": "approve"}}
    link = {"tag": "button", "text": words, "url": "https://airflow.example/x"}
    old = {
        "config": {"update_multi": True},
        "elements": [
            {"tag": "div", "text": words, "extra": pressed},
            {"tag": "div", "text": words, "extra": {"tag": "img", "img_key": "k"}},
            {"tag": "action", "actions": [pressed, link]},
            {"tag": "action", "actions": [pressed]},
        ],
    }
    card = status_card(terms(card=old), "expired", [], decision=None)
    assert card is not None
    assert "schema" not in card
    assert card["elements"][:3] == [
        {"tag": "div", "text": words},
        {"tag": "div", "text": words, "extra": {"tag": "img", "img_key": "k"}},
        {"tag": "action", "actions": [link]},
    ]
    assert "Time over" in json.dumps(card["elements"][3:])
    assert status_card(terms(card={"type": "template", "data": {}}), "expired", []) is None
    assert status_card(terms(card=None), "expired", []) is None


def test_card_of_an_open_question_can_be_pressed_and_counts() -> None:
    card = status_card(terms(needed=2), "open", [vote()])
    assert card is not None
    assert "1 of 2 needed" in card["body"]["elements"][-1]["content"]
    assert json.dumps(card).count('"button"') == 2
    check_card(card)


@pytest.mark.parametrize(
    "value", ['{"choice": "approve", "lark_question": "q"}', {"choice": "approve", "lark_question": "q"}]
)
def test_click_is_read_from_either_kind_of_callback(value: Any) -> None:
    action = {"tag": "button", "value": value}
    new = {
        "header": {"event_id": "e", "create_time": "1700000000000000"},
        "event": {
            "operator": {"open_id": "ou_1"},
            "context": {"open_message_id": "om_1", "open_chat_id": "oc_1"},
            "action": action,
        },
    }
    old = {"open_id": "ou_1", "open_message_id": "om_1", "open_chat_id": "oc_1", "action": action}
    for body in (new, old):
        click = read_click(body)
        assert (click.open_id, click.message_id, click.chat_id) == ("ou_1", "om_1", "oc_1")
        assert (click.choice, click.question_id) == ("approve", "q")
    assert (read_click(new).at_ms, read_click(old).at_ms) == (1_700_000_000_000, None)
    assert read_click(new).digest == read_click(old).digest


@pytest.mark.parametrize(
    "body", [{}, {"event": {}}, {"event": {"action": [], "operator": 1}}, {"action": {"value": "{"}}]
)
def test_odd_bodies_are_clicks_on_nothing(body: dict[str, Any]) -> None:
    click = read_click(body)
    assert (click.open_id, click.question_id, click.choice, dict(click.form)) == ("", "", "", {})


def test_terms_survive_their_storage() -> None:
    asked = terms(fields=(COUNT, Field("f", "option", options=("a",))), choices=(APPROVE, REJECT, Choice("x", "X")))
    assert Terms.from_plain(json.loads(json.dumps(asked.to_plain()))) == asked
