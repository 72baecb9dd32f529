"""Creating records exactly once: every batch is an intent, stored with its ``client_token`` before it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_lark.core.api.wire.results import WireRecord
from airflow_provider_lark.core.bisect import bisect_batch, is_in_doubt
from airflow_provider_lark.core.chunks import split_by_text
from airflow_provider_lark.core.errors import ClientTokenConflict, LarkError, ServerFailed, ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical, dump_values, load_values
from airflow_provider_lark.core.ledger.history.changes import RowChange
from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.ledger.intents import Intent
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key, RecordId, Values
from airflow_provider_lark.core.sync.binding.links import Sendable
from airflow_provider_lark.core.sync.pull.own_writes import (
    Answer,
    lark_now_ms,
    near_miss_line,
    note_sent,
    told_otherwise,
)
from airflow_provider_lark.core.sync.pull.row_states import key_of
from airflow_provider_lark.core.sync.push.find_by_key import find_by_keys, in_order_of
from airflow_provider_lark.core.sync.push.write_intents import is_void
from airflow_provider_lark.core.sync.run.apply_sql import SqlChange
from airflow_provider_lark.core.sync.run.base_lease import hold_base
from airflow_provider_lark.core.sync.run.dead_letters import add_dead_letter, retry_delay_seconds
from airflow_provider_lark.core.sync.run.grounds import Grounds
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import PutOff, Transaction

#: Lark does not say how long it remembers a client_token; within the hour a replay is taken for safe
REPLAY_WINDOW_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class NewRow:
    """A SQL row that has no record yet.

    :param sendable: *values* as Lark takes them.
    :param entry_ids: the queue entries that asked for it; none when a scan found it.
    :param policy: ``undo`` where that decided, for the history.
    """

    key: Key
    values: Values
    sendable: Sendable
    entry_ids: tuple[int, ...] = ()
    retry_count: int = 0
    policy: str = ""

    @property
    def grounds(self) -> Grounds:
        """What was decided on: a row without a record."""
        return Grounds("lark", self.key, "", (None,), ("create",), self.values, tuple(self.sendable.missing))


_Encoded = tuple[NewRow, dict[str, Any]]


def create_records(run: Run, rows: Sequence[NewRow]) -> list[list[RecordId]]:
    """Create the records of *rows*, a batch a call, and return the ids batch by batch."""
    batches: list[list[RecordId]] = []
    fit = []
    run.look_up_users(row.sendable.values for row in rows)
    for row in rows:
        try:
            fit.append((row, run.lark.encode_patch(row.sendable.values)))
        except ValueMismatch as error:
            _reject(run, row, error)
    for batch in split_by_text(fit, lambda item: item[1].values(), size=run.batch.rows):
        batches.extend(_create(run, batch))
    return batches


def _create(run: Run, batch: Sequence[_Encoded]) -> list[list[RecordId]]:
    """Create one batch, in parts where Lark refuses some of it."""
    made: list[list[RecordId]] = []
    known: set[Key] = set()

    def send(part: Sequence[_Encoded]) -> None:
        fresh = [item for item in part if item[0].key not in known]
        if fresh:
            made.append(_create_part(run, fresh, known))

    # where the outcome is open the intent stays, and the next run finds out
    left = bisect_batch(batch, send, lambda item, error: _reject(run, item[0], error), luck=run.luck, creates=True)
    run.report.add_left(len(left.items))
    return made


def _create_part(run: Run, batch: Sequence[_Encoded], known: set[Key]) -> list[RecordId]:
    """Create *batch* in one call.

    :param known: gets the keys of records that are found there although the call failed.
    """
    token = run.new_token()
    intent = Intent(
        client_token=token,
        keys=tuple(row.key for row, _ in batch),
        payload=[{"fields": fields, "base": dump_values(_base_of(run, row))} for row, fields in batch],
        created_ms=int(run.clock.now() * 1000),
    )
    run.transact(lambda tx: tx.intents.begin(intent))
    since_ms = lark_now_ms(run)
    try:
        records = _send(run, intent)
    except LarkError as error:
        run.batch.refused(len(batch), error)
        if is_in_doubt(error):
            raise
        if not isinstance(error, ServerFailed):
            run.transact(lambda tx: tx.intents.finish(token))
            raise
        # Lark broke down over it, every time: what it made all the same can be seen by now
        found = find_by_keys(run, intent.keys)
        known.update(found)
        run.transact(_record_settled, run, intent, found, looked_up=bool(found), asks_again=False)
        run.report.to_lark.created += len(found)
        if len(found) == len(batch):
            return list(found.values())
        raise
    run.batch.landed(len(batch))
    answers = [
        _read_answer(run, row, body, record, since_ms) for (row, body), record in zip(batch, records, strict=True)
    ]
    made = [
        (row, RecordId(record["record_id"]), answer)
        for (row, _), record, answer in zip(batch, records, answers, strict=True)
    ]
    run.transact(_record, run, intent, made)
    run.report.to_lark.created += len(made)
    run.report.near_misses += sum(bool(answer.other) for answer in answers)
    return [id_ for _, id_, _ in made]


def _read_answer(run: Run, row: NewRow, body: Mapping[str, Any], record: WireRecord, since_ms: int) -> Answer:
    base = _base_of(run, row)
    before: dict[str, Canonical] = dict.fromkeys(name for name in row.sendable.values if name in base)
    before |= {name: False for name in before if isinstance(base[name], bool)}
    other, lacks = told_otherwise(run, record, body, row.sendable.values)
    other = {name: value for name, value in other.items() if name in before}
    return Answer(note_sent(run, since_ms, before, row.retry_count), other, lacks)


def _send(run: Run, intent: Intent) -> list[WireRecord]:
    """Create the records of *intent*, and return them in the order of its keys."""
    with hold_base(run):
        bodies = [entry["fields"] for entry in intent.payload]
        records = run.lark.table.create(bodies, client_token=intent.client_token)
    # nobody promises that Lark answers in the order of the request, and a mix-up would pair rows with others' records
    return in_order_of(intent.keys, [_told_key(run, record) for record in records], records)


def _told_key(run: Run, record: WireRecord) -> Key | None:
    """Return the key that an answer shows of a record; None where it does not tell."""
    fields: Any = record.get("fields")
    columns = run.binding.rules.key_columns
    names = {column: run.binding.fields[column].name for column in columns}
    if not isinstance(fields, dict) or not all(name in fields for name in names.values()):
        return None
    try:
        return key_of(run, {column: run.binding.codecs[column].from_lark(fields[names[column]]) for column in columns})
    except LarkError:
        return None


def _record(tx: Transaction, run: Run, intent: Intent, made: Sequence[tuple[NewRow, RecordId, Answer]]) -> None:
    rows = [row for row, _, _ in made]
    saved = []
    for row, id_, answer in made:
        # where Lark's filter is not known to let it in, the next read tells
        outside = run.record_would_belong(row.values) is not True
        blank = Pair(row.key, id_, None, None, tombstone=False, outside=outside)
        base, near = answer.agree(blank, _base_of(run, row))
        saved.append(replace(blank, base=base, near=near, sent=answer.sent))
    tx.pairs.save(saved)
    _store_record_ids(tx, run, {row.key: id_ for row, id_, _ in made})
    # what an answer leaves out is looked at in this very run
    lacking = [row.key for row, _, answer in made if answer.lacks]
    tx.queue.enqueue(lacking, operation="PULL")
    tx.queue.complete([entry for row in rows for entry in row.entry_ids])
    for row in rows:
        if row.sendable.missing:
            # the record is there, its link follows once the other table's row has one
            text = "; ".join(row.sendable.missing.values())
            delay = retry_delay_seconds(0)
            tx.dead_letters.add(row.key, error=text, delay_seconds=delay, operation="UPDATE")
    tx.note_put_off([PutOff(row.key, "", {}, row.values, row.sendable.missing) for row in rows if row.sendable.missing])
    tx.intents.finish(intent.client_token)
    lines = [LogLine(row.key, "to_lark", "INSERT", "applied", None) for row in rows]
    near_misses = [near_miss_line(run, row.key, answer.other) for row, _, answer in made if answer.other]
    tx.log(lines + near_misses)
    tx.note_changes([_written(row.key, id_, _base_of(run, row), answer.other, row.policy) for row, id_, answer in made])


def _written(key: Key, record_id: RecordId, sent: Values, other: Values, policy: str = "") -> RowChange:
    new = {**sent, **other}
    return RowChange(key, record_id, "lark", "INSERT", base=None, lark=None, sql=sent, new=new, policy=policy)


def _base_of(run: Run, row: NewRow) -> dict[str, Canonical]:
    """Return what Lark holds after a create: what was sent, and nothing in the other fields."""
    missing = row.sendable.missing
    return {name: None if name in missing else row.values.get(name) for name in run.binding.rules.all_columns}


def _store_record_ids(tx: Transaction, run: Run, ids: Mapping[Key, RecordId]) -> None:
    column = run.binding.mapping.record_id_column
    if column is None:
        return
    # a row that was deleted meanwhile has its own queue entry
    there = tx.sql.read(list(ids), for_update=True)
    tx.apply([SqlChange("patch", Key(key), {column: ids[Key(key)]}, ids[Key(key)]) for key in there])


def _reject(run: Run, row: NewRow, error: LarkError) -> None:
    run.transact(
        add_dead_letter,
        row.key,
        error,
        direction="to_lark",
        operation="INSERT",
        entry_ids=row.entry_ids,
        retry_count=row.retry_count,
    )
    run.report.add_failure(row.key, error)


def settle_creates(run: Run, intents: Iterable[Intent]) -> None:
    """Find out what became of creates that a crash or a cut connection left in doubt, before anything else is done."""
    for intent in intents:
        found = find_by_keys(run, intent.keys)
        age_seconds = run.clock.now() - intent.created_ms / 1000
        # only where Lark shows none of them: a token that Lark has forgotten would make them all again
        ids = _replay(run, intent) if not found and age_seconds <= REPLAY_WINDOW_SECONDS else None
        if ids is not None:
            found = dict(zip(intent.keys, ids, strict=True))
        run.transact(_record_settled, run, intent, found, looked_up=ids is None, asks_again=True)
        run.report.to_lark.created += len(found)


def _replay(run: Run, intent: Intent) -> list[RecordId] | None:
    """Send the same request with the same token again; None when Lark no longer takes it for the same."""
    try:
        return [RecordId(record["record_id"]) for record in _send(run, intent)]
    except LarkError as error:
        if is_void(error) or isinstance(error, ClientTokenConflict):
            return None
        if isinstance(error, ServerFailed) and not find_by_keys(run, intent.keys):
            # it fails because of one of them; sent anew, they are bisected
            return None
        raise


def _record_settled(
    tx: Transaction, run: Run, intent: Intent, found: dict[Key, RecordId], *, looked_up: bool, asks_again: bool
) -> None:
    sent = {key: load_values(entry["base"]) for key, entry in zip(intent.keys, intent.payload, strict=True)}
    saved = [
        Pair(key, record_id, sent[key], outside=run.record_would_belong(sent[key]) is not True)
        for key, record_id in found.items()
    ]
    tx.pairs.save(saved)
    _store_record_ids(tx, run, found)
    tx.intents.finish(intent.client_token)
    if looked_up:
        # a person may have edited them, or made them
        tx.queue.enqueue(list(found), operation="PULL")
    if looked_up and asks_again:
        # the rows without one have to ask again
        tx.queue.enqueue([key for key in intent.keys if key not in found])
    tx.log([LogLine(pair.key, "to_lark", "INSERT", "applied", "completed after an interrupted run") for pair in saved])
    tx.note_changes([_written(key, record_id, sent[key], {}) for key, record_id in found.items()])
