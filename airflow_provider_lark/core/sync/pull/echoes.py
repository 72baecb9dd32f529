"""Telling records that are as the base says from those that somebody changed, or that left the filter or came back.

Of the latter, those that somebody may still be typing in are left to a later run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_provider_lark.core.errors import RowError
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import Key, LarkRow, RecordId, Values
from airflow_provider_lark.core.sync.pull.bundle import Bundle, Outcome
from airflow_provider_lark.core.sync.pull.row_states import key_of
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction


def without_echoes(tx: Transaction, run: Run, bundle: Bundle, outcome: Outcome) -> list[LarkRow]:
    """Drop the records that are as the base says, unless all are to be compared; note which were changed.

    Those that are left alone for now are noted in *outcome* and in the run.
    """
    known = tx.pairs.by_records([row.id for row in bundle.rows])
    outcome.refused |= _refused_before(tx, run, bundle, known)
    # a record that is back before its delete was decided may look as if nothing had been
    held = tx.deletes.among([pair.key for pair in known.values()]) if run.leaving == "delete" else ()
    rows, left = [], []
    for row in bundle.rows:
        if row.id in outcome.refused:
            outcome.unpaired |= {row.id} - known.keys()
            continue
        pair = known.get(row.id)
        if row.outside and pair is not None and pair.outside and not _is_asked_for(pair, bundle):
            # it rests until it is back
            continue
        echo = pair is not None and not row.problems and pair.base is not None and _holds(pair.base, row.values)
        if not echo:
            outcome.changed.add(row.id)
            if _is_newer(row, pair):
                outcome.edited[row.id] = row.modified_ms
        moves = pair is not None and (row.outside != pair.outside or pair.key in held)
        if (not echo or moves) and _is_left(run, row, pair):
            left.append(row)
        elif not echo or moves or (pair is not None and _is_asked_for(pair, bundle)):
            rows.append(row)
    if left:
        _leave(tx, run, left, known, outcome)
    return rows


def _is_left(run: Run, row: LarkRow, pair: Pair | None) -> bool:
    if not run.settling.is_unsettled(row):
        return False
    if row.outside and (pair is None or pair.outside):
        # nothing of it reaches SQL
        return False
    if row.id not in run.settling.own or pair is None or pair.base is None or row.problems:
        return True
    # what Lark computes from our own write nobody types
    typed = {name: value for name, value in row.values.items() if run.binding.codecs[name].lark_writable}
    return row.outside != pair.outside or not _holds(pair.base, typed)


def _leave(
    tx: Transaction, run: Run, left: Sequence[LarkRow], known: Mapping[RecordId, Pair], outcome: Outcome
) -> None:
    """Leave *left* to a later run, with the entries of the queue that asked for them."""
    waiting = tx.dead_letters.among([row.id for row in left])
    for row in left:
        keys = {key for key in (_key(run, row), known[row.id].key if row.id in known else None) if key is not None}
        run.settling.leave(row, keys, is_new=row.id not in known and row.id not in waiting)
        outcome.refused.add(row.id)
        outcome.left |= {row.id, *keys}
    tx.note_unsettled([(row.id, known[row.id].key if row.id in known else None) for row in left])


def _key(run: Run, row: LarkRow) -> Key | None:
    try:
        return key_of(run, row.values)
    except RowError:
        # what it names so far is no key
        return None


def _is_asked_for(pair: Pair, bundle: Bundle) -> bool:
    # a claim may ask for what SQL changed, and Lark did not
    return bundle.compare_all or pair.key in bundle.resolutions or str(pair.key) in bundle.claims


def _is_newer(row: LarkRow, pair: Pair | None) -> bool:
    met_ms = None if pair is None else pair.lark_modified_ms
    return row.modified_ms is None or met_ms is None or row.modified_ms > met_ms


def _refused_before(tx: Transaction, run: Run, bundle: Bundle, known: Mapping[RecordId, Pair]) -> set[str]:
    """Return the records that an earlier run met as they are, and could not ingest."""
    if bundle.floor_ms is None:
        return set()
    timed = [row for row in bundle.rows if row.modified_ms is not None]
    old = {row.id for row in timed if not run.settling.is_news(row.id, row.modified_ms, bundle.floor_ms)}
    names: dict[str, RecordId] = {known[id_].key if id_ in known else id_: id_ for id_ in old}
    return {names[name] for name in tx.dead_letters.among(list(names))}


def _holds(base: Values, values: Values) -> bool:
    return all(name in base and base[name] == value for name, value in values.items())
