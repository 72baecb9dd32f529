"""The frames of the long connection as bytes (lark-api §5.5): a table of fields, read and written by one rule each.

Protocol Buffers of the second version; the table is the message. Written apart from the client's codec, so that a
mistake in one shows in the other.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, Final

CONTROL: Final = 0
DATA: Final = 1


@dataclass
class Frame:
    """A frame; the names are those of the platform's own clients."""

    SeqID: int = 0
    LogID: int = 0
    service: int = 0
    method: int = CONTROL
    headers: list[tuple[str, str]] = field(default_factory=list)
    payload_encoding: str | None = None
    payload_type: str | None = None
    payload: bytes | None = None
    LogIDNew: str | None = None

    def header(self, name: str) -> str:
        """The value of a header; empty: it is not there."""
        return dict(reversed(self.headers)).get(name, "")


_FIELDS: Final[dict[int, tuple[str, str]]] = {
    1: ("SeqID", "number"),
    2: ("LogID", "number"),
    3: ("service", "number"),
    4: ("method", "number"),
    5: ("headers", "pair"),
    6: ("payload_encoding", "text"),
    7: ("payload_type", "text"),
    8: ("payload", "bytes"),
    9: ("LogIDNew", "text"),
}


class Malformed(ValueError):
    """Bytes that are no frame."""


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self.raw = memoryview(raw)

    def number(self) -> int:
        result = 0
        for shift in range(0, 70, 7):
            (byte,) = self.take(1)
            result |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return result & 0xFFFF_FFFF_FFFF_FFFF
        msg = "a varint that does not end"
        raise Malformed(msg)

    def take(self, length: int) -> bytes:
        if length > len(self.raw):
            msg = "the frame is truncated"
            raise Malformed(msg)
        taken, self.raw = self.raw[:length], self.raw[length:]
        return bytes(taken)

    def value(self, kind: int) -> int | bytes:
        match kind:
            case 0:
                return self.number()
            case 1:
                return self.take(8)
            case 2:
                return self.take(self.number())
            case 5:
                return self.take(4)
            case _:
                msg = f"unknown wire type: {kind}"
                raise Malformed(msg)


def read(raw: bytes) -> Frame:
    """The frame that *raw* is; fields that it does not know are left out.

    :raises Malformed: it is none.
    """
    frame, reader = Frame(), _Reader(raw)
    while reader.raw:
        tag = reader.number()
        value = reader.value(tag & 7)
        name, kind = _FIELDS.get(tag >> 3, ("", ""))
        match kind, value:
            case "number", int():
                # 32 bits with a sign, sent as 64
                low = struct.unpack("<i", struct.pack("<I", value & 0xFFFF_FFFF))[0]
                setattr(frame, name, low if name in {"service", "method"} else value)
            case "pair", bytes():
                frame.headers.append(_pair(value))
            case "text", bytes():
                setattr(frame, name, value.decode("utf-8", "replace"))
            case "bytes", bytes():
                frame.payload = value
    return frame


def _pair(raw: bytes) -> tuple[str, str]:
    reader, both = _Reader(raw), {1: "", 2: ""}
    while reader.raw:
        tag = reader.number()
        value = reader.value(tag & 7)
        if isinstance(value, bytes):
            both[tag >> 3] = value.decode("utf-8", "replace")
    return both[1], both[2]


def write(frame: Frame) -> bytes:
    """The bytes of *frame*; the four numbers are required, and written even when they are 0."""
    out = bytearray()
    for number, (name, kind) in _FIELDS.items():
        value: Any = getattr(frame, name)
        if kind == "number":
            out += _number(number << 3) + _number(value)
        elif kind == "pair":
            for key, text in value:
                out += _chunk(number, _chunk(1, key.encode()) + _chunk(2, text.encode()))
        elif value is not None:
            out += _chunk(number, value if isinstance(value, bytes) else value.encode())
    return bytes(out)


def _number(value: int) -> bytes:
    value &= 0xFFFF_FFFF_FFFF_FFFF
    groups = [value >> shift & 0x7F for shift in range(0, 64, 7) if value >> shift or shift == 0]
    return bytes([*(each | 0x80 for each in groups[:-1]), groups[-1]])


def _chunk(number: int, value: bytes) -> bytes:
    return _number(number << 3 | 2) + _number(len(value)) + value
