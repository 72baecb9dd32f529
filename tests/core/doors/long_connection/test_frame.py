"""The codec of frames, against the official frame classes and against bytes that are none."""

from __future__ import annotations

import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_lark.core.doors.long_connection.frame import (
    FRAME_BYTES_MAX,
    Frame,
    Method,
    OddFrame,
    decode,
    ping,
)
from tests.official import official_modules

RANDOM_FRAMES = 1_000


@pytest.fixture(scope="module")
def official() -> Any:
    (frames,) = official_modules("ws.pb.pbbp2_pb2")
    return frames.Frame


def make_frame(chance: random.Random) -> Frame:
    def text() -> str:
        return "".join(chance.choices("abc_-中文é😀\x00 ", k=chance.choice((0, 1, 7, 200))))

    def maybe(value: Any) -> Any:
        return value if chance.random() < 0.7 else None

    def number(bits: int) -> int:
        return chance.choice((0, 1, 127, 128, (1 << bits) - 1, chance.getrandbits(bits)))

    return Frame(
        service=number(32) - (1 << 31),
        method=chance.choice((0, 1, 2, -1)),
        headers=tuple((text(), text()) for _ in range(chance.randrange(8))),
        payload=maybe(chance.randbytes(chance.choice((0, 1, 127, 128, 5_000)))),
        seq_id=number(64),
        log_id=number(64),
        payload_encoding=maybe(text()),
        payload_type=maybe(text()),
        log_id_new=maybe(text()),
    )


def to_official(frame: Frame, cls: Any) -> Any:
    made = cls()
    made.SeqID, made.LogID, made.service, made.method = frame.seq_id, frame.log_id, frame.service, frame.method
    for key, value in frame.headers:
        header = made.headers.add()
        header.key, header.value = key, value
    for name in ("payload_encoding", "payload_type", "payload"):
        if getattr(frame, name) is not None:
            setattr(made, name, getattr(frame, name))
    if frame.log_id_new is not None:
        made.LogIDNew = frame.log_id_new
    return made


def test_random_frames_have_the_bytes_of_the_official_classes_both_ways(official: Any) -> None:
    chance = random.Random(10)
    for _ in range(RANDOM_FRAMES):
        frame = make_frame(chance)
        theirs = to_official(frame, official)
        assert frame.encode() == theirs.SerializeToString()
        assert decode(theirs.SerializeToString()) == frame
        back = official()
        back.ParseFromString(frame.encode())
        assert back == theirs


def test_field_of_a_newer_server_is_sent_back_as_the_official_classes_do(official: Any) -> None:
    raw = Frame(1, 1, (("type", "event"),), b"{}").encode() + b"\x52\x03new" + b"\x5d1234" + b"\x60\x07"
    theirs = official()
    theirs.ParseFromString(raw)
    frame = decode(raw)
    assert frame.encode() == theirs.SerializeToString() == raw
    assert frame.answer(b"ok", took_ms=3).encode().endswith(b"\x52\x03new\x5d1234\x60\x07")


def test_ping_has_the_bytes_of_the_official_one(official: Any) -> None:
    theirs = official()
    header = theirs.headers.add()
    header.key, header.value = "type", "ping"
    theirs.service, theirs.method, theirs.SeqID, theirs.LogID = 33_554_678, 0, 0, 0
    assert ping(33_554_678).encode() == theirs.SerializeToString()


def test_frame_that_is_cut_anywhere_is_refused_or_is_a_shorter_frame() -> None:
    whole = make_frame(random.Random(3)).encode()
    refused = 0
    for end in range(len(whole)):
        try:
            decode(whole[:end])
        except OddFrame:
            refused += 1
    assert refused > len(whole) * 0.9


def test_random_bytes_never_end_in_another_error() -> None:
    chance = random.Random(4)
    whole = make_frame(random.Random(5)).encode()
    for _ in range(3_000):
        noise = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            noise[chance.randrange(len(noise))] = chance.randrange(256)
        for raw in (bytes(noise), chance.randbytes(chance.randrange(60))):
            with suppress(OddFrame):
                decode(raw)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(b"", "without SeqID and LogID and service and method", id="empty"),
        pytest.param(b"\x08\x00\x10\x00\x18\x01", "without method", id="no-method"),
        pytest.param(b"\x08" + b"\xff" * 11, "more than 64 bits", id="endless-number"),
        pytest.param(b"\x2a\xff\xff\xff\xff\x0f", "cut off", id="length-beyond-the-end"),
        pytest.param(b"\x0b\x0c", "wire type 3", id="group"),
        pytest.param(b"\x00\x00", "number 0", id="field-zero"),
        pytest.param(Frame(1, 1).encode() + b"\x2a\x03\x0a\x01a", "no key or no value", id="header-without-value"),
        pytest.param(Frame(1, 1).encode() + b"\x32\x01\xff", "not UTF-8", id="text-that-is-not-utf-8"),
        pytest.param(b"\x42" + b"\x00" * FRAME_BYTES_MAX, "more than 4194304 bytes", id="too-long"),
    ],
)
def test_odd_frame_is_refused_with_its_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(OddFrame, match=reason):
        decode(raw)


def test_first_of_two_headers_counts_and_a_missing_one_is_empty() -> None:
    frame = decode(Frame(1, Method.DATA, (("type", "event"), ("type", "card"))).encode())
    assert (frame.header("type"), frame.header("sum")) == ("event", "")


def test_codec_imports_nothing_heavy() -> None:
    code = (
        "import sys; import airflow_provider_lark.core.doors.long_connection.session; "
        "print([name for name in ('websockets', 'httpx', 'sqlalchemy', 'lark_oapi', 'google.protobuf') "
        "if name in sys.modules])"
    )
    root = Path(__file__).parents[4]
    told = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
