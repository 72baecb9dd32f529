"""LarkApprovalOperator on the emulator: people press, the door decides, the task goes on."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException, DownstreamTasksSkipped, TaskDeferred

from airflow_provider_lark.operators.approval import LarkApprovalOperator
from airflow_provider_lark.triggers.callback import LarkCardCallbackTrigger
from tests.clocks import RecordedClock
from tests.skin.deciding import decisions, task_context
from tests.skin.polls import events_of


@pytest.fixture
def room(emulator, tmp_path, monkeypatch):
    with decisions(emulator, tmp_path, monkeypatch) as opened:
        yield opened


def approval(room, **given):
    return LarkApprovalOperator(
        **{"task_id": "ask", "receive_id": room.chat_id, "title": "Load?", "deferrable": True} | given
    )


def ask(task):
    """Let the task ask, and return the trigger that it waits with."""
    with pytest.raises(TaskDeferred) as caught:
        task.execute(task_context(task))
    return caught.value.trigger


def finish(task, trigger, during=lambda _: None):
    (event,) = events_of(LarkCardCallbackTrigger(**trigger.serialize()[1], clock=RecordedClock(during)))
    return task.execute_complete(task_context(task), event)


def test_person_who_may_decides_and_everybody_sees_who_and_when(room):
    task = approval(room, allowed=["lin@example.com", room.people["Wei"]], body="Load **all** orders?")
    trigger = ask(task)
    assert room.toast("Ann") == "You are not among those who may answer: lin@example.com"
    assert '"button"' in room.shown()
    assert room.toast("Lin") == "Recorded: Approve"
    assert '"button"' not in room.shown()
    result = finish(task, trigger)
    assert (result["decision"], result["is_approved"], result["by"]) == ("Approve", True, "people")
    (answer,) = result["answers"]
    assert (answer["open_id"], answer["name"], answer["choice"]) == (room.people["Lin"], "lin@example.com", "Approve")
    assert answer["answered_at"].endswith("+00:00")
    assert result["message_ids"] == [each.message_id for each in room.cards()]
    assert json.loads(json.dumps(result)) == result


def test_rejection_skips_what_is_downstream_or_fails(room):
    with DAG("d", schedule=None):
        task = approval(room)
        from airflow.sdk import BaseOperator

        task >> BaseOperator(task_id="load")
    trigger = ask(task)
    room.press("Lin", "Reject")
    skipped = []
    (event,) = events_of(trigger)
    context = task_context(task)
    context["ti"] = SimpleNamespace(**vars(context["ti"]), xcom_push=lambda **_: None)
    with pytest.raises(DownstreamTasksSkipped) as caught:
        task.execute_complete(context, event)
    skipped = caught.value.tasks
    assert list(skipped) in (["load"], [("load", -1)])
    other = approval(room, task_id="other", fail_on_reject=True)
    trigger = ask(other)
    room.press("Lin", "Reject")
    with pytest.raises(AirflowFailException, match="rejected: Reject"):
        finish(other, trigger)


def test_try_after_a_crash_sends_no_second_card_and_takes_the_answer_up(room):
    ask(approval(room))
    trigger = ask(approval(room))
    assert len(room.cards()) == 1
    room.press("Lin")
    # the worker died before it finished: the next try finds the answer, and does not wait
    result = approval(room).execute(task_context(approval(room)))
    assert (result["decision"], len(room.cards())) == ("Approve", 1)
    assert events_of(trigger)[0]["state"] == "answered"


def test_question_that_is_asked_otherwise_closes_the_old_card(room):
    ask(approval(room, body="draft A"))
    trigger = ask(approval(room, body="draft B"))
    old, new = room.cards()
    assert "Replaced by a newer question" in old.content
    assert '"button"' not in old.content
    assert '"button"' in new.content
    room.press("Lin")
    assert finish(approval(room, body="draft B"), trigger)["decision"] == "Approve"


def end_time(room):
    room.execute("UPDATE lark_questions SET expires_at_ms = 1 WHERE state = 'open'")


def test_time_over_takes_the_default_and_a_late_click_is_told_so(room):
    task = approval(room, default="Approve", response_timeout=timedelta(hours=1))
    trigger = ask(task)
    end_time(room)
    result = finish(task, trigger)
    assert (result["decision"], result["by"], result["answers"]) == ("Approve", "time-out", [])
    assert "Time over, default Approve" in room.shown()
    assert "已超时，默认：Approve" in room.shown()
    assert '"button"' not in room.shown()
    assert "may answer" not in room.shown()


def test_answer_that_was_stored_before_the_time_was_over_counts_however_late_it_is_looked_at(room):
    """Input 7.22: stored at 59 s, the time over at 60, the trigger looks at 62."""
    task = approval(room, default="Reject", response_timeout=60)
    trigger = ask(task)
    assert room.toast("Lin") == "Recorded: Approve"
    room.execute("UPDATE lark_questions SET expires_at_ms = 1")
    assert finish(task, trigger)["by"] == "people"
    # and a trigger that failed for good meanwhile does not lose it either
    assert task.execute(task_context(task))["decision"] == "Approve"


def test_time_over_without_a_default_fails(room):
    task = approval(room)
    trigger = ask(task)
    end_time(room)
    assert room.toast("Lin").startswith("Too late")
    with pytest.raises(AirflowFailException, match="nobody decided in time"):
        finish(task, trigger)


def test_all_have_to_approve_and_one_rejects(room):
    task = approval(room, allowed=list(room.people.values()), needed="all")
    trigger = ask(task)
    assert "More answers are needed" in room.toast("Lin")
    assert "1 of 3 needed" in room.shown()
    assert "You have already answered: Approve" in room.toast("Lin", "Reject")
    assert "More answers are needed" in room.toast("Wei")
    room.press("Ann")
    result = finish(task, trigger)
    assert (result["decision"], len(result["answers"])) == ("Approve", 3)


FORM = [
    {"name": "rows", "type": "integer", "label": "Rows", "required": True, "minimum": 1, "maximum": 10},
    {"name": "why", "type": "multiline", "label": "Reason <at id=all>"},
    {"name": "when", "type": "datetime"},
    {"name": "who", "type": "person"},
    {"name": "tags", "type": "options", "options": ["red", "blue"]},
    {"name": "sure", "type": "checked"},
]


def test_form_comes_back_as_typed_values_and_says_what_is_wrong(room):
    task = approval(room, form=FORM)
    trigger = ask(task)
    for typed in ("abc", "11", "", "７"):
        assert room.toast("Lin", form={"rows": typed}).startswith("Rows ")
    assert room.toast("Lin", form={"rows": "1", "why": "x" * 10_000}, by_hand=True).startswith("Reason")
    assert '"button"' in room.shown()
    filled = {"rows": "7", "why": "<at id=all></at> **ok**", "when": "2026-11-28 09:15", "tags": ["red"], "sure": True}
    room.press("Lin", form=filled | {"who": room.people["Wei"]})
    result = finish(task, trigger)
    assert result["values"] == {
        "rows": 7,
        "why": "<at id=all></at> **ok**",
        "when": "2026-11-28T09:15:00+08:00",
        "who": room.people["Wei"],
        "tags": ["red"],
        "sure": True,
    }
    assert "<at id=all>" not in room.shown()
    assert "Rows: 7" in room.shown()


def test_what_templates_give_as_text_or_as_numbers_means_the_same(room):
    form = [
        {"name": "rows", "type": "integer", "minimum": "1", "maximum": "10", "label": 5, "required": "True"},
        {"name": "how", "type": "option", "options": '["fast", "slow"]', "default": "slow"},
        {"name": "tags", "type": "options", "options": [1, 2], "default": "2"},
        {"name": "sure", "type": "checked", "default": "False"},
    ]
    given = {"title": 20261127, "body": 7, "options": [1, 2], "rejecting": [2], "default": 1, "form": form}
    task = approval(room, **given)
    trigger = ask(task)
    assert room.toast("Lin", "1", form={"rows": "11"}) == "5 has to be at most 10"
    assert '"checked":true' not in room.shown().replace(" ", "")
    room.press("Lin", "1", form={"rows": "7", "how": "fast", "tags": ["1"]})
    result = finish(task, trigger)
    assert (result["decision"], result["is_approved"]) == ("1", True)
    assert result["values"] == {"rows": 7, "how": "fast", "tags": ["1"], "sure": False}


def test_rejection_needs_no_form(room):
    task = approval(room, form=FORM, rejecting=["Reject"])
    trigger = ask(task)
    room.press("Lin", "Reject")
    context = task_context(task)
    context["task"] = SimpleNamespace(get_direct_relatives=lambda upstream: [])
    (event,) = events_of(trigger)
    assert task.execute_complete(context, event)["decision"] == "Reject"


def test_reminder_alarms_who_has_not_answered_and_escalation_lets_others_answer(room, capsys):
    boss = room.emulator.state.add_user("Boss", "boss@example.com").open_id
    room.people["Boss"] = boss
    task = approval(
        room,
        allowed=["lin@example.com", "wei@example.com"],
        needed=2,
        remind_after=1,
        escalate_after=2,
        escalate_to=["boss@example.com"],
    )
    trigger = ask(task)
    room.press("Lin")
    room.execute("UPDATE lark_questions SET asked_at_ms = asked_at_ms - 10000")
    (event,) = events_of(LarkCardCallbackTrigger(**trigger.serialize()[1] | {"wake_at_ms": 1}))
    assert event["state"] == "open"
    with pytest.raises(TaskDeferred) as caught:
        task.execute_complete(task_context(task), event)
    first = room.emulator.messages[0]
    assert first.urged == {room.people["Wei"]: "app"}
    assert "has ever arrived" not in capsys.readouterr().out
    assert len(room.cards()) == 2
    assert all(boss in each.content for each in room.cards())
    assert "Recorded" in room.toast("Boss", card=-1)
    result = finish(task, caught.value.trigger)
    assert [each["open_id"] for each in result["answers"]] == [room.people["Lin"], boss]
    assert all('"button"' not in each.content for each in room.cards())


def test_approver_who_has_left_keeps_no_other_from_being_reminded(room, caplog, capsys):
    state = room.emulator.state
    crowd = [state.add_user(f"P{at}").open_id for at in range(210)]
    for each in crowd:
        state.set_chat_member(room.chat_id, each)
    task = approval(room, allowed=crowd, remind_after=1)
    trigger = ask(task)
    state.resign(crowd[7])
    room.execute("UPDATE lark_questions SET asked_at_ms = asked_at_ms - 10000")
    (event,) = events_of(LarkCardCallbackTrigger(**trigger.serialize()[1] | {"wake_at_ms": 1}))
    with pytest.raises(TaskDeferred):
        task.execute_complete(task_context(task), event)
    assert set(room.emulator.messages[0].urged) == {*crowd} - {crowd[7]}
    assert f"{crowd[7]} could not be reminded by app" in caplog.text
    # input 7.11: nobody has pressed anything, perhaps because the console sends no clicks
    told = capsys.readouterr().out
    assert "no click on a card of this app has ever arrived" in told
    assert "airflow lark doctor --events" in told


def test_card_that_cannot_be_updated_ends_nothing(room):
    task = approval(room)
    trigger = ask(task)
    # no answer with the card: as on a card that Lark does not change any more
    room.emulator.faults.add("PATCH /open-apis/im/v1/messages", code=230031, times=None)
    end_time(room)
    task.default = "Approve"
    assert finish(task, trigger)["by"] == "time-out"
    assert '"button"' in room.shown()
    room.emulator.faults.clear()
    # whoever presses it sees it as it is
    ((closed_ms,),) = room.execute("SELECT closed_at_ms FROM lark_questions")
    at = datetime.fromtimestamp(closed_ms / 1000, UTC)
    assert room.toast("Lin") == f"Time over, default Approve · {at:%H:%M} (UTC)"
    assert f"Time over, default Approve · <local_datetime millisecond='{closed_ms}'" in room.shown()
    assert "已超时，默认：Approve" in room.shown()
    assert '"button"' not in room.shown()


def test_card_that_lark_does_not_change_is_changed_by_the_token_of_the_last_click_on_it(room):
    other = room.emulator.state.add_chat("Elsewhere", list(room.people.values()))
    task = approval(room, receive_id=[room.chat_id, other], needed=2)
    trigger = ask(task)
    room.press("Lin", card=0)
    room.emulator.faults.add("PATCH /open-apis/im/v1/messages", code=230031, times=None)
    room.press("Wei", card=1)
    assert finish(task, trigger)["decision"] == "Approve"
    assert ['"button"' in each.content for each in room.cards()] == [False, False]
    assert room.people["Wei"] in room.shown(0)


def test_receiver_who_gets_no_card_does_not_stop_the_others(room):
    task = approval(room, receive_id=[room.chat_id, "ou_nobody"])
    trigger = ask(task)
    room.press("Lin")
    assert finish(task, trigger)["decision"] == "Approve"
    with pytest.raises((AirflowFailException, AirflowException)):
        approval(room, task_id="none", receive_id="ou_nobody").execute(task_context(task))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"allowed": ["nobody@example.com"]}, "nobody has nobody@example.com"),
        ({"allowed": ["od-1"]}, "outside the app's contact range"),
        ({"needed": 0}, "needed: expected a number"),
        ({"needed": 3, "allowed": ["lin@example.com"]}, "3 is more than the 1"),
        ({"needed": "all"}, "'all' needs allowed people"),
        ({"default": "Maybe"}, "default: 'Maybe' is not one of the options"),
        ({"form": [{"name": "x", "type": "money"}]}, "type 'money' is unknown"),
        ({"form": [{"name": "x"}, {"name": "x"}]}, "two fields have the same name"),
        ({"options": []}, "options:"),
        ({"remind_after": "soon"}, "remind_after"),
        ({"title": " "}, "title: is empty$"),
        ({"options": ["x" * 201, "Reject"]}, "has 201 characters, more than the 200"),
        ({"form": [{"name": "x", "type": "integer", "minimum": "few"}]}, r"form\[0\].minimum: expected a number"),
        ({"form": [{"name": "x", "max_length": "long"}]}, r"form\[0\].max_length: expected a whole number"),
        ({"form": [{"name": "x", "required": "maybe"}]}, r"form\[0\].required: expected true, false or 'on_reject'"),
        ({"form": [{"name": "x", "type": "option", "options": [{"value": "a"}]}]}, r"options\[0\]: expected a text"),
        ({"form": [{"name": "x", "type": "option", "options": ["a", "a"]}]}, "the same one stands there twice"),
        (
            {"form": [{"name": "x", "type": "option", "options": ["a"], "default": "b"}]},
            "'b' is not one of the options a",
        ),
        ({"form": [{"name": "x", "type": "person", "default": ["ou_1", "ou_2"]}]}, "one choice, not with 2"),
    ],
)
def test_wrong_parameter_is_refused_before_a_card_is_sent(room, given, words):
    """Input 7.18: an unknown address, and whatever else nobody could answer."""
    task = approval(room, **given)
    with pytest.raises(AirflowFailException, match=words):
        task.execute(task_context(task))
    assert room.cards() == []


@pytest.mark.parametrize("given", [{"allowed": []}, {"escalate_after": 5}])
def test_wrong_parameter_is_refused_when_the_dag_is_parsed(given):
    """Input 7.18: an empty list."""
    with pytest.raises(ValueError, match=r"allowed|escalate"):
        LarkApprovalOperator(task_id="ask", receive_id="x", title="t", **given)


def test_worker_waits_where_it_is_not_deferred(room, monkeypatch):
    from airflow_provider_lark.hooks.calls.calling import CallingHook

    class Pressing(RecordedClock):
        def sleep(self, seconds):
            super().sleep(seconds)
            if len(self.pauses) == 0 and room.cards():
                self.pauses.append(seconds)
                room.press("Lin")

    monkeypatch.setattr(CallingHook, "clock", Pressing())
    task = approval(room, deferrable=False)
    assert task.execute(task_context(task))["decision"] == "Approve"


def test_triggerer_that_lacks_the_key_ends_no_waiting_for_a_day(room, monkeypatch):
    task = approval(room)
    trigger = ask(task)
    key = os.environ["LARK_CONFIG_ENCRYPTION_KEY"]
    monkeypatch.delenv("LARK_CONFIG_ENCRYPTION_KEY")

    def during(pause):
        if pause == 4:
            monkeypatch.setenv("LARK_CONFIG_ENCRYPTION_KEY", key)
            room.press("Lin")

    assert finish(task, trigger, during)["decision"] == "Approve"
    monkeypatch.delenv("LARK_CONFIG_ENCRYPTION_KEY")
    slow = trigger.serialize()[1] | {"poll_interval_seconds": 3600.0}
    (event,) = events_of(LarkCardCallbackTrigger(**slow, clock=RecordedClock()))
    assert (event["status"], event["permanent"], "encryption key" in event["message"]) == ("error", True, True)


def test_worker_outlasts_a_database_that_is_down(room, monkeypatch):
    from airflow_provider_lark.hooks.calls.calling import CallingHook

    class Away(RecordedClock):
        def sleep(self, seconds):
            super().sleep(seconds)
            if not room.cards():
                return
            self.pauses.append(seconds)
            if len(self.pauses) == 1:
                room.store_path.rename(room.store_path.with_suffix(".away"))
                room.store_path.mkdir()
            if len(self.pauses) == 4:
                room.store_path.rmdir()
                room.store_path.with_suffix(".away").rename(room.store_path)
                room.press("Lin")

    monkeypatch.setattr(CallingHook, "clock", Away())
    task = approval(room, deferrable=False)
    assert task.execute(task_context(task))["decision"] == "Approve"


def test_database_that_is_down_ends_no_waiting(room):
    task = approval(room)
    trigger = ask(task)
    away = room.store_path.rename(room.store_path.with_suffix(".away"))
    room.store_path.mkdir()

    def during(pause):
        if pause == 2:
            room.store_path.rmdir()
            away.rename(room.store_path)
            room.press("Lin")

    assert finish(task, trigger, during)["decision"] == "Approve"


def test_department_stands_for_its_people_and_those_below_when_it_was_asked(room):
    state = room.emulator.state
    top = state.add_department("Data", [room.people["Wei"], room.people["Lin"]])
    state.add_department("Quality", [room.people["Ann"]], parent_id=state.add_department("Sub", parent_id=top))
    task = approval(room, allowed=[top], needed="all")
    trigger = ask(task)
    room.people["New"] = state.add_user("New", "new@example.com").open_id
    state.add_department("Later", [room.people["New"]], parent_id=top)
    state.set_chat_member(room.chat_id, room.people["New"])
    assert room.toast("New").startswith("You are not among those who may answer: Wei, Lin, Ann")
    for who in ("Ann", "Lin", "Wei"):
        room.press(who)
    assert [each["name"] for each in finish(task, trigger)["answers"]] == ["Ann", "Lin", "Wei"]
    empty = approval(room, task_id="empty", allowed=[state.add_department("Empty")])
    with pytest.raises(AirflowFailException, match="has nobody in it"):
        empty.execute(task_context(empty))


def test_user_group_stands_for_its_people_and_those_of_its_departments_when_it_was_asked(room):
    state = room.emulator.state
    department = state.add_department("Data", [room.people["Wei"]])
    group = state.add_user_group("Approvers", [room.people["Lin"]], departments=[department])
    task = approval(room, allowed=[f"group:{group}"], needed="all")
    trigger = ask(task)
    assert room.toast("Ann").startswith("You are not among those who may answer")
    for who in ("Lin", "Wei"):
        room.press(who)
    assert [each["open_id"] for each in finish(task, trigger)["answers"]] == [room.people["Lin"], room.people["Wei"]]
    for allowed, words in (
        (f"group:{state.add_user_group('Empty')}", "has nobody in it"),
        ("group:g0", "the user group does not exist"),
    ):
        other = approval(room, task_id="other", allowed=[allowed])
        with pytest.raises(AirflowFailException, match=words):
            other.execute(task_context(other))


@pytest.mark.parametrize("given", [{}, {"allowed": None}])
def test_nobody_named_means_everybody_and_the_card_says_so(room, given):
    """Input 7.18."""
    task = approval(room, **given)
    trigger = ask(task)
    assert "Everybody who sees this card may answer" in room.shown()
    assert room.toast("Ann") == "Recorded: Approve"
    assert finish(task, trigger)["answers"][0]["open_id"] == room.people["Ann"]


@pytest.mark.parametrize("rendered", ["", "[]", "None", []])
def test_template_that_names_nobody_lets_nobody_answer(room, rendered):
    task = approval(room, allowed="{{ params.people }}")
    task.allowed = rendered
    with pytest.raises(AirflowFailException, match="allowed: is empty; leave it out"):
        task.execute(task_context(task))
    assert room.emulator.messages == []


def test_chat_stands_for_its_members(room):
    task = approval(room, allowed=[room.chat_id])
    trigger = ask(task)
    room.press("Wei")
    assert finish(task, trigger)["answers"][0]["name"] == "Wei"
