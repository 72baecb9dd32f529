"""Changes in SQL that no trigger notes: found by a column that grows with each write, or by comparing all rows.

What is found becomes an entry of the queue, as a trigger would have made it, and from there on goes its way. A row that
is as both sides last agreed, as after our own write, makes none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from airflow_provider_lark.core.capture.watermark import Look, advance, has_gone_back, is_due, lower_of
from airflow_provider_lark.core.chunks import STATEMENT_ROWS
from airflow_provider_lark.core.database.open_writers import Writer
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.ledger.checkpoint import CaptureState, Checkpoint
from airflow_provider_lark.core.ledger.queue import Sighting
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sql_side.change_column import ChangeColumn, Stored
from airflow_provider_lark.core.sql_side.changed_rows import Changed, Lower, Place
from airflow_provider_lark.core.sync.push.compare_rows import compare_rows, sightings_among
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

#: how far a row may be ahead of the database's clock before somebody hears of it, beyond the overlap
_AHEAD_MS = 60_000
_NAMED = 5


def find_changes(run: Run, *, compares_all: bool = False) -> CaptureState | None:
    """Put into the queue what was changed in SQL since the last run, where the mapping captures without triggers.

    :param compares_all: the run compares all rows anyway.
    :returns: what :func:`keep_state` is to note once all rows that were to be compared have been; None: nothing.
    """
    mapping, column = run.binding.mapping, run.binding.change_column
    if mapping.direction == "to_sql" or mapping.capture.mode == "trigger":
        return None
    known = (run.read(lambda tx: tx.checkpoint.load()) or Checkpoint()).capture
    state = known if known is not None and known.kind == mapping.capture.text else None
    if column is None:
        if not compares_all:
            compare_rows(run, deletes=True)
        return CaptureState(mapping.capture.text) if state is None else None
    overlap_ms = round(mapping.capture_overlap_seconds * 1000)
    column, look, writer = run.read(_look, column, state, overlap_ms)
    if writer is not None and writer.open_ms > overlap_ms:
        run.report.warnings.append(_tell_of(run, writer))
    lower = lower_of(state, column, look, overlap_ms)
    if lower is not None:
        _read_changed(run, column, lower, look.now_ms, overlap_ms)
    elif not compares_all:
        compare_rows(run, deletes=False)
    return advance(state, mapping.capture.text, look, overlap_ms) if is_due(state, look.now_ms, overlap_ms) else None


def keep_state(run: Run, state: CaptureState | None) -> None:
    """Note how far changes in SQL are in the queue."""
    if state is not None:
        run.transact(lambda tx: tx.checkpoint.save(replace(tx.checkpoint.load() or Checkpoint(), capture=state)))


def _look(
    tx: Transaction, column: ChangeColumn, state: CaptureState | None, overlap_ms: int
) -> tuple[ChangeColumn, Look, Writer | None]:
    rows = tx.sql.changed(column)
    column = rows.as_written()
    now_ms = rows.now_ms()
    newest = rows.newest(column.at(now_ms))
    if not column.is_bounded:
        # the numbers that are given from now on are greater
        now_ms = rows.now_ms()
    writer = rows.oldest_writer()
    look = Look(now_ms, newest, writer_ms=0 if writer is None else writer.open_ms)
    knows_none = state is None or not state.marks or has_gone_back(state, now_ms)
    if newest is not None and column.is_bounded and knows_none:
        settled_ms = look.safe_ms(overlap_ms) - column.settles_ms
        settled = column.least_at(settled_ms)
        # where all that is there is later, so will be what comes
        older = rows.newest(settled) or settled
        look = replace(look, older=None if older is None else (settled_ms, older))
    return column, look, writer


class _Found(NamedTuple):
    rows: int
    sightings: list[Sighting]
    ahead: list[Key]
    after: Place | None


def _read_changed(run: Run, column: ChangeColumn, lower: Lower, now_ms: int, overlap_ms: int) -> None:
    """Read what has come since, a page a transaction; one that is interrupted is read again by the next run."""
    limit = column.at(now_ms + overlap_ms + _AHEAD_MS)
    after: Place | None = None
    ahead, count = list[Key](), 0
    while True:
        found = run.read(_page, run, lower, after, limit, now_ms)
        run.report.rows_sql += found.rows
        if found.sightings:
            run.transact(_note, found.sightings)
        ahead = (ahead + found.ahead)[:_NAMED]
        count += len(found.ahead)
        after = found.after
        if after is None:
            break
    if count:
        more = f" and {count - len(ahead)} more" if count > len(ahead) else ""
        run.report.warnings.append(
            f"{column.column.name} of {counted(count, 'row')} in {run.binding.table_name} is ahead of the database's "
            f"clock: {', '.join(ahead)}{more}. They are synced, but every run reads them again; correct the values"
        )


def _page(tx: Transaction, run: Run, lower: Lower, after: Place | None, limit: Stored | None, now_ms: int) -> _Found:
    column = run.binding.change_column
    if column is None:
        raise AssertionError("a mapping without a capture column has no page to read")
    changed, end = tx.sql.changed(column).page(lower, after=after, ahead=limit, limit=STATEMENT_ROWS)
    rows = tx.sql.read([each.key for each in changed])
    times = {each.key: _changed_ms(column, each, now_ms) for each in changed}
    sightings = sightings_among(tx, run, list(rows.values()), times).sightings
    return _Found(len(rows), sightings, [each.key for each in changed if each.is_ahead], end)


def _changed_ms(column: ChangeColumn, changed: Changed, now_ms: int) -> int:
    # a time that is still to come tells nothing of when the row was changed
    return 0 if changed.is_ahead else column.moment_ms(changed.value, now_ms)


def _note(tx: Transaction, sightings: list[Sighting]) -> None:
    tx.queue.note(sightings)


def _tell_of(run: Run, writer: Writer) -> str:
    return (
        f"a transaction that changed rows has been open for {writer.open_ms // 1000} s, longer than "
        f"capture_overlap_seconds: {writer.name}; until it ends, every run reads the rows of {run.binding.table_name} "
        "again that were changed since it began"
    )
