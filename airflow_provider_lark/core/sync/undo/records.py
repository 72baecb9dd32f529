"""Records that a run had made, and that an undo deletes: through an intent, like every write to Lark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_lark.core.api.wire.limits import BATCH_DELETE_MAX
from airflow_provider_lark.core.bisect import bisect_batch
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.lark_side.table import Removal
from airflow_provider_lark.core.ledger.history.changes import UNDO, RowChange
from airflow_provider_lark.core.ledger.history.sync_log import LogLine
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key, SqlRow
from airflow_provider_lark.core.sync.push.write_intents import OpenIntents, Write, send_with_intent
from airflow_provider_lark.core.sync.run.apply_sql import SqlChange
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction
from airflow_provider_lark.core.sync.undo.steps import Left


@dataclass(frozen=True, slots=True)
class Removed:
    """A record that goes.

    :param pair: as it was; it has ended by now, so that a run that dies leaves both sides as they are.
    """

    key: Key
    pair: Pair
    row: SqlRow | None


def remove_records(run: Run, run_id: str, work: Sequence[Removed]) -> list[Left]:
    """Delete records; those that Lark does not let go are left, paired as before."""
    open_intents, left = OpenIntents(), list[Left]()

    def keep(item: Removed, why: str) -> None:
        run.transact(_pair_again, run, item)
        left.append(Left("lark", item.key, item.pair.record_id, "", why))

    def send(batch: Sequence[Removed]) -> None:
        ids = [item.pair.record_id for item in batch]
        removals: list[Removal] = []
        writes = [Write(item.key, item.pair.record_id, {}) for item in batch]
        token = send_with_intent(
            run, "delete", writes, lambda: removals.append(run.lark.table.remove(ids)), open_intents
        )
        hidden = {id_: why for removal in removals for id_, why in removal.hidden.items()}
        done = [item for item in batch if item.pair.record_id not in hidden]
        run.transact(_record, run_id, done, token)
        run.report.to_lark.deleted += len(done)
        for item in batch:
            if item.pair.record_id in hidden:
                keep(item, hidden[item.pair.record_id])

    def refuse(item: Removed, error: LarkError) -> None:
        keep(item, str(error))

    for start in range(0, len(work), BATCH_DELETE_MAX):
        part = work[start : start + BATCH_DELETE_MAX]
        run.report.add_left(len(bisect_batch(part, send, refuse, luck=run.luck).items))
    if work:
        run.transact(open_intents.close_divided)
    return left


def _record(tx: Transaction, run_id: str, done: Sequence[Removed], token: str) -> None:
    tx.intents.finish(token)
    tx.log([LogLine(item.key, "to_lark", "DELETE", "applied", f"undo of run {run_id}") for item in done])
    tx.note_changes([_told(item) for item in done])


def _told(item: Removed) -> RowChange:
    sql = None if item.row is None else item.row.values
    return RowChange(
        item.key, item.pair.record_id, "lark", "DELETE", base=item.pair.base, lark=None, sql=sql, policy=UNDO
    )


def _pair_again(tx: Transaction, run: Run, item: Removed) -> None:
    tx.pairs.save([item.pair])
    column = run.binding.mapping.record_id_column
    if column is not None:
        tx.apply([SqlChange("patch", item.key, {column: item.pair.record_id}, item.pair.record_id)])
