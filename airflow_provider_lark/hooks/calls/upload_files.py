"""Files that a call sends, as tasks name them: paths, also of an object storage, bytes, open files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.parameters import read_json, read_text

if TYPE_CHECKING:
    from airflow_provider_lark.core.api.wire.forms import UploadFile

_MEMBERS = ("path", "content", "name", "content_type")
_EXPECTED = (
    'expected a path, bytes, an open file or a dictionary such as {"path": "s3://…", "name": "report.csv"} or '
    '{"content": "…", "name": "report.csv"}'
)


def read_files(files: Any) -> Mapping[str, Any] | None:
    """Return files by the names of their parts, which may come as JSON text; None where there are none.

    :raises ConfigError: it is something else.
    """
    found = read_json(None if files in ("", "None") else files or None, "files")
    if found is not None and not isinstance(found, Mapping):
        raise ConfigError('files: expected a dictionary such as {"image": "/srv/chart.png"}')
    return found


@contextmanager
def opened_files(files: Any, storage_conn_id: str | None = None) -> Iterator[dict[str, UploadFile]]:
    """Open files, and close those that were opened here when the block ends.

    :param files: by the names of their parts, each a path, an ``ObjectStoragePath``, bytes, a file that is open for
        reading bytes, or a dictionary of ``path`` or ``content`` with ``name`` and ``content_type``.
    :param storage_conn_id: connection of the object storage.
    :raises ConfigError: one is something else, or is not there.
    """
    with ExitStack() as stack:
        yield {
            str(part): _open(given, f"files[{str(part)!r}]", storage_conn_id, stack)
            for part, given in (read_files(files) or {}).items()
        }


def _open(given: Any, where: str, conn_id: str | None, stack: ExitStack) -> UploadFile:
    from airflow_provider_lark.core.api.wire.forms import UploadFile

    more: dict[str, Any] = {}
    if isinstance(given, Mapping):
        if unknown := [str(name) for name in given if name not in _MEMBERS]:
            raise ConfigError(f"{where}: unknown key {unknown[0][:50]!r}; expected {', '.join(_MEMBERS)}")
        told = {"name": read_text(given.get("name")), "kind": read_text(given.get("content_type"))}
        more = {name: text for name, text in told.items() if text is not None}
        filled = [given[name] for name in ("path", "content") if given.get(name) is not None]
        if len(filled) != 1:
            raise ConfigError(f"{where}: give either path or content, not both")
        if "content" in given and isinstance(given["content"], str):
            return UploadFile(given["content"].encode(errors="replace"), **more)
        (given,) = filled
    if isinstance(given, bytes | bytearray | memoryview):
        return UploadFile(bytes(given), **more)
    if hasattr(given, "read") and not isinstance(given, os.PathLike):
        return UploadFile(given, **{"name": _name_of(given), **more})
    name, file = _open_path(given, where, conn_id)
    stack.enter_context(file)
    return UploadFile(file, **{"name": name, **more})


def _open_path(given: Any, where: str, conn_id: str | None) -> tuple[str, IO[bytes]]:
    from airflow.sdk import ObjectStoragePath

    if not isinstance(given, str | os.PathLike | ObjectStoragePath) or not str(given).strip():
        raise ConfigError(f"{where}: found {type(given).__name__}; {_EXPECTED}")
    path = given if isinstance(given, ObjectStoragePath) else ObjectStoragePath(str(given), conn_id=conn_id)
    if not path.is_file():
        raise ConfigError(f"{where}: file {path.name!r} does not exist; check the path and storage_conn_id")
    return path.name, cast("IO[bytes]", path.open("rb"))  # type: ignore[no-untyped-call]  # Airflow leaves it untyped


def _name_of(file: IO[bytes]) -> str:
    name = getattr(file, "name", None)
    return Path(name).name or "file" if isinstance(name, str) else "file"
