"""What is stored of a bundle, in its own transaction: pairs, queue entries for Lark, conflicts, failures, the log."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_lark.core.ledger.claims import Claim
from airflow_provider_lark.core.ledger.conflicts import Conflict
from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.ledger.parts import PULL
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sync.newest import Tie
from airflow_provider_lark.core.sync.pull.bundle import Bundle, Outcome, Step
from airflow_provider_lark.core.sync.pull.row_states import Refusal
from airflow_provider_lark.core.sync.pull.written import written_by
from airflow_provider_lark.core.sync.run.dead_letters import add_dead_letter
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

WAITS = "waiting for a resolution in sync_conflict"


def persist(
    tx: Transaction,
    run: Run,
    bundle: Bundle,
    done: list[Step],
    failures: Sequence[Refusal],
    outcome: Outcome,
) -> None:
    """Store what was decided and applied, and what failed; count both in *outcome*."""
    lines: list[LogLine] = []
    _persist_pairs(tx, done)
    _persist_promises(tx, done)
    _note_conflicts(tx, run, done, outcome, lines)
    _note_writes(done, outcome, lines)
    _reserve_keys(tx, failures)
    for failure in failures:
        note_failure(tx, failure, bundle.claims.get(failure.name), outcome)
    # a dead letter names the record by its key, or by its own id while it had none
    states = [step.state for step in done]
    outcome.landed |= {n for one in states for n in (one.record_id, one.key, one.reserved) if n is not None}
    tx.dead_letters.resolve(sorted(outcome.landed))
    left = {failure.name for failure in failures} | {each.row.id for each in outcome.duplicates}
    left |= outcome.held | outcome.left
    _complete(tx, bundle, left)
    tx.log(lines)
    tx.note_changes(written_by(done, run.binding.mapping.conflict.text))


def _persist_pairs(tx: Transaction, done: list[Step]) -> None:
    saved: list[Pair] = []
    forgotten: list[Key] = []
    tombstones: list[Key] = []
    resting: list[Key] = []
    for step in done:
        state, decision = step.state, step.decision
        key = step.key
        if key is None:
            continue
        if decision.pair == "save":
            base = decision.base if decision.base is not None else state.base
            modified_ms = state.lark.modified_ms if state.lark else None
            pair, near = state.pair, dict(decision.near) or None
            sent = pair.sent if pair is not None and pair.is_given_up and near else None
            rests = decision.rests
            saved.append(Pair(key, state.record_id, dict(base or {}), modified_ms, near=near, sent=sent, outside=rests))
            if rests:
                resting.append(key)
        elif decision.pair == "reserve":
            saved.append(Pair(key, state.record_id, None, outside=True))
            resting.append(key)
        elif decision.pair == "forget":
            forgotten.append(key)
        elif decision.pair == "tombstone":
            tombstones.append(key)
    # a row that a person wants back is no longer to be deleted
    kept = [step.key for step in done if step.resolution and step.decision.sql == "insert" and step.key]
    tx.deletes.settle([*forgotten, *tombstones, *resting, *kept])
    tx.pairs.forget(forgotten)
    tx.pairs.tombstone(tombstones)
    tx.pairs.save(saved)


def _persist_promises(tx: Transaction, done: list[Step]) -> None:
    """Put what is owed to Lark into the queue, in the same transaction, so that a crash cannot forget it."""
    owed = []
    for step in done:
        if step.state.sql is None and step.change is None and step.decision.pair != "forget":
            # only a delete that was noted deletes; of one that no trigger saw, a complete scan tells
            continue
        if (step.decision.owes_lark or step.incomplete) and step.key is not None and step.state.waiting_ms is None:
            owed.append(step.key)
    if owed:
        tx.queue.enqueue(owed, operation="UPDATE")


def _note_conflicts(tx: Transaction, run: Run, done: list[Step], outcome: Outcome, lines: list[LogLine]) -> None:
    noted, closed = [], []
    for step in done:
        state, decision = step.state, step.decision
        if not decision.conflict or step.resolution is not None:
            if state.key is not None:
                closed.append(state.key)
                if step.resolution is not None and step.resolution.note:
                    tx.conflicts.note_outcome([state.key], step.resolution.winner)
                    lines.append(LogLine(state.key, "both", "UPDATE", "decided", step.resolution.note))
            continue
        noted.append(
            Conflict(
                key=state.key or Key(state.record_id),
                record_id=state.record_id,
                base=dict(state.base) if state.base is not None else None,
                lark=dict(state.lark.values) if state.lark else None,
                sql=dict(state.sql.values) if state.sql else None,
                policy=run.binding.mapping.conflict.text,
                outcome=decision.outcome,
                status="open" if decision.outcome is None else "closed",
            )
        )
        outcome.conflicts += 1
        detail = f"{decision.outcome} wins{_TIES[decision.tie]}" if decision.outcome else WAITS
        lines.append(LogLine(state.id, "both", "UPDATE", "conflict", detail))
        if decision.outcome is None:
            outcome.skipped += 1
    tx.conflicts.add(noted)
    tx.conflicts.settle(closed)


_TIES: dict[Tie, str] = {
    "": "",
    "close": "; both edits are within skew_seconds of each other",
    "unknown": "; the time of one edit is not known",
}
_OPERATIONS = {"insert": "INSERT", "patch": "UPDATE", "delete": "DELETE"}


def _note_writes(done: list[Step], outcome: Outcome, lines: list[LogLine]) -> None:
    for step in done:
        if step.change is None:
            continue
        operation = _OPERATIONS.get(step.decision.sql, "UPDATE")
        if operation == "INSERT":
            outcome.writes.created += 1
        elif operation == "UPDATE":
            outcome.writes.updated += 1
        else:
            outcome.writes.deleted += 1
        id_ = step.change.key or step.state.id
        lines.append(LogLine(id_, "to_sql", operation, "applied", None))
        if step.rewritten:
            outcome.rewritten += 1
            detail = f"the database stored different values than Lark's in {', '.join(step.rewritten)}"
            lines.append(LogLine(id_, "to_sql", operation, "rewritten", detail))


def _reserve_keys(tx: Transaction, failures: Sequence[Refusal]) -> None:
    """Reserve the keys that records name which could not be ingested, so that nobody makes another record of them."""
    reserved = [
        Pair(failure.key, failure.record_id, None)
        for failure in failures
        if failure.key is not None and not failure.is_paired
    ]
    # one that named another key before is a dead letter under this one from now on
    tx.dead_letters.resolve([f.reserved for f in failures if f.reserved and f.reserved != f.key])
    tx.pairs.save(reserved)


def note_failure(tx: Transaction, failure: Refusal, claim: Claim | None, outcome: Outcome) -> None:
    """Make a dead letter of a record that could not be ingested."""
    add_dead_letter(
        tx,
        failure.name,
        failure.error,
        direction="to_sql",
        operation=PULL,
        entry_ids=claim.entry_ids if claim else (),
        retry_count=claim.retry_count if claim else 0,
    )
    outcome.failed[failure.name] = str(failure.error)


def _complete(tx: Transaction, bundle: Bundle, left: set[str]) -> None:
    settled = [id_ for id_ in bundle.claims if id_ not in left]
    # what SQL itself wants of the key is still to be pushed
    tx.dead_letters.settle([entry for id_ in settled for entry in bundle.claims[id_].entry_ids])
