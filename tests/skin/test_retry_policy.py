"""When a task that talks to Lark is tried again, and when never; in real tasks, with what Lark really answers."""

from __future__ import annotations

import json
import pickle
from datetime import timedelta

import pytest

pytest.importorskip("airflow.sdk.definitions.retry_policy", reason="retry policies came with Airflow 3.3")

from airflow.sdk.definitions.retry_policy import RetryAction, RetryDecision
from airflow.sdk.exceptions import AirflowException

from airflow_provider_lark.core import errors
from airflow_provider_lark.hooks.errors import airflow_error, lark_error_of
from airflow_provider_lark.policies.retry import LarkRetryPolicy
from tests.skin.task_process import run_task

AGAIN = getattr(RetryAction, "RESCHEDULE", RetryAction.RETRY)
SECONDS = timedelta(seconds=1)


def decide(exc, **parameters):
    return LarkRetryPolicy(**parameters).evaluate(exc, try_number=1, max_tries=3)


@pytest.mark.parametrize(
    ("error", "delay"),
    [
        (errors.RateLimited("slow down", code=99991400, retry_after_seconds=7.5), 7.5 * SECONDS),
        (errors.RateLimited("slow down", code=99991400, retry_after_seconds=86_400), 900 * SECONDS),
        (errors.RateLimited("slow down", code=99991400), 30 * SECONDS),
        (errors.ServerBusy("another write", code=1254291), 30 * SECONDS),
        (errors.LeaseHeld("another run"), 30 * SECONDS),
        (errors.DatabaseBusy("a lock"), 30 * SECONDS),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("wrap", [lambda error: error, airflow_error], ids=["raised", "translated"])
def test_busy_lark_is_asked_again_as_it_says_or_shortly(error, delay, wrap):
    decision = decide(wrap(error))
    assert (decision.action, decision.retry_delay) == (AGAIN, delay)
    assert str(error) in decision.reason


def test_delays_and_reschedules_are_settings():
    busy = errors.ServerBusy("another write", code=1254291)
    limited = errors.RateLimited("slow down", retry_after_seconds=60)
    settings = {"max_reschedules": 0, "busy_delay": 2 * SECONDS, "longest_delay": 3 * SECONDS}
    decisions = [decide(error, **settings) for error in (busy, limited)]
    assert [each.action for each in decisions] == [RetryAction.RETRY] * 2
    assert [each.retry_delay for each in decisions] == [2 * SECONDS, 3 * SECONDS]


@pytest.mark.parametrize(
    "error",
    [
        errors.QuotaExhausted("the month's calls are used up", code=99991403),
        errors.NotAuthorized("wrong secret", code=10014),
        errors.AccessDenied("a scope is missing", code=99991672),
        errors.SafetyStop("deletes are held"),
        errors.ValueMismatch("no number"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_person_has_to_mend_is_not_tried_again(error):
    decision = decide(error)
    assert (decision.action, decision.reason) == (RetryAction.FAIL, f"{type(error).__name__}: {error}")


@pytest.mark.parametrize(
    "error",
    [
        errors.OutcomeUnknown("no answer"),
        errors.Unreachable("no connection"),
        ValueError("ours"),
        AirflowException("x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_other_error_is_left_to_the_task(error):
    assert decide(error) == RetryDecision.default()


def test_error_of_lark_is_found_behind_others_and_survives_an_executor():
    found = pickle.loads(pickle.dumps(airflow_error(errors.RateLimited("slow", code=99991400, retry_after_seconds=3))))
    assert lark_error_of(found).retry_after_seconds == 3
    own = RuntimeError("my own words")
    own.__cause__ = errors.ServerBusy("locked", code=1254291)
    assert decide(own).action is AGAIN
    in_a_ring = ValueError("the first")
    in_a_ring.__context__ = KeyError("the second")
    in_a_ring.__context__.__context__ = in_a_ring
    assert lark_error_of(in_a_ring) is None


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"busy_delay": -SECONDS}, "busy_delay"),
        ({"longest_delay": SECONDS}, "longest_delay"),
        ({"max_reschedules": -1}, "-1"),
    ],
)
def test_wrong_parameters_are_refused_when_the_dag_is_parsed(parameters, named):
    with pytest.raises(ValueError, match=named):
        LarkRetryPolicy(**parameters)


SOURCE = """
from datetime import timedelta
from airflow.sdk import DAG, task
from airflow_provider_lark.hooks.lark import LarkHook
from airflow_provider_lark.policies.retry import LarkRetryPolicy

with DAG("made_in_a_test", schedule=None):

    @task(retries=2, retry_policy=LarkRetryPolicy(max_reschedules=0, busy_delay=timedelta(seconds=41)))
    def read():
        with LarkHook().client(max_attempts=1) as client:
            client.bitable.list_fields(app_token={base!r}, table_id={table!r})

    read()
"""


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ({"code": 1254291}, {"state": "up_for_retry", "retry_delay_seconds": 41}),
        ({"code": 99991403, "status": 400}, {"state": "failed"}),
    ],
    ids=["locked", "no calls left"],
)
def test_task_of_a_worker_is_tried_again_as_the_policy_says(shop, monkeypatch, tmp_path, fault, wanted):
    shop.emulator.faults.add("bitable", times=None, **fault)
    emulator = shop.emulator
    connection = {"login": emulator.app_id, "password": emulator.app_secret, "host": emulator.url}
    # the task asks the Execution API
    monkeypatch.delenv("AIRFLOW_CONN_LARK_DEFAULT")
    source = SOURCE.format(base=shop.app_token, table=shop.table_id)
    run = run_task(monkeypatch, tmp_path, source, "read", {"lark_default": connection}, retries=2)
    told = json.loads(run.told["state"][-1])
    assert {name: told[name] for name in wanted} == wanted
    decided = [line for line in run.lines if line["event"] == "Retry policy decision"]
    assert str(fault["code"]) in decided[0]["reason"]
