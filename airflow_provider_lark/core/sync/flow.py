"""The order of a run's steps: what is settled first, what is pulled, what is pushed, and what is stored in the end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from airflow_provider_lark.core.ledger.checkpoint import Checkpoint, Unsettled
from airflow_provider_lark.core.side import RecordId, Side
from airflow_provider_lark.core.sync.pull.changes import OwnCreates, Pulled, ingest_unmet, pull_changes
from airflow_provider_lark.core.sync.pull.full_scan import (
    Scan,
    drop_marks,
    ingest_surfaced,
    scan_all,
    scan_keys,
)
from airflow_provider_lark.core.sync.pull.hold import refuse_held
from airflow_provider_lark.core.sync.pull.older.ledger import forget_what_was_met
from airflow_provider_lark.core.sync.pull.older.table import refuse_older_table
from airflow_provider_lark.core.sync.pull.on_delete import free_unreferred
from airflow_provider_lark.core.sync.pull.own_writes import lark_now_ms
from airflow_provider_lark.core.sync.pull.told import Told
from airflow_provider_lark.core.sync.pull.told_changes import read_told_changes
from airflow_provider_lark.core.sync.pull.told_deletes import settle_told_deletes
from airflow_provider_lark.core.sync.pull.unseen import settle_lark_deletes, settle_sql_deletes
from airflow_provider_lark.core.sync.pull.view_scan import ingest_moved, marked_view
from airflow_provider_lark.core.sync.push.drain import drain
from airflow_provider_lark.core.sync.push.find_changes import find_changes, keep_state
from airflow_provider_lark.core.sync.push.open_decisions import note_open_decisions
from airflow_provider_lark.core.sync.push.open_intents import settle_intents
from airflow_provider_lark.core.sync.push.resolutions import apply_resolutions
from airflow_provider_lark.core.sync.push.unpaired import push_unpaired
from airflow_provider_lark.core.sync.retention import purge
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.scope import note_scope, tell_scope
from airflow_provider_lark.core.sync.run.settling import Settling
from airflow_provider_lark.core.sync.run.transaction import Transaction


def run_full(run: Run, uncaptured: Side | None = None) -> None:
    """Compare every row of both sides, and bring them in step; see :meth:`.SyncEngine.full`."""
    with marked_view(run):
        _run_full(run, uncaptured)


def _run_full(run: Run, uncaptured: Side | None) -> None:
    state = load_checkpoint(run)
    captured = find_changes(run, compares_all=True)
    if uncaptured is None and run.binding.mapping.direction == "both":
        refuse_older_table(run)
    resting = note_scope(run, state)
    _begin_settling(run, state)
    two_way = run.binding.mapping.direction != "to_lark"
    settle_intents(run)
    apply_resolutions(run)
    free_unreferred(run)
    scan = scan_all(run)
    ingest_unmet(run, Pulled())
    try:
        settle_lark_deletes(run, scan)
        settle_sql_deletes(run, scan)
    finally:
        drop_marks(run, scan.scan_id)
    offset = _offset(run, scan.total, scan.unsettled) if scan.is_settled else None
    modified = run.binding.modified_field
    if scan.is_complete and two_way and modified is not None and scan.pages > 1:
        # a record that was edited while we read has moved to the front unseen; its row is no new one
        pull_changes(run, modified, scan.newest_ms)
    own = OwnCreates()
    if run.binding.mapping.direction != "to_sql" and scan.is_complete:
        own = push_unpaired(run)
    drain(run)
    pulled = Pulled(scan.newest_ms if scan.is_complete else state.watermark_ms, scan.total)
    modified = run.binding.modified_field
    if scan.is_complete and two_way and modified is not None and (scan.pages > 1 or run.report.to_lark.total):
        # of records that we made, too, a read has to tell whether they are inside Lark's filter
        trusts_own = scan.total == 0 and not run.binding.mapping.is_filtered
        # what people edited while we read and wrote; it also takes in the echoes of our own writes
        pulled = pull_changes(run, modified, scan.newest_ms, own if trusts_own else OwnCreates())
    if offset is not None:
        # not Lark's newest total: a record that was deleted since the scan would be taken for a known difference
        offset += pulled.unpaired
    _save(run, pulled, complete=scan.is_complete, offset=offset)
    if scan.is_complete and not run.leaves_some:
        keep_state(run, captured)
    drain(run)
    _keep_unsettled(run)
    tell_scope(run, resting)
    run.transact(lambda tx: purge(tx.conn, run.binding.mapping.retention_days))
    note_open_decisions(run)
    refuse_held(run, scan.blind)


def run_incremental(run: Run, tell: Callable[[], Told] = Told) -> None:
    """Carry over what changed on either side since the last run; see :meth:`.SyncEngine.incremental`."""
    told = tell()
    state, binding = load_checkpoint(run), run.binding
    other_scope = (state.scope or "") != binding.mapping.scope
    is_blind = binding.modified_field is None and binding.mapping.direction != "to_lark"
    if state.last_scan_at_ms is None or other_scope or is_blind:
        run_full(run)
    else:
        with marked_view(run) as entered:
            _run_incremental(run, state, told, entered)


def _run_incremental(run: Run, state: Checkpoint, told: Told, entered: Sequence[RecordId]) -> None:
    _begin_settling(run, state)
    settle_intents(run)
    apply_resolutions(run)
    ingest_moved(run, entered)
    keep_state(run, find_changes(run))
    free_unreferred(run)
    pulled, scan = Pulled(state.watermark_ms), None
    modified = run.binding.modified_field
    if modified is not None and run.binding.mapping.direction != "to_lark":
        pulled = pull_changes(run, modified, state.watermark_ms, told=told)
        ingest_unmet(run, pulled)
        if told.deleted:
            settle_told_deletes(run, told, missing=_expected(run, pulled, state) - (pulled.total or 0))
        if pulled.total is not None and pulled.total != _expected(run, pulled, state):
            scan = Scan(run.new_token())
            try:
                scan_keys(run, scan, total=pulled.total)
                ingest_surfaced(run, scan)
                settle_lark_deletes(run, scan)
            finally:
                drop_marks(run, scan.scan_id)
            pulled.total, pulled.unsettled = scan.total, scan.unsettled
    offset = None
    if scan is not None and scan.is_settled:
        offset = _offset(run, pulled.total, pulled.unsettled)
    elif scan is None and pulled.total is not None:
        # the cheap sign of a delete is not there: what is beyond the pairs is what was, and what was left unpaired
        offset = state.total_offset + pulled.unpaired
    _save(run, pulled, complete=False, offset=offset)
    if modified is not None and run.binding.mapping.direction != "to_lark":
        # after the count: what Lark shows late, it counts late
        read_told_changes(run, told, pulled.shown)
    drain(run)
    _keep_unsettled(run)
    note_open_decisions(run)
    refuse_held(run, scan.blind if scan is not None else None)


def _begin_settling(run: Run, state: Checkpoint) -> None:
    """Find out which records the run is to leave alone: those that were changed since this moment, less the time."""
    mapping = run.binding.mapping
    seconds = mapping.settle_seconds
    if mapping.direction == "to_lark" or run.sql_is_old or run.scope_changed:
        # Lark's edits are not taken in; or this run decides otherwise than the next one, which would take them
        seconds = 0.0
    if seconds and run.binding.modified_field is None:
        seconds = 0.0
        run.report.warn_once(
            "settle_seconds has no effect: the table has no field of type Last modified time, so nothing tells when a "
            "record was changed; add one"
        )
    run.settling = Settling(round(seconds * 1000), lark_now_ms(run), state.watermark_ms, state.unsettled)


def _keep_unsettled(run: Run) -> None:
    """Note what the run has left, also what it left after it stored how far it came."""
    run.report.unsettled = len(run.settling.left)
    run.report.settles_in_seconds = run.settling.due_in_seconds(lark_now_ms(run))
    if not run.leaves_some and (left := run.settling.take_to_keep()) is not None:
        run.transact(_keep_left, left)


def _keep_left(tx: Transaction, left: dict[str, Unsettled]) -> None:
    tx.checkpoint.save(replace(tx.checkpoint.load() or Checkpoint(), unsettled=left))


def _expected(run: Run, pulled: Pulled, state: Checkpoint) -> int:
    """Return how many records Lark holds if none was deleted."""
    return run.count_pairs() + state.total_offset + pulled.unpaired + len(pulled.unsettled)


def _offset(run: Run, total: int | None, unsettled: Collection[str]) -> int | None:
    """Return by how much Lark's *total* exceeds the pairs, when the two are known to belong together.

    :param unsettled: records that are in *total*, and that the next run meets as new ones.
    """
    return None if total is None else total - run.count_pairs() - len(unsettled)


def _save(run: Run, pulled: Pulled, *, complete: bool, offset: int | None) -> None:
    """Store how far Lark's changes are taken in.

    :param complete: every record was read and compared.
    :param offset: records beyond the pairs; None leaves what is known.
    """
    if run.leaves_some:
        # the next run reads from the same watermark, and takes what was carried out for echoes
        return
    state = load_checkpoint(run)
    newest = [ms for ms in (pulled.newest_ms, state.watermark_ms) if ms is not None]
    kept = replace(state, watermark_ms=max(newest) if newest else None)
    if complete:
        kept = replace(kept, last_scan_at_ms=int(run.clock.now() * 1000), scope=run.binding.mapping.scope)
    elif run.restored:
        kept = replace(kept, last_scan_at_ms=None)
    if offset is not None:
        kept = replace(kept, total_offset=offset)
    if (left := run.settling.take_to_keep()) is not None:
        kept = replace(kept, unsettled=left)
    if kept != state:
        run.transact(_store, kept, offset is not None)


def _store(tx: Transaction, kept: Checkpoint, is_settled: bool) -> None:
    tx.checkpoint.save(kept)
    if is_settled:
        forget_what_was_met(tx)


def load_checkpoint(run: Run) -> Checkpoint:
    """Return the state of the mapping; an empty one before its first run."""
    return run.read(lambda tx: tx.checkpoint.load()) or Checkpoint()
