"""Connections of type lark_webhook and their hook, against the emulator over HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import traceback
import warnings
from pathlib import Path

import pytest
from airflow.sdk import Connection

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import CardInvalid, ConfigError, NotFound
from airflow_provider_lark.hooks.connections.webhook import FIELDS, WebhookSettings
from airflow_provider_lark.hooks.webhook import LarkWebhookHook
from airflow_provider_lark.provider_info import get_provider_info

ID = "canary-1c2d-4e5f-8a9b-0123456789ab"
FEISHU = f"https://open.feishu.cn/open-apis/bot/v2/hook/{ID}"
SECRET = "bot-signature-canary"
FORM = get_provider_info()["connection-types"][1]


def connection(password=FEISHU, **parts):
    parts = {"conn_type": "lark_webhook", "password": password} | parts
    if isinstance(extra := parts.get("extra"), dict):
        parts["extra"] = json.dumps(extra)
    return Connection(conn_id="alarms", **parts)


def read(password=FEISHU, **parts):
    return WebhookSettings.from_connection(connection(password, **parts))


@pytest.fixture
def connect(emulator, monkeypatch):
    """Make a bot and a connection to it, and return the hook and the bot."""

    def connect_(*, address=None, extra=(), **bot):
        hook = emulator.state.add_webhook(**bot)
        parts = {"conn_type": "lark_webhook", "password": address or hook.url}
        parts["extra"] = {"avoid_peak_seconds": 0, **dict(extra)}
        monkeypatch.setenv("AIRFLOW_CONN_ALARMS", json.dumps(parts))
        return LarkWebhookHook("alarms"), hook

    return connect_


@pytest.mark.parametrize(
    ("password", "host"),
    [
        pytest.param(FEISHU, "https://open.feishu.cn", id="whole address"),
        pytest.param(f" {FEISHU}\n", "https://open.feishu.cn", id="with a line break"),
        pytest.param(FEISHU.replace("feishu.cn", "larksuite.com"), "https://open.larksuite.com", id="Lark"),
    ],
)
def test_address_is_read_and_its_host_kept(password, host):
    settings = read(password)
    assert settings.address == Secret(f"{host}/open-apis/bot/v2/hook/{ID}")
    assert settings.host == host


def test_settings_are_read_from_the_extra():
    extra = {"signing_secret": f"{SECRET}\n", "keyword": "告警", "avoid_peak_seconds": 0, "timeout_seconds": "9"}
    settings = read(extra=extra | {"proxy": "http://p:3128"})
    assert settings.signing_secret == Secret(SECRET)
    assert (settings.keyword, settings.avoid_peak_seconds, settings.timeout_seconds) == ("告警", 0.0, 9.0)
    assert settings.proxy == Secret("http://p:3128")
    assert read().avoid_peak_seconds == 15.0


def test_settings_are_the_same_after_a_trip_through_an_uri():
    first = connection(extra={"keyword": "告警", "signing_secret": SECRET})
    again = Connection.from_uri(first.get_uri(), conn_id="alarms")
    assert WebhookSettings.from_connection(again) == WebhookSettings.from_connection(first)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        pytest.param({"conn_type": "lark"}, "has type 'lark'; expected type 'lark_webhook'", id="type"),
        pytest.param({"password": None}, "the webhook address is empty: copy the whole address", id="nothing"),
        pytest.param({"password": "***"}, "only the mask (***) that Airflow displays", id="masked"),
        pytest.param({"password": ID}, "is incomplete", id="id alone"),
        pytest.param({"password": FEISHU.replace("https", "http")}, "begins with http://", id="http"),
        pytest.param({"password": FEISHU.replace("/v2", "")}, "legacy form /bot/hook/", id="old path"),
        pytest.param(
            {"password": "https://open.feishu.cn"}, "does not contain /open-apis/bot/v2/hook/", id="without path"
        ),
        pytest.param({"password": None, "host": FEISHU}, "is in the host field, which Airflow shows", id="in the host"),
        pytest.param({"extra": {"signing_secret": "***"}}, "signing_secret is ***", id="masked secret"),
        pytest.param({"extra": {"signing_secret": [SECRET]}}, "signing_secret must be text", id="secret no text"),
        pytest.param({"extra": {"avoid_peak_seconds": 301}}, "avoid_peak_seconds must be a number from 0", id="peak"),
        pytest.param({"extra": {"avoid_peak_seconds": True}}, "avoid_peak_seconds must be", id="peak true"),
        pytest.param({"extra": {"timeout_seconds": 0}}, "timeout_seconds must be greater than 0", id="timeout"),
        pytest.param({"extra": {"ca_bundle": "/no/such.pem"}}, "ca_bundle", id="ca bundle"),
        pytest.param({"extra": f"{{{SECRET}"}, "extra is not a valid JSON object", id="extra broken"),
    ],
)
def test_impossible_connection_is_named_and_keeps_its_secrets(parts, words):
    with pytest.raises(ConfigError) as caught:
        read(**parts)
    message = str(caught.value)
    assert message.startswith("connection 'alarms': ")
    assert words in message
    stack = traceback.StackSummary.extract(traceback.walk_tb(caught.value.__traceback__), capture_locals=True)
    locals_ = "".join(f"{frame.locals}" for frame in stack if "/tests/" not in frame.filename)
    assert "canary" not in message + locals_ + "".join(traceback.format_exception(caught.value))


def test_unknown_field_is_warned_of():
    assert read(extra={"keywords": "x", "region": "lark", "app_name": "y"}).warnings == (
        "unknown extra field 'keywords'; did you mean 'keyword'?",
        "2 unknown extra fields",
    )


def test_settings_show_no_secret_and_become_no_xcom():
    from airflow.sdk.serde import serialize

    proxy = "http://user:canary%2Dproxy@p:3128"
    settings = read(extra={"signing_secret": SECRET, "proxy": proxy})
    assert settings.secrets == (FEISHU, ID, SECRET, "canary%2Dproxy", "canary-proxy")
    assert "canary" not in repr(settings)
    with pytest.raises(TypeError, match="secret"):
        serialize(settings)


def test_hook_writes_into_the_group(connect, emulator):
    hook, bot = connect()
    assert hook.send(text="42 orders").msg_type == "text"
    assert [(each.chat_id, each.text) for each in emulator.messages] == [(bot.chat_id, "42 orders")]


def test_hook_signs_and_puts_in_the_keyword(connect, emulator):
    hook, _ = connect(secret="demo", keywords=["告警"], extra={"signing_secret": "demo\n", "keyword": "告警"})
    hook.send(markdown="42", title="Loaded")
    assert sorted(emulator.messages[0].text.split("\n")) == ["42", "告警 Loaded"]


def test_async_client_of_the_hook_does_the_same(connect, emulator):
    hook, _ = connect()

    async def send():
        client = await hook.async_client()
        async with client:
            return await client.send(text="42 orders")

    assert asyncio.run(send()).msg_type == "text"
    assert [each.text for each in emulator.messages] == ["42 orders"]


def test_airflow_makes_the_hook_from_the_connection(connect):
    connect()
    assert isinstance(Connection.get("alarms").get_hook(), LarkWebhookHook)


def test_hook_checks_cards_before_they_are_sent(connect, emulator):
    hook, _ = connect()
    with pytest.raises(CardInvalid, match=r"body\.elements\[0\]"):
        hook.send(card={"schema": "2.0", "body": {"elements": [{"tag": "note"}]}})
    assert emulator.log == []


def test_error_names_the_connection(connect, emulator):
    hook, bot = connect()
    emulator.state.remove_webhook(bot.hook_id)
    with pytest.raises(NotFound) as caught:
        hook.send(text="a")
    assert str(caught.value).startswith(f"connection 'alarms', webhook bot at {emulator.url}: Lark does not know a bot")


def test_secrets_are_masked_in_logs(connect):
    from airflow.sdk.log import redact

    hook, bot = connect(secret=SECRET, extra={"signing_secret": SECRET})
    assert SECRET in hook.settings.secrets
    told = f"see {bot.url} or {bot.hook_id}, signed by {SECRET}"
    assert redact(told) == "see *** or ***, signed by ***"


def test_pickled_hook_leaves_its_secrets_behind(connect, monkeypatch):
    hook, bot = connect()
    assert hook.settings.host
    written = pickle.dumps(hook)
    assert bot.hook_id.encode() not in written
    assert bot.hook_id not in repr(hook) + str(vars(hook))
    monkeypatch.delenv("AIRFLOW_CONN_ALARMS")
    with pytest.raises(ConfigError, match="does not exist"):
        _ = pickle.loads(written).settings


def test_test_button_sends_nothing_and_says_what_it_cannot_know(connect, emulator):
    hook, _ = connect()
    works, told = hook.test_connection()
    assert works is True
    assert told.startswith(f"Lark at {emulator.url} recognised this bot. No message was sent to the group.")
    assert told.endswith("The keyword can only be checked by sending a message.")
    hook, _ = connect(secret="demo", extra={"signing_secret": "demo", "keyword": "k"})
    works, told = hook.test_connection()
    assert (works, "The keyword and the signing secret can only be checked by sending a message" in told) == (
        True,
        True,
    )
    assert emulator.messages == []


def test_test_button_sends_nothing_where_lark_misses_the_message_first(connect, emulator):
    emulator.switches.update({"hook_signs_first": False})
    hook, _ = connect(secret="demo")
    assert hook.test_connection()[0] is True
    assert emulator.messages == []


@pytest.mark.parametrize(
    ("bot", "extra", "words"),
    [
        pytest.param(
            {"secret": "demo"}, {}, "The bot requires signed messages, but no signing secret is set", id="unsigned"
        ),
        pytest.param({"secret": "demo"}, {"signing_secret": "x"}, "Lark rejected the signature", id="wrong secret"),
        pytest.param({"ips": ["10.0.0.*"]}, {}, "this machine's IP address is not on the bot's allow-list", id="ip"),
    ],
)
def test_test_button_says_what_is_wrong(connect, emulator, bot, extra, words):
    hook, made = connect(**bot, extra=extra)
    works, told = hook.test_connection()
    assert works is False
    assert words.lower() in told.lower()
    assert made.hook_id not in told
    assert emulator.messages == []


def test_test_button_says_that_the_bot_is_gone_or_off(connect, emulator):
    hook, bot = connect()
    emulator.state.set_webhook(bot.hook_id, enabled=False)
    assert "the bot is disabled" in hook.test_connection()[1]
    emulator.state.remove_webhook(bot.hook_id)
    works, told = hook.test_connection()
    assert (works, "Lark does not know a bot with this webhook address" in told) == (False, True)


def test_test_button_says_that_the_address_is_none_without_showing_it(connect, caplog):
    hook, bot = connect(address="https://open.feishu.cn/open-apis/bot/hook/canary")
    with caplog.at_level(logging.DEBUG):
        works, told = hook.test_connection()
    assert (works, told.startswith("The webhook address has the legacy form")) == (False, True)
    assert "canary" not in told + caplog.text
    assert bot.hook_id not in told


def test_test_button_says_that_nobody_is_there(connect, emulator, caplog):
    hook, bot = connect()
    emulator.stop()
    with caplog.at_level(logging.DEBUG):
        works, told = hook.test_connection()
    assert (works, "the host refused the connection" in told) == (False, True)
    assert bot.hook_id not in told + caplog.text


def test_form_has_our_labels_and_fields_and_makes_no_warning():
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        form = {hook.connection_type: hook for hook in HookMetaService.hook_meta_data()}["lark_webhook"]
    standard = form.standard_fields
    assert (form.hook_name, standard.password.title) == (LarkWebhookHook.hook_name, "Webhook address")
    assert all(each.hidden for each in (standard.host, standard.login, standard.port, standard.url_schema))
    assert tuple(form.extra_fields) == FIELDS == tuple(FORM["conn-fields"])
    assert all(field["schema"]["title"] and field["description"] for field in form.extra_fields.values())
    assert [str(warning.message) for warning in told if "lark" in str(warning.message).lower()] == []


def test_form_masks_the_secret_fields_only():
    from airflow.sdk._shared.secrets_masker import should_hide_value_for_key

    assert {name for name in FIELDS if should_hide_value_for_key(name)} == {"signing_secret", "proxy"}
    assert FORM["hook-class-name"].endswith(".LarkWebhookHook")
    assert (LarkWebhookHook.conn_type, LarkWebhookHook.hook_name) == (FORM["connection-type"], FORM["hook-name"])


def test_docs_describe_every_field_of_the_form():
    text = (Path(__file__).parents[2] / "docs" / "connections.md").read_text(encoding="utf-8")
    section = text.partition("## The webhook connection")[2].partition("\n## ")[0]
    assert [name for name in FIELDS if f"`{name}`" not in section] == []
    assert "| Webhook address |" in section
