"""What becomes of a question when its task, its triggerer, its chat or Lark does not go on as planned."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowTaskTimeout, TaskDeferred
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import TaskStatesResult
from airflow.sdk.execution_time.timeout import timeout

from airflow_provider_lark.hooks.calls.calling import CallingHook
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
    given = {"task_id": "ask", "receive_id": room.chat_id, "title": "Load?", "deferrable": True, **given}
    return LarkApprovalOperator(**given)


def ask(task, context_of=task_context):
    with pytest.raises(TaskDeferred) as caught:
        task.execute(context_of(task))
    return caught.value.trigger


def again(trigger, **changes):
    """The trigger as the next triggerer makes it."""
    return LarkCardCallbackTrigger(**trigger.serialize()[1] | changes)


@pytest.fixture
def airflow_says(monkeypatch):
    """Let Airflow tell the state of a task, as its supervisor does."""

    class Supervisor:
        state = "deferred"

        def send(self, asked):
            return TaskStatesResult(task_states={asked.run_ids[0]: {asked.task_ids[0]: self.state}})

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Supervisor(), raising=False)
    return lambda state: setattr(Supervisor, "state", state)


def state_of(room):
    return [state for (state,) in room.execute("SELECT state FROM lark_questions ORDER BY round")]


def kill(trigger, task):
    trigger._task_instance = task_context(task)["ti"]
    asyncio.run(trigger.on_kill())


def test_triggerer_that_dies_or_hands_over_closes_nothing_and_the_next_one_goes_on(room, airflow_says):
    """Input 7.14; `make chaos-approvals` kills the receiver, which keeps nothing in memory, and real triggerers."""
    task = approval(room, centre=True, allowed=["lin@example.com", "wei@example.com"])
    trigger = ask(task)

    async def run_and_die():
        looked = asyncio.Event()
        running = again(trigger, clock=RecordedClock(lambda _: looked.set()))
        waiting = asyncio.ensure_future(anext(running.run()))
        await looked.wait()
        # what a triggerer does that shuts down
        waiting.cancel("EOF - shutting down")
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(run_and_die())
    # and what one does whose triggers another has taken over: Airflow tells that the task is deferred
    kill(again(trigger), task)
    assert state_of(room) == ["open"]
    assert room.toast("Ann") == "You are not among those who may answer: Lin, Wei"
    assert room.toast("Lin") == "Recorded: Approve"
    (event,) = events_of(again(trigger))
    assert task.execute_complete(task_context(task), event)["decision"] == "Approve"
    assert room.instances() == [("APPROVED", {"Lin": "APPROVED", "Wei": "DONE"})]


def test_try_that_dies_after_it_has_taken_its_answer_leaves_it_to_the_next(room):
    task = approval(room)
    trigger = ask(task, tried)
    assert room.toast("Lin") == "Recorded: Approve"
    (event,) = events_of(again(trigger))
    first = task.execute_complete(tried(task), event)
    # `kill -9` before Airflow knew: the next try of the same asking
    assert task.execute(tried(task)) == first
    assert (state_of(room), len(room.cards())) == (["answered"], 1)


def test_try_finds_the_answer_though_those_who_may_answer_cannot_be_looked_up_any_more(room):
    task = approval(room, allowed=room.chat_id)
    ask(task)
    assert room.toast("Lin") == "Recorded: Approve"
    room.emulator.state.set_chat_member(room.chat_id, room.emulator.app_id, inside=False)
    assert task.execute(task_context(task))["decision"] == "Approve"


@pytest.mark.parametrize("changed", [{"max_tries": 4}, {"begun": 1}], ids=["cleared", "run made again"])
def test_answer_does_not_count_for_a_task_that_was_cleared_or_whose_run_was_made_again(room, changed):
    task = approval(room)
    trigger = ask(task, tried)
    room.toast("Lin")
    (event,) = events_of(again(trigger))
    task.execute_complete(tried(task), event)
    with pytest.raises(TaskDeferred):
        task.execute(tried(task, **changed))
    assert (state_of(room), len(room.cards())) == (["answered", "open"], 2)


def tried(task, *, max_tries=0, begun=0):
    context = task_context(task)
    context["ti"].max_tries = max_tries
    return context | {"dag_run": SimpleNamespace(start_date=datetime(2026, 11, 27, 8, begun, tzinfo=UTC))}


def test_task_that_is_ended_by_hand_closes_its_card_and_instance_and_asks_anew(room, airflow_says):
    task = approval(room, centre=True, allowed=["lin@example.com"])
    trigger = ask(task)
    airflow_says("failed")
    kill(again(trigger), task)
    assert state_of(room) == ["withdrawn"]
    assert '"button"' not in room.shown()
    assert "Closed" in room.shown()
    assert room.instances() == [("CANCELED", {"Lin": "DONE"})]
    ask(task)
    assert (state_of(room), len(room.cards())) == (["withdrawn", "open"], 2)


@pytest.mark.parametrize(("state", "kept"), [("running", "open"), ("failed", "withdrawn")])
def test_worker_that_is_stopped_leaves_the_question_unless_the_task_was_ended(
    room, airflow_says, monkeypatch, state, kept
):
    task = approval(room, deferrable=False)
    airflow_says(state)

    class Stopping(RecordedClock):
        def sleep(self, seconds):
            super().sleep(seconds)
            # as the handler of SIGTERM does
            task.on_kill()

    monkeypatch.setattr(CallingHook, "clock", Stopping())
    with pytest.raises(AirflowException, match="stopped on request"):
        task.execute(task_context(task))
    assert state_of(room) == [kept]
    assert ('"button"' in room.shown()) is (kept == "open")


def over_time(monkeypatch, task, **ti):
    """Let the task's execution_timeout be over while it waits, as Airflow ends it."""

    class Alarm(RecordedClock):
        def sleep(self, seconds):
            signal.raise_signal(signal.SIGALRM)

    monkeypatch.setattr(CallingHook, "clock", Alarm())
    context = task_context(task)
    context["ti"] = SimpleNamespace(**vars(context["ti"]), **ti)
    with pytest.raises(AirflowTaskTimeout), timeout(3600):
        task.execute(context)


@pytest.mark.parametrize(("try_number", "kept"), [(1, "open"), (2, "withdrawn")])
def test_execution_timeout_closes_the_question_unless_another_try_goes_on_with_it(room, monkeypatch, try_number, kept):
    task = approval(room, deferrable=False, centre=True, allowed=["lin@example.com"])
    over_time(monkeypatch, task, try_number=try_number, max_tries=1)
    assert state_of(room) == [kept]
    assert ('"button"' in room.shown()) is (kept == "open")
    told = {"open": ("PENDING", {"Lin": "PENDING"}), "withdrawn": ("CANCELED", {"Lin": "DONE"})}
    assert room.instances() == [told[kept]]


def test_trigger_that_failed_for_good_closes_the_question(room):
    task = approval(room)
    ask(task)
    error = {"status": "error", "message": "connection lark_default is gone", "permanent": True}
    with pytest.raises(AirflowFailException, match="is gone"):
        task.resume_execution("execute_complete", {"event": error}, task_context(task))
    assert state_of(room) == ["withdrawn"]
    assert '"button"' not in room.shown()


def test_bot_that_was_removed_from_the_chat_ends_no_approval(room, caplog):
    task = approval(room)
    trigger = ask(task)
    room.emulator.state.set_chat_member(room.chat_id, room.emulator.app_id, inside=False)
    assert room.toast("Lin") == "Recorded: Approve"
    (event,) = events_of(again(trigger))
    assert task.execute_complete(task_context(task), event)["decision"] == "Approve"
    # asked there anew, it says what to do
    other = approval(room, task_id="other")
    with pytest.raises(AirflowException, match="the bot is not in the chat"):
        other.execute(task_context(other))


def test_update_that_hangs_keeps_nobody_else_waiting_and_is_made_up_for(room):
    calls = {"timeout_seconds": 1, "call_retry": {"max_attempts": 1}}
    tasks = [approval(room, task_id=f"t{at}", needed=2, **calls) for at in range(3)]
    triggers = [again(ask(task), poll_interval_seconds=1) for task in tasks]
    hang = room.emulator.faults.add("PATCH /open-apis/im/v1/messages", action="timeout_before", times=1)
    # the first of two answers: the trigger is to show it, and Lark does not answer
    assert "More answers are needed" in room.toast("Lin", card=0)

    async def wait_for_all():
        waiting = [asyncio.ensure_future(anext(each.run())) for each in triggers]
        while not hang.hits:
            await asyncio.sleep(0.01)
        for at in (0, 1, 1, 2, 2):
            who = "Wei" if not at or at in pressed else "Lin"
            pressed.append(at)
            told.append(await asyncio.to_thread(lambda at=at, who=who: room.toast(who, card=at)))
        return [event.payload for event in await asyncio.gather(*waiting)]

    pressed, told = [], []
    events = asyncio.run(wait_for_all())
    assert [each["state"] for each in events] == ["answered"] * 3
    assert [each.startswith("Recorded") for each in told] == [True] * 5
    for task, event in zip(tasks, events, strict=True):
        assert task.execute_complete(task_context(task), event)["decision"] == "Approve"
    assert all('"button"' not in each.content for each in room.cards())
