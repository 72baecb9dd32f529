"""From SQL to Lark: the queue is drained in batches; a bad record is found by bisecting, and the others are written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal

from airflow_provider_lark.core.api.wire.limits import BATCH_DELETE_MAX, BATCH_WRITE_DEFAULT
from airflow_provider_lark.core.bisect import bisect_batch
from airflow_provider_lark.core.errors import RowError
from airflow_provider_lark.core.lark_side.table import Removal
from airflow_provider_lark.core.ledger.claims import Claim
from airflow_provider_lark.core.ledger.history.changes import RowChange
from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.ledger.parts import PULL
from airflow_provider_lark.core.side import Key, RecordId, SqlRow
from airflow_provider_lark.core.sync.pull.bundle import Bundle
from airflow_provider_lark.core.sync.pull.hold import (
    RECORD_STAYS,
    RECORD_STAYS_OUTSIDE,
    foresee,
    hold_records,
)
from airflow_provider_lark.core.sync.pull.ingest import ingest
from airflow_provider_lark.core.sync.pull.on_delete import settle_deleted_rows, why_held
from airflow_provider_lark.core.sync.push.create import NewRow, create_records
from airflow_provider_lark.core.sync.push.judge import judge
from airflow_provider_lark.core.sync.push.update import (
    Work,
    reject,
    reject_in,
    update_records,
    wait_for_links,
)
from airflow_provider_lark.core.sync.push.wake import wake
from airflow_provider_lark.core.sync.push.write_intents import OpenIntents, Write, send_with_intent
from airflow_provider_lark.core.sync.run.by_id import read_by_id
from airflow_provider_lark.core.sync.run.guard import NO_LIMIT
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction


def drain(run: Run) -> None:
    """Push what waits in the queue, oldest first, in batches; what is added meanwhile may wait for the next run."""
    waiting = run.read(lambda tx: tx.queue.backlog())
    if waiting.pending or waiting.held:
        foresee(run)
    if waiting.held:
        # some of it may have been set free
        waiting = run.read(lambda tx: tx.queue.backlog())
    # one round more than needed, for rows that are looked at again
    for _ in range(waiting.pending // min(run.batch.rows, BATCH_WRITE_DEFAULT) + 2):
        claims = run.transact(_claim, run)
        if not claims:
            return
        push(run, claims)


def _claim(tx: Transaction, run: Run) -> list[Claim]:
    return tx.claim(limit_keys=run.batch.rows, token=run.token)


def push(run: Run, claims: Sequence[Claim]) -> None:
    """Carry over what was claimed, but for rows whose record is left alone for now.

    Their entries stay claimed, so that the others get their turn, and are handed back when the run ends.
    """
    left = [claim for claim in claims if run.settling.leaves(claim.key)]
    if left:
        run.transact(lambda tx: tx.note_left([claim.key for claim in left if claim.operation != PULL]))
        claims = [claim for claim in claims if not run.settling.leaves(claim.key)]
    asking = run.read(lambda tx: tx.dead_letters.among_claims(claims))
    pulls = {str(claim.key): claim for claim in claims if claim.key in asking}
    if pulls:
        pull_again(run, pulls)
    rest = wake(run, [claim for claim in claims if str(claim.key) not in pulls])
    may_delete = run.changes_may_delete or any(claim.tells_delete for claim in rest)
    work = _look(run, run.transact(_decide, run, rest, run.guard.room("lark") if may_delete else 0))
    _delete(run, [item for item in work if item.decision.lark == "delete"])
    update_records(run, [item for item in work if item.decision.lark == "patch"])
    create_records(
        run,
        [
            NewRow(item.claim.key, item.decision.values, item.sendable, item.claim.entry_ids, item.claim.retry_count)
            for item in work
            if item.decision.lark == "create"
        ],
    )


def _decide(tx: Transaction, run: Run, claims: Sequence[Claim], room: int) -> list[Work]:
    """Decide about claimed keys; those that need nothing of Lark are completed at once.

    :param room: how many records may be deleted.
    """
    keys = [claim.key for claim in claims]
    known = tx.pairs.by_keys(keys)
    rows = tx.sql.read(keys)
    run.report.rows_sql += len(rows)
    held = tx.conflicts.open_keys(keys)
    decided, over, unseen = list[Work](), list[Claim](), list[Claim]()
    for claim in claims:
        pair, row = known.get(claim.key), rows.get(claim.key)
        fate = _fate_of(run, claim, pair, row)
        if fate == "refuse" and row is not None:
            reject_in(tx, run, claim, row.problems[0])
        elif fate == "unseen":
            unseen.append(claim)
        elif fate == "over":
            over.append(claim)
        else:
            decided.append(_decide_one(run, claim, pair, row, is_held=claim.key in held))
    work = [item for item in decided if item.decision.lark != "none"]
    _note(tx, decided, over)
    work = list(tx.admit(_with_links(tx, run, work), lambda item: item.grounds))
    _leave_unseen(tx, run, unseen)
    outside = {key for key, row in rows.items() if row.outside and not run.is_deleted(row)}
    return _ready(tx, _settle_referring(tx, run, _within_guard(tx, run, work, room, outside)))


_Fate = Literal["decide", "refuse", "unseen", "over"]


def _fate_of(run: Run, claim: Claim, pair: Pair | None, row: SqlRow | None) -> _Fate:
    """Tell whether a claimed row can be decided about; ``over``: it rested outside the filter, and was deleted."""
    is_live = pair is not None and pair.base is not None
    rests = pair is not None and pair.outside
    if row is None:
        if is_live and rests:
            return "over"
        return "unseen" if is_live and not claim.tells_delete else "decide"
    is_foreign = row.outside and (pair is None or rests)
    return "refuse" if row.problems and not run.is_deleted(row) and not is_foreign else "decide"


def _decide_one(run: Run, claim: Claim, pair: Pair | None, row: SqlRow | None, *, is_held: bool) -> Work:
    decision = judge(run, pair, row, is_new=claim.operation == "INSERT", waits=is_held)
    return Work(claim, pair, decision, rests=decision.rests)


def _note(tx: Transaction, decided: Sequence[Work], over: Sequence[Claim]) -> None:
    """Store what follows beside the writes to Lark, and complete the entries that need none."""
    tx.queue.enqueue([item.claim.key for item in decided if item.decision.puts_back], operation="PULL")
    idle = [item for item in decided if item.decision.lark == "none"]
    # what leaves the filter does not delete, nor does what happens to it there
    ended = [item.claim.key for item in idle if item.decision.pair == "tombstone"]
    tx.pairs.tombstone([*ended, *(claim.key for claim in over)])
    tx.pairs.mark_outside([item.claim.key for item in idle if item.rests and not (item.pair and item.pair.outside)])
    tx.queue.complete([entry for claim in [*over, *(item.claim for item in idle)] for entry in claim.entry_ids])


def _look(run: Run, work: Sequence[Work]) -> list[Work]:
    """Return the work whose records may be written to; the entries of the others are left to another run."""
    records = {item.record_id: item.claim.key for item in work if item.decision.lark in ("patch", "delete")}
    allowed = run.look_before_writing(records) if records else records
    left = [item for item in work if item.decision.lark != "create" and item.record_id not in allowed]
    if left:
        run.transact(lambda tx: tx.queue.hand_back([entry for item in left for entry in item.claim.entry_ids]))
    gone = set(map(id, left))
    return [item for item in work if id(item) not in gone]


def _leave_unseen(tx: Transaction, run: Run, claims: Sequence[Claim]) -> None:
    """Reject rows that are not to be seen, and of which no delete was noted: rights may hide them, or a view."""
    deleted = tx.queue.deletes_among([claim.key for claim in claims])
    for claim in claims:
        if claim.key in deleted:
            # deleted since it was claimed: that entry comes next
            tx.queue.hand_back(claim.entry_ids)
        else:
            text = f"row {claim.key!r} was not found, but no delete was captured for it, so its record is kept"
            reject_in(tx, run, claim, RowError(f"{text}; check the database user's privileges, or run a full sync"))


def _within_guard(tx: Transaction, run: Run, work: list[Work], room: int, outside: Collection[Key]) -> list[Work]:
    """Return the work that the guard against mass deletes lets pass; the other deletes are held."""
    deletes = [item for item in work if item.decision.lark == "delete"]
    released = {item.claim.key for item in deletes if item.claim.key in run.guard.released}
    limited = [item for item in deletes if item.claim.key not in released]
    fresh = [item for item in limited if run.guard.is_lifted or not item.claim.is_held]
    passing = released | {item.claim.key for item in fresh[:room]}
    held = {item.claim.key: item.claim for item in deletes if item.claim.key not in passing}
    why = {key: RECORD_STAYS_OUTSIDE if key in outside else RECORD_STAYS for key in held}
    hold_records(tx, list(held.values()), why)
    return [item for item in work if item.claim.key not in held]


def _settle_referring(tx: Transaction, run: Run, work: list[Work]) -> list[Work]:
    """Hold the deletes that rows of other tables forbid, and find what became of rows that referred to the others."""
    deletes = {item.claim.key: item.claim for item in work if item.decision.lark == "delete"}
    reasons = why_held(tx, run, list(deletes))
    if reasons:
        hold_records(tx, [deletes[key] for key in reasons], reasons)
        run.report.warn_of_referred("lark", reasons)
    settle_deleted_rows(tx, run, [key for key in deletes if key not in reasons], run.report.warn_once)
    return [item for item in work if item.claim.key not in reasons]


def _with_links(tx: Transaction, run: Run, work: Sequence[Work]) -> list[Work]:
    """Put record ids in the place of keys."""
    sendables = run.links.to_records(tx, [item.decision.values for item in work])
    return [replace(item, sendable=sendable) for item, sendable in zip(work, sendables, strict=True)]


def _ready(tx: Transaction, work: Sequence[Work]) -> list[Work]:
    """Return what can be sent; an update of which nothing can be sent yet waits."""
    wait_for_links(tx, [item for item in work if item.is_put_off])
    return [item for item in work if not item.is_put_off]


def _delete(run: Run, work: Sequence[Work]) -> None:
    open_intents = OpenIntents()

    def send(batch: Sequence[Work]) -> None:
        writes = [Write(item.claim.key, item.record_id, {}) for item in batch]
        removals: list[Removal] = []
        ids = [write.record_id for write in writes]
        token = send_with_intent(
            run, "delete", writes, lambda: removals.append(run.lark.table.remove(ids)), open_intents
        )
        hidden = {id_: why for removal in removals for id_, why in removal.hidden.items()}
        gone = {id_ for removal in removals for id_ in removal.gone}
        done = [item for item in batch if item.record_id not in hidden]
        run.transact(_record_deletes, done, gone, token)
        run.report.to_lark.deleted += len(done) - len(gone)
        run.guard.approved["lark"] += sum(
            item.claim.key in run.guard.released and item.record_id not in gone for item in done
        )
        for item in batch:
            if item.record_id in hidden:
                reject(run, item.claim, RowError(f"row {item.claim.key!r}: {hidden[item.record_id]}"))

    for start in range(0, len(work), BATCH_DELETE_MAX):
        part = work[start : start + BATCH_DELETE_MAX]
        left = bisect_batch(part, send, lambda item, error: reject(run, item.claim, error), luck=run.luck)
        run.report.add_left(len(left.items))
    run.transact(open_intents.close_divided)


def _record_deletes(tx: Transaction, batch: Sequence[Work], gone: Collection[RecordId], token: str) -> None:
    tx.intents.finish(token)
    tx.pairs.forget([item.claim.key for item in batch])
    tx.queue.complete([entry for item in batch for entry in item.claim.entry_ids])
    deleted = [item for item in batch if item.record_id not in gone]
    tx.log([LogLine(item.claim.key, "to_lark", "DELETE", "applied", None) for item in deleted])
    tx.note_changes([_written(item) for item in deleted])


def _written(item: Work) -> RowChange:
    base = None if item.pair is None else item.pair.base
    return RowChange(item.claim.key, item.record_id, "lark", "DELETE", base=base, lark=None, sql=None)


def pull_again(run: Run, claims: dict[str, Claim]) -> None:
    """Re-read the records of entries that could not be ingested before."""
    by_key = run.read(lambda tx: tx.pairs.by_keys(map(Key, claims)))
    # a key whose pair has ended names no record any more
    ids = [by_key[Key(id_)].record_id if Key(id_) in by_key else RecordId(id_) for id_ in claims]
    names = {id_: name for name, id_ in zip(claims, ids, strict=True) if id_.startswith("rec")}
    fates, rows = read_by_id(run, list(names))
    run.report.rows_lark += len(rows)
    hidden = {names[id_]: why for id_, why in fates.hidden.items()}
    for name, why in hidden.items():
        reject(run, claims[name], RowError(f"record {name}: {why}"))
    told = {name: claim for name, claim in claims.items() if name not in hidden}
    left = {row.id: names[row.id] for row in rows if row.outside}
    released = {id_: names[id_] for id_ in fates.gone} | left
    released = {id_: name for id_, name in released.items() if name in run.guard.released}
    if released:
        own = {name: told.pop(name) for name in released.values()}
        gone = [id_ for id_ in fates.gone if id_ in released]
        outcome = ingest(run, Bundle([row for row in rows if row.id in released], gone=gone, claims=own, room=NO_LIMIT))
        run.guard.approved["sql"] += outcome.writes.deleted
    gone = [id_ for id_ in fates.gone if id_ not in released]
    ingest(run, Bundle([row for row in rows if row.id not in released], gone=gone, claims=told))
