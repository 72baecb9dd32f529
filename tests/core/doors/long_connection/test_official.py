"""The same frames into the official client and into our session: the same deliveries, and the same bytes back."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Sequence
from typing import Any

import pytest

from airflow_provider_lark.core.doors.long_connection.frame import Frame, Method, decode
from airflow_provider_lark.core.doors.long_connection.session import Session, Timings
from tests.official import official_modules

CONVERSATIONS = 100
SERVICE = 33_554_678


class Handler:
    """What the official client asks about a delivery, and we too: it notes it, and says what to answer."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def do_without_validation(self, payload: bytes) -> Any:
        self.taken.append(payload)
        told = json.loads(payload)
        if told.get("fails"):
            raise ValueError
        return told.get("toast")

    # what newer versions of the client call
    _do_without_validation = do_without_validation


async def hear_theirs(client: Any, raw: Sequence[bytes]) -> tuple[Handler, list[bytes], tuple[float, ...]]:
    handler, sent = Handler(), list[bytes]()

    class Listening(client.Client):  # type: ignore[misc]  # the SDK is imported at run time
        async def _write_message(self, data: bytes) -> None:
            sent.append(data)

    theirs = Listening("cli_1", "secret", event_handler=handler)
    logging.getLogger("Lark").setLevel(logging.CRITICAL)
    theirs._configure(client.ClientConfig({"PingInterval": 120, "ReconnectInterval": 120, "ReconnectNonce": 30}))
    for each in raw:
        await theirs._handle_message(each)
    return handler, sent, (theirs._ping_interval, theirs._reconnect_interval, theirs._reconnect_nonce)


def hear_ours(raw: Sequence[bytes], took_ms: Sequence[int]) -> tuple[Handler, list[bytes], tuple[float, ...]]:
    session, handler, sent, took = Session(SERVICE, Timings(), now=0), Handler(), list[bytes](), iter(took_ms)
    for each in raw:
        arrival = session.receive(each, now=1)
        if arrival is None:
            continue
        try:
            body = handler.do_without_validation(arrival.payload)
        except ValueError:
            sent.append(arrival.answer(is_taken=False))
        else:
            sent.append(arrival.answer(is_taken=True, body=body, took_ms=next(took)))
    timings = session.timings
    return handler, sent, (timings.ping, timings.reconnect, timings.jitter)


def make_frames(chance: random.Random) -> list[bytes]:
    """Make what a server sends: deliveries, whole or in parts, pings and pongs, all shuffled."""
    frames = []
    for number in range(chance.randrange(1, 6)):
        toast = chance.choice([None, {"toast": {"type": "info", "content": chance.choice(["ok", "已收到", "😀"])}}])
        payload = json.dumps(
            {"n": number, "text": "字" * chance.randrange(40), "toast": toast, "fails": chance.random() < 0.2}
        )
        raw, size = payload.encode(), chance.choice([10_000, 40, 7])
        parts = [raw[at : at + size] for at in range(0, len(raw), size)]
        for seq, part in enumerate(parts):
            told = {
                "type": "event",
                "message_id": f"m{number}",
                "sum": len(parts),
                "seq": seq,
                "trace_id": f"t{number}",
            }
            extra = {"another": "kept"} if chance.random() < 0.3 else {}
            headers = tuple((name, str(value)) for name, value in {**told, **extra}.items())
            frames.append(
                Frame(SERVICE, Method.DATA, headers, part, seq_id=chance.getrandbits(64), log_id=chance.getrandbits(64))
            )
    for _ in range(chance.randrange(3)):
        config = {"ReconnectCount": -1, "PingInterval": 90, "ReconnectInterval": 60, "ReconnectNonce": 5}
        pong = json.dumps({**config, "PingInterval": chance.choice([30, 90])}).encode()
        frames.append(Frame(SERVICE, Method.CONTROL, (("type", "pong"),), chance.choice([pong, b"", None])))
        frames.append(Frame(SERVICE, Method.CONTROL, (("type", "ping"),)))
    chance.shuffle(frames)
    return [each.encode() for each in frames]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the SDK's own, which differ by its version
def test_conversations_agree_with_the_official_client_byte_for_byte() -> None:
    chance = random.Random(24)
    answered = failed = combined = 0

    async def compare_all() -> None:
        # its client is made for a loop, and takes the one that runs at its import
        (client,) = official_modules("ws.client")
        nonlocal answered, failed, combined
        for number in range(CONVERSATIONS):
            raw = make_frames(chance)
            handler, sent, timings = await hear_theirs(client, raw)
            answers = [decode(each) for each in sent]
            took_ms = [int(each.header("biz_rt")) for each in answers if each.header("biz_rt")]
            ours, said, said_timings = hear_ours(raw, took_ms)
            assert ours.taken == handler.taken, f"conversation {number}"
            assert said == sent, f"conversation {number}"
            assert said_timings == timings, f"conversation {number}"
            answered, failed = answered + len(sent), failed + len(sent) - len(took_ms)
            combined += sum(each.header("sum") != "1" for each in answers)

    asyncio.run(compare_all())
    # each kind was there
    assert min(failed, combined, answered - failed - combined) > CONVERSATIONS * 0.2
