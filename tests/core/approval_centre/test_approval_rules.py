"""What a press means, and what the centre shows of it: values only."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from airflow_provider_lark.core.api.services.approval.instance import check_instance
from airflow_provider_lark.core.approval_centre.ask import Approver, Ask
from airflow_provider_lark.core.approval_centre.rules import Outcome, Status, Vote, judge
from airflow_provider_lark.core.approval_centre.shown import show
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.receiving.approval_door import Decision

AT = 1_767_225_600_000
LIN, WEI = Approver("ou_lin", "u_lin", "Lin"), Approver("ou_wei", "u_wei", "Wei")


def ask(**changes: Any) -> Ask:
    made: dict[str, Any] = {"approvers": (LIN, WEI), "form": (("Rows", "3"),), **changes}
    return Ask("code", {"zh-CN": "发布", "en-US": "Release"}, "https://a.example", **made)


def press(user_id: str, action: Literal["APPROVE", "REJECT"] = "APPROVE", reason: str = "") -> Decision:
    return Decision(action, "i1", "t1", user_id, "i1", reason)


def vote(person: Approver, action: Literal["APPROVE", "REJECT"] = "APPROVE") -> Vote:
    return Vote(action, person.user_id, person.open_id, person.name, AT)


@pytest.mark.parametrize(
    ("question", "status", "votes", "decision", "outcome", "after"),
    [
        pytest.param(ask(), "PENDING", (), press("u_lin"), "accepted", "APPROVED", id="one of two"),
        pytest.param(ask(needed=2), "PENDING", (), press("u_lin"), "accepted", "PENDING", id="first of both"),
        pytest.param(ask(needed=2), "PENDING", (vote(LIN),), press("u_wei"), "accepted", "APPROVED", id="both"),
        pytest.param(
            ask(needed=2), "PENDING", (vote(LIN),), press("u_wei", "REJECT"), "accepted", "REJECTED", id="rejects"
        ),
        pytest.param(ask(), "PENDING", (), press("u_bob"), "not_allowed", "PENDING", id="wrong person"),
        pytest.param(ask(needed=2), "PENDING", (vote(LIN),), press("u_lin"), "repeated", "PENDING", id="twice"),
        pytest.param(
            ask(needed=2), "PENDING", (vote(LIN),), press("u_lin", "REJECT"), "voted", "PENDING", id="other way"
        ),
        pytest.param(ask(), "APPROVED", (vote(LIN),), press("u_lin"), "repeated", "APPROVED", id="twice, decided"),
        pytest.param(ask(), "APPROVED", (vote(LIN),), press("u_wei"), "closed", "APPROVED", id="too late"),
        pytest.param(ask(), "CANCELED", (), press("u_lin"), "closed", "CANCELED", id="withdrawn"),
        pytest.param(ask(), "EXPIRED", (), press("u_lin"), "closed", "EXPIRED", id="expired"),
        pytest.param(
            ask(reason="on_reject"),
            "PENDING",
            (),
            press("u_lin", "REJECT", " "),
            "no_reason",
            "PENDING",
            id="no reason",
        ),
        pytest.param(
            ask(reason="on_reject"), "PENDING", (), press("u_lin", "REJECT", "x"), "accepted", "REJECTED", id="reason"
        ),
    ],
)
def test_press_means(
    question: Ask, status: Status, votes: tuple[Vote, ...], decision: Decision, outcome: Outcome, after: Status
) -> None:
    verdict = judge(question, status, votes, decision, now_ms=AT)
    assert (verdict.outcome, verdict.status) == (outcome, after)
    assert (verdict.vote is not None) is (outcome == "accepted")


@pytest.mark.parametrize(
    ("status", "votes", "instance", "tasks"),
    [
        pytest.param("PENDING", (), "PENDING", ["PENDING", "PENDING"], id="open"),
        pytest.param("PENDING", (vote(LIN),), "PENDING", ["APPROVED", "PENDING"], id="first of both"),
        pytest.param("APPROVED", (vote(LIN),), "APPROVED", ["APPROVED", "DONE"], id="approved"),
        pytest.param("REJECTED", (vote(WEI, "REJECT"),), "REJECTED", ["DONE", "REJECTED"], id="rejected"),
        pytest.param("CANCELED", (), "CANCELED", ["DONE", "DONE"], id="withdrawn"),
        pytest.param("EXPIRED", (vote(LIN),), "CANCELED", ["APPROVED", "DONE"], id="expired after one"),
    ],
)
def test_centre_shows(status: Status, votes: tuple[Vote, ...], instance: str, tasks: list[str]) -> None:
    shown = show(ask(needed=2), status, votes, instance_id="i1", opened_ms=AT, closed_ms=AT + 5, updated_ms=AT + 9)
    check_instance(shown)
    assert (shown.status, [each.status for each in shown.tasks]) == (instance, tasks)
    assert shown.ended_ms == (0 if instance == "PENDING" else AT + 5)
    assert [bool(each.actions) for each in shown.tasks] == [each == "PENDING" for each in tasks]
    assert {each.updated_ms for each in shown.tasks} == {shown.updated_ms} == {AT + 9}


def test_reasons_are_asked_for_as_the_question_says() -> None:
    def actions(question: Ask) -> list[tuple[bool, bool]]:
        shown = show(question, "PENDING", (), instance_id="i", opened_ms=AT, closed_ms=None, updated_ms=AT)
        return [(each.asks_reason, each.needs_reason) for each in shown.tasks[0].actions]

    assert actions(ask(reason="none")) == [(False, False), (False, False)]
    assert actions(ask()) == [(True, False), (True, False)]
    assert actions(ask(reason="on_reject")) == [(True, False), (True, True)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"approvers": ()}, "nobody is named", id="nobody"),
        pytest.param({"approvers": (LIN, LIN)}, "named twice", id="twice"),
        pytest.param({"needed": 3}, "from 1 to 2", id="more than there are"),
        pytest.param({"needed": 0}, "from 1 to 2", id="none needed"),
    ],
)
def test_question_that_nobody_could_decide_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ask(**changes)


def test_question_survives_json() -> None:
    question = ask(needed=2, reason="on_reject", requester="ou_boss")
    assert Ask.from_plain(question.to_plain()) == question
