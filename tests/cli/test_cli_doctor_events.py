"""``airflow lark doctor --events``: what keeps Lark's events and clicks from arriving, and where to look."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager

import pytest
import uvicorn

from tests.clocks import wait_until
from tests.core.receiving.sealing import click, event

KEY = "encrypt key"


@pytest.fixture
def inbox(connect):
    """The inbox, whose tables are made."""
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.hooks.receiving.inbox import open_inbox

    inbox = open_inbox(LarkHook())
    inbox.count()
    return inbox


@pytest.fixture
def told(airflow):
    """Run the doctor, and return its exit status and what it found about events, by subject and check."""

    def run(*more):
        done = airflow("doctor", "--events", "--output", "json", *more)
        found = {(row["What"], row["Check"]): (row["Status"], row["Found"]) for row in done.json}
        return done.status, found

    return run


def put(inbox, emulator, body):
    from airflow_provider_lark.core.receiving.envelope import read_delivery

    body["header"]["app_id"] = emulator.app_id
    inbox.put(read_delivery(body, now_ms=1_608_725_989_000))


def test_base_that_is_not_subscribed_is_said_and_subscribed_by_nobody(told, inbox, emulator):
    app_token = next(iter(emulator.state.bases))
    status, found = told()
    assert (status, found["base MyDB", "subscription"][0]) == (0, "warning")
    assert "events=True" in found["base MyDB", "subscription"][1]
    assert emulator.state.subscriptions.of(app_token) == {}
    emulator.switches.unsubscribed = "always"
    assert told()[1]["base MyDB", "subscription"][0] == "warning"
    emulator.state.subscriptions.add(app_token, emulator.app_id, next(iter(_actors(emulator))))
    assert told()[1]["base MyDB", "subscription"][0] == "ok"


def _actors(emulator):
    """Yield in whose name the app subscribes to a base."""
    from airflow_provider_lark.hooks.lark import LarkHook

    app_token = emulator.state.create_base("Elsewhere").app_token
    with LarkHook().client() as client:
        client.drive.subscribe(app_token=app_token)
    yield from emulator.state.subscriptions.of(app_token)[emulator.app_id]


def test_base_of_a_mapping_is_examined_once(told, inbox, shop):
    found = told("--mapping", shop)[1]
    assert [what for what, check in found if check == "subscription"] == ["base MyDB"]


def test_scope_that_is_missing_is_named(told, inbox, emulator):
    emulator.state.set_app(emulator.app_id, scopes=["bitable:app"])
    status, found = told()
    assert (status, found["base MyDB", "subscription"][0]) == (1, "trouble")
    assert "docs:event:subscribe" in found["base MyDB", "subscription"][1]


SELF_MANAGE = "application:application:self_manage"


def test_console_that_has_nothing_on_says_which_switches_to_set(told, inbox, emulator):
    status, found = told()
    assert (status, found["console", "events"][0], found["console", "callbacks"][0]) == (0, "warning", "warning")
    assert "lacks the event drive.file.bitable_record_changed_v1" in found["console", "events"][1]
    assert "card.action.trigger is off" in found["console", "callbacks"][1]
    emulator.state.set_app(emulator.app_id, released=False)
    emulator.switches.tells_callbacks = False
    found = told()[1]
    assert "no version of the app is released" in found["console", "events"][1]
    assert "a version waits for review" in found["console", "events"][1]
    assert found["console", "callbacks"][0] == "ok"


def test_console_that_may_not_be_read_names_the_scope_and_fails_nothing(told, inbox, emulator):
    others = ["bitable:app", "docs:event:subscribe"]
    emulator.state.set_app(emulator.app_id, scopes=others)
    status, found = told()
    assert (status, found["console", "settings"][0]) == (0, "warning")
    assert SELF_MANAGE in found["console", "settings"][1]
    emulator.state.set_app(emulator.app_id, scopes=[*others, "admin:app.info:readonly"])
    found = told()[1]
    assert ("not read" in found["console", "events"][1], SELF_MANAGE in found["console", "events"][1]) == (True, True)
    assert "card.action.trigger is off" in found["console", "callbacks"][1]


def test_request_url_is_compared_with_receiver_url_and_shown_without_secrets(told, inbox, emulator, monkeypatch):
    asked = "https://user:canary@Airflow.example.com/lark/events/lark_default/?token=canary"
    emulator.state.set_event_url(emulator.app_id, asked, verify=False)
    emulator.state.set_callback_url(emulator.app_id, asked, verify=False)
    found = told()[1]
    shown = "clicks on cards go to https://airflow.example.com/lark/events/lark_default"
    assert found["console", "callbacks"] == ("ok", shown)
    assert found["console", "events"][0] == "ok"
    monkeypatch.setenv("AIRFLOW__LARK__RECEIVER_URL", "https://airflow.example.com/lark/")
    assert told()[1]["console", "callbacks"] == ("ok", f"{shown}, as [lark] receiver_url says")
    monkeypatch.setenv("AIRFLOW__LARK__RECEIVER_URL", "https://other.example.com/lark")
    status, found = told()
    assert (status, found["console", "callbacks"][0]) == (0, "warning")
    assert "https://other.example.com/lark/lark_default" in found["console", "callbacks"][1]
    monkeypatch.setenv("AIRFLOW__LARK__RECEIVER_ENABLED", "True")
    assert "https://other.example.com/lark/lark_default" not in told()[1]["console", "callbacks"][1]
    assert "canary" not in str(found)


def test_way_of_clicks_is_compared_with_who_has_the_long_connection(told, inbox, emulator):
    from airflow_provider_lark.core.process_names import tell_process
    from airflow_provider_lark.hooks.lark import LarkHook
    from airflow_provider_lark.hooks.receiving.long_connection import open_lease

    emulator.state.set_long_connection(emulator.app_id)
    status, detail = told()[1]["console", "callbacks"]
    assert (status, "no receiver here has it" in detail) == ("warning", True)
    lease = open_lease(LarkHook())
    assert lease.acquire() is None
    assert told()[1]["console", "callbacks"] == (
        "ok",
        f"clicks on cards go over the long connection, which {tell_process(lease.owner)} has",
    )
    emulator.state.set_long_connection(emulator.app_id, callbacks=False)
    emulator.state.set_callback_url(emulator.app_id, "https://elsewhere.example.com/x", verify=False)
    status, detail = told()[1]["console", "callbacks"]
    assert (status, "choose the long connection" in detail) == ("warning", True)
    lease.release()
    assert told()[1]["console", "callbacks"][0] == "ok"


@pytest.mark.parametrize("kind", ["", "webhook"])
def test_callbacks_without_an_address_have_no_way(kind):
    from airflow_provider_lark.core.api.wire.results import CallbackSettings
    from airflow_provider_lark.core.sync.doctor.console import Receivers, examine_callbacks

    status, detail = examine_callbacks(CallbackSettings(kind, "", ("card.action.trigger",)), Receivers())
    assert (status, "no way for it is set" in detail) == ("warning", True)


def test_settings_are_the_callers_own_and_versions_are_told_apart(emulator, shop):
    from airflow_provider_lark.core.errors import NotFound
    from airflow_provider_lark.hooks.lark import LarkHook

    other = emulator.state.add_app("cli_other", "secret")
    with LarkHook().client() as client:
        for version_id, code in (("oav_unknown", 211002), (other.version_id, 211003)):
            with pytest.raises(NotFound) as caught:
                client.application.get_version(version_id=version_id)
            assert caught.value.code == code
        path = "/open-apis/application/v6/applications/cli_other"
        with pytest.raises(PermissionError, match="may only look at its own settings"):
            client.call("GET", path, query={"lang": "en_us"})
        with pytest.raises(ValueError, match="lang"):
            client.call("GET", path)


@pytest.mark.parametrize(
    ("extra", "status", "word"),
    [
        pytest.param({}, "ok", "Encrypt Key is set", id="both"),
        pytest.param({"event_encrypt_key_secret": None}, "warning", "event_encrypt_key_secret", id="token only"),
        pytest.param(
            {"event_encrypt_key_secret": None, "event_verification_token": None}, "trouble", "neither", id="none"
        ),
    ],
)
def test_keys_are_examined(told, inbox, connect, extra, status, word):
    connect(**extra)
    left, found = told()
    assert (found["events", "keys"][0], word in found["events", "keys"][1], left) == (status, True, status == "trouble")


def test_silence_names_the_switches_of_the_console(told, inbox):
    """Input 7.11: people hunted for months for what was a switch."""
    found = told()[1]
    assert found["events", "inbox"] == ("ok", "empty")
    status, detail = found["events", "arrivals"]
    assert (status, "Event configuration" in detail, "publish a version" in detail) == ("warning", True, True)
    status, detail = found["events", "clicks"]
    assert (status, "Callback configuration, which is separate from events" in detail) == ("ok", True)
    assert "200340" in detail


def test_what_has_arrived_proves_the_switches(told, inbox, emulator):
    put(inbox, emulator, event())
    put(inbox, emulator, click({"a": 1}))
    found = told()[1]
    assert found["events", "inbox"] == ("ok", "2 pending")
    assert found["events", "arrivals"][1].startswith("the last event arrived ")
    assert found["events", "clicks"][1].startswith("the last click arrived ")


def test_what_failed_is_a_warning(told, inbox, emulator):
    put(inbox, emulator, event())
    (entry,) = inbox.claim(limit=1, token="me", lease_seconds=60)
    inbox.give_up(entry.id, token="me", error="x")
    assert told()[1]["events", "inbox"] == ("warning", "1 failed; see `airflow lark inbox failed`")


def test_event_that_nobody_handles_is_a_warning(inbox, emulator):
    from airflow_provider_lark.core.clock import SystemClock
    from airflow_provider_lark.core.inbox.survey import Group
    from airflow_provider_lark.core.sync.doctor.events import examine_inbox

    clock = SystemClock()
    at_ms = int((clock.now() - 3 * 86_400) * 1000)
    told = examine_inbox([Group("pending", "event", "im.message.receive_v1", 7, at_ms, at_ms)], clock)
    assert told == ("warning", "7 pending, the oldest for 3 days: nothing handles im.message.receive_v1")


def test_store_that_is_missing_or_down_is_trouble_without_its_password(told, connect, monkeypatch):
    down = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "u", "password": "canary-password"}
    monkeypatch.setenv("AIRFLOW_CONN_STORE", json.dumps(down))
    status, found = told()
    assert (status, "check that it is running" in found["events", "inbox"][1]) == (1, True)
    assert "canary" not in str(found)
    connect(store_conn_id=None)
    status, found = told()
    assert (status, "has no token store" in found["events", "inbox"][1]) == (1, True)


def test_rabbitmq_is_examined(told, inbox, connect, queue, monkeypatch):
    connect(rabbitmq_conn_id="broker")
    assert told()[1]["RabbitMQ broker", "queues"] == ("ok", "0 messages waiting")
    monkeypatch.setenv("AIRFLOW_CONN_BROKER", "amqp://u:canary@127.0.0.1:1")
    status, found = told()
    assert (status, found["RabbitMQ broker", "queues"][0]) == (1, "trouble")
    assert "canary" not in str(found)


@contextmanager
def receiver():
    """Serve the connection as it is now."""
    from airflow_provider_lark.core.doors.web_app import Receiver, make_app
    from airflow_provider_lark.hooks.receiving.background import stop_all
    from airflow_provider_lark.hooks.receiving.inbox import open_served

    receiver = Receiver({"lark_default": open_served("lark_default")})
    server = uvicorn.Server(uvicorn.Config(make_app(receiver), log_level="warning", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as sock:
        thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
        thread.start()
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}/lark_default"
        server.should_exit = True
        thread.join(timeout=60)
    stop_all()


@pytest.mark.parametrize("key", [KEY, None], ids=["encrypted", "plain"])
def test_receiver_with_the_same_keys_answers_and_stores_nothing(airflow, inbox, connect, key):
    connect(event_encrypt_key_secret=key)
    with receiver() as url:
        done = airflow("doctor", "--receiver-url", url, "--output", "json")
    (found,) = [row for row in done.json if row["Check"] == "receiver"]
    # on a slow machine it says that Lark would not have waited
    assert "answered the address check in" in found["Found"]
    assert "with the keys of the connection" in found["Found"]
    assert inbox.count().pending == 0


def test_receiver_with_other_keys_or_none_at_all_is_trouble(told, inbox, connect):
    """Input 7.03: the Encrypt Key was changed on one side only."""
    with receiver() as url:
        connect(event_encrypt_key_secret="another key")
        status, found = told("--receiver-url", url)
        assert (status, found["events", "receiver"][0]) == (1, "trouble")
        assert "other keys than the connection" in found["events", "receiver"][1]
        assert "another key" not in str(found)
        other = url.replace("lark_default", "nobody")
        assert "HTTP 404" in told("--receiver-url", other)[1]["events", "receiver"][1]
    for nothing in (url, "http://", "no address", "https://127.0.0.1:1/x"):
        status, found = told("--receiver-url", nothing)
        assert (status, "gave no answer" in found["events", "receiver"][1]) == (1, True), nothing


def test_without_events_nothing_of_it_is_examined(airflow, inbox):
    done = airflow("doctor", "--output", "json")
    assert [row for row in done.json if row["What"] == "events" or row["Check"] == "subscription"] == []
