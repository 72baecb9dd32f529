"""Telling records that are as the base says from those that somebody changed, or that left the filter or came back."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import LarkRow, RecordId, Values
from airflow_provider_lark.core.sync.pull.bundle import Bundle, Outcome
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction


def without_echoes(tx: Transaction, run: Run, bundle: Bundle, outcome: Outcome) -> list[LarkRow]:
    """Drop the records that are as the base says, unless all are to be compared; note which were changed."""
    known = tx.pairs.by_records([row.id for row in bundle.rows])
    outcome.refused |= _refused_before(tx, bundle, known)
    # a record that is back before its delete was decided may look as if nothing had been
    held = tx.deletes.among([pair.key for pair in known.values()]) if run.leaving == "delete" else ()
    rows = []
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
        if not echo or moves or (pair is not None and _is_asked_for(pair, bundle)):
            rows.append(row)
    return rows


def _is_asked_for(pair: Pair, bundle: Bundle) -> bool:
    # a claim may ask for what SQL changed, and Lark did not
    return bundle.compare_all or pair.key in bundle.resolutions or str(pair.key) in bundle.claims


def _is_newer(row: LarkRow, pair: Pair | None) -> bool:
    met_ms = None if pair is None else pair.lark_modified_ms
    return row.modified_ms is None or met_ms is None or row.modified_ms > met_ms


def _refused_before(tx: Transaction, bundle: Bundle, known: Mapping[RecordId, Pair]) -> set[str]:
    """Return the records that an earlier run met as they are, and could not ingest."""
    if bundle.floor_ms is None:
        return set()
    old = {row.id for row in bundle.rows if row.modified_ms is not None and row.modified_ms <= bundle.floor_ms}
    names: dict[str, RecordId] = {known[id_].key if id_ in known else id_: id_ for id_ in old}
    return {names[name] for name in tx.dead_letters.among(list(names))}


def _holds(base: Values, values: Values) -> bool:
    return all(name in base and base[name] == value for name, value in values.items())
