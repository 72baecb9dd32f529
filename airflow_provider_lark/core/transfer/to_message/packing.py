"""Files packed as they are written: gzip and zip, the same bytes for the same content."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Literal, Protocol
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo


class Writable(Protocol):
    """What takes bytes and tells how many."""

    def write(self, data: bytes, /) -> int:
        """Write all of *data*."""


Packing = Literal["gzip", "zip"]

ZIP_UNPACKED_MAX = 2**31 - 1
"""Bytes of a file in a zip that every program opens: beyond it the format is another one (zip64)."""

_LEVEL = 6
_READABLE = 0o644 << 16
_UNIX = 3


@contextmanager
def packed(raw: IO[bytes], packing: Packing | None, name: str) -> Iterator[Writable]:
    """Open *raw*, an empty file, so that what is written goes into it packed; None: as it is.

    :param name: of the file within a zip.
    """
    if packing is None:
        yield raw
    elif packing == "gzip":
        # no name and no time: they would differ from one try of a task to the next
        with gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as file:
            yield file
    else:
        info = ZipInfo(name)
        info.compress_type, info.external_attr, info.create_system = ZIP_DEFLATED, _READABLE, _UNIX
        with ZipFile(raw, "w") as archive, archive.open(info, "w") as file:
            yield file
