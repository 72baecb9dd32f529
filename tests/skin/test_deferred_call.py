"""LarkApiOperator in the triggerer: what goes there, what it brings back, and that nothing happens twice."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import timedelta

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred
from airflow.triggers.base import TriggerEvent

from airflow_provider_lark.core.api.calls import app_state as shared
from airflow_provider_lark.core.api.retry import RetryPolicy
from airflow_provider_lark.core.errors import AccessDenied, LarkError, RateLimited
from airflow_provider_lark.hooks.call_events import QuietEvent, answer_event, failure_event, read_event
from airflow_provider_lark.hooks.errors import lark_error_of
from airflow_provider_lark.hooks.xcom_size import XCOM_BYTES_MAX
from airflow_provider_lark.operators.api import LarkApiOperator
from airflow_provider_lark.triggers.api import LarkApiTrigger
from tests.skin.polls import events_of

BOT = "/open-apis/bot/v3/info"
MESSAGES = "/open-apis/im/v1/messages"


def call(**given):
    return LarkApiOperator(**{"task_id": "t", "path": BOT, "deferrable": True} | given)


def deferred(**given):
    """The trigger of a deferred call, as the triggerer makes it, and what the task was deferred with."""
    with pytest.raises(TaskDeferred) as caught:
        call(**given).execute({})
    classpath, settings = caught.value.trigger.serialize()
    assert classpath == "airflow_provider_lark.triggers.api.LarkApiTrigger"
    return LarkApiTrigger(**json.loads(json.dumps(settings))), caught.value


def resume(trigger, **given):
    """What the task returns of the trigger's one event, which comes as JSON."""
    (event,) = events_of(trigger)
    return call(**given).execute_complete({}, json.loads(json.dumps(event)))


def text_to(chat_id, **more):
    return {"receive_id": chat_id, "msg_type": "text", "content": json.dumps({"text": "x"}), **more}


def sending(chat_id, **more):
    query = {"receive_id_type": "chat_id"}
    return {"method": "POST", "path": MESSAGES, "query": query, "json": text_to(chat_id, **more)}


@pytest.fixture
def chat_id(shop):
    return shop.emulator.state.add_chat("Team")


def test_call_returns_in_the_triggerer_what_it_returns_on_the_worker(shop):
    for given in ({}, {"result_path": "bot.app_name"}):
        trigger, _ = deferred(**given)
        assert shop.emulator.log == [] or given
        assert resume(trigger) == call(deferrable=False, **given).execute({})


def test_pages_are_collected_in_the_triggerer_too(shop):
    for name in ("orders", "users"):
        shop.emulator.state.create_table(shop.app_token, name, [{"field_name": "id", "type": 1}])
    path = f"/open-apis/bitable/v1/apps/{shop.app_token}/tables"
    given = {"path": path, "query": {"page_size": 1}, "paginate": True, "result_path": "name"}
    trigger, _ = deferred(**given)
    assert resume(trigger) == {"items": ["areas", "orders", "users"], "count": 3, "is_complete": True}
    trigger, _ = deferred(**given, max_items="2")
    assert resume(trigger) == {"items": ["areas", "orders"], "count": 2, "is_complete": False}


def test_task_waits_no_longer_than_its_own_time(shop):
    _, waiting = deferred(execution_timeout=timedelta(seconds=90))
    assert (waiting.timeout, waiting.method_name) == (timedelta(seconds=90), "execute_complete")


def test_default_is_airflows(shop, monkeypatch):
    assert not LarkApiOperator(task_id="t", path=BOT).deferrable
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "True")
    code = f"from {LarkApiOperator.__module__} import LarkApiOperator as O; print(O(task_id='t', path='/').deferrable)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "True"


NEW = "/open-apis/x/v1/y"
BATCH = "/open-apis/message/v4/batch_send/"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        pytest.param({"method": "POST", "path": NEW, "json": {}}, "would repeat the call and its effect", id="unknown"),
        pytest.param({"method": "DELETE", "path": NEW}, "would repeat the call and its effect", id="delete"),
        pytest.param(
            {"method": "POST", "path": BATCH, "json": {"uuid": "u"}}, "would repeat the call", id="no uuid there"
        ),
        pytest.param(
            {"call_retry": RetryPolicy(handler=lambda _: None)},
            "a function cannot be passed to the triggerer",
            id="handler",
        ),
        pytest.param({"json": {"a": "x" * XCOM_BYTES_MAX}}, "more than a trigger should carry", id="size"),
    ],
)
def test_call_that_the_triggerer_must_not_make_is_made_on_the_worker_and_the_log_says_why(shop, told, given, reason):
    try:
        call(**given).execute({})
    except AirflowException:
        # none of these is an API of the emulator
        assert "path" in given
    shown = told()
    assert f"{given.get('path', BOT)}: made on the worker instead of the triggerer: " in shown
    assert reason in shown
    assert len(shop.emulator.log) >= 1


def test_message_without_a_uuid_is_sent_by_the_worker_once(shop, chat_id):
    assert call(**sending(chat_id)).execute({})["message_id"].startswith("om_")
    assert len(shop.emulator.messages) == 1


def test_files_are_sent_by_the_worker(shop, told, tmp_path):
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\2\0\0\0\2"
    (tmp_path / "a.png").write_bytes(png)
    given = {"form": {"image_type": "message"}, "files": {"image": str(tmp_path / "a.png")}}
    assert call(method="POST", path="/open-apis/im/v1/images", **given).execute({})["image_key"]
    assert "made on the worker instead of the triggerer: files cannot be passed to the triggerer" in told()


# --- never twice


def test_triggerer_that_takes_over_makes_the_call_again_and_the_message_comes_once(shop, chat_id):
    trigger, _ = deferred(**sending(chat_id, uuid="run-1"))
    first = resume(trigger)
    # the first triggerer died before its event was kept
    _, settings = trigger.serialize()
    second = resume(LarkApiTrigger(**settings))
    assert (len(shop.emulator.messages), first["message_id"]) == (1, second["message_id"])


def test_two_triggerers_at_once_send_one_message(shop, chat_id):
    trigger, _ = deferred(**sending(chat_id, uuid="run-1"))
    _, settings = trigger.serialize()

    async def both():
        async def one():
            return [event.payload async for event in LarkApiTrigger(**settings).run()]

        return await asyncio.gather(one(), one())

    events = [event for (event,) in asyncio.run(both())]
    assert {event["status"] for event in events} == {"success"}
    assert len(shop.emulator.messages) == 1


def test_call_with_a_token_is_not_begun_when_lark_may_have_forgotten_it(shop, chat_id):
    trigger, _ = deferred(**sending(chat_id, uuid="run-1"))
    _, settings = trigger.serialize()
    late = LarkApiTrigger(**settings | {"not_after": settings["not_after"] - 3301})
    with pytest.raises(AirflowException, match="An earlier triggerer may have made it") as caught:
        resume(late)
    assert not isinstance(caught.value, AirflowFailException)
    assert len(shop.emulator.messages) == 0
    # reading has no such end
    assert deferred()[0].not_after is None


def test_call_that_is_cut_off_gives_back_its_place(shop):
    def places():
        paces = [pace for state in shared._STATES.values() for pace in state.limiter._paces.values()]
        return [place for pace in paces for place in pace._places]

    trigger, _ = deferred(path=f"/open-apis/bitable/v1/apps/{shop.app_token}/tables")
    shop.emulator.faults.add("/tables", action="delay", delay_seconds=2.0)

    async def cancelled():
        running = asyncio.create_task(anext(trigger.run()))
        while not places():
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancelled())
    assert [place.ended is None for place in places()] == [False]


# --- what comes back


def test_answer_is_not_in_what_airflow_logs_of_an_event():
    event = answer_event({"name": "canary"})
    assert isinstance(event, QuietEvent)
    assert "canary" not in f"{event} {event!r} {[event]} {TriggerEvent(event)!r}"
    assert json.loads(json.dumps(event)) == {"status": "success", "result": {"name": "canary"}}


def test_trigger_shows_none_of_its_arguments(shop, chat_id):
    trigger, _ = deferred(**sending(chat_id, uuid="canary"))
    assert "canary" not in f"{trigger!r}"


def test_refusal_fails_the_task_at_once_with_the_error_of_a_worker(shop):
    shop.emulator.faults.add("bot/v3", code=99991672, status=400)
    trigger, _ = deferred()
    with pytest.raises(AirflowFailException, match="code 99991672") as caught:
        resume(trigger)
    error = lark_error_of(caught.value)
    assert (type(error), error.endpoint) == (AccessDenied, f"GET {BOT}")


def test_failure_that_may_pass_is_left_to_the_retries_and_says_how_long(shop):
    shop.emulator.faults.add("bot/v3", code=99991400, status=429, reset_seconds=7)
    trigger, _ = deferred(call_retry={"max_attempts": 1})
    with pytest.raises(AirflowException) as caught:
        resume(trigger)
    error = lark_error_of(caught.value)
    assert (type(error), error.retry_after_seconds) == (RateLimited, 7.0)
    assert not isinstance(caught.value, AirflowFailException)


def test_answer_that_must_not_become_an_xcom_does_not_leave_the_triggerer(shop):
    shop.emulator.state.apps[shop.emulator.app_id].name = "x" * (XCOM_BYTES_MAX + 1)
    trigger, _ = deferred()
    (event,) = events_of(trigger)
    assert len(json.dumps(event)) < 1000
    with pytest.raises(AirflowFailException, match="more than the 1,048,576 an XCom should hold"):
        call().execute_complete({}, event)


def test_missing_connection_is_told(shop, monkeypatch):
    trigger, _ = deferred()
    monkeypatch.delenv("AIRFLOW_CONN_LARK_DEFAULT")
    with pytest.raises(AirflowFailException, match="connection 'lark_default': does not exist"):
        resume(trigger)


def test_path_that_answers_with_a_token_is_refused_before_it_is_deferred(shop):
    with pytest.raises(AirflowFailException, match="must not end up in an XCom"):
        call(path="/open-apis/auth/v3/tenant_access_token/internal", method="POST").execute({})


@pytest.mark.parametrize("event", [None, {}, {"status": "timeout"}])
def test_event_that_says_nothing_fails_the_task(event):
    with pytest.raises(AirflowException, match="the trigger ended without a result"):
        call().execute_complete({}, event)


@pytest.mark.parametrize(
    "event",
    [
        {"status": "error", "kind": "Exception", "message": "m", "facts": {}},
        {"status": "error", "kind": "no_such", "message": "m"},
        {"status": "error", "kind": "RateLimited", "message": "m", "facts": {"unknown": 1}},
    ],
)
def test_event_of_another_version_is_an_error_of_ours_all_the_same(event):
    with pytest.raises(LarkError, match="m"):
        read_event(event)


def test_error_of_no_kind_of_ours_shows_no_more_than_its_name():
    event = failure_event(RuntimeError("canary"))
    assert "canary" not in json.dumps(event)
    with pytest.raises(LarkError, match="the trigger failed with RuntimeError"):
        read_event(event)
