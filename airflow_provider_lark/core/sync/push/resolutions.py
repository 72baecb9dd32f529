"""Resolutions: what people decided in ``sync_conflict`` (``SET outcome = 'lark' WHERE …``), or elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import cast

from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.ledger.conflicts import Conflict
from airflow_provider_lark.core.ledger.decisions import Decision
from airflow_provider_lark.core.ledger.history.sync_log import Direction, LogLine
from airflow_provider_lark.core.side import Key, RecordId, Side
from airflow_provider_lark.core.sync.pull.bundle import Bundle, Resolution
from airflow_provider_lark.core.sync.pull.hold import pages
from airflow_provider_lark.core.sync.pull.ingest import ingest
from airflow_provider_lark.core.sync.push.drain import push
from airflow_provider_lark.core.sync.run.by_id import read_by_id
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction
from airflow_provider_lark.core.sync.verdicts import Verdict

_PAGE = 500


def apply_resolutions(run: Run) -> None:
    """Carry out what people decided: about conflicts, on the rows as they are now, and about held deletes."""
    run.verdicts.take()
    own, decided = run.read(lambda tx: (tx.decisions.open(), tx.conflicts.decided()))
    # an engine may run again: what was refused for now then is tried now
    others = [each for each in run.verdicts.given if each.origin != "decision"]
    run.verdicts.given = (*others, *map(_verdict_of, own))
    for decision in own:
        run.verdicts.fates.pop(str(decision.id), None)
    _apply(run, decided)
    known = run.verdicts.fates
    fates = {each.id: fate for each in own if (fate := known.get(str(each.id), "waiting")) != "waiting"}
    if fates:
        run.transact(lambda tx: tx.decisions.close(fates))


def _verdict_of(decision: Decision) -> Verdict:
    id_, kind, key, seen, choice, by = decision
    return Verdict(str(id_), kind, key, seen, choice, by, origin="decision")


def _apply(run: Run, conflicts: Sequence[Conflict]) -> None:
    decided = {each.key: (each, Resolution(cast("Side", each.outcome))) for each in conflicts}
    verdicts = run.verdicts.of("conflict")
    if verdicts:
        decided |= _decided_elsewhere(run, verdicts, without=decided)
    if decided:
        _resolve(run, decided)
    for verdict in run.verdicts.of("held_records", "held_rows"):
        _settle_held(run, verdict)


def note_of(verdict: Verdict) -> str:
    """Return what the log and the queue say of a verdict."""
    words = {"lark": "lark wins", "sql": "sql wins", "release": "released", "keep": "kept"}
    after = f", after {verdict.after}" if verdict.after else ""
    return f"{words[verdict.choice]}, as {verdict.by} decided{after} ({verdict.origin} {verdict.id})"


def _decided_elsewhere(
    run: Run, verdicts: Sequence[Verdict], *, without: Collection[Key]
) -> dict[Key, tuple[Conflict, Resolution]]:
    """Return the open conflicts that *verdicts* decide.

    :param without: keys of conflicts that are decided in the table itself, which comes first.
    """
    waiting = run.read(lambda tx: tx.conflicts.open_by_key([Key(each.key) for each in verdicts]))
    found: dict[Key, tuple[Conflict, Resolution]] = {}
    for verdict in verdicts:
        conflict = waiting.get(Key(verdict.key))
        if conflict is None or conflict.key in without or conflict.key in found:
            run.verdicts.fates[verdict.id] = "settled"
        elif conflict.fingerprint != verdict.seen:
            run.verdicts.fates[verdict.id] = "changed"
        else:
            resolution = Resolution(cast("Side", verdict.choice), verdict.seen, note_of(verdict))
            found[conflict.key] = (conflict, resolution)
    return found


def _resolve(run: Run, decided: Mapping[Key, tuple[Conflict, Resolution]]) -> None:
    bound = [verdict for verdict in run.verdicts.of("conflict") if Key(verdict.key) in decided]
    _ingest(
        run,
        [RecordId(conflict.record_id) for conflict, _ in decided.values() if conflict.record_id],
        {key: resolution for key, (_, resolution) in decided.items()},
        begins=[each.id for each in bound],
    )
    left = run.read(lambda tx: tx.conflicts.open_by_key([Key(each.key) for each in bound])) if bound else {}
    for verdict in bound:
        conflict = left.get(Key(verdict.key))
        if conflict is None:
            run.verdicts.fates[verdict.id] = "applied"
        else:
            run.verdicts.fates[verdict.id] = "waiting" if conflict.fingerprint == verdict.seen else "changed"


def _ingest(
    run: Run, ids: Sequence[RecordId], resolutions: Mapping[Key, Resolution], *, begins: Sequence[str] = ()
) -> None:
    fates, rows = read_by_id(run, ids)
    run.report.rows_lark += len(rows)
    run.verdicts.begun.update(begins)
    ingest(run, Bundle(rows, gone=fates.gone, resolutions=resolutions))


def _settle_held(run: Run, verdict: Verdict) -> None:
    """Carry out, or undo, the deletes that are held on one side, if they are those that the person saw."""
    note = note_of(verdict)
    if not run.transact(_accept, verdict, note):
        now = run.read(lambda tx: tx.deletes.fingerprint(pulls=verdict.kind == "held_rows"))
        run.verdicts.fates[verdict.id] = "changed" if now else "settled"
        return
    run.verdicts.begun.add(verdict.id)
    count = 0
    for keys in pages(run, lambda tx, after: tx.deletes.marked_page(note, after=after, limit=_PAGE)):
        count += len(set(keys))
        if verdict.choice == "release":
            _release(run, note, keys)
        else:
            _keep(run, keys, "sql" if verdict.kind == "held_rows" else "lark")
    run.report.warnings.append(f"{counted(count, 'held delete')} {note}")
    # a planned run leaves those that its plan does not name
    left = run.read(lambda tx: tx.deletes.marked_page(note, after=0, limit=1))
    run.verdicts.fates[verdict.id] = "waiting" if left else "applied"


def _accept(tx: Transaction, verdict: Verdict, note: str) -> bool:
    """Mark what the person saw; a run that ended after that goes on with what it had marked."""
    if tx.deletes.marked_page(note, after=0, limit=1):
        return True
    pulls = verdict.kind == "held_rows"
    if tx.deletes.fingerprint(pulls=pulls) != verdict.seen:
        return False
    direction: Direction = "to_sql" if pulls else "to_lark"
    after = 0
    while entries := tx.deletes.page(pulls=pulls, after=after, limit=_PAGE):
        tx.log([LogLine(entry.key, direction, "DELETE", "decided", note) for entry in entries])
        after = entries[-1].id
    tx.deletes.mark(note, pulls=pulls)
    return True


def _release(run: Run, note: str, keys: Sequence[Key]) -> None:
    run.guard.released.update(keys)
    run.transact(lambda tx: tx.deletes.release_marked(note, keys))
    claims = run.transact(lambda tx: tx.claim_among(keys, token=run.token))
    push(run, claims)


def _keep(run: Run, keys: Sequence[Key], side: Side) -> None:
    """Let the side that still has the rows have its way; the other one gets them again."""
    known = run.read(lambda tx: tx.pairs.by_keys(keys))
    resolutions = dict.fromkeys(known, Resolution(side))
    _ingest(run, [pair.record_id for pair in known.values()], resolutions)
