"""Five messages a second to one person or chat: kept by the client, so that Lark need not refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.services.messaging import content
from airflow_provider_lark.core.errors import RateLimited
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

CARD: dict[str, Any] = {"schema": "2.0", "body": {"elements": []}}


@pytest.fixture
def emu(clock: Any) -> Iterator[Emulator]:
    # one time for both sides, in which only waits take any
    with Emulator(clock=clock, rate_limits=True) as emu:
        yield emu


def refusals(emu: Emulator) -> list[int]:
    return [each.code for each in emu.log if each.code]


def test_messages_to_one_chat_keep_to_five_a_second(emu: Emulator, lark: LarkClient, clock: Any) -> None:
    chat_id, began = emu.state.add_chat("Team"), clock.seconds
    for n in range(40):
        lark.messaging.send(receiver_id=chat_id, content=content.text(str(n)))
    assert refusals(emu) == []
    # five at once, and five after each of seven seconds
    assert 7 <= clock.seconds - began <= 7.1


def test_messages_to_other_chats_do_not_wait_for_one(emu: Emulator, lark: LarkClient, clock: Any) -> None:
    chats = [emu.state.add_chat(f"c{n}") for n in range(10)]
    for chat_id in chats:
        lark.messaging.send(receiver_id=chat_id, content=content.text("x"))
    assert clock.waits == []


def test_thousand_messages_to_fifty_chats_are_never_refused(emu: Emulator, lark: LarkClient, clock: Any) -> None:
    chats, began = [emu.state.add_chat(f"c{n}") for n in range(50)], clock.seconds
    for n in range(1000):
        lark.messaging.send(receiver_id=chats[n % 50], content=content.text(str(n)))
    assert refusals(emu) == []
    assert len(emu.messages) == 1000
    # 1,000 a minute and 50 a second of the API: the limit itself allows no less than 19 s
    assert 19 <= clock.seconds - began <= 19.2


def test_message_after_a_minutes_thousand_waits_for_the_minute_to_pass(
    emu: Emulator, lark: LarkClient, clock: Any
) -> None:
    chats, began = [emu.state.add_chat(f"c{n}") for n in range(50)], clock.seconds
    for n in range(1002):
        lark.messaging.send(receiver_id=chats[n % 50], content=content.text(str(n)))
        if n == 999:
            clock.seconds += 1
    assert refusals(emu) == []
    assert 60 <= clock.seconds - began <= 60.7


@pytest.mark.parametrize("call", ["reply", "update_card", "forward"])
def test_other_calls_keep_the_pace(emu: Emulator, lark: LarkClient, call: str) -> None:
    chat_id = emu.state.add_chat("Team")
    sent = lark.messaging.send(receiver_id=chat_id, content=content.card(CARD)).message_id
    for _ in range(12):
        match call:
            case "reply":
                lark.messaging.reply(message_id=sent, content=content.text("x"))
            case "update_card":
                lark.messaging.update_card(message_id=sent, card=CARD)
            case _:
                lark.messaging.forward(message_id=sent, receiver_id=chat_id)
    assert refusals(emu) == []


def test_refusal_for_one_chat_holds_up_that_chat_only(lark: LarkClient, emu: Emulator, clock: Any) -> None:
    one, other = emu.state.add_chat("one"), emu.state.add_chat("other")
    # other bots of the group have used up its second
    emu.faults.add("POST /open-apis/im/v1/messages", code=230020, contains=one)
    lark.messaging.send(receiver_id=one, content=content.text("x"))
    assert sum(clock.waits) == pytest.approx(1.0)
    clock.waits.clear()
    lark.messaging.send(receiver_id=other, content=content.text("x"))
    assert clock.waits == []


def test_too_long_a_line_for_one_chat_is_told_as_such(emu: Emulator, make_client: Callable[..., LarkClient]) -> None:
    lark = make_client(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=emu.url, max_elapsed_seconds=0.1)
    chat_id = emu.state.add_chat("Team")
    for n in range(5):
        lark.messaging.send(receiver_id=chat_id, content=content.text(str(n)))
    with pytest.raises(RateLimited, match=r"message to chat_id oc_.* are already waiting for this chat or message"):
        lark.messaging.send(receiver_id=chat_id, content=content.text("y"))
