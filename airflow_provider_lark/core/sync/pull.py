"""From Lark to SQL: a bundle of records is decided and applied in one transaction, with pairs and journal."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from airflow_provider_lark.core.errors import DuplicateKey, LarkError, RowRefused, ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.stores.base import Key, RecordId, Row, Values
from airflow_provider_lark.core.stores.ledger import conflicts, journal, pairs, parked, queue
from airflow_provider_lark.core.stores.ledger.journal import Conflict, LogLine
from airflow_provider_lark.core.stores.ledger.pairs import Pair
from airflow_provider_lark.core.stores.ledger.queue import Claim
from airflow_provider_lark.core.sync.apply_sql import SqlChange, apply_changes
from airflow_provider_lark.core.sync.decide import PullDecision, Side, Times, decide_pull
from airflow_provider_lark.core.sync.report import Writes
from airflow_provider_lark.core.sync.run import MAX_RETRIES, Run, retry_delay_seconds
from airflow_provider_lark.core.sync.subjects import Subject, gather


@dataclass(frozen=True, slots=True)
class Bundle:
    """Records on their way into SQL.

    :param gone: records that are known to be deleted.
    :param verdicts: what a person decided about open conflicts, by key.
    :param claims: the queue entries that asked for these records, by key or record id.
    :param compare_all: also look at the SQL rows of records that are as the base says (a complete scan).
    :param floor_ms: records no newer than this were met before; those that could not be taken in then are left to
        the queue.
    """

    rows: Sequence[Row]
    gone: Collection[RecordId] = ()
    verdicts: Mapping[Key, Side] = field(default_factory=dict)
    claims: Mapping[str, Claim] = field(default_factory=dict)
    compare_all: bool = False
    floor_ms: int | None = None


@dataclass(slots=True)
class Taken:
    """What became of a bundle.

    :param changed: ids of records that were no echo: new ones, or other than the base.
    :param keys_found: keys of which the SQL row exists.
    :param strays: records that belong to no pair afterwards.
    :param refused: records that could not be taken in, now or before.
    """

    changed: set[str] = field(default_factory=set)
    keys_found: set[str] = field(default_factory=set)
    strays: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    writes: Writes = field(default_factory=Writes)
    conflicts: int = 0
    skipped: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Step:
    subject: Subject
    decision: PullDecision
    change: SqlChange | None
    incomplete: bool = False
    verdict: Side | None = None


def take(conn: Connection, run: Run, bundle: Bundle) -> Taken:
    """Decide about *bundle* and apply it to SQL inside the caller's transaction; Lark is not called."""
    taken = Taken()
    rows = _without_echoes(conn, run, bundle, taken)
    subjects, refused = gather(conn, run, rows, bundle.gone)
    taken.keys_found.update(subject.key for subject in subjects if subject.key and subject.sql is not None)
    lines: list[LogLine] = []
    steps = _decide_all(conn, run, bundle, subjects, taken)
    apply_changes(conn, run.sql(conn), [step.change for step in steps if step.change is not None])
    failures: list[tuple[str, LarkError]] = list(refused)
    done: list[_Step] = []
    for step in steps:
        if step.change is not None and step.change.error is not None:
            failures.append((step.subject.id, step.change.error))
        else:
            done.append(step)
    _keep_pairs(conn, run, done)
    _keep_promises(conn, run, done)
    _note_conflicts(conn, run, done, taken, lines)
    _note_writes(done, taken, lines)
    for id_, error in failures:
        _park(conn, run, id_, error, bundle.claims.get(id_), taken, lines)
    _complete(conn, run, bundle, done, {id_ for id_, _ in failures})
    taken.keys_found.update(step.change.key for step in done if step.change is not None and step.change.key is not None)
    taken.strays.update(
        step.subject.record_id for step in done if step.subject.pair is None and step.decision.pair == "keep"
    )
    refused_ids = {id_ for id_, _ in failures}
    taken.refused.update(row.id for row in rows if row.id in refused_ids)
    taken.strays.update(row.id for row in rows if row.id in refused_ids)
    run.journal(conn, lines)
    return taken


def absorb(run: Run, taken: Taken) -> None:
    """Add what a committed bundle did to the report."""
    report = run.report
    report.to_sql.created += taken.writes.created
    report.to_sql.updated += taken.writes.updated
    report.to_sql.deleted += taken.writes.deleted
    report.conflicts += taken.conflicts
    report.skipped += taken.skipped
    report.failed += taken.failed
    for problem in taken.problems:
        report.add_problem(problem)


def _without_echoes(conn: Connection, run: Run, bundle: Bundle, taken: Taken) -> list[Row]:
    """Drop the records that are as the base says, unless all are to be compared; note which were changed."""
    known = pairs.by_records(conn, run.table_name, [RecordId(row.id) for row in bundle.rows])
    taken.refused |= _parked_before(conn, run, bundle, known)
    rows = []
    for row in bundle.rows:
        if row.id in taken.refused:
            taken.strays |= {row.id} - known.keys()
            continue
        pair = known.get(RecordId(row.id))
        echo = pair is not None and not row.problems and pair.base is not None and _holds(pair.base, row.values)
        if not echo:
            taken.changed.add(row.id)
        if not echo or bundle.compare_all or (pair is not None and pair.key in bundle.verdicts):
            rows.append(row)
    return rows


def _parked_before(conn: Connection, run: Run, bundle: Bundle, known: Mapping[RecordId, Pair]) -> set[str]:
    """Return the records that an earlier run met as they are, and could not take in."""
    if bundle.floor_ms is None:
        return set()
    old = {row.id for row in bundle.rows if row.modified_ms is not None and row.modified_ms <= bundle.floor_ms}
    names = {known[RecordId(id_)].key if RecordId(id_) in known else id_: id_ for id_ in old}
    return {names[name] for name in parked.among(conn, run.table_name, list(names))}


def _holds(base: Values, values: Values) -> bool:
    return all(name in base and base[name] == value for name, value in values.items())


def _decide_all(conn: Connection, run: Run, bundle: Bundle, subjects: list[Subject], taken: Taken) -> list[_Step]:
    keys = [subject.key for subject in subjects if subject.key is not None]
    blocked = journal.blacklisted(conn, run.table_name, keys)
    open_keys = conflicts.open_keys(conn, run.table_name, keys)
    steps = []
    for subject in subjects:
        if subject.key in blocked:
            taken.skipped += 1
            continue
        verdict = bundle.verdicts.get(subject.key) if subject.key else None
        step = _decide_one(run, subject, verdict, waits=subject.key in open_keys and verdict is None)
        if step is not None:
            steps.append(step)
    return steps


def _decide_one(run: Run, subject: Subject, verdict: Side | None, *, waits: bool) -> _Step | None:
    sql = None if run.is_deleted(subject.sql) or subject.sql is None else subject.sql.values
    if subject.pair is not None and subject.pair.tombstone and (sql is None) != (subject.lark is None):
        # a delete that the policy ignores: the side that is left stays as it is
        return None
    times = Times(
        lark_ms=subject.lark.modified_ms if subject.lark else None,
        sql_ms=None if subject.waiting_ms is None else run.on_larks_clock(subject.waiting_ms),
    )
    decision = decide_pull(
        run.binding.rules,
        base=subject.base,
        lark=subject.lark.values if subject.lark else None,
        sql=sql,
        times=times,
        verdict=verdict,
    )
    if waits and (decision.sql != "none" or decision.owes_lark or decision.conflict):
        decision = PullDecision(conflict=True)
    if (
        sql is None
        and subject.pair is not None
        and decision == PullDecision(owes_lark=True)
        and subject.waiting_ms is None
    ):
        # no trigger told of this delete; a complete scan decides about it, under the limit for deletes
        return None
    step = _Step(subject, decision, None, verdict=verdict)
    step.change = _change_for(run, step)
    return step


def _change_for(run: Run, step: _Step) -> SqlChange | None:
    """Return the write that a decision asks for; a soft delete is an update in SQL."""
    subject, decision = step.subject, step.decision
    soft = run.binding.mapping.deletes
    if decision.sql == "none":
        return None
    if decision.sql == "delete" and soft.mode == "soft":
        return SqlChange("patch", subject.key, {soft.column: run.soft_mark()})
    if decision.sql == "insert" and subject.sql is not None:
        return SqlChange("patch", subject.key, {**decision.values, soft.column: None})
    values = decision.values
    if decision.sql == "insert":
        values, step.incomplete = _for_insert(run, values, subject.record_id)
    elif decision.sql == "patch":
        values = _with_record_id(run, values, subject)
    try:
        for name, value in values.items():
            run.binding.codecs[name].to_sql(value)
    except ValueMismatch as error:
        return SqlChange("patch", subject.key, {}, error=ValueMismatch(f"row {subject.id!r}: {error}"))
    return SqlChange(decision.sql, subject.key, values)


def _for_insert(run: Run, values: Values, record_id: str) -> tuple[dict[str, Canonical], bool]:
    """Leave out what the database fills in by itself; tell whether there was anything."""
    left = {name for name, value in values.items() if value is None and run.binding.fills_in(name)}
    kept = {name: value for name, value in values.items() if name not in left}
    if run.binding.mapping.record_id_column:
        kept[run.binding.mapping.record_id_column] = record_id
    return kept, bool(left)


def _with_record_id(run: Run, values: Values, subject: Subject) -> Values:
    column = run.binding.mapping.record_id_column
    if column is None or subject.sql is None or subject.sql.values.get(column) == subject.record_id:
        return values
    return {**values, column: subject.record_id}


def _keep_pairs(conn: Connection, run: Run, done: list[_Step]) -> None:
    saved: list[Pair] = []
    forgotten: list[Key] = []
    buried: list[Key] = []
    for step in done:
        subject, decision = step.subject, step.decision
        key = step.change.key if step.change is not None else subject.key
        if key is None:
            continue
        if decision.pair == "save":
            base = decision.base if decision.base is not None else subject.base
            modified_ms = subject.lark.modified_ms if subject.lark else None
            saved.append(Pair(key, subject.record_id, dict(base or {}), modified_ms, tombstone=False))
        elif decision.pair == "forget":
            forgotten.append(key)
        elif decision.pair == "bury":
            buried.append(key)
    pairs.forget(conn, run.table_name, forgotten)
    pairs.bury(conn, run.table_name, buried)
    pairs.save(conn, run.table_name, saved)


def _keep_promises(conn: Connection, run: Run, done: list[_Step]) -> None:
    """Put what is owed to Lark into the queue, in the same transaction, so that a crash cannot forget it."""
    owed = []
    for step in done:
        key = step.change.key if step.change is not None else step.subject.key
        if (step.decision.owes_lark or step.incomplete) and key is not None and step.subject.waiting_ms is None:
            owed.append(key)
    if owed:
        queue.enqueue(conn, run.table_name, owed, operation="UPDATE")


def _note_conflicts(conn: Connection, run: Run, done: list[_Step], taken: Taken, lines: list[LogLine]) -> None:
    noted, closed = [], []
    for step in done:
        subject, decision = step.subject, step.decision
        if not decision.conflict or step.verdict is not None:
            if subject.key is not None:
                closed.append(subject.key)
            continue
        noted.append(
            Conflict(
                key=subject.key or Key(subject.record_id),
                record_id=subject.record_id,
                base=dict(subject.base) if subject.base is not None else None,
                lark=dict(subject.lark.values) if subject.lark else None,
                sql=dict(subject.sql.values) if subject.sql else None,
                policy=run.binding.mapping.conflict.text,
                outcome=decision.outcome,
                status="open" if decision.outcome is None else "closed",
            )
        )
        taken.conflicts += 1
        detail = f"{decision.outcome} wins" if decision.outcome else "waits for a verdict in sync_conflict"
        lines.append(LogLine(subject.id, "both", "UPDATE", "conflict", detail))
        if decision.outcome is None:
            taken.skipped += 1
    journal.add_conflicts(conn, run.table_name, noted)
    conflicts.settle(conn, run.table_name, closed)


_OPERATIONS = {"insert": "INSERT", "patch": "UPDATE", "delete": "DELETE"}


def _note_writes(done: list[_Step], taken: Taken, lines: list[LogLine]) -> None:
    for step in done:
        if step.change is None:
            continue
        operation = _OPERATIONS[step.decision.sql]
        if operation == "INSERT":
            taken.writes.created += 1
        elif operation == "UPDATE":
            taken.writes.updated += 1
        else:
            taken.writes.deleted += 1
        lines.append(LogLine(step.change.key or step.subject.id, "to_sql", operation, "applied", None))


def _park(
    conn: Connection, run: Run, id_: str, error: LarkError, claim: Claim | None, taken: Taken, lines: list[LogLine]
) -> None:
    """Keep a record that could not be taken in where a person sees it, and try it again later."""
    text = str(error)
    if claim is not None:
        queue.retry(
            conn,
            claim.entry_ids,
            error=text,
            delay_seconds=retry_delay_seconds(claim.retry_count),
            max_retries=MAX_RETRIES,
        )
    else:
        # another record may take the key away, or a parent row may come: that is worth another try, a bad value is not
        again = isinstance(error, (DuplicateKey, RowRefused))
        parked.park(conn, run.table_name, id_, error=text, delay_seconds=retry_delay_seconds(0) if again else None)
    taken.failed += 1
    taken.problems.append(f"{id_}: {text}")
    lines.append(LogLine(id_, "to_sql", "PULL", "failed", text))


def _complete(conn: Connection, run: Run, bundle: Bundle, done: Sequence[_Step], failed: set[str]) -> None:
    settled = [id_ for id_ in bundle.claims if id_ not in failed]
    queue.complete(conn, [entry for id_ in settled for entry in bundle.claims[id_].entry_ids])
    # a record is parked under its key, or under its own id while it had none
    names = {name for step in done for name in (step.subject.record_id, step.subject.key) if name is not None}
    parked.unpark(conn, run.table_name, sorted(names))
