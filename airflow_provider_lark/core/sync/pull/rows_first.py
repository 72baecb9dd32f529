"""New records that link to records without a row yet: the row is inserted first, the reference is set second.

Otherwise two new records that link to each other would wait for each other forever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from airflow_provider_lark.core.errors import RowError, RowWaits
from airflow_provider_lark.core.side import Key, LarkRow
from airflow_provider_lark.core.sync.pull.row_states import key_of
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction


def leave_links_out(tx: Transaction, run: Run, rows: Sequence[LarkRow]) -> tuple[list[LarkRow], set[str]]:
    """Empty the links that lead nowhere yet, where the record is new and its columns may be NULL.

    A record whose row is there already keeps its problem: an empty link would look like an edit.

    :returns: all rows, and the ids of those whose links are still to follow.
    """
    waiting = [row for row in rows if row.problems and all(isinstance(each, RowWaits) for each in row.problems)]
    if not waiting:
        return list(rows), set()
    known = tx.pairs.by_records([row.id for row in waiting])
    keys = {row.id: _key(run, row) for row in waiting}
    there = tx.sql.read([key for key in keys.values() if key])
    emptied: dict[str, LarkRow] = {}
    for row in waiting:
        pair, missing = known.get(row.id), _missing_links(run, row)
        is_new = (pair is None or pair.is_reserved) and keys[row.id] not in there
        if is_new and missing and keys[row.id] != "":
            emptied[row.id] = replace(row, values={**row.values, **dict.fromkeys(missing)}, problems=())
    return [emptied.get(row.id, row) for row in rows], set(emptied)


def _key(run: Run, row: LarkRow) -> Key | None:
    try:
        return key_of(run, row.values)
    except RowError:
        # an error of its own, which is told by those that look for it
        return Key("")


def _missing_links(run: Run, row: LarkRow) -> list[str]:
    columns = run.binding.spec.table.c
    missing = [pair.column.name for pair in run.binding.pairs if pair.column.name not in row.values]
    return missing if all(columns[name].nullable for name in missing) else []
