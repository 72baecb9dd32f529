"""The protocol of one connection, without sockets and with a time of its own."""

from __future__ import annotations

import base64
import heapq
import json
import random
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from airflow_provider_lark.core.doors.long_connection.fragments import (
    KEPT_SECONDS,
    MESSAGE_BYTES_MAX,
    TOTAL_BYTES_MAX,
    Fragments,
)
from airflow_provider_lark.core.doors.long_connection.frame import Frame, Method, OddFrame, decode
from airflow_provider_lark.core.doors.long_connection.session import GRACE_SECONDS, Session, Silent, Timings

PONG = Frame(7, Method.CONTROL, (("type", "pong"),)).encode()


def data(payload: bytes, **headers: object) -> bytes:
    told = {"type": "event", "message_id": "m1", "sum": 1, "seq": 0, "trace_id": "t", **headers}
    return Frame(7, Method.DATA, tuple((name, str(value)) for name, value in told.items()), payload).encode()


def test_delivery_is_answered_with_its_own_frame() -> None:
    arrival = Session(7, Timings(), now=0).receive(data(b'{"a":1}'), now=1)
    assert arrival is not None
    assert arrival.payload == b'{"a":1}'
    answered = decode(arrival.answer(is_taken=True, body={"toast": {"content": "已收到"}}, took_ms=12))
    assert answered.headers == (*arrival.frame.headers, ("biz_rt", "12"))
    told = json.loads(answered.payload or b"")
    assert (told["code"], json.loads(base64.b64decode(told["data"]))) == (200, {"toast": {"content": "已收到"}})
    assert json.loads(decode(arrival.answer(is_taken=False)).payload or b"") == {"code": 500}


@pytest.mark.parametrize("seed", range(20))
def test_fragments_in_any_order_make_one_delivery(seed: int) -> None:
    chance = random.Random(seed)
    session = Session(7, Timings(), now=0)
    wholes = {f"m{number}": chance.randbytes(chance.randrange(1, 500)) for number in range(5)}
    frames = []
    for message_id, whole in wholes.items():
        size = chance.randrange(1, 100)
        parts = [whole[at : at + size] for at in range(0, len(whole), size)]
        frames += [data(part, message_id=message_id, sum=len(parts), seq=number) for number, part in enumerate(parts)]
        # a part that comes twice changes nothing
        frames.append(frames[-1]) if len(parts) > 1 else None
    chance.shuffle(frames)
    found: dict[str, bytes] = {}
    for frame in frames:
        arrival = session.receive(frame, now=1)
        if arrival is not None:
            found[arrival.frame.header("message_id")] = arrival.payload
    assert found == wholes


def test_part_that_waited_too_long_is_dropped_and_the_redelivery_is_whole() -> None:
    session = Session(7, Timings(), now=0)
    first, second = (data(each, sum=2, seq=number) for number, each in enumerate((b"ab", b"cd")))
    assert session.receive(first, now=0) is None
    assert session.receive(second, now=KEPT_SECONDS) is None
    arrival = session.receive(first, now=KEPT_SECONDS + 1)
    assert arrival is not None
    assert arrival.payload == b"abcd"


def test_fragments_that_never_end_need_bounded_memory() -> None:
    fragments = Fragments()
    part = b"x" * 1_000_000
    tracemalloc.start()
    try:
        for number in range(500):
            assert fragments.add(f"m{number}", 2, 0, bytes(bytearray(part)), now=0) is None
            assert fragments.size <= TOTAL_BYTES_MAX
        assert tracemalloc.get_traced_memory()[0] < 2 * TOTAL_BYTES_MAX
    finally:
        tracemalloc.stop()
    # the newest one is still there
    assert fragments.add("m499", 2, 1, b"y", now=0) == part + b"y"


def test_delivery_in_parts_that_grows_too_long_is_refused_once_and_forgotten() -> None:
    fragments = Fragments()
    fragments.add("m", 3, 0, b"x" * MESSAGE_BYTES_MAX, now=0)
    with pytest.raises(OddFrame, match="more than"):
        fragments.add("m", 3, 1, b"x", now=0)
    assert fragments.size == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"sum": "x"},
        {"sum": "2", "seq": "2"},
        {"sum": "2", "seq": "-1"},
        {"sum": "2", "message_id": ""},
        {"sum": "99999"},
        {"sum": "٣", "seq": "1"},
        {"sum": "9" * 5_000},
    ],
)
def test_part_that_cannot_be_is_refused_and_the_connection_goes_on(headers: dict[str, str]) -> None:
    session = Session(7, Timings(), now=0)
    with pytest.raises(OddFrame):
        session.receive(data(b"{}", **headers), now=1)
    assert session.receive(data(b"{}"), now=2) is not None


@pytest.mark.parametrize("payload", [b"{", b"[" * 100_000, b"\xff", b'"text"', b"[1]", b'{"PingInterval":"soon"}'])
def test_pong_with_odd_settings_changes_nothing(payload: bytes) -> None:
    session = Session(7, Timings(), now=0)
    pong = Frame(7, Method.CONTROL, (("type", "pong"),), payload).encode()
    try:
        session.receive(pong, now=1)
    except OddFrame:
        assert payload not in (b'"text"', b"[1]", b'{"PingInterval":"soon"}')
    assert session.timings == Timings()


def test_pong_changes_the_timings_of_a_running_connection() -> None:
    session = Session(7, Timings(), now=0)
    config = {"PingInterval": 10, "ReconnectInterval": 5, "ReconnectNonce": 2, "ReconnectCount": 3}
    session.receive(Frame(7, 0, (("type", "pong"),), json.dumps(config).encode()).encode(), now=1)
    assert session.timings == Timings(ping=10, reconnect=5, jitter=2)
    session.tick(now=1)
    session.receive(PONG, now=1)
    assert session.due_at == 11


@pytest.mark.parametrize(
    "config",
    [
        {"PingInterval": 0},
        {"PingInterval": -1},
        {"PingInterval": True},
        {"PingInterval": 1e300},
        {"ReconnectNonce": -3},
    ],
)
def test_timings_that_cannot_be_are_left_aside(config: dict[str, object]) -> None:
    assert Timings().updated(config) == Timings()


@pytest.mark.parametrize(
    ("timings", "failures", "chance", "seconds"),
    [
        pytest.param(Timings(jitter=30), 0, 0.5, 15, id="lost: a part of the jitter"),
        pytest.param(
            Timings(reconnect=120, jitter=30), 3, 0.5, 135, id="failed: the interval and a part of the jitter"
        ),
        pytest.param(Timings(jitter=0), 0, 0.5, 1, id="never at once"),
        pytest.param(Timings(reconnect=1, jitter=0), 9, 0.0, 1, id="nor more than once a second"),
    ],
)
def test_wait_before_a_reconnect(timings: Timings, failures: int, chance: float, seconds: float) -> None:
    assert timings.wait_seconds(failures, chance) == seconds


def run_for(session: Session, seconds: float, pong_after: Callable[[int], float | None]) -> Iterator[float]:
    """Let time pass; yield when a ping is sent. The pong for ping *n* comes after ``pong_after(n)`` seconds."""
    coming: list[float] = []
    now, number = 0.0, 0
    while now < seconds:
        if coming and coming[0] <= session.due_at:
            now = heapq.heappop(coming)
            session.receive(PONG, now=now)
            continue
        now = session.due_at
        if session.tick(now=now) is not None:
            late = pong_after(number)
            number += 1
            if late is not None:
                heapq.heappush(coming, now + late)
            yield now


def test_half_open_connection_is_dead_after_the_ping_interval_and_thirty_seconds() -> None:
    # 7.27: pings go out, nothing comes back
    session = Session(7, Timings(ping=120), now=0)
    died = []
    with pytest.raises(Silent):
        died += [0.0, *run_for(session, 10_000, lambda number: 0.1 if number < 3 else None)]
    assert session.due_at == session.heard_at + 120 + GRACE_SECONDS
    assert session.heard_at == pytest.approx(240.1)


@pytest.mark.parametrize("lost", range(30))
def test_late_pongs_and_a_lost_one_kill_no_healthy_connection(lost: int) -> None:
    # 7.28: pongs 20 s late, one ping of 30 lost, no event for an hour
    session = Session(7, Timings(ping=120), now=0)
    pings = list(run_for(session, 3_600, lambda number: None if number == lost else 20.0))
    assert len(pings) >= 30


def test_healthy_connection_is_pinged_once_an_interval() -> None:
    session = Session(7, Timings(ping=120), now=0)
    pings = list(run_for(session, 3_600, lambda _: 0.05))
    assert pings == [pytest.approx(120 * number) for number in range(len(pings))]


def test_events_count_as_life_where_pongs_do_not_come() -> None:
    session = Session(7, Timings(ping=120), now=0)
    for minute in range(60):
        session.receive(data(b"{}"), now=60.0 * minute)
        session.tick(now=60.0 * minute + 30)


def test_connection_is_confirmed_by_the_first_frame_only() -> None:
    session = Session(7, Timings(), now=0)
    assert not session.is_confirmed
    session.receive(PONG, now=1)
    assert session.is_confirmed
