"""LarkApprovalOperator in the approval centre: one question, wherever people answer it."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowException, TaskDeferred

from airflow_provider_lark.operators.approval import LarkApprovalOperator
from airflow_provider_lark.triggers.callback import LarkCardCallbackTrigger
from tests.clocks import RecordedClock
from tests.skin.deciding import decisions, task_context
from tests.skin.polls import events_of

REASON = {"name": "reason", "type": "multiline", "required": "on_reject"}
BOTH = ["lin@example.com", "wei@example.com"]


@pytest.fixture
def room(emulator, tmp_path, monkeypatch):
    with decisions(emulator, tmp_path, monkeypatch) as opened:
        yield opened


def approval(**given):
    given = {"title": "Release 1.2", "allowed": BOTH, "centre": True, "deferrable": True, "task_id": "ask", **given}
    return LarkApprovalOperator(**given)


def context_of(task, *, max_tries=1):
    context = task_context(task)
    context["ti"].max_tries = max_tries
    context["ti"].log_url = "https://airflow.example/dags/release"
    context["ti"].xcom_push = lambda **_: None
    return context


def ask(task, **context):
    with pytest.raises(TaskDeferred) as caught:
        task.execute(context_of(task, **context))
    return caught.value.trigger


def wait(trigger, during=lambda _: None):
    (event,) = events_of(LarkCardCallbackTrigger(**trigger.serialize()[1], clock=RecordedClock(during)))
    return event


def outcomes(room):
    return room.execute("SELECT open_id, reason FROM lark_answers ORDER BY id")


def test_decision_in_the_centre_closes_the_card_and_says_why(room):
    centre = {
        "entries": {"Rows": 3, "Table": "用户"},
        "requester": "ann@example.com",
        "name": {"zh-CN": "发布审批流程"},
    }
    task = approval(receive_id=room.chat_id, form=[REASON], centre=centre)
    trigger = ask(task)
    assert room.instances() == [("PENDING", {"Lin": "PENDING", "Wei": "PENDING"})]
    (instance,) = room.emulator.state.approvals.all()
    assert (instance.open_id, instance.data["links"]["pc_link"]) == (
        room.people["Ann"],
        "https://airflow.example/dags/release",
    )
    # who may not, and who must say why, are told so, and the task stays in their list
    assert "You are not among those who may answer: Lin, Wei" in room.decide("Lin", by="Ann")
    assert room.toast("Wei", "Reject") == "reason is required"
    assert room.decide("Lin", reason="数字对") == ""
    assert room.decide("Lin", reason="数字对") == ""
    assert "Already answered by Lin at" in room.decide("Wei", "REJECT", reason="x")
    result = task.execute_complete(context_of(task), wait(trigger))
    (answer,) = result["answers"]
    assert (result["decision"], answer["name"], answer["via"]) == ("Approve", "Lin", "centre")
    assert (answer["open_id"], answer["values"]) == (room.people["Lin"], {"reason": "数字对"})
    assert room.instances() == [("APPROVED", {"Lin": "APPROVED", "Wei": "DONE"})]
    assert '"button"' not in room.shown()
    assert f"<at id={room.people['Lin']}></at>" in room.shown()
    assert outcomes(room) == [
        (room.users["Ann"].user_id, "not_allowed"),
        (room.people["Wei"], "invalid"),
        (room.people["Lin"], "accepted"),
        (room.people["Wei"], "answered"),
    ]


def test_first_of_two_on_the_card_shows_in_the_centre_while_the_task_waits(room):
    task = approval(receive_id=room.chat_id, needed=2)
    trigger = ask(task)
    assert "More answers are needed" in room.toast("Lin")
    seen = []

    def during(pause):
        seen.append(room.instances()[0])
        if pause == 1:
            assert room.decide("Wei") == ""

    result = task.execute_complete(context_of(task), wait(trigger, during))
    assert seen[0] == ("PENDING", {"Lin": "APPROVED", "Wei": "PENDING"})
    assert [each["via"] for each in result["answers"]] == ["card", "centre"]
    assert room.instances() == [("APPROVED", {"Lin": "APPROVED", "Wei": "APPROVED"})]


def test_cleared_task_asks_anew_and_what_comes_to_the_old_question_is_refused(room):
    """Input 7.42, with a task."""
    task = approval(receive_id=room.chat_id)
    ask(task)
    trigger = ask(task)
    assert len(room.instances()) == 1
    second = ask(task, max_tries=3)
    assert [status for status, _ in room.instances()] == ["CANCELED", "PENDING"]
    assert "Replaced by a newer question" in room.shown(0)
    assert room.decide("Lin") == ""
    assert task.execute_complete(context_of(task, max_tries=3), wait(second))["decision"] == "Approve"
    assert [status for status, _ in room.instances()] == ["CANCELED", "APPROVED"]
    # the trigger of the first try meets the end of its question
    with pytest.raises(TaskDeferred):
        task.execute_complete(context_of(task, max_tries=4), wait(trigger))


def test_time_over_takes_the_instance_back_and_the_default_decides(room):
    task = approval(default="Approve")
    trigger = ask(task)
    room.execute("UPDATE lark_questions SET expires_at_ms = 1")
    assert "Too late" in room.decide("Lin")
    result = task.execute_complete(context_of(task), wait(trigger))
    assert (result["decision"], result["by"]) == ("Approve", "time-out")
    assert room.instances() == [("CANCELED", {"Lin": "DONE", "Wei": "DONE"})]
    assert room.cards() == []


def test_centre_that_is_down_at_the_end_does_not_fail_the_task(room, caplog):
    task = approval()
    trigger = ask(task)
    assert room.decide("Lin") == ""
    room.emulator.faults.add("POST /open-apis/approval/v4/external_instances", action="error", code=1390001, times=2)
    assert task.execute_complete(context_of(task), wait(trigger))["decision"] == "Approve"
    assert "the approval centre could not be updated" in caplog.text


def test_escalation_that_the_centre_cannot_ask_ends_nothing(room, caplog):
    room.emulator.state.add_user("Boss", "boss@example.com")
    task = approval(escalate_after=1, escalate_to=["boss@example.com"])
    trigger = ask(task)
    room.execute("UPDATE lark_questions SET asked_at_ms = asked_at_ms - 10000")
    scopes = ["contact:user.id:readonly", "contact:user.base:readonly", "approval:approval", "contact:contact"]
    room.emulator.state.set_app(room.emulator.app_id, scopes=scopes)
    (event,) = events_of(LarkCardCallbackTrigger(**trigger.serialize()[1] | {"wake_at_ms": 1}))
    with pytest.raises(TaskDeferred):
        task.execute_complete(context_of(task), event)
    assert "the escalation failed" in caplog.text


def test_unknown_question_is_refused_and_a_lost_decision_is_found(room, time_flies):
    task = approval()
    trigger = ask(task)
    ids = room.execute("SELECT id FROM lark_questions")
    room.execute("UPDATE lark_questions SET id = 'gone'")
    assert room.decide("Lin") == "此问题已不存在 This question is not known any more"
    room.execute(f"UPDATE lark_questions SET id = '{ids[0][0]}'")
    # the callback is lost, and the centre shows the decision all the same
    room.emulator.switches.approval_press_decides = True
    (instance,) = room.emulator.state.approvals.all()
    instance.approval.data["external"]["action_callback_url"] = "http://127.0.0.1:9/down"
    assert room.decide("Wei", "REJECT") != ""
    (event,) = events_of(LarkCardCallbackTrigger(**trigger.serialize()[1] | {"poll_interval_seconds": 61}))
    assert event["state"] == "answered"
    assert room.execute("SELECT decision FROM lark_questions") == [("Reject",)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"allowed": None}, "say who may answer", id="everybody"),
        pytest.param({"options": ["Now", "Tonight", "Reject"]}, "two buttons", id="options"),
        pytest.param({"form": [{"name": "rows", "required": True}]}, "only for a field named 'reason'", id="form"),
        pytest.param({"centre": {"colour": "red"}}, "unknown member 'colour'", id="member"),
        pytest.param({"centre": {"entries": {str(each): each for each in range(4)}}}, "Lark shows 3", id="entries"),
        pytest.param({"centre": '{"requester": "no@example.com"}'}, "nobody has no@example.com", id="requester"),
        pytest.param({"centre": "perhaps"}, "centre: expected true or false", id="switch"),
    ],
)
def test_what_the_centre_cannot_ask_is_refused(room, given, words):
    task = approval(**given)
    with pytest.raises(AirflowException, match=words):
        task.execute(context_of(task))
    assert room.instances() == []


def test_settings_that_templates_leave_empty_are_none_and_a_code_of_digits_is_a_text(room):
    ask(approval(centre={"code": 20261127, "requester": "None", "receiver_url": " "}))
    (instance,) = room.emulator.state.approvals.all()
    assert instance.approval.data["approval_code"] == "20261127"


def test_settings_that_cannot_work_say_what_to_do(room, monkeypatch):
    scopes = ["contact:user.id:readonly", "contact:user.base:readonly", "approval:approval", "contact:contact"]
    room.emulator.state.set_app(room.emulator.app_id, scopes=scopes)
    with pytest.raises(AirflowException, match=r"add the scope contact:user.employee_id:readonly"):
        approval().execute(context_of(approval()))
    room.emulator.state.set_app(room.emulator.app_id, scopes=None)
    monkeypatch.setenv("AIRFLOW__LARK__RECEIVER_URL", "")
    with pytest.raises(AirflowException, match=r"set \[lark\] receiver_url"):
        approval().execute(context_of(approval()))
    with pytest.raises(ValueError, match="give receive_id"):
        approval(centre=False)
