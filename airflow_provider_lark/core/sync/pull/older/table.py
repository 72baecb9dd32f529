"""Telling that the SQL table is older than its ledger: restored from a backup alone, or filled past the triggers.

What the sync wrote there last is gone then, and no trigger told of it. Pushed to Lark, the old values would overwrite
newer ones, and rows that are missing would take their records with them: a person has to say which side counts.
"""

from __future__ import annotations

from airflow_provider_lark.core.errors import SafetyStop
from airflow_provider_lark.core.side import Key, Values
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

_LINES = 200
_LEAST = 2


def refuse_older_table(run: Run) -> None:
    """Stop before anything is written if at least half of the last writes to SQL are gone untold.

    :raises SafetyStop: how many, and what to do.
    """
    if not run.read(_tells_changes, run):
        return
    looked_at, gone = run.read(_count_gone, run)
    if gone >= _LEAST and gone * 2 >= looked_at:
        run.report.status = "held"
        raise SafetyStop(
            f"mapping {run.binding.mapping.name!r}: {gone} of the last {looked_at} rows that the sync wrote to "
            f"{run.binding.table_name} do not hold these values any more, and no change was captured: the table "
            "was probably restored from a backup without its ledger, or filled with triggers off. Nothing was "
            "written. Run one full sync with uncaptured='lark' (--uncaptured lark) if Lark's values count, with 'sql' "
            "if those in the table do; see docs/backup.md"
        )


def _tells_changes(tx: Transaction, run: Run) -> bool:
    """Tell whether what was changed by a program is known by now: a scan, and a column at first, compare all rows."""
    policy = run.binding.mapping.capture
    state = tx.checkpoint.load()
    known = state.capture if state is not None else None
    return policy.mode == "trigger" or (policy.mode == "column" and known is not None and known.kind == policy.text)


def _count_gone(tx: Transaction, run: Run) -> tuple[int, int]:
    keys = tx.sync_log.keys_written("to_sql", limit=_LINES)
    # what a row outside the mapping's filters becomes is not written on
    pairs = {key: pair for key, pair in tx.pairs.by_keys(keys).items() if pair.base is not None and not pair.outside}
    known = list(pairs)
    told = tx.queue.states_of(known).keys() | tx.conflicts.open_keys(known) | tx.blacklist.among(known)
    pairs = {key: pair for key, pair in pairs.items() if key not in told}
    rows = tx.sql.read(list(pairs))
    if run.binding.mapping.leaves_deletes:
        pairs = {key: pair for key, pair in pairs.items() if key in rows}
    # what a foreign key sets to nothing, MySQL's triggers do not see
    two_way = [pair.column.name for pair in run.binding.pairs if pair.flow == "both" and pair.link is None]
    holds: dict[Key, Values] = {key: row.values for key, row in rows.items() if not run.is_deleted(row)}
    written = {key: {**(pair.base or {}), **(pair.near or {})} for key, pair in pairs.items()}
    return len(pairs), sum(_is_gone(holds.get(key), values, two_way) for key, values in written.items())


def _is_gone(row: Values | None, written: Values, columns: list[str]) -> bool:
    return row is None or any(name in written and name in row and row[name] != written[name] for name in columns)
