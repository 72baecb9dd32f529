"""The body of an HTTP/1.1 request: of a stated length, or in chunks (RFC 9112 §6, §7.1)."""

from __future__ import annotations

from email.message import Message
from http import HTTPStatus
from io import BufferedIOBase
from typing import Final

_LONGEST_LINE: Final = 8192
_LONGEST_SIZE: Final = 16
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")


class Unreadable(ValueError):
    """What came is no request that could be answered.

    :param status: the HTTP status to answer with.
    """

    def __init__(self, detail: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(detail)
        self.status = status


def read_body(stream: BufferedIOBase, headers: Message[str, str], most: int) -> bytes:
    """The whole body.

    :param most: bytes that are taken at most.
    :raises Unreadable: it breaks off, is too long, or its length is told twice or not at all.
    """
    lengths = set(headers.get_all("Content-Length") or ())
    encodings = [each.strip().lower() for each in ",".join(headers.get_all("Transfer-Encoding") or ()).split(",")]
    if encodings == [""]:
        return _of_length(stream, lengths, most)
    if lengths:
        raise Unreadable("Transfer-Encoding and Content-Length must not both be given")
    if encodings != ["chunked"]:
        raise Unreadable(f"Transfer-Encoding {encodings} is not supported", HTTPStatus.NOT_IMPLEMENTED)
    return _in_chunks(stream, most)


def _of_length(stream: BufferedIOBase, lengths: set[str], most: int) -> bytes:
    if len(lengths) > 1:
        raise Unreadable("two different Content-Length headers")
    text = lengths.pop().strip() if lengths else "0"
    if not (text.isascii() and text.isdigit()):
        raise Unreadable("Content-Length is not a number")
    # more digits than any length has would be slow to read as a number
    if len(text) > _LONGEST_SIZE or int(text) > most:
        raise Unreadable(f"a body may have at most {most} bytes", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return _exactly(stream, int(text))


def _in_chunks(stream: BufferedIOBase, most: int) -> bytes:
    body = bytearray()
    while size := _chunk_size(stream):
        if len(body) + size > most:
            raise Unreadable(f"a body may have at most {most} bytes", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body += _exactly(stream, size)
        if _line(stream):
            raise Unreadable("a chunk is longer than its size")
    while _line(stream):
        # trailers mean nothing to any route
        pass
    return bytes(body)


def _chunk_size(stream: BufferedIOBase) -> int:
    text = _line(stream).partition(b";")[0].strip()
    if not 0 < len(text) <= _LONGEST_SIZE or not _HEX.issuperset(text):
        raise Unreadable("the size of a chunk is not a hexadecimal number")
    return int(text, 16)


def _line(stream: BufferedIOBase) -> bytes:
    line = stream.readline(_LONGEST_LINE + 1)
    if not line.endswith(b"\n") or len(line) > _LONGEST_LINE:
        raise Unreadable("a line of the chunked body is truncated or too long")
    return line.rstrip(b"\r\n")


def _exactly(stream: BufferedIOBase, size: int) -> bytes:
    body = stream.read(size)
    if len(body) < size:
        raise Unreadable("the body is shorter than announced")
    return body
