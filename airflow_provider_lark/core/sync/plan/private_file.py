"""A file that only its owner may read, and that is either written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from types import TracebackType
from typing import BinaryIO, Self

from airflow_provider_lark.core.errors import ConfigError


class PrivateFile:
    """Writes beside *path*, and puts the file in its place when the block ends without an error.

    After an error, whatever *path* held before is still there. What is not an older file of the same kind is never
    written to, nor is its mode changed: a device, a pipe, a symbolic link, somebody else's text.

    :param begins: how each file of this kind begins.
    :raises ConfigError: there is something else, or the folder cannot be written to.
    """

    def __init__(self, path: str | Path, *, begins: bytes) -> None:
        self._path = Path(path)
        self._begins = begins

    def __enter__(self) -> Self:
        with _explained(self._path):
            self._refuse_foreign()
            # it makes a new file, with mode 0600 from the start
            handle, beside = mkstemp(prefix=".lark-plan-", dir=self._path.parent)
        self._beside, self._file = Path(beside), os.fdopen(handle, "wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with _explained(self._path):
                    self._file.flush()
                    os.fsync(self._file.fileno())
                    self._refuse_foreign()
                    self._beside.replace(self._path)
        finally:
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                self._beside.unlink(missing_ok=True)

    def write(self, line: bytes) -> None:
        """Add *line*."""
        with _explained(self._path):
            self._file.write(line)

    def _refuse_foreign(self) -> None:
        try:
            mode = self._path.lstat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "a symbolic link" if stat.S_ISLNK(mode) else "no regular file"
            raise ConfigError(f"{self._path}: is {kind}; give a new file, or an older plan to be replaced")
        # the file may have become something else since
        with open_regular(self._path) as file:
            there = file.read(len(self._begins))
        if not self._begins.startswith(there):
            raise ConfigError(f"{self._path}: exists and is no plan; give a new file, or an older plan to be replaced")


@contextmanager
def open_regular(path: Path, *, follows_links: bool = False) -> Iterator[BinaryIO]:
    """Open a file for reading; what would wait for a writer, or never end, is refused.

    :raises OSError: it is no regular file, or cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | (0 if follows_links else os.O_NOFOLLOW))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "no regular file")
        yield file


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise ConfigError(f"{path}: there is no folder {str(path.parent)!r}; create it first") from exc
    except OSError as exc:
        raise ConfigError(
            f"{path}: cannot be written ({exc.strerror}); give a file in a folder that you may write to"
        ) from exc
