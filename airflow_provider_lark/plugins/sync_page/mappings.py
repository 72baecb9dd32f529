"""The mappings of ``[lark] mapping_files``: read anew when they change; a wrong one does not hide the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from airflow_provider_lark.core import TableMapping
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.sync.mapping.file import load_all_mappings
from airflow_provider_lark.hooks.ledgers import configured_files

_Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What the files hold.

    :param mappings: by name.
    :param problems: what is wrong with a file, or with two of them.
    """

    mappings: dict[str, TableMapping]
    problems: tuple[str, ...]


class MappingFiles:
    """Reads the files."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: tuple[_Stamp, Found] | None = None

    def read(self) -> Found:
        """Return what the files hold now."""
        files = configured_files()
        with self._lock:
            stamp = tuple(_stamp(name) for name in files)
            if self._known is None or self._known[0] != stamp:
                self._known = (stamp, _load(files))
            return self._known[1]


def _stamp(name: str) -> tuple[str, int, int]:
    try:
        told = Path(name).stat()
    except OSError:
        return name, 0, 0
    return name, told.st_mtime_ns, told.st_size


def _load(files: list[str]) -> Found:
    good: list[str] = []
    problems: list[str] = []
    mappings: list[TableMapping] = []
    for name in files:
        try:
            # the first file that has a mapping of a name or a table keeps it
            mappings = load_all_mappings([*good, name])
        except ConfigError as exc:
            problems.append(str(exc))
        else:
            good.append(name)
    return Found({each.name: each for each in mappings}, tuple(problems))
