"""Telling that the ledger is older than Lark: its database was restored from a backup.

Lark then shows writes of this very app that the ledger knows nothing of. A row whose record is gone may have been
deleted long ago, on both sides, and be back with the backup: that is for a person to decide.

What was met of such writes is kept in ``sync_scan`` until a run has looked at all records that are gone, so that a
killed run does not use it up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

from airflow_provider_lark.core.api.wire.limits import BATCH_GET_MAX
from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.side import RecordId
from airflow_provider_lark.core.sync.pull.bundle import Step
from airflow_provider_lark.core.sync.pull.own_writes import is_ours
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

#: so many are looked at, 100 a call, until one is found that the app has written
_LOOKED_AT = 500
#: a field may tell the second only
_SECOND_MS = 999


def keep_in_mind(tx: Transaction, run: Run, done: Sequence[Step]) -> None:
    """Note the records of *done* that were changed in Lark in columns that SQL fills, while SQL was not."""
    two_way = {pair.column.name for pair in run.binding.pairs if pair.flow == "both" and pair.link is None}
    # a key that the database numbers is in Lark because a run wrote it there
    makes_keys = all(run.binding.fills_in(name) for name in run.binding.rules.key_columns)
    met = [step.state for step in done if _is_changed(step, two_way) or (makes_keys and _is_unknown(step))]
    marks = [f"{state.record_id}:{state.lark.modified_ms}" for state in met if state.lark and state.lark.modified_ms]
    if marks:
        tx.scan(_name(tx)).mark("lark", marks)


def forget_what_was_met(tx: Transaction) -> None:
    """Drop what is kept, once a run has looked at all records that are gone."""
    tx.scan(_name(tx)).drop()


def hold_if_restored(run: Run) -> None:
    """Before rows are deleted: let those deletes wait for a person if the ledger is older than Lark."""
    if run.restored is None and not run.guard.is_lifted:
        run.restored = _tell(run)
        if run.restored:
            run.guard.stopped.add("sql")
            run.report.warnings.append(run.restored)


def _tell(run: Run) -> str:
    """Return what a person reads of a ledger that is older than Lark; empty where nothing shows that it is."""
    marks = run.read(lambda tx: tx.scan(_name(tx)).some("lark", _LOOKED_AT))
    for some in split([mark.split(":") for mark in marks], BATCH_GET_MAX):
        met = {id_: int(ms) for id_, ms in some}
        shown = run.lark.table.look_up([RecordId(id_) for id_ in met], automatic_fields=True).shown
        # the very change that was met: what was written since is another story
        times = ((record, met[record["record_id"]]) for record in shown)
        lost = [ms for record, ms in times if is_ours(run, record, ms - _SECOND_MS, ms + _SECOND_MS)]
        if lost:
            return _text(run.binding.table_name, lost)
    return ""


def _text(table_name: str, lost: Sequence[int]) -> str:
    newest = datetime.fromtimestamp(max(lost) / 1000, UTC)
    return (
        f"the ledger of {table_name} is older than Lark: it does not know writes of this app that Lark shows (of "
        f"{counted(len(lost), 'record')} or more, one of {newest:%Y-%m-%d %H:%M:%S} UTC). Its database was probably "
        "restored from a backup, or another database is kept in step with the same Bitable table. Rows whose records "
        "are gone are kept until you decide, and the next run compares all rows; see docs/backup.md"
    )


def _is_changed(step: Step, two_way: set[str]) -> bool:
    base, sql = step.state.base, step.state.sql
    if base is None or sql is None or step.decision.sql != "patch":
        return False
    return any(name in two_way and name in base and sql.values.get(name) == base[name] for name in step.decision.values)


def _is_unknown(step: Step) -> bool:
    return step.state.pair is None and step.state.key is not None and step.decision.sql == "insert"


def _name(tx: Transaction) -> str:
    return f"met-{sha256(tx.table_name.encode()).hexdigest()[:48]}"
