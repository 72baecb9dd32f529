"""From where rows are read whose capture column grew, so that none is missed: pure, from what the ledger keeps.

A transaction writes the column's value when it begins, or later, and shows it when it commits. So the greatest value
that was seen is no watermark: a lesser one may come. But whoever begins after a moment writes no less than what stood
there at that moment. A *mark* is such a moment with such a value. Each read notes how old a transaction may be that it
has not seen, and the next one begins at the newest mark that is older than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from airflow_provider_lark.core.ledger.checkpoint import CaptureState
from airflow_provider_lark.core.sql_side.change_column import ChangeColumn, Stored
from airflow_provider_lark.core.sql_side.changed_rows import Lower

#: MySQL tells its time in whole seconds
_COARSE_MS = 1_000
#: so often an overlap a read is noted, so that few marks are kept and an idle run writes nothing
_NOTES = 8


@dataclass(frozen=True, slots=True)
class Look:
    """What the database said before a read began.

    :param now_ms: its time.
    :param newest: the greatest value of the column by then, none from beyond now; None: there is none.
    :param older: a mark from so long ago that whoever had begun has ended; asked for where none is known.
    :param writer_ms: for how long the oldest transaction is open that writes to the table; 0: nobody knows of one.
    """

    now_ms: int
    newest: Stored | None
    older: tuple[int, Stored] | None = None
    writer_ms: int = 0

    def safe_ms(self, overlap_ms: int) -> int:
        """Return since when whoever began to write may not have ended."""
        return self.now_ms - max(overlap_ms, self.writer_ms) - _COARSE_MS


def lower_of(state: CaptureState | None, column: ChangeColumn, look: Look, overlap_ms: int) -> Lower | None:
    """Return from where on rows are to be read; None where all have to be looked at."""
    mark = None if state is None else _settled(state.marks, state.safe_ms)
    if state is None or mark is None or _has_begun_anew(column, mark[1], look.newest):
        return None
    at_most = column.at(look.now_ms - overlap_ms - _COARSE_MS)
    # only where the value itself cannot come again
    return Lower(mark[1], is_over=mark[0] + column.settles_ms <= state.safe_ms, at_most=at_most)


def advance(state: CaptureState | None, kind: str, look: Look, overlap_ms: int) -> CaptureState:
    """Return what is known after a read that began with *look* and came to its end."""
    safe_ms = look.safe_ms(overlap_ms)
    marks = [] if state is None else list(state.marks)
    if state is not None and has_gone_back(state, look.now_ms):
        # moments that were noted before are still to come
        known = _settled(state.marks, state.safe_ms)
        marks = [] if known is None else [(0, known[1])]
    if look.older is not None:
        marks = [look.older]
    if look.newest is not None and (not marks or marks[-1][1] != look.newest):
        marks.append((look.now_ms, look.newest))
    settled = _settled(marks, safe_ms)
    return CaptureState(
        kind, look.now_ms, safe_ms, (*((settled,) if settled else ()), *(mark for mark in marks if mark[0] > safe_ms))
    )


def has_gone_back(state: CaptureState, now_ms: int) -> bool:
    """Tell whether the database's clock shows less than when it was last looked at."""
    return now_ms < state.read_ms - _COARSE_MS


def is_due(state: CaptureState | None, now_ms: int, overlap_ms: int) -> bool:
    """Tell whether a read is worth a note: without, the next one only begins earlier."""
    return state is None or not 0 <= now_ms - state.read_ms < overlap_ms / _NOTES


def _settled(marks: Sequence[tuple[int, Stored]], safe_ms: int) -> tuple[int, Stored] | None:
    return next((mark for mark in reversed(marks) if mark[0] <= safe_ms), None)


def _has_begun_anew(column: ChangeColumn, value: Stored, newest: Stored | None) -> bool:
    """Tell whether a number that means no time is less than it was: the table was emptied, or is another one."""
    return not column.is_bounded and newest is not None and Decimal(str(newest)) < Decimal(str(value))
