"""What is uploaded: bytes, or a file that is read block by block where blocking is allowed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO

from airflow_provider_lark.core.api.flow import Flow, blocking
from airflow_provider_lark.core.errors import BadRequest


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
        return (yield from blocking(self._rewind))

    def _rewind(self) -> bool:
        if self.start is None:
            return False
        self.file.seek(self.start)
        self.left = self.size
        return True

    def read(self, count: int) -> Flow[bytes]:
        """Return the next *count* bytes.

        :raises BadRequest: the file has fewer bytes than was said, or more.
        """
        return (yield from blocking(lambda: self._read(count)))

    def _read(self, count: int) -> bytes:
        parts = []
        while count > 0:
            part = self.file.read(count)
            if not isinstance(part, bytes):
                raise BadRequest("the file gives no bytes: open it for reading bytes (mode 'rb')")
            if not part:
                raise BadRequest(f"the file ends {self.left} bytes before the size of {self.size} that was given")
            parts.append(part)
            count -= len(part)
            self.left -= len(part)
        if self.left == 0 and self.file.read(1):
            raise BadRequest(f"the file goes on after the size of {self.size} that was given")
        return parts[0] if len(parts) == 1 else b"".join(parts)


def open_source(content: bytes | IO[bytes], size: int | None) -> Flow[Source]:
    """Return *content* as a source.

    :raises BadRequest: its size is not known.
    """
    file = io.BytesIO(content) if isinstance(content, (bytes, bytearray, memoryview)) else content
    known = yield from blocking(lambda: _measure(file) if size is None else size)
    if known < 0:
        raise BadRequest(f"the file's size is {known}, expected the number of its bytes")
    return Source(file, known, known, (yield from blocking(lambda: file.tell() if file.seekable() else None)))


def _measure(file: IO[bytes]) -> int:
    if not file.seekable():
        raise BadRequest("the file cannot seek, so give its size in bytes")
    start = file.tell()
    end = file.seek(0, io.SEEK_END)
    file.seek(start)
    return end - start
