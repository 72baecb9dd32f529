"""The pace of calls: no window of Lark's clock sees more of them than the quota, and none waits longer than that."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from heapq import heapify, heappop, heappush
from itertools import accumulate, count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_lark.core.api.calls import ratelimit
from airflow_provider_lark.core.api.calls.ratelimit import Pace, RateLimiter, Slot
from airflow_provider_lark.core.api.wire.limits import Quota

MINUTE = Quota(100, 60.0, burst=10)


def go(pace: Pace, now: float, *, patience: float = 1e9) -> float | None:
    """Make one call that takes no time, and return when; None where it is not let in."""
    place = pace.queue(now, patience_seconds=patience)
    if place is None:
        return None
    while (left := pace.seconds_left(place, now)) > 0:
        now += left
    place.ended = now
    return now


def simulate(pace: Pace, asked: list[float], ways: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Let calls ask at *asked*, and take so long to Lark and back; return when each was sent and arrived, in order.

    Time passes here only: whoever waits asks again when it was told to.
    """
    order, done = count(), list[tuple[float, float]]()
    steps: list[tuple[float, int, str, int, Slot | None]] = [
        (at, next(order), "ask", n, None) for n, at in enumerate(asked)
    ]
    heapify(steps)
    while steps:
        now, _, what, n, place = heappop(steps)
        if what == "end":
            assert place is not None
            place.ended = now
            continue
        place = place or pace.queue(now, patience_seconds=1e9)
        assert place is not None
        left = pace.seconds_left(place, now)
        if left > 0:
            heappush(steps, (now + left, next(order), "look", n, place))
            continue
        there, back = ways[n % len(ways)]
        done.append((now, now + there))
        heappush(steps, (now + there + back, next(order), "end", n, place))
    return done


@settings(deadline=None, max_examples=50)
@given(
    pauses=st.lists(st.floats(0, 3), min_size=120, max_size=200),
    ways=st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2)), min_size=1, max_size=20),
)
def test_pace_no_window_of_lark_sees_more_than_either_limit(
    pauses: list[float], ways: list[tuple[float, float]]
) -> None:
    asked = list(accumulate(pause / 10 for pause in pauses))
    arrived = sorted(at for _, at in simulate(Pace(MINUTE), asked, ways))
    assert len(arrived) == len(asked)
    for calls, seconds in ((100, 60.0), (10, 1.0)):
        # the call after a whole quota of others lies outside their window
        assert all(later - first > seconds for first, later in zip(arrived, arrived[calls:], strict=False))


def test_pace_lets_go_in_bursts_what_the_limits_allow() -> None:
    sent = [at for at, _ in simulate(Pace(Quota(1000, 60.0, burst=50)), [0.0] * 1050, [(0.0, 0.0)])]
    assert sent[49] == 0.0
    assert sent[50] == pytest.approx(1.01)
    # 19 s would be the least of all
    assert sent[999] == pytest.approx(19 * 1.01)
    # the minute begins to pass with the first call
    assert sent[1000] == pytest.approx(60 * 1.01)


def test_pace_of_slow_calls_counts_from_their_answers() -> None:
    # each may have arrived just before it was answered
    sent = [at for at, _ in simulate(Pace(Quota(2)), [0.0] * 4, [(0.0, 0.5)])]
    assert sent == pytest.approx([0.0, 0.0, 1.51, 1.51])


def test_pace_call_that_hangs_holds_up_no_more_than_its_own_place() -> None:
    sent = [at for at, _ in simulate(Pace(Quota(5)), [0.0] * 30, [(0.0, 30.0), *[(0.0, 0.0)] * 29])]
    # four a second go on
    assert sent[24] < 7


def test_pace_beyond_the_patience_takes_nothing() -> None:
    pace = Pace(Quota(2))
    assert [go(pace, 0.0, patience=1.5) for _ in range(4)] == pytest.approx([0.0, 0.0, 1.01, 1.01])
    assert go(pace, 0.0, patience=1.5) is None
    assert go(pace, 0.6, patience=1.5) == pytest.approx(2.02)


def test_pace_pause_holds_everybody_as_long_as_the_server_said() -> None:
    limiter = RateLimiter()

    def queue(now: float) -> Slot:
        place = limiter.queue("GET /x", Quota(20), now, share=1.0, patience_seconds=99.0)
        assert place is not None
        return place

    waiting = queue(100.0)
    limiter.pause("GET /x", 100.0, 7.0)
    limiter.pause("GET /y", 100.0, 70.0)
    limiter.pause("GET /x", 101.0, 1.0)
    # whoever is in the queue already, too
    assert limiter.seconds_left(waiting, 100.0) == 7.0
    assert limiter.seconds_left(queue(104.0), 104.0) == 3.0
    assert limiter.seconds_left(waiting, 107.0) == 0.0


def test_pace_share_divides_the_quota() -> None:
    assert [go(Pace(Quota(20), share=0.25), 0.0)] == [0.0]
    pace = Pace(Quota(20), share=0.25)
    assert [go(pace, 0.0) for _ in range(6)] == pytest.approx([0.0] * 5 + [1.01])


def test_pace_share_of_less_than_one_call_is_one_in_a_longer_time() -> None:
    pace = Pace(Quota(5), share=0.1)
    assert [go(pace, 0.0) for _ in range(3)] == pytest.approx([0.0, 2.02, 4.04])


def test_pace_given_up_while_waiting_keeps_its_place_in_the_count() -> None:
    limiter = RateLimiter()

    def queue() -> Slot:
        place = limiter.queue("GET /x", Quota(1), 0.0, share=1.0, patience_seconds=99.0)
        assert place is not None
        return place

    first, given_up = queue(), queue()
    limiter.end(first, 0.0)
    assert limiter.seconds_left(given_up, 0.0) == pytest.approx(1.01)
    limiter.end(given_up, 0.0)
    assert limiter.seconds_left(queue(), 0.0) == pytest.approx(2.02)


def test_limiter_forgets_what_is_long_quiet_and_keeps_what_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimit, "_PACES_MAX", 10)
    limiter, quota = RateLimiter(), Quota(5)

    def queue(name: str, now: float) -> Slot:
        place = limiter.queue(name, quota, now, share=1.0, patience_seconds=60.0)
        assert place is not None
        return place

    for n in range(9):
        limiter.end(queue(f"chat {n}", 0.0), 0.0)
    for _ in range(5):
        limiter.end(queue("chat 9", 0.9), 0.9)
    hanging = queue("chat 8", 0.0)
    assert limiter.seconds_left(queue("new", 1.2), 1.2) == 0.0
    # eight were quiet for more than a second
    assert len(limiter._paces) == 3
    assert limiter.seconds_left(queue("chat 9", 1.2), 1.2) == pytest.approx(0.71)
    assert hanging.ended is None


def test_limiter_of_many_threads_lets_no_two_have_one_place() -> None:
    limiter = RateLimiter()
    quota, gate = Quota(50), threading.Barrier(8)

    def work(_: int) -> list[float]:
        gate.wait()
        places = [limiter.queue("x", quota, 0.0, share=1.0, patience_seconds=1e9) for _ in range(100)]
        for place in places:
            assert place is not None
            limiter.seconds_left(place, 0.0)
        return [place.at for place in places if place is not None]

    with ThreadPoolExecutor(8) as pool:
        at = sorted(each for found in pool.map(work, range(8)) for each in found)
    assert at == pytest.approx([n // 50 * 1.01 for n in range(800)])
