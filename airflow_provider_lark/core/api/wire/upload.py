"""What is uploaded: bytes, or a file that is read block by block where blocking is allowed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO

from airflow_provider_lark.core.api.wire.flow import Flow, blocking
from airflow_provider_lark.core.errors import BadRequest
from airflow_provider_lark.core.hints import counted


@dataclass(slots=True)
class Source:
    """A file of a known size, read from front to back.

    :param left: bytes that were not read yet.
    :param start: where in the file they begin; None for one that cannot seek.
    """

    file: IO[bytes]
    size: int
    left: int
    start: int | None = None

    def rewind(self) -> Flow[bool]:
        """Go back to where the file stood; False where it cannot seek."""
        return (yield from blocking(self.go_back))

    def go_back(self) -> bool:
        """Do what :meth:`rewind` does, where blocking is allowed."""
        if self.start is None:
            return False
        self.file.seek(self.start)
        self.left = self.size
        return True

    def read(self, count: int) -> Flow[bytes]:
        """Return the next *count* bytes.

        :raises BadRequest: the file has fewer bytes than was said, or more.
        """
        return (yield from blocking(lambda: self.read_now(count)))

    def read_now(self, count: int) -> bytes:
        """Do what :meth:`read` does, where blocking is allowed."""
        parts = []
        while count > 0:
            part = self.file.read(count)
            if not isinstance(part, bytes):
                raise BadRequest("the file does not return bytes; open it in binary mode ('rb')")
            if not part:
                raise BadRequest(f"the file is {counted(self.left, 'byte')} shorter than the given size of {self.size}")
            parts.append(part)
            count -= len(part)
            self.left -= len(part)
        if self.left == 0 and self.file.read(1):
            raise BadRequest(f"the file is longer than the given size of {self.size}")
        return parts[0] if len(parts) == 1 else b"".join(parts)


class SourceReader(io.RawIOBase):
    """A source as a request reads it: from its first byte each time that it is sent.

    :raises BadRequest: the file has fewer bytes than was said, or more.
    """

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes: to its begin and its end."""
        return True

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes, at most *count*."""
        source = self._source
        if self._at == 0 and source.left != source.size:
            source.go_back()
        wanted = source.left if count < 0 else min(count, source.left)
        found = source.read_now(wanted)
        self._at += len(found)
        return found

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to the first byte, or, to learn the size, behind the last one."""
        self._at = self._source.size + offset if whence == io.SEEK_END else offset
        return self._at


def open_source(content: bytes | IO[bytes], size: int | None) -> Flow[Source]:
    """Return *content* as a source.

    :raises BadRequest: its size is not known.
    """
    file = io.BytesIO(content) if isinstance(content, (bytes, bytearray, memoryview)) else content
    known = yield from blocking(lambda: _measure(file) if size is None else size)
    if known < 0:
        raise BadRequest(f"size must be the number of bytes in the file, got {known}")
    return Source(file, known, known, (yield from blocking(lambda: file.tell() if file.seekable() else None)))


def _measure(file: IO[bytes]) -> int:
    if not file.seekable():
        raise BadRequest("the file is not seekable; give its size in bytes")
    start = file.tell()
    end = file.seek(0, io.SEEK_END)
    file.seek(start)
    return end - start
