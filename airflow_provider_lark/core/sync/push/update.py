"""Updating records: the changes that claimed rows make of their records, a batch a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_lark.core.api.wire.results import WireRecord
from airflow_provider_lark.core.bisect import bisect_batch
from airflow_provider_lark.core.chunks import split_by_text
from airflow_provider_lark.core.errors import LarkError, RecordNotFound, RowError, ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.ledger.claims import Claim
from airflow_provider_lark.core.ledger.history.changes import RowChange
from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import RecordId, Values
from airflow_provider_lark.core.sync.binding.links import NOTHING, Sendable
from airflow_provider_lark.core.sync.decide import PushDecision
from airflow_provider_lark.core.sync.pull.bundle import Bundle
from airflow_provider_lark.core.sync.pull.ingest import ingest
from airflow_provider_lark.core.sync.pull.own_writes import (
    Answer,
    lark_now_ms,
    near_miss_line,
    note_sent,
    told_otherwise,
)
from airflow_provider_lark.core.sync.push.write_intents import OpenIntents, Write, send_with_intent
from airflow_provider_lark.core.sync.run.dead_letters import MAX_RETRIES, add_dead_letter, retry_delay_seconds
from airflow_provider_lark.core.sync.run.grounds import Grounds
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import PutOff, Transaction


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed key with what it makes of its record.

    :param held: what the row holds instead of what is sent, where an undo lets the two differ; they agree on that.
    :param policy: ``undo`` where that decided, for the history.
    :param rests: the pair rests outside the mapping's filters from now on.
    """

    claim: Claim
    pair: Pair | None
    decision: PushDecision
    sendable: Sendable = NOTHING
    held: Values = field(default_factory=dict)
    policy: str = ""
    rests: bool = False

    @property
    def sent(self) -> dict[str, Canonical]:
        """The values that Lark gets, in canonical form."""
        return {name: value for name, value in self.decision.values.items() if name not in self.sendable.missing}

    @property
    def record_id(self) -> RecordId:
        """The record that is written to."""
        if self.pair is None:
            raise AssertionError("only a pair has a record")
        return self.pair.record_id

    @property
    def is_put_off(self) -> bool:
        """Nothing of it can be sent yet."""
        return self.decision.lark == "patch" and bool(self.sendable.missing) and not self.sendable.values

    @property
    def grounds(self) -> Grounds:
        """What was decided on, and what follows; base and patch together tell the row."""
        pair = self.pair
        base = None if pair is None or pair.tombstone else pair.base
        record_id = "" if pair is None else pair.record_id
        waits = tuple(self.sendable.missing)
        return Grounds("lark", self.claim.key, record_id, (base,), (self.decision.lark,), self.decision.values, waits)


def wait_for_links(tx: Transaction, work: Sequence[Work]) -> None:
    """Let entries wait until the rows that their rows name have records."""
    for item in work:
        tx.queue.retry(
            item.claim.entry_ids,
            error="; ".join(item.sendable.missing.values()),
            delay_seconds=retry_delay_seconds(item.claim.retry_count),
            max_retries=MAX_RETRIES,
        )
    tx.note_put_off([_put_off(item) for item in work])


def _put_off(item: Work) -> PutOff:
    base = (item.pair.base if item.pair is not None else None) or {}
    return PutOff(item.claim.key, item.record_id, base, item.decision.values, item.sendable.missing)


def update_records(run: Run, work: Sequence[Work]) -> None:
    """Send the changes of *work*, a batch a call; what Lark refuses is a dead letter, and the others land."""
    open_intents = OpenIntents()

    def send(batch: Sequence[Work]) -> None:
        writes = [Write(item.claim.key, item.record_id, item.sent, item.held) for item in batch]
        patches = [(item.record_id, run.lark.encode_patch(item.sendable.values)) for item in batch]
        since_ms, told = lark_now_ms(run), dict[str, WireRecord]()

        def update() -> None:
            told.update((record["record_id"], record) for record in run.lark.table.update(patches))

        try:
            token = send_with_intent(run, "update", writes, update, open_intents)
        except LarkError as error:
            run.batch.refused(len(batch), error)
            raise
        run.batch.landed(len(batch))
        answers = [
            _read_answer(run, item, body, told, since_ms) for item, (_, body) in zip(batch, patches, strict=True)
        ]
        run.transact(_record_updates, run, batch, token, answers)
        run.report.near_misses += sum(bool(answer.other) for answer in answers)
        run.report.to_lark.updated += len(batch)

    run.look_up_users(item.sendable.values for item in work)
    fit = [item for item in work if _encodes(run, item)]
    vanished: list[Work] = []

    def refuse(item: Work, error: LarkError) -> None:
        if isinstance(error, RecordNotFound):
            vanished.append(item)
        else:
            reject(run, item.claim, error)

    for batch in split_by_text(fit, lambda item: item.sendable.values.values(), size=run.batch.rows):
        left = bisect_batch(batch, send, refuse, luck=run.luck)
        run.report.add_left(len(left.items))
    run.transact(open_intents.close_divided)
    if vanished:
        _settle_vanished(run, vanished)


def _encodes(run: Run, item: Work) -> bool:
    try:
        run.lark.encode_patch(item.sendable.values)
    except ValueMismatch as error:
        reject(run, item.claim, error)
        return False
    return True


def _read_answer(
    run: Run, item: Work, body: Mapping[str, Any], told: Mapping[str, WireRecord], since_ms: int
) -> Answer:
    base = item.pair.base if item.pair is not None and item.pair.base is not None else {}
    before = {name: base.get(name) for name in item.sent}
    record = told.get(item.record_id)
    other, lacks = told_otherwise(run, record, body, item.sendable.values) if record is not None else ({}, True)
    # links stand there as ids, and are looked at with the first read
    other = {name: value for name, value in other.items() if name in item.sent}
    return Answer(note_sent(run, since_ms, before, item.claim.retry_count), other, lacks)


def _record_updates(tx: Transaction, run: Run, batch: Sequence[Work], token: str, answers: Sequence[Answer]) -> None:
    tx.intents.finish(token)
    tx.pairs.save([_with_base(item, answer) for item, answer in zip(batch, answers, strict=True)])
    # what the answer leaves out is looked at in this very run
    lacking = [item.claim.key for item, answer in zip(batch, answers, strict=True) if answer.lacks]
    tx.queue.enqueue(lacking, operation="PULL")
    tx.queue.complete([entry for item in batch if not item.sendable.missing for entry in item.claim.entry_ids])
    wait_for_links(tx, [item for item in batch if item.sendable.missing])
    lines = [LogLine(item.claim.key, "to_lark", "UPDATE", "applied", None) for item in batch]
    near = [(item.claim.key, answer.other) for item, answer in zip(batch, answers, strict=True) if answer.other]
    tx.log(lines + [near_miss_line(run, key, other) for key, other in near])
    tx.note_changes([_written(item, answer) for item, answer in zip(batch, answers, strict=True)])


def _written(item: Work, answer: Answer) -> RowChange:
    sent, base = item.sent, item.pair.base if item.pair is not None else None
    known = None if base is None else {name: base[name] for name in sent if name in base}
    sql = {**sent, **item.held}
    return RowChange(
        item.claim.key,
        item.record_id,
        "lark",
        "UPDATE",
        base=known,
        lark=None,
        sql=sql,
        new={**sent, **answer.other},
        policy=item.policy,
    )


def _with_base(item: Work, answer: Answer) -> Pair:
    pair = item.pair
    if pair is None:
        raise AssertionError("only a pair is updated")
    base, near = answer.agree(pair, item.sent)
    near = {**(near or {}), **item.held} or None
    # what still waits for a link is no last change
    rests = pair.outside or (item.rests and not item.sendable.missing)
    return Pair(pair.key, pair.record_id, base, pair.lark_modified_ms, near=near, sent=answer.sent, outside=rests)


def _settle_vanished(run: Run, vanished: Sequence[Work]) -> None:
    """Records that Lark does not find: deleted by a person, or not yet seen by every replica."""
    fates = run.lark.table.look_up([item.record_id for item in vanished])
    absent = set(fates.gone)
    claims = {item.claim.key: item.claim for item in vanished if item.record_id in absent}
    for item in vanished:
        if item.record_id not in absent:
            text = fates.hidden.get(
                item.record_id, "Lark reports that its record does not exist, but returns it when read"
            )
            reject(run, item.claim, RowError(f"row {item.claim.key!r}: {text}"))
    if absent:
        # the row's own entries go back to the queue: the delete is decided first, then the row is looked at again
        run.transact(_hand_back, list(claims.values()))
        ingest(run, Bundle((), gone=absent))


def _hand_back(tx: Transaction, claims: Sequence[Claim]) -> None:
    tx.queue.hand_back([entry for claim in claims for entry in claim.entry_ids])
    # a tombstone stands for a record that is still there; this one is not, so that the row may have a new one
    known = tx.pairs.by_keys([claim.key for claim in claims])
    tx.pairs.forget([pair.key for pair in known.values() if pair.tombstone])


def reject(run: Run, claim: Claim, error: LarkError) -> None:
    """Make a dead letter of a claimed key that Lark does not take."""
    run.transact(reject_in, run, claim, error)


def reject_in(tx: Transaction, run: Run, claim: Claim, error: LarkError) -> None:
    """Do the same inside the caller's transaction."""
    add_dead_letter(
        tx,
        claim.key,
        error,
        direction="to_lark",
        operation=claim.operation,
        entry_ids=claim.entry_ids,
        retry_count=claim.retry_count,
    )
    run.report.add_failure(claim.key, error)
