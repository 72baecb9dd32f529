"""LarkHITLNotifier on the emulator: Airflow's own operators ask on cards, and nothing that fails there fails a task."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace

import jinja2
import pytest
from airflow.providers.standard.operators.hitl import (
    ApprovalOperator,
    HITLBranchOperator,
    HITLEntryOperator,
    HITLOperator,
)
from airflow.sdk import Param

from airflow_provider_lark.hooks.hitl.asking import RequestDesk
from airflow_provider_lark.hooks.lark import LarkHook
from airflow_provider_lark.notifications.hitl import LarkHITLNotifier
from tests.skin.deciding import decisions


@pytest.fixture
def room(emulator, tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example")
    with decisions(emulator, tmp_path, monkeypatch) as opened:
        yield opened


def context_of(task, *, try_number=1, **more):
    ti = SimpleNamespace(
        id="019", dag_id="pay", task_id=task.task_id, run_id="manual__1", map_index=-1, try_number=try_number
    )
    return {"ti": ti, "task_instance": ti, "run_id": ti.run_id, "task": task, **more}


def ask(room, task, *, try_number=1, **given):
    """Let the task call its notifier, as it does before it waits."""
    LarkHITLNotifier(**{"receive_id": room.chat_id} | given)(context_of(task, try_number=try_number, params={}))


def send_late(room, *, times=1):
    """Send what is due, as the bridge does."""
    hook = LarkHook("lark_default")
    desk = RequestDesk.of(hook)
    (progress,) = desk.requests.due()
    with hook.client() as client:
        for _ in range(times):
            desk.send(client, desk.desk.questions.read(progress.question_id), progress.request)


def questions(room):
    return [state for (state,) in room.execute("SELECT state FROM lark_questions ORDER BY asked_at_ms, round")]


def test_approval_is_asked_with_subject_body_deadline_and_link(room):
    task = ApprovalOperator(
        task_id="approve", subject="Pay invoice 4711?", body="It is **due**.", response_timeout=timedelta(hours=1)
    )
    ask(room, task)
    for word in (
        "Pay invoice 4711?",
        "It is **due**.",
        "Open in Airflow",
        "Until <local_datetime",
        "Everybody who sees",
    ):
        assert word in room.shown()
    assert "https://airflow.example/dags/pay/runs/manual__1/tasks/approve/required_actions" in room.shown()
    assert room.toast("Lin") == "Recorded: Approve. It goes to Airflow now"
    # not green yet: nothing has arrived in Airflow
    assert "On its way to Airflow" in room.shown()
    assert json.loads(room.shown())["header"]["template"] == "blue"
    assert '"callback"' not in room.shown()
    assert room.execute("SELECT dag_id, run_id, task_id FROM lark_hitl_requests") == [("pay", "manual__1", "approve")]


def test_params_are_a_form_and_rules_are_checked_at_the_click(room):
    """Input 7.25; the bridge gives Airflow the integer."""
    task = HITLEntryOperator(
        task_id="enter",
        subject="How many?",
        params={"n": Param(None, type="integer", minimum=1, maximum=10), "why": Param("x", type=["null", "string"])},
    )
    ask(room, task)
    for typed in ("abc", "11", "", "７"):
        assert room.toast("Lin", "OK", form={"n": typed}, by_hand=True).startswith("n ")
    assert questions(room) == ["open"]
    assert room.toast("Lin", "OK", form={"n": "7", "why": ""}) == "Recorded: OK. It goes to Airflow now"


def test_several_options_need_at_least_one(room):
    """Input 7.20."""
    ask(room, HITLOperator(task_id="pick", subject="Which?", options=["a", "b"], multiple=True))
    assert "needs at least one choice" in room.toast("Lin", "Submit", form={}, by_hand=True)
    assert questions(room) == ["open"]
    room.press("Lin", "Submit", form={"_options": ["b"]})
    assert questions(room) == ["answered"]


def test_branch_with_unknown_schema_only_opens_airflow(room):
    task = HITLBranchOperator(
        task_id="branch", subject="Where?", options=["x", "y"], params={"deep": Param({}, type="object")}
    )
    ask(room, task)
    assert "Open in Airflow" in room.shown()
    assert '"callback"' not in room.shown()


def test_only_assigned_people_answer_and_others_are_told(room, monkeypatch):
    monkeypatch.setenv("AIRFLOW__LARK__HITL_USERS", json.dumps({"7": "wei@example.com"}))
    task = ApprovalOperator(
        task_id="approve",
        subject="Pay?",
        assigned_users=[
            {"id": "lin@example.com", "name": "Lin"},
            {"id": "7", "name": "wei"},
            {"id": "9", "name": "ann"},
            {"id": "10", "name": "nobody"},
        ],
    )
    ask(room, task, users={"ann": "nobody@example.com"})
    assert "May answer in Airflow only: ann、nobody" in room.shown()
    assert room.toast("Ann") == "You are not among those who may answer: Lin, wei"
    assert questions(room) == ["open"]
    assert "Recorded" in room.toast("Wei")


def test_nobody_known_in_lark_gets_a_card_without_buttons(room):
    task = ApprovalOperator(task_id="approve", subject="Pay?", assigned_users={"id": "9", "name": "ann"})
    ask(room, task)
    assert "Nobody who may answer is known in Lark" in room.shown()
    assert '"callback"' not in room.shown()


def test_newer_question_closes_the_card_of_the_older(room):
    ask(room, ApprovalOperator(task_id="approve", subject="Draft A?"))
    ask(room, ApprovalOperator(task_id="approve", subject="Draft B?"), try_number=2)
    old, new = room.cards()
    assert "Replaced by a newer question" in old.content
    assert '"callback"' not in old.content
    assert "Draft B?" in new.content
    assert questions(room) == ["replaced", "open"]


def review(**given):
    """A task as common.ai's operators ask for approval: without options and Params of its own."""
    given = {"task_id": "write", "subject": "Review output for task `write`", "body": "```\ndraft\n```"} | given
    return SimpleNamespace(
        **{
            "approval_timeout": timedelta(hours=1),
            "on_approval_timeout": "reject",
            "allow_modifications": True,
            "approval_assigned_users": [],
            "REJECT": "Reject",
            "APPROVE": "Approve",
            "execution_timeout": None,
        }
        | given
    )


def test_review_of_an_llm_operator_is_asked(room):
    ask(room, review())
    for word in (
        "Review output for task",
        "draft",
        "before you approve",
        "then: Reject",
        "required_actions?map_index=-1",
    ):
        assert word in room.shown()
    assert "Recorded: Reject" in room.toast("Lin", "Reject")


def test_lark_that_is_down_fails_no_task_and_the_card_is_sent_later(room, capsys):
    task = ApprovalOperator(task_id="approve", subject="Pay?")
    room.emulator.faults.add("POST /open-apis/im/v1/messages", code=230035, times=None)
    ask(room, task)
    assert "could not ask in Lark" in capsys.readouterr().out
    assert (room.cards(), questions(room)) == ([], ["open"])
    room.emulator.faults.clear()
    send_late(room, times=2)
    # two at once: one card
    assert len(room.cards()) == 1
    assert "Recorded" in room.toast("Lin")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"lark_conn_id": "nowhere"}, "'nowhere': does not exist"),
        ({"receive_id": ""}, "receive_id: is empty"),
        ({"allowed": "{{ '' }}"}, "allowed: "),
        ({"users": "[]x"}, "users"),
    ],
)
def test_wrong_setting_fails_no_task(room, capsys, given, words):
    ask(room, ApprovalOperator(task_id="approve", subject="Pay?"), **given)
    assert words in capsys.readouterr().out
    assert room.cards() == []


def test_notifier_of_a_task_that_asks_nothing_says_so(room, capsys):
    ask(room, SimpleNamespace(task_id="other", execution_timeout=None))
    assert "'other' asks nothing" in capsys.readouterr().out


def test_template_that_cannot_be_rendered_fails_the_task_as_its_own_do(room):
    with pytest.raises(jinja2.UndefinedError):
        ask(room, ApprovalOperator(task_id="approve", subject="Pay?"), receive_id="{{ nowhere.x }}")


def test_allowed_people_who_are_nobody_is_refused_when_the_dag_is_parsed():
    with pytest.raises(ValueError, match="allowed"):
        LarkHITLNotifier(receive_id="x", allowed=[])


def test_lark_that_hangs_does_not_use_up_the_time_of_the_task_and_the_card_comes_later(room, capsys):
    """Input 7.23."""
    task = ApprovalOperator(
        task_id="approve",
        subject="Pay?",
        execution_timeout=timedelta(seconds=1),
        response_timeout=timedelta(hours=1),
    )
    room.emulator.faults.add("POST /open-apis/im/v1/messages", action="delay", delay_seconds=3.0, times=None)
    ask(room, task)
    (line,) = [each for each in capsys.readouterr().out.splitlines() if "could not ask in Lark" in each]
    assert "timed out after 0.5 s" in line
    room.emulator.faults.clear()
    send_late(room)
    assert len(room.cards()) == 1
    assert "Recorded" in room.toast("Lin")
