"""Five a second and a hundred a minute, in order, by all clients of a process; and not right after a half hour."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_lark.core.api.stop import StopFlag
from airflow_provider_lark.core.api.webhook.address import HookAddress
from airflow_provider_lark.core.api.webhook.client import AsyncWebhookClient, WebhookClient
from airflow_provider_lark.core.api.webhook.pace import HookPace, seconds_off_peak, shared_pace
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import RateLimited, Stopped
from airflow_provider_lark.emulator import Emulator

Make = Callable[..., WebhookClient]


def busiest(times: list[float], period_seconds: float) -> int:
    """The most of *times* within any window."""
    return max(sum(at <= each < at + period_seconds for each in times) for at in times)


def places(pace: HookPace, count: int, *, at: float = 0.0) -> list[float]:
    taken = [pace.queue(at, patience_seconds=1e6) for _ in range(count)]
    return [each.at for each in taken if each is not None]


def test_queue_keeps_both_limits_and_no_place_is_wasted() -> None:
    given = places(HookPace(), 250)

    assert given == sorted(given)
    assert busiest(given, 1.0) <= 5
    assert busiest(given, 60.0) == 100
    assert given[99] == pytest.approx(24.75)
    assert given[100] == pytest.approx(61.0)


def test_message_after_a_rest_goes_at_once() -> None:
    pace = HookPace()
    places(pace, 3)
    assert places(pace, 1, at=10.0) == [10.0]


def test_patience_that_is_too_short_takes_no_place() -> None:
    pace = HookPace()
    places(pace, 3)
    assert pace.queue(0.0, patience_seconds=0.7) is None
    assert places(pace, 1) == [0.75]


def test_pause_moves_those_who_wait_and_keeps_their_distance() -> None:
    pace = HookPace()
    waiting = [pace.queue(0.0, patience_seconds=60) for _ in range(4)]
    pace.pause(0.3, 2.0)
    pace.pause(0.3, 1.0)  # within the first
    assert [each.at for each in waiting if each] == [0.0, 0.25, 2.5, 2.75]
    assert places(pace, 2, at=0.3) == [3.0, 3.25]


def test_bots_and_processes_have_paces_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = HookAddress("https://h", Secret("abcd")), HookAddress("https://h", Secret("efgh"))
    assert shared_pace(one) is shared_pace(HookAddress("https://h", Secret("abcd")))
    assert shared_pace(one) is not shared_pace(other)
    before = shared_pace(one)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert shared_pace(one) is not before


def test_thirteen_messages_from_four_threads_all_arrive_in_order_and_in_time() -> None:
    with Emulator(rate_limits=True) as emu:
        hook = emu.state.add_webhook()
        failures: list[BaseException] = []

        def work(name: str, count: int) -> None:
            try:
                for number in range(count):
                    # a client of its own each time, as tasks have
                    with WebhookClient(hook.url, avoid_peak_seconds=0) as bot:
                        assert bot.send(text=f"{name}{number}").attempts == 1
            except BaseException as exc:  # noqa: BLE001 - shown below
                failures.append(exc)

        threads = [threading.Thread(target=work, args=(name, 4 if name == "a" else 3)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        texts = [each.text for each in emu.messages]
        times = [each.created_ms / 1000 for each in emu.messages]

    assert failures == []
    assert len(texts) == 13
    for name in "abcd":
        own = [text for text in texts if text.startswith(name)]
        assert own == sorted(own)
    assert busiest(times, 1.0) <= 5


def test_messages_of_one_event_loop_go_in_their_order(emu: Emulator, clock: Any) -> None:
    hook = emu.state.add_webhook()

    async def send() -> None:
        async with AsyncWebhookClient(hook.url, clock=clock) as bot:
            for number in range(7):
                await bot.send(text=str(number))

    asyncio.run(send())
    assert [each.text for each in emu.messages] == list("0123456")
    assert sum(clock.waits) == pytest.approx(6 * 0.25)


def test_queue_that_is_too_long_is_an_error_before_the_wait(make_bot: Make, server: Any, scripted: str) -> None:
    server.do(body={"code": 0}, times=300)
    bot = make_bot(scripted, max_elapsed_seconds=1.0)
    clock_of_others = bot._clock.monotonic()
    for _ in range(5):
        bot._session.pace.queue(clock_of_others, patience_seconds=60)
    with pytest.raises(RateLimited, match="more messages are waiting than Lark accepts within 1 s; send fewer"):
        bot.send(text="a")
    assert server.heard == []


def test_limit_that_one_meets_slows_all_down(make_bot: Make, emu: Emulator, clock: Any) -> None:
    hook = emu.state.add_webhook()
    emu.faults.add("hook", code=11232, times=1)
    bot = make_bot(hook.url)
    before = clock.now()
    bot.send(text="a")
    assert clock.now() - before >= 1.0
    assert bot._session.pace.queue(before + 0.5, patience_seconds=60).at > before + 1.0  # type: ignore[union-attr]


def test_task_that_is_killed_sends_no_more(make_bot: Make, emu: Emulator) -> None:
    flag = StopFlag()
    bot = make_bot(emu.state.add_webhook().url, stop=flag)
    bot.send(text="a")
    flag.set()
    with pytest.raises(Stopped):
        bot.send(text="b")
    assert [each.text for each in emu.messages] == ["a"]


@pytest.mark.parametrize(
    ("since", "avoid", "expected"),
    [
        pytest.param(0.0, 15.0, 15.0, id="on the mark"),
        pytest.param(14.0, 15.0, 1.0, id="shortly before the end"),
        pytest.param(15.0, 15.0, 0.0, id="after it"),
        pytest.param(1799.9, 15.0, 0.0, id="shortly before the next mark"),
        pytest.param(0.0, 0.0, 0.0, id="off"),
    ],
)
@pytest.mark.parametrize("mark", [1_767_225_600.0, 1_767_227_400.0])
def test_message_right_after_a_full_or_half_hour_waits(
    mark: float, since: float, avoid: float, expected: float
) -> None:
    assert seconds_off_peak(mark + since, avoid, jitter=0.0) == pytest.approx(expected)


def test_those_who_wait_are_spread() -> None:
    waits = [seconds_off_peak(0.0, 15.0, jitter=n / 10) for n in range(10)]
    assert len(set(waits)) == 10
    assert max(waits) < 30


def test_rush_is_avoided_and_can_be_braved(make_bot: Make, emu: Emulator, clock: Any) -> None:
    hook = emu.state.add_webhook()
    emu.switches.update({"hook_peak_seconds": 10.0})
    mark = clock.now() - clock.now() % 1800 + 1800

    def arrives(avoid_peak_seconds: float) -> int:
        clock.seconds = emu.clock._now = mark + 2.0  # type: ignore[attr-defined]
        clock.waits.clear()
        waits_to_emulator(emu, clock)
        return make_bot(hook.url, avoid_peak_seconds=avoid_peak_seconds).send(text="a").attempts

    assert arrives(15.0) == 1
    assert arrives(0.0) > 1


def waits_to_emulator(emu: Emulator, clock: Any) -> None:
    """Let the emulator's time go with the client's."""

    def sleep(seconds: float) -> None:
        clock.waits.append(seconds)
        clock.seconds += seconds
        emu.clock.advance(seconds)  # type: ignore[attr-defined]

    clock.sleep = sleep
