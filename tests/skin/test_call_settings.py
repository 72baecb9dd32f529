"""``timeout_seconds``, ``proxy`` and ``call_retry`` of one task, through a real proxy in a process of its own."""

from __future__ import annotations

import asyncio
import json
import pickle
import socket
from textwrap import dedent

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from airflow_provider_lark.core.api.retry import RetryPolicy
from airflow_provider_lark.core.errors import ConfigError, LarkError
from airflow_provider_lark.hooks.calls.settings import CallSettings
from airflow_provider_lark.hooks.lark import LarkHook
from airflow_provider_lark.hooks.parameters import CALL_FIELDS
from airflow_provider_lark.hooks.webhook import LarkWebhookHook
from airflow_provider_lark.notifications.lark import LarkNotifier
from airflow_provider_lark.notifications.webhook import LarkWebhookNotifier
from airflow_provider_lark.operators.api import LarkApiOperator
from airflow_provider_lark.operators.bitable_records import BitableListRecordsOperator
from airflow_provider_lark.operators.message_sending import LarkSendMessageOperator
from airflow_provider_lark.operators.sync import BitableFullSyncOperator
from airflow_provider_lark.operators.webhook import LarkWebhookOperator
from airflow_provider_lark.sensors.bitable import BitableRecordSensor
from airflow_provider_lark.transfers.bitable_to_sql import BitableToSqlOperator
from airflow_provider_lark.triggers.bitable import BitableRecordTrigger
from tests.forward_proxy import running_proxy
from tests.skin.message_tasks import context
from tests.skin.occasions import raised, task_context
from tests.skin.polls import events_of
from tests.skin.task_process import run_task
from tests.skin.test_template_fields import CLASSES

LOGIN = "keeper:canary-of-the-proxy"
BOT = "/open-apis/bot/v3/info"


@pytest.fixture
def proxy(tmp_path):
    with running_proxy(tmp_path, LOGIN) as proxy:
        yield proxy


@pytest.fixture
def hook_conn(shop, monkeypatch):
    """A webhook bot of the emulator."""
    bot = shop.emulator.state.add_webhook(shop.emulator.state.add_chat("Alarms"))
    address = f"{shop.emulator.url}/open-apis/bot/v2/hook/{bot.hook_id}"
    parts = {"conn_type": "lark_webhook", "password": address, "extra": {"avoid_peak_seconds": 0}}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_WEBHOOK_DEFAULT", json.dumps(parts))


TASKS = {
    "api": lambda shop, **given: LarkApiOperator(task_id="t", path=BOT, **given).execute({}),
    "message": lambda shop, **given: LarkSendMessageOperator(
        task_id="t", receive_id=shop.emulator.state.add_chat("Team"), text="x", **given
    ).execute(context()),
    "records": lambda shop, **given: BitableListRecordsOperator(task_id="t", table="MyDB:areas", **given).execute(
        context()
    ),
    "sync": lambda shop, **given: BitableFullSyncOperator(task_id="t", mapping=shop.mapping, **given).execute(
        context()
    ),
    "transfer": lambda shop, **given: BitableToSqlOperator(
        task_id="t", table="MyDB:areas", sql_conn_id="shop_db", target_table="copies", create_table=True, **given
    ).execute(context()),
    "sensor": lambda shop, **given: BitableRecordSensor(
        task_id="t", table="MyDB:areas", min_records=0, **given
    ).execute({}),
    "webhook": lambda shop, **given: LarkWebhookOperator(task_id="t", text="x", **given).execute({}),
    "notifier": lambda shop, **given: LarkNotifier(receive_id=shop.emulator.state.add_chat("Told"), **given)(
        task_context(exception=raised(ValueError("no table")))
    ),
    "webhook notifier": lambda shop, **given: LarkWebhookNotifier(**given)(
        task_context(exception=raised(ValueError("no table")))
    ),
    "hook": lambda shop, **given: LarkHook(**given).call("GET", BOT),
    "webhook hook": lambda shop, **given: LarkWebhookHook(**given).send(text="x"),
}


@pytest.mark.parametrize("kind", TASKS)
def test_calls_of_a_task_go_through_its_own_proxy_and_those_of_the_next_one_do_not(
    shop, hook_conn, proxy, monkeypatch, told, kind
):
    # a rendered template is what the password comes from
    for each in ("operators.calling", "sensors.bitable", "notifications.base"):
        monkeypatch.setattr(f"airflow_provider_lark.{each}.refuse_open_password", lambda _: None)
    TASKS[kind](shop, proxy=proxy.url(LOGIN))
    made = [f"{each.method} {each.path}" for each in shop.emulator.log]
    assert made
    assert proxy.passed == made
    assert "canary" not in told()
    TASKS[kind](shop)
    assert proxy.passed == made
    assert len(shop.emulator.log) > len(made)


@pytest.mark.parametrize("operator", CLASSES)
def test_every_operator_sensor_and_transfer_that_calls_lark_has_the_settings(operator):
    if {"lark_conn_id", "lark_webhook_conn_id"} & set(operator.template_fields):
        assert set(CALL_FIELDS) <= set(operator.template_fields)


@pytest.fixture
def silent():
    """The address of somebody who listens and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("kind", ["api", "webhook"])
def test_call_ends_after_the_tasks_own_time_and_tries(shop, hook_conn, silent, kind):
    # the connection would wait for 30 s, six times
    with pytest.raises(AirflowException, match=r"no answer|\(ReadTimeout\)"):
        TASKS[kind](shop, proxy=silent, timeout_seconds="0.2", call_retry={"max_attempts": "1"})
    assert list(shop.emulator.log) == []


def test_task_says_which_refusals_are_repeated_and_the_connection_how_often(shop, monkeypatch, time_flies):
    parts = {"conn_type": "lark", "login": shop.emulator.app_id, "password": shop.emulator.app_secret}
    extra = {"max_attempts": 3, "max_elapsed_seconds": "60"}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps({**parts, "host": shop.emulator.url, "extra": extra}))
    shop.emulator.faults.add("bot/v3", code=99991672, status=400, times=None)

    def calls(**given):
        before = len(shop.emulator.log)
        with pytest.raises(AirflowException):
            LarkApiOperator(task_id="t", path=BOT, **given).execute({})
        return len([each for each in shop.emulator.log[before:] if each.path == BOT])

    assert calls() == 1
    assert calls(call_retry='{"retry_codes": [99991672]}') == 3
    assert calls(call_retry={"retry_codes": "[99991672]", "max_attempts": 2}) == 2
    assert calls(call_retry=RetryPolicy(handler=lambda attempt: attempt.error.code == 99991672)) == 6
    assert calls(call_retry={"handler": f"{__name__}.judge"}) == 3


def judge(attempt):
    return attempt.error.code == 99991672


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"timeout_seconds": 0}, "timeout_seconds: expected a number of seconds greater than 0 and up to 600"),
        ({"timeout_seconds": 601}, "timeout_seconds: expected"),
        ({"timeout_seconds": "soon"}, "timeout_seconds: expected"),
        ({"proxy": "proxy.example:3128"}, "proxy must be a URL such as http://proxy.example:3128"),
        ({"proxy": "http://user:***@p:1"}, "the proxy password is ***"),
        ({"call_retry": "{"}, "call_retry: text is not valid JSON"),
        ({"call_retry": [1]}, "call_retry: expected a RetryPolicy or a dictionary, found list"),
        ({"call_retry": {"attempts": 2}}, "call_retry: unknown key 'attempts'; expected max_attempts"),
        ({"call_retry": {"max_attempts": 0}}, "call_retry: max_attempts must be a whole number from 1"),
        ({"call_retry": {"max_attempts": "two"}}, "call_retry['max_attempts']: expected a whole number"),
        ({"call_retry": {"retry_codes": ["x"]}}, "call_retry['retry_codes']: expected a whole number"),
        ({"call_retry": {"handler": "no_such.module"}}, "call_retry: there is no function 'no_such.module'"),
        ({"call_retry": {"handler": 7}}, "call_retry['handler']: expected a function or its dotted name"),
    ],
)
def test_setting_that_cannot_be_fails_at_once_and_says_which(shop, given, words):
    operator = LarkApiOperator(task_id="t", path=BOT)
    # as a template would give it
    vars(operator).update(given)
    with pytest.raises(AirflowFailException) as caught:
        operator.execute({})
    assert words in str(caught.value)
    assert list(shop.emulator.log) == []


@pytest.mark.parametrize(
    "extra", [{"max_attempts": 0}, {"max_attempts": "1.5"}, {"max_attempts": "nan"}, {"max_elapsed_seconds": -1}]
)
def test_connection_that_says_an_impossible_number_is_told_so(shop, monkeypatch, extra):
    parts = {"conn_type": "lark", "login": "cli_a", "password": "s", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_LARK_DEFAULT", json.dumps(parts))
    with pytest.raises(ConfigError, match=f"connection 'lark_default': {next(iter(extra))} must be a"):
        _ = LarkHook().settings


# --- what a proxy's password must not do


def test_password_in_the_dags_file_is_refused_when_that_is_read():
    for make in (
        lambda proxy: LarkApiOperator(task_id="t", path=BOT, proxy=proxy),
        lambda proxy: BitableRecordSensor(task_id="t", table="MyDB:areas", proxy=proxy),
        lambda proxy: LarkWebhookNotifier(proxy=proxy),
    ):
        with pytest.raises(
            ConfigError, match="proxy: contains a password, which Airflow would store in plain text"
        ) as caught:
            make("http://user:canary@proxy.example:3128")
        assert "canary" not in str(caught.value)
        make("http://proxy.example:3128")
        make("{{ conn.egress.get_uri() }}")


SOURCE = dedent("""
    from airflow.sdk import DAG

    from airflow_provider_lark.operators.api import LarkApiOperator

    with DAG("made_in_a_test", schedule=None):
        LarkApiOperator(task_id="ask", path="/open-apis/bot/v3/info", proxy="{{ conn.egress.get_uri() }}")
""")


def test_password_of_a_template_shows_in_nothing_that_a_task_leaves(emulator, proxy, monkeypatch, tmp_path):
    user, _, password = LOGIN.partition(":")
    connections = {
        "lark_default": {"host": emulator.url, "login": emulator.app_id, "password": emulator.app_secret},
        "egress": {"conn_type": "http", "host": "127.0.0.1", "port": proxy.port, "login": user, "password": password},
    }
    done = run_task(monkeypatch, tmp_path, SOURCE, "ask", connections)
    assert (done.state, proxy.passed[-1]) == ("success", f"GET {BOT}")
    assert json.loads(done.told["rtif"][-1])["proxy"] == "***"
    assert "canary" not in done.everything
    # nor in the copy of the DAG that Airflow keeps
    from airflow.serialization.serialized_objects import DagSerialization

    with DAG("made_in_a_test", schedule=None) as dag:
        LarkApiOperator(task_id="ask", path=BOT, proxy="{{ conn.egress.get_uri() }}")
    assert "canary" not in json.dumps(DagSerialization.to_dict(dag))


def test_policy_leaves_no_address_in_the_copy_of_the_dag():
    from airflow.serialization.serialized_objects import DagSerialization

    with DAG("made_in_a_test", schedule=None) as dag:
        LarkApiOperator(task_id="ask", path=BOT, call_retry=RetryPolicy(max_attempts=2, handler=judge))
    kept = json.dumps(DagSerialization.to_dict(dag))
    assert "max_attempts=2" in kept
    assert " at 0x" not in kept


def test_hook_with_a_proxy_of_its_own_shows_no_password_and_is_not_pickled(shop):
    hook = LarkHook(proxy="http://user:canary@proxy.example:3128")
    assert "canary" not in f"{vars(hook)}"
    with pytest.raises(TypeError, match="a secret cannot be pickled"):
        pickle.dumps(hook)
    assert pickle.loads(pickle.dumps(LarkHook(timeout_seconds=3))).calls.timeout_seconds == 3


# --- deferred


def test_deferred_sensor_carries_the_settings_into_its_trigger(shop, proxy, monkeypatch):
    sensor = BitableRecordSensor(task_id="t", table="MyDB:areas", deferrable=True)
    vars(sensor).update(proxy=proxy.url(LOGIN), timeout_seconds=5, call_retry=RetryPolicy(max_attempts=2))
    with pytest.raises(TaskDeferred) as caught:
        sensor.execute({})
    trigger = caught.value.trigger
    assert "canary" not in repr(trigger)
    classpath, settings = trigger.serialize()
    assert classpath.endswith("BitableRecordTrigger")
    again = BitableRecordTrigger(**json.loads(json.dumps(settings)))
    calls = CallSettings.read(**again.calls)
    assert (calls.timeout_seconds, calls.retry["max_attempts"]) == (5, 2)
    shop.emulator.person.add_records(shop.app_token, shop.table_id, [{"code": "1"}])
    before = len(proxy.passed)
    (event,) = events_of(again)
    assert event["status"] == "success"
    assert len(proxy.passed) > before


def test_deferred_sensor_refuses_a_handler_that_the_triggerer_cannot_have(shop):
    policy = RetryPolicy(handler=lambda _: None)
    with pytest.raises(AirflowFailException, match="a function cannot be passed to the triggerer as handler"):
        BitableRecordSensor(task_id="t", table="MyDB:areas", deferrable=True, call_retry=policy).execute({})


def test_notifier_keeps_to_its_nine_seconds_whatever_it_is_given(shop):
    notifier = LarkNotifier(receive_id="x", timeout_seconds=600, call_retry={"max_elapsed_seconds": 600})
    options = notifier._client_options(LarkHook(**notifier._call_settings()))
    assert (options["timeout_seconds"], options["max_elapsed_seconds"]) == (9.0, 6.0)
    assert options["retry"].max_attempts == 3


def test_settings_reach_an_async_client(shop, proxy):
    async def ask():
        hook = LarkHook(proxy=proxy.url(LOGIN))
        async with await hook.async_client() as client:
            return await client.bot.info()

    assert asyncio.run(ask()).name
    assert proxy.passed[-1] == f"GET {BOT}"


def test_proxy_that_does_not_know_the_password_is_told_as_such(shop, proxy):
    with pytest.raises(LarkError) as caught:
        LarkHook(proxy=proxy.url("keeper:canary-wrong"), call_retry={"max_attempts": 1}).call("GET", BOT)
    assert "canary" not in str(caught.value)
