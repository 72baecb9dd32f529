"""The mappings of ``[lark] mapping_files``: read anew when they change; a wrong one does not hide the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from sqlalchemy.exc import SQLAlchemyError

from airflow_provider_lark.core import TableMapping
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.errors import ConfigError, DatabaseBusy, LarkError
from airflow_provider_lark.core.sync.mapping.file import load_all_mappings
from airflow_provider_lark.hooks.ledgers import configured_files
from airflow_provider_lark.plugins.sync_page.databases import WAIT_SECONDS, describe

FRESH_SECONDS = 60.0
LARK_CONN_ID = "lark_default"
"""Knows the names of bases that mappings of a whole base use, as it does for the commands."""

_Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What the files hold.

    :param mappings: by name.
    :param problems: what is wrong with a file, with two of them, or with a mapping of a whole base.
    :param is_lasting: it holds until a file changes; otherwise for a minute.
    """

    mappings: dict[str, TableMapping]
    problems: tuple[str, ...]
    is_lasting: bool = True


class MappingFiles:
    """Reads the files."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._lock = Lock()
        self._clock = clock or SystemClock()
        self._read_at = 0.0
        self._known: tuple[_Stamp, Found] | None = None

    def read(self) -> Found:
        """Return what the files hold now; while another request reads them again, what they held before.

        :raises DatabaseBusy: nothing is known yet, and a mapping of a whole base waits for its database.
        """
        files = configured_files()
        stamp = tuple(_stamp(name) for name in files)
        if (found := self._fresh(stamp)) is not None:
            return found
        known = self._known
        is_same = known is not None and known[0] == stamp
        if not self._lock.acquire(blocking=not is_same, timeout=-1 if is_same else WAIT_SECONDS):
            if known is None:
                raise DatabaseBusy(
                    "the mapping files are not read yet: a mapping of a whole base waits for its database; check that "
                    "it answers"
                )
            return known[1]
        try:
            if (found := self._fresh(stamp)) is None:
                found = _load(files)
                self._known, self._read_at = (stamp, found), self._clock.monotonic()
            return found
        finally:
            self._lock.release()

    def _fresh(self, stamp: _Stamp) -> Found | None:
        known = self._known
        if known is None or known[0] != stamp:
            return None
        # a base may have got more tables, or its ledger may be readable again
        is_old = not known[1].is_lasting and self._clock.monotonic() - self._read_at >= FRESH_SECONDS
        return None if is_old else known[1]


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
    found = [each for each in mappings if not each.is_whole_base]
    bases = [each for each in mappings if each.is_whole_base]
    if not bases:
        return Found({each.name: each for each in found}, tuple(problems))
    # the whole client of Lark's API comes with it, which nothing else of the page needs
    from airflow_provider_lark.hooks.whole_bases import expand_whole_bases

    for whole in bases:
        try:
            # the ledger knows the tables, so Lark is not asked
            done = expand_whole_bases([*found, whole], LARK_CONN_ID, None, ask_lark=False)
        except (LarkError, SQLAlchemyError) as exc:
            problems.append(f"mapping {whole.name!r}: {describe(exc)['message']}")
        else:
            found = done.mappings
            problems += done.refused.values()
    return Found({each.name: each for each in found}, tuple(problems), found == mappings)
