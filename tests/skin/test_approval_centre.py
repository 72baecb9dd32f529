"""LarkApprovalCentreOperator and its trigger: what they ask, wait for and return, by tries and clearings."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    DownstreamTasksSkipped,
    TaskDeferred,
)
from sqlalchemy import create_engine, text

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.operators.approval_centre import LarkApprovalCentreOperator
from airflow_provider_lark.triggers.approval_centre import ApprovalCentreTrigger
from tests.skin.approvals import running_team


@pytest.fixture
def team(emulator, tmp_path, monkeypatch, time_flies):
    with running_team(emulator, tmp_path, monkeypatch) as team:
        yield team


def operator(**given):
    given = {"subject": "Release 1.2", "approvers": ["lin@example.com", "wei@example.com"], **given}
    return LarkApprovalCentreOperator(task_id="approve", **given)


def context_of(task, *, max_tries=1, below=()):
    pushed = {}
    ti = SimpleNamespace(
        dag_id="release",
        task_id="approve",
        map_index=-1,
        max_tries=max_tries,
        log_url="https://airflow.example/dags/release",
        xcom_push=lambda key, value: pushed.__setitem__(key, value),
    )
    relatives = [SimpleNamespace(task_id=each, is_teardown=each == "clean_up") for each in below]
    around = SimpleNamespace(get_direct_relatives=lambda upstream: relatives, task_id="approve")
    return {"ti": ti, "run_id": "r1", "task": around, "pushed": pushed}


def asked(task, context):
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    return deferred.value.trigger


def fire(trigger):
    async def run():
        return [event.payload async for event in trigger.run()]

    (payload,) = asyncio.run(run())
    return payload


def outcomes(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/store.db")
    with engine.connect() as conn:
        rows = conn.execute(text("SELECT name, outcome FROM lark_approval_log ORDER BY id")).all()
    engine.dispose()
    return [tuple(row) for row in rows]


def test_question_is_asked_decided_and_told(team, tmp_path):
    task = operator(
        deferrable=True,
        form={"Rows": 3, "Table": "用户"},
        requester="bob@example.com",
        approval_name={"zh-CN": "发布", "en-US": "Release"},
    )
    context = context_of(task)
    trigger = asked(task, context)
    (instance,) = team.instances()
    assert (instance.status, instance.open_id) == ("PENDING", team.people["bob"].open_id)
    assert instance.data["links"]["pc_link"] == "https://airflow.example/dags/release"

    # a person who may not, and one who may; the press is in the inbox before either sees it done
    assert team.press(by="bob").shown == ""
    assert team.press(reason="数字对").shown == ""
    path, kwargs = trigger.serialize()
    assert path == "airflow_provider_lark.triggers.approval_centre.ApprovalCentreTrigger"
    event = fire(ApprovalCentreTrigger(**kwargs))
    assert event == {"status": "success", "instance_id": instance.instance_id}

    result = task.execute_complete(context, event)
    assert (result["decision"], result["timed_out"]) == ("Approve", False)
    (vote,) = result["votes"]
    assert (vote["name"], vote["reason"], vote["open_id"]) == ("Lin", "数字对", team.people["lin"].open_id)
    assert [each.status for each in instance.tasks.values()] == ["APPROVED", "DONE"]
    assert outcomes(tmp_path) == [("", "not_allowed"), ("Lin", "accepted")]


def test_retry_waits_for_the_same_question_and_a_clearing_asks_anew(team):
    task = operator(deferrable=True)
    first = asked(task, context_of(task)).instance_id
    assert asked(task, context_of(task)).instance_id == first
    second = asked(task, context_of(task, max_tries=3)).instance_id
    assert second != first
    assert [(each.instance_id, each.status) for each in team.instances()] == [(first, "CANCELED"), (second, "PENDING")]
    # cleared while it waited, without a further try
    asyncio.run(asked(task, context_of(task, max_tries=3)).on_kill())
    third = asked(task, context_of(task, max_tries=3)).instance_id
    assert [each.status for each in team.instances()] == ["CANCELED", "CANCELED", "PENDING"]
    assert third not in (first, second)


def test_task_that_meets_the_end_of_a_question_taken_back_asks_anew(team):
    task = operator(deferrable=True)
    context = context_of(task)
    trigger = asked(task, context)
    asyncio.run(trigger.on_kill())
    event = fire(trigger)
    with pytest.raises(TaskDeferred) as again:
        task.execute_complete(context, event)
    assert again.value.trigger.instance_id != trigger.instance_id


def test_rejection_skips_what_is_downstream_and_keeps_the_result(team):
    task = operator(deferrable=True, reason="on_reject")
    context = context_of(task, below=["load", "clean_up"])
    trigger = asked(task, context)
    team.press("REJECT", who="wei", reason="zu früh")
    event = fire(trigger)
    with pytest.raises(DownstreamTasksSkipped) as skipped:
        task.execute_complete(context, event)
    assert skipped.value.tasks == ["load"]
    assert context["pushed"]["return_value"]["decision"] == "Reject"
    with pytest.raises(AirflowFailException, match="was rejected"):
        operator(fail_on_reject=True).execute_complete(context, event)


@pytest.mark.parametrize("default", ["Approve", None])
def test_time_that_is_over_ends_the_question(team, default):
    task = operator(deferrable=True, response_timeout=3600, default=default, poll_interval=600)
    context = context_of(task)
    event = fire(asked(task, context))
    (instance,) = team.instances()
    assert instance.status == "CANCELED"
    if default is None:
        with pytest.raises(AirflowFailException, match="nobody decided in time"):
            task.execute_complete(context, event)
        return
    result = task.execute_complete(context, event)
    assert (result["decision"], result["timed_out"], result["votes"]) == (default, True, [])


def test_answer_that_came_in_the_last_moment_wins_over_the_time(team, time_flies):
    task = operator(deferrable=True, response_timeout=60)
    context = context_of(task)
    trigger = asked(task, context)
    team.press()
    time_flies.sleep(61)
    result = task.execute_complete(context, fire(trigger))
    assert (result["decision"], result["timed_out"]) == ("Approve", False)


def test_task_that_waits_on_its_worker_needs_all_of_them(team):
    import threading

    pressing = threading.Thread(target=lambda: (team.press(), team.press(who="wei")))
    pressing.start()
    task = operator(deferrable=False, needed=2)
    result = task.execute(context_of(task))
    pressing.join(timeout=120)
    assert [each["name"] for each in result["votes"]] == ["Lin", "Wei"]


def test_centre_that_is_down_at_the_end_does_not_fail_the_task(team, emulator, caplog):
    task = operator(deferrable=True)
    context = context_of(task)
    trigger = asked(task, context)
    team.press()
    emulator.faults.add("POST /open-apis/approval/v4/external_instances", action="error", code=1390001, times=2)
    result = task.execute_complete(context, fire(trigger))
    assert result["decision"] == "Approve"
    assert "cannot update approval instance" in caplog.text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"approvers": "nobody@example.com"}, "knows nobody by nobody@example.com", id="unknown"),
        pytest.param({"approvers": "{{ [] }}"}, "knows nobody", id="odd"),
        pytest.param({"approvers": "lin@example.com", "needed": 2}, "from 1 to 1", id="needed"),
        pytest.param({"approvers": ["lin@example.com", "ou_lin"]}, "user", id="unknown id"),
        pytest.param({"form": {str(each): each for each in range(4)}}, "Lark shows 3", id="form"),
    ],
)
def test_question_that_cannot_be_asked_says_why(team, given, words):
    task = operator(deferrable=True, **given)
    with pytest.raises(AirflowException, match=words):
        task.execute(context_of(task))
    assert team.instances() == []


def test_person_named_twice_has_one_task(team):
    task = operator(deferrable=True, approvers=["lin@example.com", team.people["lin"].open_id])
    asked(task, context_of(task))
    assert len(team.instances()[0].tasks) == 1


def test_settings_that_cannot_work_say_what_to_do(team, emulator, monkeypatch):
    task = operator(deferrable=True)
    emulator.state.set_app(
        emulator.app_id,
        scopes=["contact:user.id:readonly", "contact:user.base:readonly", "approval:approval", "contact:contact"],
    )
    with pytest.raises(AirflowException, match=r"add the scope contact:user.employee_id:readonly"):
        task.execute(context_of(task))
    monkeypatch.setenv("AIRFLOW__LARK__RECEIVER_URL", "")
    with pytest.raises(AirflowException, match=r"set \[lark\] receiver_url"):
        task.execute(context_of(task))


def test_wrong_settings_are_refused_when_the_dag_is_read():
    with pytest.raises(ConfigError, match="approvers is empty"):
        operator(approvers=[])
    with pytest.raises(ConfigError, match="default is 'Maybe'"):
        operator(default="Maybe")
