"""A file that only its owner may read, and that is either written whole or not at all."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from types import TracebackType
from typing import BinaryIO, Self
from uuid import uuid4

from airflow_provider_lark.core.errors import ConfigError

_BESIDE = ".lark-plan-"


class PrivateFile:
    """Writes a file without a name, and puts it in the place of *path* when the block ends without an error.

    After an error, whatever *path* held before is still there. A killed process leaves nothing behind; where the file
    system wants a name, the next writer removes it. What is not an older file of the same kind is never written to, nor
    is its mode changed: a device, a pipe, a symbolic link, somebody else's text.

    :param begins: how each file of this kind begins.
    :raises ConfigError: there is something else, or the folder cannot be written to.
    """

    def __init__(self, path: str | Path, *, begins: bytes) -> None:
        self._path = Path(path)
        self._begins = begins

    def __enter__(self) -> Self:
        with _explained(self._path):
            self._refuse_foreign()
            _remove_stale(self._path.parent)
            self._beside, handle = _make(self._path.parent)
            # tells the next writer that this one is alive
            fcntl.flock(handle, fcntl.LOCK_EX)
        self._file = os.fdopen(handle, "wb")
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
                    if self._beside is None:
                        self._beside = _name(self._file.fileno(), self._path.parent)
                    self._beside.replace(self._path)
        finally:
            with suppress(OSError):
                self._file.close()
            if self._beside is not None:
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
            raise ConfigError(f"{self._path}: exists and is not a plan; give a new file, or an older plan to replace")


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


def _make(folder: Path) -> tuple[Path | None, int]:
    """Open a new file of mode 0600 in *folder*; it has no name where the file system can do without."""
    if flag := getattr(os, "O_TMPFILE", 0):
        # file systems that do not know it each answer in their own way; what is really wrong comes again below
        with suppress(OSError):
            return None, os.open(folder, flag | os.O_WRONLY, 0o600)
    handle, path = mkstemp(prefix=_BESIDE, dir=folder)
    return Path(path), handle


def _name(handle: int, folder: Path) -> Path:
    """Give a file without a name one in *folder*."""
    path = folder / f"{_BESIDE}{uuid4().hex}"
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # only with a folder does Python follow the link to the open file
        os.link(f"/proc/self/fd/{handle}", path.name, dst_dir_fd=place)
    finally:
        os.close(place)
    return path


def _remove_stale(folder: Path) -> None:
    """Remove the files of writers that were killed."""
    for path in folder.glob(f"{_BESIDE}*"):
        with suppress(OSError), open_regular(path) as file:
            # refused while its writer is alive
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


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
