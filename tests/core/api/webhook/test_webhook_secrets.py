"""What follows ``/hook/`` shows nowhere, nor does the signing secret: canaries are looked for in every place."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import pickle
import socket
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_lark.core.api.webhook.client import AsyncWebhookClient, WebhookClient
from airflow_provider_lark.core.errors import LarkError
from tests.core.api.webhook.conftest import CANARY

Make = Callable[..., WebhookClient]
SECRET = "canary-signing-secret"
PAGE = f"<p>GET /open-apis/bot/v2/hook/{CANARY.upper()} is not allowed, {CANARY}"


def _do(**answer: Any) -> Callable[[Any, str], None]:
    return lambda server, _address: server.do(times=20, **answer)


def _redirect(server: Any, address: str) -> None:
    server.do(status=302, body=b"", headers={"Location": f"{address}?next={address.upper()}"})


def _listen_no_more(server: Any, _address: str) -> None:
    server.listen_no_more()


FAILURES = [
    pytest.param(_do(body={"code": 19001, "msg": f"param invalid: {CANARY}"}), id="19001"),
    pytest.param(_do(body={"code": 19021, "msg": f"sign match fail {SECRET}"}), id="19021"),
    pytest.param(_do(body={"code": 9499, "msg": f"Bad Request {CANARY}"}), id="9499"),
    pytest.param(_do(body={"code": 4711, "msg": CANARY}), id="unknown code"),
    pytest.param(
        _do(body={"code": 11246, "msg": f"ErrCode: 200621; ErrPath: ROOT -> {CANARY}; ErrMsg: {CANARY}"}), id="bad card"
    ),
    pytest.param(_do(body={"code": 11232, "msg": CANARY}), id="throttled"),
    pytest.param(_listen_no_more, id="refused connection"),
    pytest.param(_redirect, id="redirect"),
    pytest.param(_do(action="cut"), id="connection reset"),
    pytest.param(_do(body=PAGE.encode()), id="page that repeats the address"),
    pytest.param(_do(body=("x" * 70 + CANARY).encode()), id="page whose beginning ends within the address"),
    pytest.param(_do(body=PAGE.encode(), status=502), id="gateway"),
    pytest.param(_do(body=b"x", headers={"Content-Encoding": "gzip"}), id="bad compression"),
    pytest.param(_do(body={"code": 19001}, headers={"X-Echo": CANARY}), id="header that repeats the address"),
]


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    for name in ("", "httpx", "httpcore", "airflow_provider_lark"):
        caplog.set_level(logging.DEBUG, logger=name or None)
    return caplog


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def told_by(error: BaseException) -> str:
    """What logs and error trackers show: texts, notes, attributes and requests of the chain, locals of its frames."""
    shown = []
    for each in chain(error):
        request = getattr(each, "_request", None)
        shown.append(f"{each!r} {each} {getattr(each, '__notes__', '')} {vars(each)} {request}")
        frames = traceback.StackSummary.extract(traceback.walk_tb(each.__traceback__), capture_locals=True)
        shown += [f"{frame.name}: {frame.locals}" for frame in frames if "/tests/" not in frame.filename]
    return "\n".join(shown)


def check(error: LarkError, log: pytest.LogCaptureFixture, bot: Any) -> None:
    assert "connect_tcp" in log.text
    shown = "\n".join([log.text, told_by(error), repr(bot), str(pickle.loads(pickle.dumps(error)))])
    assert [line for line in shown.splitlines() if "canary" in line.lower()] == []


@pytest.mark.parametrize("script", FAILURES)
def test_failure_shows_no_canary(
    make_bot: Make, server: Any, scripted: str, script: Any, everything_logged: pytest.LogCaptureFixture
) -> None:
    script(server, scripted)
    bot = make_bot(scripted, signing_secret=SECRET)
    with pytest.raises(LarkError) as caught:
        bot.send(text="a")
    check(caught.value, everything_logged, bot)


@pytest.mark.parametrize("script", FAILURES)
def test_failure_of_the_async_client_shows_no_canary(
    server: Any, scripted: str, clock: Any, script: Any, everything_logged: pytest.LogCaptureFixture
) -> None:
    script(server, scripted)

    async def send() -> tuple[LarkError, Any]:
        async with AsyncWebhookClient(
            scripted, signing_secret=SECRET, clock=clock, jitter=lambda: 0.0, timeout_seconds=5.0
        ) as bot:
            with pytest.raises(LarkError) as caught:
                await bot.send(text="a")
            return caught.value, bot

    error, bot = asyncio.run(send())
    check(error, everything_logged, bot)


def test_unknown_host_shows_no_canary(
    make_bot: Make, everything_logged: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def know_no_name(*_args: Any, **_rest: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    # no name server is asked in a test
    monkeypatch.setattr(socket, "getaddrinfo", know_no_name)
    bot = make_bot(f"https://bots.invalid/open-apis/bot/v2/hook/{CANARY}", max_attempts=2)
    with pytest.raises(LarkError, match="cannot resolve the name of the host") as caught:
        bot.send(text="a")
    check(caught.value, everything_logged, bot)


def test_time_out_shows_no_canary(make_bot: Make, emu: Any, everything_logged: pytest.LogCaptureFixture) -> None:
    hook = emu.state.add_webhook()
    emu.faults.add("hook", action="timeout_before")
    bot = make_bot(hook.url, timeout_seconds=0.2)
    with pytest.raises(LarkError, match="may have been delivered") as caught:
        bot.send(text="a")
    assert hook.hook_id not in everything_logged.text + told_by(caught.value)


def test_success_shows_no_canary_and_still_reaches_the_bot(
    make_bot: Make, server: Any, scripted: str, everything_logged: pytest.LogCaptureFixture
) -> None:
    server.do(body={"code": 0, "msg": CANARY}, headers={"X-Echo": CANARY})
    bot = make_bot(scripted, signing_secret=SECRET)
    sent = bot.send(text="a")
    assert server.heard[0].path == f"/open-apis/bot/v2/hook/{CANARY}"
    assert "HTTP Request: POST" in everything_logged.text
    assert "canary" not in everything_logged.text.lower() + repr(sent) + repr(bot)


@pytest.mark.parametrize("trick", [pickle.dumps, copy.deepcopy, json.dumps])
def test_client_cannot_be_written_down(make_bot: Make, scripted: str, trick: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        trick(make_bot(scripted))


def test_proxy_is_told_without_its_password(
    make_bot: Make, everything_logged: pytest.LogCaptureFixture, server: Any
) -> None:
    server.listen_no_more()
    proxy = server.url.replace("http://", "http://user:canary-proxy@")
    bot = make_bot(f"https://bots.example/open-apis/bot/v2/hook/{CANARY}", proxy=proxy, max_attempts=1)
    with pytest.raises(LarkError, match=r"through the proxy 127\.0\.0\.1") as caught:
        bot.send(text="a")
    check(caught.value, everything_logged, bot)


def test_message_through_a_proxy_asks_it_for_the_host_only(make_bot: Make, server: Any) -> None:
    # the scripted server answers CONNECT with 501, as any server that is no proxy
    bot = make_bot(f"https://bots.example/open-apis/bot/v2/hook/{CANARY}", proxy=server.url, max_attempts=1)
    with pytest.raises(LarkError, match="the proxy rejected the connection"):
        bot.send(text="a")
