"""Holding deletes back: those beyond the limit wait in the ledger, and everything else goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from airflow_provider_lark.core.errors import SafetyStop
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.ledger.claims import Claim
from airflow_provider_lark.core.ledger.deletes import Entry, Held
from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sync.pull.bundle import Bundle, Outcome, Step
from airflow_provider_lark.core.sync.run.guard import NO_LIMIT
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

_PAGE = 500

ROW_STAYS = "its record was deleted in Lark; the row is kept until the deletes are allowed or the record is restored"
RECORD_STAYS = "its row was deleted in SQL; the record is kept until the deletes are allowed or the row is restored"

ROW_STAYS_OUTSIDE = "its record left the filter; the row is kept until the deletes are allowed or the record is back"
RECORD_STAYS_OUTSIDE = "its row left the filter; the record is kept until the deletes are allowed or the row is back"


def foresee(run: Run) -> None:
    """Count what a push would delete in Lark, before anything is; beyond the limit, nothing is deleted there."""
    if run.guard.is_lifted:
        run.transact(lambda tx: tx.release_held())
        return
    _free_rows_that_are_back(run)
    soft = run.changes_may_delete
    if run.read(lambda tx: tx.deletes.count_due(soft=soft)) <= run.guard.room("lark"):
        return
    doomed = set[Key]()
    for keys in pages(run, lambda tx, after: tx.deletes.due_page(soft=soft, after=after, limit=_PAGE)):
        doomed |= run.read(_deleted, run, keys) - run.guard.released
        if len(doomed) > run.guard.room("lark"):
            run.guard.stopped.add("lark")
            return


def pages(run: Run, read: Callable[[Transaction, int], list[Entry]]) -> Iterator[list[Key]]:
    """Yield the keys of what *read* finds behind an entry's id, a page a transaction."""
    after = 0
    while entries := run.read(read, after):
        yield [entry.key for entry in entries]
        after = entries[-1].id


def _free_rows_that_are_back(run: Run) -> None:
    """Look at held deletes of rows that exist again, although no trigger told of it."""
    for keys in pages(run, lambda tx, after: tx.deletes.page(pulls=False, after=after, limit=_PAGE)):
        run.transact(_free, run, keys)


def _free(tx: Transaction, run: Run, keys: Sequence[Key]) -> None:
    rows = tx.sql.read(keys)
    tx.deletes.release([key for key in keys if not run.counts_as_gone(rows.get(key))])


def _deleted(tx: Transaction, run: Run, keys: Sequence[Key]) -> set[Key]:
    rows = tx.sql.read(keys)
    return {key for key in keys if run.counts_as_gone(rows.get(key))}


def withhold(tx: Transaction, run: Run, bundle: Bundle, steps: list[Step], outcome: Outcome) -> list[Step]:
    """Return the steps of a bundle that may be carried out; deletes in SQL beyond the guard's room are held."""
    deletes = [step for step in steps if step.decision.sql == "delete" and step.resolution is None]
    if bundle.room is None or bundle.room == NO_LIMIT or not deletes:
        return steps
    waiting = _held_since(tx, deletes)
    if run.leavers is not None and bundle.room:
        fresh = [step for step in deletes if step.state.lark is not None and step not in waiting]
        outcome.leaving.update(step.state.record_id for step in fresh)
        steps, deletes = _without(steps, fresh), _without(deletes, fresh)
    if len(deletes) - len(waiting) <= bundle.room:
        deletes = waiting
    elif any(step.state.lark is not None for step in deletes):
        # records that left the filter are met page by page; what comes later is held as well
        run.guard.stopped.add("sql")
    if not deletes:
        return steps
    claims = [bundle.claims[name] for step in deletes for name in (step.state.id,) if name in bundle.claims]
    reason = ROW_STAYS_OUTSIDE if any(step.state.lark is not None for step in deletes) else ROW_STAYS
    tx.deletes.hold({entry: reason for claim in claims for entry in claim.entry_ids})
    keys = [step.state.key for step in deletes if step.state.key is not None]
    known = tx.deletes.among(keys)
    tx.deletes.hold_rows(dict.fromkeys(keys, reason))
    outcome.held.update(keys)
    tx.log([LogLine(key, "to_sql", "DELETE", "skipped", reason) for key in keys if key not in known])
    return _without(steps, deletes)


def _without(steps: Sequence[Step], some: Sequence[Step]) -> list[Step]:
    gone = set(map(id, some))
    return [step for step in steps if id(step) not in gone]


def _held_since(tx: Transaction, deletes: Sequence[Step]) -> list[Step]:
    """Return the deletes of records that left the filter which are held already: they wait, and do not count anew."""
    left = [step for step in deletes if step.state.lark is not None and step.state.key is not None]
    held = tx.deletes.among([Key(str(step.state.key)) for step in left])
    return [step for step in left if step.state.key in held]


def hold_records(tx: Transaction, claims: Sequence[Claim], reasons: Mapping[Key, str]) -> None:
    """Let the deletes of *claims* in Lark wait, each for the reason of its key."""
    tx.deletes.hold({entry: reasons[claim.key] for claim in claims for entry in claim.entry_ids})
    fresh = [claim.key for claim in claims if not claim.is_held]
    tx.log([LogLine(key, "to_lark", "DELETE", "skipped", reasons[key]) for key in fresh])


def refuse_held(run: Run, blind: str | None = None) -> None:
    """End the run with an error if deletes are held, of this run or of one before; all else has been done by then.

    :param blind: why the records that Lark does not show are no reason to delete.
    :raises SafetyStop: says how many rows and records stay where, and what to do.
    """
    waiting = run.read(lambda tx: tx.deletes.count())
    run.report.held = waiting.in_lark + waiting.in_sql
    told = [each for each in (run.restored, blind) if each]
    told += tell_held(run, waiting)
    if told:
        run.report.status = "held"
        raise SafetyStop(f"mapping {run.binding.mapping.name!r}: {'. '.join(told)}. Everything else was synced")


def tell_held(run: Run, waiting: Held) -> list[str]:
    """Return how many rows and records stay where, and what to do; nothing where none is held."""
    report, told = run.report, []
    if waiting.in_sql:
        told.append(
            f"records deleted in Lark{_or_left(run)} whose rows are kept in SQL: {waiting.in_sql} (this run deleted "
            f"{counted(report.to_sql.deleted, 'row')}); if they were deleted by mistake, restore the records in Lark"
        )
    if waiting.in_lark:
        told.append(
            f"rows deleted in SQL{_or_left(run)} whose records are kept in Lark: {waiting.in_lark} (this run deleted "
            f"{counted(report.to_lark.deleted, 'record')}); if they were deleted by mistake, restore the rows"
        )
    if told:
        told.append(
            f"A run deletes at most {run.guard.limit} of {run.guard.pairs} on each side (max_delete_rows, "
            "max_delete_ratio; never all); if the deletes are intended, run once with allow_mass_deletes=True"
        )
    return told


def _or_left(run: Run) -> str:
    return " or put outside the filter" if run.binding.mapping.leaving == "delete" else ""
