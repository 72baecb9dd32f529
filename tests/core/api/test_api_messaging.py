"""Texts to people and chats, through both clients."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_lark.core.api import AsyncLarkClient, LarkClient
from airflow_provider_lark.core.api.services.messaging import infer_receiver_id_type
from airflow_provider_lark.core.api.services.messaging.wire import SentMessage
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    LarkError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ServerBusy,
    TooLarge,
)
from airflow_provider_lark.emulator import Emulator

SENT = {"message_id": "om_1", "chat_id": "oc_1", "create_time": "1700000000000"}


@pytest.mark.parametrize(
    ("receiver_id", "kind"),
    [
        pytest.param("ou_7d8a6e6df7621556ce0d21922b676706", "open_id", id="open_id"),
        pytest.param("on_8ed6aa67826108097d9ee143816345", "union_id", id="union_id"),
        pytest.param("oc_a0553eda9014c201e6969b478895c230", "chat_id", id="chat_id"),
        pytest.param("wang@example.com", "email", id="email"),
        pytest.param("oc", "chat_name", id="name, not an id"),
        pytest.param(" data-alerts ", "chat_name", id="name with blanks around"),
        pytest.param("数据告警", "chat_name", id="Chinese name"),
        pytest.param("Wang Wu", "chat_name", id="name of two words"),
        pytest.param("records", "chat_name", id="name that begins like an id"),
    ],
)
def test_receiver_is_told_by_its_look(receiver_id: str, kind: str) -> None:
    assert infer_receiver_id_type(receiver_id) == kind


@pytest.mark.parametrize(
    "receiver_id",
    ["", "  ", "+8613800000000", "om_dc13264520392913", "cli_a1b2c3d4", "bascnCMII2ORej2", "od-5b91c9affb66"],
)
def test_receiver_that_cannot_be_told_is_an_error_that_says_so(
    client: LarkClient, server: Any, receiver_id: str
) -> None:
    with pytest.raises(BadRequest, match="receiver_id_type='user_id'"):
        client.messaging.send_text(receiver_id=receiver_id, content="hello")
    assert server.heard == []


def test_send_text_reaches_the_person(emu: Emulator, lark: LarkClient) -> None:
    user = emu.state.add_user("Wang", email="wang@example.com")
    sent = lark.messaging.send_text(receiver_id="wang@example.com", content='你好 "Wang"\n<b>!</b>')
    assert isinstance(sent, SentMessage)
    assert sent.message_id.startswith("om_")
    assert sent.chat_id.startswith("oc_")
    assert sent.created_ms is not None
    again = lark.messaging.send_text(receiver_id=user.open_id, content="again")
    assert (again.chat_id == sent.chat_id, again.message_id == sent.message_id) == (True, False)
    assert lark.calls.by_kind == {"token": 1, "message": 2}


def test_send_text_writes_what_lark_wants(make_client: Callable[..., LarkClient], server: Any) -> None:
    client = make_client(new_token=lambda: "token-1")
    server.say(SENT)
    assert client.messaging.send_text(receiver_id=" ou_1 ", content="你好\n2") == SentMessage(
        "om_1", "oc_1", 1_700_000_000_000
    )
    assert server.calls[0].path == "/open-apis/im/v1/messages?receive_id_type=open_id"
    body = server.calls[0].json
    assert json.loads(body.pop("content")) == {"text": "你好\n2"}
    assert body == {"receive_id": "ou_1", "msg_type": "text", "uuid": "token-1"}


def test_send_text_of_a_given_type_is_not_guessed(client: LarkClient, server: Any) -> None:
    server.say(SENT)
    client.messaging.send_text(receiver_id="od 1", content="x", receiver_id_type="user_id")
    assert server.calls[0].path.endswith("receive_id_type=user_id")
    with pytest.raises(BadRequest, match="'phone' is not one of open_id"):
        client.messaging.send_text(receiver_id="1", content="x", receiver_id_type="phone")  # type: ignore[arg-type]


def test_send_text_without_an_answer_is_sent_again_under_its_uuid(client: LarkClient, server: Any) -> None:
    server.do("cut")
    server.refuse(230049, status=400)
    server.say(SENT)
    client.messaging.send_text(receiver_id="ou_1", content="x")
    assert len({heard.json["uuid"] for heard in server.calls}) == 1
    assert len(server.calls) == 3


def test_send_text_twice_under_one_uuid_is_one_message(emu: Emulator, lark: LarkClient) -> None:
    user = emu.state.add_user("Wang")
    first, second = (
        lark.messaging.send_text(receiver_id=user.open_id, content="x", uuid="run-1/task-1") for _ in range(2)
    )
    assert first == second


def test_send_text_lost_on_the_way_back_arrives_once(emu: Emulator, lark: LarkClient) -> None:
    user = emu.state.add_user("Wang")
    emu.faults.add(action="drop_after", match="POST /open-apis/im/v1/messages", times=1)
    lark.messaging.send_text(receiver_id=user.open_id, content="x")
    assert lark.calls.by_kind["message"] == 2
    assert len(emu.state.messages.sent()) == 1


def test_send_text_too_fast_for_one_chat_waits(client: LarkClient, server: Any, clock: Any) -> None:
    server.refuse(230020, status=400)
    server.say(SENT)
    client.messaging.send_text(receiver_id="oc_1", content="x")
    # the attempt's own pause, and what is left of the second in which the chat takes nothing
    assert sum(clock.waits) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        pytest.param("", BadRequest, "message is empty", id="nothing"),
        pytest.param(" \n", BadRequest, "message is empty", id="blanks"),
        pytest.param("a\0", BadRequest, "NUL", id="nul"),
        pytest.param("\udfff", BadRequest, "invalid characters", id="half a surrogate pair"),
        pytest.param("x" * 150 * 1024, TooLarge, "more than the 153,600 allowed", id="too long"),
        pytest.param("字" * 52_000, TooLarge, "156,[0-9]{3} bytes", id="too long in bytes only"),
        # each is written as a backslash and a letter, and the backslash as two
        pytest.param("\n" * 51_200 + ".", TooLarge, "153,[0-9]{3} bytes", id="too long when written"),
    ],
)
def test_send_text_that_cannot_be_sent_is_refused_before(
    client: LarkClient, server: Any, content: str, error: type[LarkError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        client.messaging.send_text(receiver_id="ou_1", content=content)
    assert server.heard == []
    assert content[:2] == " \n" or not content or content not in str(caught.value)


def test_send_text_of_the_greatest_length_is_taken(emu: Emulator, lark: LarkClient) -> None:
    user = emu.state.add_user("Wang")
    frame = {"receive_id": user.open_id, "msg_type": "text", "content": '{"text":""}', "uuid": "u"}
    most = 150 * 1024 - len(json.dumps(frame, separators=(",", ":")))
    lark.messaging.send_text(receiver_id=user.open_id, content="x" * most, uuid="u")
    with pytest.raises(TooLarge):
        lark.messaging.send_text(receiver_id=user.open_id, content="x" * (most + 1), uuid="v")


def test_send_text_uuid_too_long_is_refused(client: LarkClient) -> None:
    with pytest.raises(BadRequest, match="at most 50"):
        client.messaging.send_text(receiver_id="ou_1", content="x", uuid="x" * 51)


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        pytest.param(230001, BadRequest, "check receiver_id", id="bad parameter"),
        pytest.param(230002, AccessDenied, "add the app's bot to the group", id="not in the chat"),
        pytest.param(230006, AccessDenied, "no bot", id="no bot"),
        pytest.param(230013, AccessDenied, "availability", id="outside the availability"),
        pytest.param(230029, NotFound, "left", id="resigned"),
        pytest.param(230022, BadRequest, "sensitive", id="sensitive"),
        pytest.param(230034, NotFound, "receiver_id is invalid", id="no such receiver"),
        pytest.param(232009, NotFound, "dissolved", id="dissolved"),
        pytest.param(99992361, BadRequest, "another app", id="open_id of another app"),
    ],
)
def test_send_text_refused_says_what_to_do_and_is_not_repeated(
    client: LarkClient, server: Any, code: int, error: type[LarkError], words: str
) -> None:
    server.refuse(code, status=400, msg="Bot can NOT be out of the chat. canary")
    with pytest.raises(error, match=words) as caught:
        client.messaging.send_text(receiver_id="oc_1", content="canary text")
    assert "message to chat_id oc_1" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("code", "error"),
    [pytest.param(230020, RateLimited, id="too fast"), pytest.param(232096, ServerBusy, id="writes stopped")],
)
def test_send_text_refused_for_the_moment_ends_as_such(
    make_client: Callable[..., LarkClient], server: Any, code: int, error: type[LarkError]
) -> None:
    server.refuse(code, status=400, times=2)
    with pytest.raises(error):
        make_client(max_attempts=2).messaging.send_text(receiver_id="oc_1", content="x")


def test_send_text_never_answered_is_in_doubt(make_client: Callable[..., LarkClient], server: Any) -> None:
    server.do("cut", times=2)
    with pytest.raises(OutcomeUnknown):
        make_client(max_attempts=2).messaging.send_text(receiver_id="oc_1", content="x")


def test_async_client_sends_alike(emu: Emulator) -> None:
    user = emu.state.add_user("Wang")

    async def work() -> SentMessage:
        async with AsyncLarkClient(emu.app_id, emu.app_secret, emu.url) as client:
            return await client.messaging.send_text(receiver_id=user.union_id, content="x")

    assert asyncio.run(work()).message_id.startswith("om_")
