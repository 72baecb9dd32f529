"""From SQL to Lark: the queue is drained in batches; a bad record is found by halving, and the others land."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from airflow_provider_lark.core.api.limits import BATCH_DELETE_MAX
from airflow_provider_lark.core.errors import LarkError, RecordNotFound, RowError, ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.stores.base import Key, RecordId, Values
from airflow_provider_lark.core.stores.fates import Removal
from airflow_provider_lark.core.stores.halve import halve
from airflow_provider_lark.core.stores.ledger import conflicts, intents, pairs, parked, queue
from airflow_provider_lark.core.stores.ledger.journal import LogLine
from airflow_provider_lark.core.stores.ledger.pairs import Pair
from airflow_provider_lark.core.stores.ledger.queue import Claim
from airflow_provider_lark.core.sync.aside import MAX_RETRIES, retry_delay_seconds, set_aside
from airflow_provider_lark.core.sync.bundle import Bundle
from airflow_provider_lark.core.sync.create import NewRow, create_records
from airflow_provider_lark.core.sync.decide import PushDecision, decide_push
from airflow_provider_lark.core.sync.hold import foresee, hold_records
from airflow_provider_lark.core.sync.links import NOTHING, Sendable
from airflow_provider_lark.core.sync.run import Run
from airflow_provider_lark.core.sync.sent import Write, send_noted
from airflow_provider_lark.core.sync.twins import take_in

CLAIM_SECONDS = 600

_HIDDEN = "Lark hides its record from the app; give the app a role that shows all rows (advanced permissions)"


@dataclass(frozen=True, slots=True)
class _Work:
    """A claimed key with what it makes of its record."""

    claim: Claim
    pair: Pair | None
    decision: PushDecision
    sendable: Sendable = NOTHING

    @property
    def sent(self) -> dict[str, Canonical]:
        """The values that Lark gets, in canonical form."""
        return {name: value for name, value in self.decision.values.items() if name not in self.sendable.missing}

    @property
    def record_id(self) -> RecordId:
        if self.pair is None:
            raise AssertionError("only a pair has a record")
        return self.pair.record_id


def drain(run: Run) -> None:
    """Push what waits in the queue, oldest first, in batches; what is added meanwhile may wait for the next run."""
    waiting = run.transact(queue.backlog, run.table_name)
    if waiting.pending or waiting.held:
        foresee(run)
        waiting = run.transact(queue.backlog, run.table_name)
    # one round more than needed, for rows that are looked at again
    for _ in range(waiting.pending // run.binding.mapping.batch_size + 2):
        claims = run.transact(_claim, run)
        if not claims:
            return
        _push(run, claims)


def _claim(conn: Connection, run: Run) -> list[Claim]:
    return queue.claim(
        conn,
        run.table_name,
        limit_keys=run.binding.mapping.batch_size,
        token=run.token,
        lease_seconds=CLAIM_SECONDS,
    )


def _push(run: Run, claims: Sequence[Claim]) -> None:
    asking = run.transact(parked.pulls_among, claims)
    pulls = {str(claim.key): claim for claim in claims if claim.key in asking}
    if pulls:
        pull_again(run, pulls)
    rest = [claim for claim in claims if str(claim.key) not in pulls]
    may_delete = run.binding.mapping.deletes.mode == "soft" or any(claim.tells_delete for claim in rest)
    work = run.transact(_decide, run, rest, run.guard.room("lark") if may_delete else 0)
    _delete(run, [item for item in work if item.decision.lark == "delete"])
    _update(run, [item for item in work if item.decision.lark == "patch"])
    create_records(
        run,
        [
            NewRow(item.claim.key, item.decision.values, item.sendable, item.claim.entry_ids, item.claim.retry_count)
            for item in work
            if item.decision.lark == "create"
        ],
    )


def _decide(conn: Connection, run: Run, claims: Sequence[Claim], room: int) -> list[_Work]:
    """Decide about claimed keys; those that need nothing of Lark are completed at once.

    :param room: how many records may be deleted.
    """
    keys = [claim.key for claim in claims]
    known = pairs.by_keys(conn, run.table_name, keys)
    rows = run.sql(conn).read(keys)
    run.report.rows_sql += len(rows)
    held = conflicts.open_keys(conn, run.table_name, keys)
    work, idle, unseen = list[_Work](), list[int](), list[Claim]()
    for claim in claims:
        pair, row = known.get(claim.key), rows.get(claim.key)
        if row is not None and row.problems and not run.is_deleted(row):
            _set_aside(conn, run, claim, row.problems[0])
            continue
        if row is None and pair is not None and pair.base is not None and not claim.tells_delete:
            unseen.append(claim)
            continue
        buried = pair is not None and pair.tombstone and claim.operation != "INSERT"
        decision = decide_push(
            run.binding.rules,
            # a tombstone's record may still be there, holding nobody knows what
            base=None if pair is None else ({} if pair.tombstone else pair.base),
            sql=None if row is None or run.is_deleted(row) else row.values,
            buried=buried,
        )
        waits = pair is not None and pair.is_reserved
        if claim.key in held or buried or waits:
            # a record that could not be taken in holds the key: neither a second one is made, nor its cells overwritten
            decision = PushDecision()
        if decision.lark == "none":
            if decision.pair == "bury":
                pairs.bury(conn, run.table_name, [claim.key])
            idle.extend(claim.entry_ids)
        else:
            work.append(_Work(claim, pair, decision))
    queue.complete(conn, idle)
    _leave_unseen(conn, run, unseen)
    return _resolve_links(conn, run, _within_guard(conn, run, work, room))


def _leave_unseen(conn: Connection, run: Run, claims: Sequence[Claim]) -> None:
    """Set rows aside that are not to be seen, and of which no delete was noted: rights may hide them, or a view."""
    deleted = parked.deletes_among(conn, run.table_name, [claim.key for claim in claims])
    for claim in claims:
        if claim.key in deleted:
            # deleted since it was claimed: that entry comes next
            parked.hand_back(conn, claim.entry_ids)
        else:
            text = f"row {claim.key!r} is not to be seen, and nobody noted that it was deleted, so its record stays"
            _set_aside(conn, run, claim, RowError(f"{text}; check the database user's rights, or run a full sync"))


def _within_guard(conn: Connection, run: Run, work: list[_Work], room: int) -> list[_Work]:
    """Return the work that the guard against mass deletes lets pass; the other deletes are held."""
    deletes = [item for item in work if item.decision.lark == "delete"]
    fresh = [item for item in deletes if run.guard.is_lifted or not item.claim.is_held]
    held = [item for item in deletes if item not in fresh[:room]]
    hold_records(conn, run, [item.claim for item in held])
    return [item for item in work if item not in held]


def _resolve_links(conn: Connection, run: Run, work: Sequence[_Work]) -> list[_Work]:
    """Put record ids in the place of keys; an update of which nothing can be sent yet waits."""
    sendables = run.links.to_records(conn, [item.decision.values for item in work])
    resolved = []
    for item, sendable in zip(work, sendables, strict=True):
        if sendable.missing and not sendable.values and item.decision.lark == "patch":
            _wait_for_links(conn, item, sendable)
        else:
            resolved.append(replace(item, sendable=sendable))
    return resolved


def _wait_for_links(conn: Connection, item: _Work, sendable: Sendable) -> None:
    queue.retry(
        conn,
        item.claim.entry_ids,
        error="; ".join(sendable.missing.values()),
        delay_seconds=retry_delay_seconds(item.claim.retry_count),
        max_retries=MAX_RETRIES,
    )


def _delete(run: Run, work: Sequence[_Work]) -> None:
    def send(batch: Sequence[_Work]) -> None:
        writes = [Write(item.claim.key, item.record_id, {}) for item in batch]
        removals: list[Removal] = []
        token = send_noted(
            run, "delete", writes, lambda: removals.append(run.lark.remove([write.record_id for write in writes]))
        )
        hidden = {id_ for removal in removals for id_ in removal.hidden}
        done = [item for item in batch if item.record_id not in hidden]
        run.transact(_record_deletes, run, done, token)
        run.report.to_lark.deleted += len(done)
        for item in batch:
            if item.record_id in hidden:
                _reject(run, item.claim, RowError(f"row {item.claim.key!r}: {_HIDDEN}"))

    for start in range(0, len(work), BATCH_DELETE_MAX):
        halve(work[start : start + BATCH_DELETE_MAX], send, lambda item, error: _reject(run, item.claim, error))


def _record_deletes(conn: Connection, run: Run, batch: Sequence[_Work], token: str) -> None:
    intents.finish(conn, token)
    pairs.forget(conn, run.table_name, [item.claim.key for item in batch])
    queue.complete(conn, [entry for item in batch for entry in item.claim.entry_ids])
    run.journal(conn, [LogLine(item.claim.key, "to_lark", "DELETE", "applied", None) for item in batch])


def _update(run: Run, work: Sequence[_Work]) -> None:
    def send(batch: Sequence[_Work]) -> None:
        writes = [Write(item.claim.key, item.record_id, item.sent) for item in batch]
        patches = [(item.record_id, item.sendable.values) for item in batch]
        token = send_noted(run, "update", writes, lambda: run.lark.update(patches))
        run.transact(_record_updates, run, batch, token)
        run.report.to_lark.updated += len(batch)

    run.look_up_people(item.sendable.values for item in work)
    fit = [item for item in work if _encodes(run, item)]
    vanished: list[_Work] = []

    def refuse(item: _Work, error: LarkError) -> None:
        if isinstance(error, RecordNotFound):
            vanished.append(item)
        else:
            _reject(run, item.claim, error)

    size = run.binding.mapping.batch_size
    for start in range(0, len(fit), size):
        halve(fit[start : start + size], send, refuse)
    if vanished:
        _settle_vanished(run, vanished)


def _encodes(run: Run, item: _Work) -> bool:
    try:
        run.lark.encode_patch(item.sendable.values)
    except ValueMismatch as error:
        _reject(run, item.claim, error)
        return False
    return True


def _record_updates(conn: Connection, run: Run, batch: Sequence[_Work], token: str) -> None:
    intents.finish(conn, token)
    pairs.save(conn, run.table_name, [_with_base(item) for item in batch])
    queue.complete(conn, [entry for item in batch if not item.sendable.missing for entry in item.claim.entry_ids])
    for item in batch:
        if item.sendable.missing:
            _wait_for_links(conn, item, item.sendable)
    run.journal(conn, [LogLine(item.claim.key, "to_lark", "UPDATE", "applied", None) for item in batch])


def _with_base(item: _Work) -> Pair:
    pair = item.pair
    if pair is None:
        raise AssertionError("only a pair is updated")
    base: Values = {**(pair.base or {}), **item.sent}
    return Pair(pair.key, pair.record_id, dict(base), pair.lark_modified_ms, tombstone=False)


def _settle_vanished(run: Run, vanished: Sequence[_Work]) -> None:
    """Records that Lark does not find: deleted by a person, or not yet seen by every replica."""
    fates = run.lark.look_up([item.record_id for item in vanished])
    absent = {RecordId(record_id) for record_id in fates.gone}
    claims = {item.claim.key: item.claim for item in vanished if item.record_id in absent}
    for item in vanished:
        if item.record_id not in absent:
            text = _HIDDEN if item.record_id in fates.hidden else "Lark does not find its record, and yet shows it"
            _reject(run, item.claim, RowError(f"row {item.claim.key!r}: {text}"))
    if absent:
        # the row's own entries go back to the queue: the delete is decided first, then the row is looked at again
        run.transact(_hand_back, run, list(claims.values()))
        take_in(run, Bundle((), gone=absent))


def _hand_back(conn: Connection, run: Run, claims: Sequence[Claim]) -> None:
    parked.hand_back(conn, [entry for claim in claims for entry in claim.entry_ids])
    # a tombstone stands for a record that is still there; this one is not, so that the row may have a new one
    known = pairs.by_keys(conn, run.table_name, [claim.key for claim in claims])
    pairs.forget(conn, run.table_name, [pair.key for pair in known.values() if pair.tombstone])


def pull_again(run: Run, claims: dict[str, Claim]) -> None:
    """Re-read the records of entries that could not be taken in before."""
    by_key = run.transact(pairs.by_keys, run.table_name, [Key(id_) for id_ in claims])
    # a key whose pair has ended names no record any more
    ids = [by_key[Key(id_)].record_id if Key(id_) in by_key else RecordId(id_) for id_ in claims]
    names = {id_: name for name, id_ in zip(claims, ids, strict=True) if id_.startswith("rec")}
    fates = run.lark.look_up(list(names))
    rows = [run.lark.decode(record) for record in fates.shown]
    run.report.rows_lark += len(rows)
    hidden = {names[RecordId(id_)] for id_ in fates.hidden}
    for name in hidden:
        _reject(run, claims[name], RowError(f"record {name}: {_HIDDEN}"))
    told = {name: claim for name, claim in claims.items() if name not in hidden}
    take_in(run, Bundle(rows, gone=[RecordId(id_) for id_ in fates.gone], claims=told))


def _reject(run: Run, claim: Claim, error: LarkError) -> None:
    run.transact(_set_aside, run, claim, error)


def _set_aside(conn: Connection, run: Run, claim: Claim, error: LarkError) -> None:
    set_aside(
        conn,
        run,
        claim.key,
        error,
        direction="to_lark",
        operation=claim.operation,
        entry_ids=claim.entry_ids,
        retry_count=claim.retry_count,
    )
    run.report.add_failure(claim.key, error)
