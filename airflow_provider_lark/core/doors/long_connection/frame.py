"""The frames of the long connection, to and from bytes: Protocol Buffers (proto2), as far as one message needs it.

Lark publishes no definition; field numbers and types are those of its official clients (lark-api §5.5). What a newer
server may add is kept and sent back, as those do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum

FRAME_BYTES_MAX = 4 * 1024 * 1024
"""Far above what Lark sends: longer deliveries come in fragments."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SEQ_ID, _LOG_ID, _SERVICE, _METHOD, _HEADER, _ENCODING, _TYPE, _PAYLOAD, _LOG_ID_NEW = range(1, 10)
_KEY, _VALUE = 1, 2
_VARINT_BYTES_MAX = 10
_64_BITS = (1 << 64) - 1

Headers = tuple[tuple[str, str], ...]


class OddFrame(ValueError):
    """Bytes that are no frame, or a frame that makes no sense; the text says why, without content."""


class Method(IntEnum):
    """What a frame is for."""

    CONTROL = 0
    DATA = 1


@dataclass(frozen=True, slots=True)
class Frame:
    """One message in either direction.

    :param service: names the connection; comes with its address.
    :param method: a :class:`Method`, or a number that is not known.
    :param headers: in their order; a name may stand there twice.
    :param unknown: fields that we do not know, as they came.
    """

    service: int
    method: int
    headers: Headers = ()
    payload: bytes | None = field(default=None, repr=False)
    seq_id: int = 0
    log_id: int = 0
    payload_encoding: str | None = None
    payload_type: str | None = None
    log_id_new: str | None = None
    unknown: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str:
        """Return the first header of that name, or an empty text."""
        return next((value for key, value in self.headers if key == name), "")

    def encode(self) -> bytes:
        """Return its bytes: the four numbers always, other fields where they are set, in the order of their numbers."""
        numbers = ((_SEQ_ID, self.seq_id), (_LOG_ID, self.log_id), (_SERVICE, self.service), (_METHOD, self.method))
        parts = [_tag(number, _VARINT) + _varint(value) for number, value in numbers]
        parts += [
            _bytes(_HEADER, _bytes(_KEY, key.encode()) + _bytes(_VALUE, text.encode())) for key, text in self.headers
        ]
        texts = ((_ENCODING, self.payload_encoding), (_TYPE, self.payload_type))
        parts += [_bytes(number, text.encode()) for number, text in texts if text is not None]
        parts += [] if self.payload is None else [_bytes(_PAYLOAD, self.payload)]
        parts += [] if self.log_id_new is None else [_bytes(_LOG_ID_NEW, self.log_id_new.encode())]
        return b"".join(parts) + self.unknown

    def answer(self, payload: bytes, *, took_ms: int | None) -> Frame:
        """Return what answers it: itself with another payload, and the time that it took; None: it was not taken."""
        told = () if took_ms is None else (("biz_rt", str(took_ms)),)
        return replace(self, payload=payload, headers=(*self.headers, *told))


def ping(service: int) -> Frame:
    """Return a ping for the connection *service*."""
    return Frame(service, Method.CONTROL, (("type", "ping"),))


def decode(raw: bytes) -> Frame:
    """Read a frame.

    :raises OddFrame: it is cut off, a number or text is malformed, or one of its four numbers is missing.
    """
    if len(raw) > FRAME_BYTES_MAX:
        raise OddFrame(f"a frame of more than {FRAME_BYTES_MAX} bytes")
    numbers: dict[int, int] = {}
    texts: dict[int, bytes] = {}
    headers: list[tuple[str, str]] = []
    unknown = bytearray()
    for number, value, chunk in _fields(raw):
        if number == _HEADER and isinstance(value, bytes):
            headers.append(_header(value))
        elif number in _NUMBERS and isinstance(value, int):
            numbers[number] = value
        elif number in _TEXTS and isinstance(value, bytes):
            texts[number] = value
        else:
            unknown += chunk
    missing = [name for number, name in _NUMBERS.items() if number not in numbers]
    if missing:
        raise OddFrame(f"a frame without {' and '.join(missing)}")
    return Frame(
        service=_signed32(numbers[_SERVICE]),
        method=_signed32(numbers[_METHOD]),
        headers=tuple(headers),
        payload=texts.get(_PAYLOAD),
        seq_id=numbers[_SEQ_ID],
        log_id=numbers[_LOG_ID],
        payload_encoding=_text(texts.get(_ENCODING)),
        payload_type=_text(texts.get(_TYPE)),
        log_id_new=_text(texts.get(_LOG_ID_NEW)),
        unknown=bytes(unknown),
    )


_NUMBERS = {_SEQ_ID: "SeqID", _LOG_ID: "LogID", _SERVICE: "service", _METHOD: "method"}
_TEXTS = frozenset({_ENCODING, _TYPE, _PAYLOAD, _LOG_ID_NEW})


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes, bytes]]:
    """Yield number, value and bytes of each field; fields of a fixed size, which Lark does not use, under -number."""
    at = 0
    while at < len(raw):
        began = at
        tag, at = _read_varint(raw, at)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise OddFrame("a field of a frame has the number 0")
        value: int | bytes
        if kind == _VARINT:
            value, at = _read_varint(raw, at)
        else:
            if kind == _BYTES:
                length, at = _read_varint(raw, at)
            elif kind in (_FIXED32, _FIXED64):
                length = 4 if kind == _FIXED32 else 8
            else:
                raise OddFrame(f"a field of a frame has the wire type {kind}")
            if at + length > len(raw):
                raise OddFrame("a frame is cut off")
            value, at = raw[at : at + length], at + length
        yield number if kind in (_VARINT, _BYTES) else -number, value, raw[began:at]


def _read_varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(_VARINT_BYTES_MAX):
        if at >= len(raw):
            raise OddFrame("a frame is cut off")
        byte = raw[at]
        at += 1
        value |= (byte & 127) << (7 * count)
        if byte < 128:
            return value & _64_BITS, at
    raise OddFrame("a number in a frame has more than 64 bits")


def _header(raw: bytes) -> tuple[str, str]:
    found = {number: value for number, value, _ in _fields(raw) if isinstance(value, bytes)}
    if _KEY not in found or _VALUE not in found:
        raise OddFrame("a header of a frame has no key or no value")
    key, text = _text(found[_KEY]), _text(found[_VALUE])
    return key or "", text or ""


def _text(raw: bytes | None) -> str | None:
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise OddFrame("a text of a frame is not UTF-8") from None


def _signed32(value: int) -> int:
    value &= 0xFFFF_FFFF
    return value - (1 << 32) if value >> 31 else value


def _varint(value: int) -> bytes:
    value &= _64_BITS
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _tag(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _bytes(number: int, value: bytes) -> bytes:
    return _tag(number, _BYTES) + _varint(len(value)) + value
