"""What is done next about a request: every state of the task, of the question and of the answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_lark.core.hitl.progress import Answer
from airflow_provider_lark.core.hitl.step import Finish, PassOn, Wait, next_step
from tests.core.hitl.asking import NOW_MS, PLACE, param, progress, question, request, sight, vote

MINE = {"chosen": ("Approve",), "by_id": "bridge", "by_name": "bridge"}
BOB = {"chosen": ("Reject",), "by_id": "bob", "by_name": "Bob"}
DEFAULT = {"chosen": ("Reject",)}
PASSED = {"passed_ms": NOW_MS - 2000}


def step(seen: Any, *votes: Any, account: str | None = "bridge", state: str | None = None, **changes: Any) -> Any:
    asked = request()
    asking = question(asked, *votes)
    return next_step(replace(asking, state=state) if state else asking, progress(asked, **changes), seen, account)


@pytest.mark.parametrize("waits_in", ["awaiting_input", "deferred"])
def test_answer_is_passed_on_once_the_task_has_waited_a_while(waits_in: str) -> None:
    assert step(sight(waits_in), vote()) == PassOn(Answer(("Approve",), {}))
    assert step(sight(waits_in), vote(), awaiting_since_ms=None) == Wait(1.0)
    assert step(sight(waits_in), vote(), awaiting_since_ms=NOW_MS - 1000) == Wait(4.0)
    assert step(sight(waits_in)) == Wait(5.0)


@pytest.mark.parametrize("state", ["running", "queued", "scheduled", None, "up_for_retry"])
def test_answer_waits_while_the_task_does_not(state: str | None) -> None:
    assert step(sight(state), vote()) == Wait(1.0)


def test_taken_answer_is_believed_when_the_task_has_gone_on() -> None:
    assert step(sight("deferred", **MINE), vote(), **PASSED) == Wait(1.0)
    assert step(sight("running", **MINE), vote(), **PASSED) == Wait(1.0)
    for state, words in (
        ("success", "Recorded in Airflow"),
        ("failed", "Recorded in Airflow; the task failed afterwards"),
    ):
        done = step(sight(state, **MINE), vote(), **PASSED)
        assert (done.ending.outcome, done.ending.en_us, done.ending.is_void) == ("delivered", words, False)
    # a task that is busy for long has taken it
    assert isinstance(step(sight("running", **MINE), vote(), passed_ms=NOW_MS - 121_000), Finish)


@pytest.mark.parametrize(
    ("seen", "votes", "outcome", "words"),
    [
        pytest.param(sight("success", **BOB), (), "answered", "Answered in Airflow by Bob: Reject", id="in Airflow"),
        pytest.param(sight("success", **BOB), (vote(),), "answered", "Too late. Answered in Airflow", id="both"),
        pytest.param(sight("running", **DEFAULT), (), "defaulted", "Time over, default Reject", id="time-out"),
        pytest.param(sight("running", **DEFAULT), (vote(),), "defaulted", "Too late. Time over, def", id="same second"),
        pytest.param(sight("failed"), (vote(),), "ended", "The task ended without an answer: failed", id="marked"),
        pytest.param(None, (), "gone", "Airflow no longer has this task", id="deleted"),
        pytest.param(sight(try_number=2), (vote(),), "replaced", "Replaced by a newer question", id="tried again"),
        pytest.param(sight(created_at="later"), (), "replaced", "Replaced by a newer question", id="asked anew"),
        pytest.param(
            sight(options=("Yes", "No")), (vote(),), "refused", "Not passed on, please ans", id="other options"
        ),
        pytest.param(
            sight(assigned=("lin",)), (), "refused", "Please answer in Airflow: it takes no", id="not assigned"
        ),
    ],
)
def test_question_that_ends_otherwise_says_how(seen: Any, votes: Any, outcome: str, words: str) -> None:
    done = step(seen, *votes)
    assert isinstance(done, Finish)
    assert (done.ending.outcome, done.ending.is_void) == (outcome, True)
    assert done.ending.en_us.startswith(words)


def test_answer_of_somebody_else_is_not_taken_for_ours() -> None:
    same = {**MINE, "by_id": "bob", "by_name": "Bob"}
    assert step(sight("success", **same), vote(), **PASSED).ending.outcome == "answered"
    # before it was passed on, it cannot be ours
    assert step(sight("success", **MINE), vote()).ending.outcome == "answered"
    # an account that is not known may be ours
    assert step(sight("success", **same), vote(), account=None, **PASSED).ending.outcome == "delivered"
    assert step(sight("success", **{**same, "chosen": ("Reject",)}), vote(), account=None, **PASSED).ending.outcome == (
        "answered"
    )


def test_account_that_is_assigned_or_not_known_may_answer() -> None:
    assert isinstance(step(sight(assigned=("lin", "bridge")), vote()), PassOn)
    assert isinstance(step(sight(assigned=("lin",)), vote(), account=None), PassOn)


def test_closed_question_waits_for_what_airflow_makes_of_it() -> None:
    assert step(sight(), state="expired") == Wait(5.0)
    assert step(sight(), state="replaced").ending.outcome == "replaced"
    assert step(sight("running", **DEFAULT), state="expired").ending.outcome == "defaulted"


def test_values_of_the_form_go_with_it_and_nothing_else() -> None:
    asked = request(params={"n": param(type="integer")}, place=replace(PLACE, try_number=None))
    asking = question(asked, vote(n=7, other="x"))
    assert next_step(asking, progress(asked), sight(try_number=9), "bridge") == PassOn(Answer(("Approve",), {"n": 7}))
