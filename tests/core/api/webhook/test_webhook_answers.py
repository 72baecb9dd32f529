"""What comes of each answer: sent, sent again, not sent again, and in which words."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from airflow_provider_lark.core.api.webhook.client import AsyncWebhookClient, WebhookClient
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    ConfigError,
    LarkError,
    NotAuthorized,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TooLarge,
    UnexpectedAnswer,
    Unreachable,
)
from airflow_provider_lark.emulator import Emulator

Make = Callable[..., WebhookClient]
DONE = {"code": 0, "msg": "success", "data": {}}


def failure(bot: WebhookClient, kind: type[LarkError] = LarkError, **given: Any) -> LarkError:
    with pytest.raises(kind) as caught:
        bot.send(**(given or {"text": "42 orders"}))
    assert type(caught.value) is kind or kind is LarkError
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(DONE, id="code"),
        pytest.param({"StatusCode": 0, "StatusMessage": "success"}, id="StatusCode"),
        pytest.param({**DONE, "StatusCode": 0, "StatusMessage": "success"}, id="both"),
    ],
)
def test_success_is_a_code_or_a_status_code_of_zero(make_bot: Make, server: Any, scripted: str, body: Any) -> None:
    server.do(body=body)
    assert make_bot(scripted).send(text="a").attempts == 1


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"StatusCode": 19024, "StatusMessage": "x"}, BadRequest, "keyword", id="StatusCode alone"),
        pytest.param({"code": 0, "StatusCode": 19001}, NotFound, "does not know a bot", id="StatusCode says otherwise"),
        pytest.param({"StatusCode": 0, "code": 19007}, NotFound, "the bot is disabled", id="code says otherwise"),
        pytest.param({"code": 4711, "msg": "canary"}, BadRequest, "code 4711", id="unknown code"),
        pytest.param({"code": 19036}, TooLarge, "too long", id="too long"),
        pytest.param({"code": 99991201, "msg": "x"}, UnexpectedAnswer, "does not know this API", id="no such API"),
        pytest.param({}, UnexpectedAnswer, "JSON but does not come from Lark", id="empty object"),
        pytest.param({"code": "0"}, UnexpectedAnswer, "JSON but does not come from Lark", id="code no number"),
        pytest.param(
            {"code": False}, UnexpectedAnswer, "JSON but does not come from Lark", id="code no number but false"
        ),
        pytest.param([DONE], UnexpectedAnswer, "JSON but does not come from Lark", id="list"),
        pytest.param(b"null", UnexpectedAnswer, "JSON but does not come from Lark", id="null"),
    ],
)
def test_answer_with_http_200_that_is_no_success_fails(
    make_bot: Make, server: Any, scripted: str, body: Any, kind: type[LarkError], words: str
) -> None:
    server.do(body=body)
    message = str(failure(make_bot(scripted), kind))
    assert words in message
    assert "canary" not in message
    assert len(server.heard) == 1


def test_proxys_page_is_no_success_and_its_beginning_is_shown(make_bot: Make, server: Any, scripted: str) -> None:
    server.do(body=b"<html>\n<title>Corporate\x00proxy</title>" + b"x" * 10_000, headers={"Content-Type": "text/html"})
    message = str(failure(make_bot(scripted), UnexpectedAnswer))
    assert "is not JSON; check the host, and whether a proxy is in between" in message
    assert "'<html> <title>Corporate?proxy</title>xxx" in message
    assert len(message) < 400


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param({"body": b""}, "the response is empty", id="empty body"),
        pytest.param({"body": b'{"code":0,"msg"'}, "the response is incomplete", id="half an answer"),
        pytest.param({"body": b"<html>", "status": 502}, "HTTP 502", id="gateway"),
        pytest.param({"body": {"code": 2200, "msg": "x"}, "status": 500}, "internal error", id="Lark breaks down"),
        pytest.param({"action": "cut"}, "no response (", id="connection reset"),
    ],
)
def test_message_that_may_have_been_delivered_is_not_sent_again(
    make_bot: Make, server: Any, scripted: str, answer: dict[str, Any], words: str
) -> None:
    server.do(**answer)
    error = failure(make_bot(scripted))
    assert isinstance(error, OutcomeUnknown)
    assert words in str(error)
    assert "may have been delivered" in str(error)
    assert len(server.heard) == 1


def test_message_that_is_answered_too_late_stands_once(make_bot: Make, emu: Emulator) -> None:
    hook = emu.state.add_webhook()
    emu.faults.add("hook", action="timeout_after")
    error = failure(make_bot(hook.url, timeout_seconds=0.2), OutcomeUnknown)
    assert "no response (ReadTimeout); the message may have been delivered" in str(error)
    assert len(emu.messages) == 1
    assert len(emu.log) == 1


def test_async_message_that_is_answered_too_late_stands_once(emu: Emulator, clock: Any) -> None:
    hook = emu.state.add_webhook()
    emu.faults.add("hook", action="timeout_after")

    async def send() -> None:
        async with AsyncWebhookClient(hook.url, timeout_seconds=0.2, clock=clock) as bot:
            await bot.send(text="a")

    with pytest.raises(OutcomeUnknown, match="may have been delivered"):
        asyncio.run(send())
    assert len(emu.messages) == 1


def test_refused_connection_is_tried_again_until_it_is_taken(make_bot: Make, clock: Any) -> None:
    emu = Emulator()
    with emu:
        hook = emu.state.add_webhook()
    port = int(hook.url.split(":")[2].partition("/")[0])

    class Door:
        """Opens the emulator when the client waits for the third time."""

        def __getattr__(self, name: str) -> Any:
            return getattr(clock, name)

        def sleep(self, seconds: float) -> None:
            clock.sleep(seconds)
            if len(clock.waits) == 3:
                emu._address = ("127.0.0.1", port)
                emu.start()

    try:
        sent = make_bot(hook.url, clock=Door(), avoid_peak_seconds=0).send(text="a")
    finally:
        emu.stop()
    assert sent.attempts > 1
    assert [each.text for each in emu.messages] == ["a"]


def test_refused_connection_is_given_up_at_last(make_bot: Make, server: Any, scripted: str) -> None:
    server.listen_no_more()
    error = failure(make_bot(scripted, max_attempts=3), Unreachable)
    assert "the host refused the connection" in str(error)
    assert error.__notes__ == ["gave up after attempt 3: no attempts left (3 made)"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"body": {"code": 11232, "msg": "frequency limited psm[x]appID[1500]"}}, id="11232"),
        pytest.param({"body": {"code": 9499, "msg": "too many request"}, "status": 400}, id="9499 as a limit"),
        pytest.param({"body": {"code": 99991400, "msg": "x"}, "status": 429}, id="gateway's limit"),
        pytest.param({"body": b"slow down", "status": 429}, id="429"),
    ],
)
def test_throttled_message_is_sent_again(make_bot: Make, server: Any, scripted: str, answer: dict[str, Any]) -> None:
    server.do(**answer, times=2)
    server.do(body=DONE)
    assert make_bot(scripted).send(text="a").attempts == 3


def test_message_that_stays_throttled_fails_with_the_reason(make_bot: Make, server: Any, scripted: str) -> None:
    server.do(body={"code": 11232, "msg": "frequency limited"}, times=20)
    error = failure(make_bot(scripted), RateLimited)
    assert "webhook bot at http://127.0.0.1" in str(error)
    assert "Lark throttles the bot; at most 5 messages a second and 100 a minute are allowed" in str(error)
    assert "fewer at peak times after full and half hours" in str(error)
    assert len(server.heard) == 6


def test_limit_says_how_long_to_wait(make_bot: Make, server: Any, scripted: str, clock: Any) -> None:
    server.do(body={"code": 99991400}, status=429, headers={"x-ogw-ratelimit-reset": "7"})
    server.do(body=DONE)
    make_bot(scripted).send(text="a")
    assert sum(clock.waits) >= 7


def test_address_of_a_bot_that_is_gone_is_explained(make_bot: Make, emu: Emulator) -> None:
    hook = emu.state.add_webhook()
    emu.state.remove_webhook(hook.hook_id)
    error = failure(make_bot(hook.url), NotFound)
    assert "Lark does not know a bot with this webhook address" in str(error)
    assert "copy the address again from the group's settings, Bots" in str(error)
    # which is what the address of the other region looks like
    assert "https://open.larksuite.com" in str(error)
    assert error.code == 19001


def test_switched_off_bot_is_explained(make_bot: Make, emu: Emulator) -> None:
    hook = emu.state.add_webhook()
    emu.state.set_webhook(hook.hook_id, enabled=False)
    assert "the bot is disabled; enable it" in str(failure(make_bot(hook.url), NotFound))


def test_ip_address_that_is_not_on_the_list_is_explained(make_bot: Make, emu: Emulator) -> None:
    hook = emu.state.add_webhook(ips=["10.0.0.*"])
    error = failure(make_bot(hook.url), AccessDenied)
    assert "this machine's IP address is not on the bot's allow-list; add this machine's public IP address" in str(
        error
    )
    assert error.code == 19022


def test_missing_keyword_is_explained_with_the_setting(make_bot: Make, emu: Emulator) -> None:
    hook = emu.state.add_webhook(keywords=["告警"])
    error = failure(make_bot(hook.url), BadRequest)
    assert "contains none of the bot's keywords; set the keyword" in str(error)
    assert "as keyword in the connection" in str(error)


def test_message_that_lark_cannot_read_is_explained(make_bot: Make, emu: Emulator) -> None:
    hook = emu.state.add_webhook()
    for status in (400, 200):
        emu.switches.update({"hook_bad_request_status": status})
        error = failure(make_bot(hook.url), BadRequest, image_key="not a key")
        assert "Lark cannot parse the message; check its format" in str(error)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param(None, "the bot requires signed messages, but no signing secret is set; copy it", id="none"),
        pytest.param("other", "Lark rejected the signature; compare the signing secret", id="wrong"),
    ],
)
def test_wrong_signature_is_explained(make_bot: Make, emu: Emulator, given: str | None, words: str) -> None:
    hook = emu.state.add_webhook(secret="demo")
    error = failure(make_bot(hook.url, signing_secret=given), NotAuthorized)
    assert words in str(error)
    assert error.code == 19021


def test_clock_that_is_wrong_is_told_from_a_wrong_secret(make_bot: Make, emu: Emulator, clock: Any) -> None:
    hook = emu.state.add_webhook(secret="demo")
    clock.seconds -= 2 * 3600
    error = failure(make_bot(hook.url, signing_secret="demo"), NotAuthorized)
    assert "this machine's clock is 7200 s behind Lark's; correct the clock" in str(error)


def test_clock_that_is_wrong_is_told_in_the_other_direction_too(
    make_bot: Make, server: Any, scripted: str, clock: Any
) -> None:
    date = formatdate(clock.now() - 4000, usegmt=True)
    server.do(body={"code": 19021, "msg": "x"}, headers={"Date": date})
    assert "4000 s ahead of Lark's" in str(failure(make_bot(scripted, signing_secret="demo"), NotAuthorized))


def test_redirect_is_not_followed(make_bot: Make, server: Any, scripted: str) -> None:
    server.do(body=b"", status=302, headers={"Location": f"{server.url}/elsewhere"})
    assert "(HTTP 302) is a redirect; redirects are not followed" in str(failure(make_bot(scripted), UnexpectedAnswer))
    assert len(server.heard) == 1


def sign_of(timestamp: str, secret: str) -> str:
    """Sign as the documents say: the key is time and secret, and nothing is what is signed."""
    return base64.b64encode(hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()


@pytest.mark.parametrize("secret", ["demo", "demo\n"])
def test_body_carries_what_was_signed(make_bot: Make, server: Any, scripted: str, clock: Any, secret: str) -> None:
    server.do(body=DONE, times=5)
    bot = make_bot(scripted, signing_secret=secret, avoid_peak_seconds=0)
    post = {"zh_cn": {"content": [[{"tag": "text", "text": "a"}]]}}
    kinds: list[dict[str, Any]] = [{"text": "a"}, {"post": post}, {"image_key": "img_1"}, {"share_chat": "oc_1"}]
    for given in [*kinds, {"card": {"elements": []}}]:
        clock.seconds = 1_599_360_473.0
        bot.send(**given)
    assert [heard.json["msg_type"] for heard in server.heard] == ["text", "post", "image", "share_chat", "interactive"]
    first = server.heard[0].json
    assert first["sign"] == "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="
    for said in (heard.json for heard in server.heard):
        assert list(said)[:2] == ["timestamp", "sign"]
        assert said["sign"] == sign_of(said["timestamp"], "demo")
    assert json.loads(server.heard[0].body) == first


def test_message_that_waited_is_signed_when_it_goes(make_bot: Make, server: Any, scripted: str, clock: Any) -> None:
    server.do(body={"code": 11232}, times=3)
    server.do(body=DONE)
    make_bot(scripted, signing_secret="demo").send(text="a")
    stamps = [int(heard.json["timestamp"]) for heard in server.heard]
    assert stamps == sorted(stamps)
    assert stamps[-1] == int(clock.now())
    assert stamps[-1] > stamps[0]


def test_message_that_waited_for_its_turn_is_signed_when_it_goes(
    make_bot: Make, server: Any, scripted: str, clock: Any
) -> None:
    server.do(body=DONE, times=6)
    bot = make_bot(scripted, signing_secret="demo", avoid_peak_seconds=0)
    went = []
    for _ in range(6):
        bot.send(text="a")
        went.append(int(clock.now()))
    assert [int(heard.json["timestamp"]) for heard in server.heard] == went
    # a quarter of a second between two: the last waited into the next second
    assert went[-1] > went[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"avoid_peak_seconds": 301}, "avoid_peak_seconds", id="peak too long"),
        pytest.param({"avoid_peak_seconds": -1}, "avoid_peak_seconds", id="peak negative"),
        pytest.param({"avoid_peak_seconds": float("nan")}, "avoid_peak_seconds", id="peak no number"),
        pytest.param({"proxy": "://canary"}, "proxy", id="proxy"),
    ],
)
def test_impossible_setting_is_named(make_bot: Make, scripted: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        make_bot(scripted, **options)
    assert "canary" not in str(caught.value)


def test_probe_asks_about_the_bot_without_a_message(make_bot: Make, emu: Emulator) -> None:
    hook = emu.state.add_webhook(secret="demo")
    assert make_bot(hook.url, signing_secret="demo").probe().code == 19002
    assert make_bot(hook.url, signing_secret="wrong").probe().code == 19021
    emu.state.remove_webhook(hook.hook_id)
    assert make_bot(hook.url).probe().code == 19001
    assert emu.messages == []


def test_probe_of_what_is_no_lark_raises(make_bot: Make, server: Any, scripted: str) -> None:
    server.do(body=b"<html>")
    with pytest.raises(UnexpectedAnswer):
        make_bot(scripted).probe()
    server.do(body=DONE)
    with pytest.raises(BadRequest, match="accepted a request without a message"):
        make_bot(scripted).probe()


def test_client_tells_its_name_in_errors(make_bot: Make, server: Any, scripted: str) -> None:
    server.do(body={"code": 19001})
    bot = make_bot(scripted, name="connection 'alarms'")
    assert str(failure(bot, NotFound)).startswith("connection 'alarms': Lark does not know a bot")
    assert repr(bot) == "WebhookClient(\"connection 'alarms'\")"


def test_long_wait_is_logged(
    make_bot: Make, server: Any, scripted: str, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server.do(body=DONE)
    clock.seconds -= clock.seconds % 1800
    with caplog.at_level(logging.INFO, logger="airflow_provider_lark"):
        make_bot(scripted).send(text="a")
    assert "waiting 15 s to avoid the peak after the full or half hour" in caplog.text
