"""A whole read of Lark by base/v3, in pages of up to 2,000 records, where that takes fewer calls than v1.

No document describes base/v3, so nothing that it shows is believed on its word. A record counts as read when it shows
just what the ledger knows of it; every other one is read by id with v1, before anybody sees it. Where too many differ,
or anything is not as expected, v1 reads the table from the start. That the pages are one snapshot is shown by their
``rev``; the guards of a scan (Lark's count, the look by id before a delete) hold beside it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from airflow_provider_lark.core.api.calls.matrix_memory import MatrixMemory
from airflow_provider_lark.core.api.wire.limits import BATCH_GET_MAX
from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.lark_side.matrix_scan import Unfit
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import LarkPage, LarkRow, Page, RecordId
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

log = logging.getLogger(__name__)

T = TypeVar("T")

#: the part of a page that may be read by id; with more, v1's pages take no more calls
DIFFERING_PART = 0.15


@dataclass(frozen=True, slots=True)
class Head:
    """What v1 said before base/v3 was asked: an untrusted list needs a count from elsewhere.

    :param newest_ms: the newest modification.
    """

    total: int | None = None
    newest_ms: int | None = None


def by_matrix(run: Run, read: Callable[[MatrixMemory], T], *, extra_calls: int = 0) -> T | None:
    """Return what *read* makes of a read by base/v3; None where v1 has to do it.

    :param read: raises :class:`.Unfit`; it may have done a part of its work then, and has to undo what would count
        twice.
    :param extra_calls: how many calls of v1 it takes besides.
    """
    memory, table = run.client.matrices, run.lark.table
    if memory is None or memory.refusal(table.app_token, table.table_id, now_seconds=run.clock.monotonic()):
        return None
    # only what is known can be believed, so the pairs count, and not the records
    if not memory.saves_calls(table.app_token, run.count_pairs(), extra_calls=extra_calls):
        return None
    try:
        return read(memory)
    except Unfit as unfit:
        memory.fall_back(
            table.app_token, table.table_id, unfit.reason, now_seconds=run.clock.monotonic(), lasting=unfit.lasting
        )
        run.report.fallbacks += 1
        if unfit.lasting:
            log.warning("%s: v1 reads it for the next hours: %s", table.label, unfit.reason)
        else:
            log.info("%s: v1 reads it this time: %s", table.label, unfit.reason)
        return None


def look_first(run: Run, modified: Field | None) -> Head:
    """Ask v1 for Lark's count, and for the newest modification: one call."""
    page = run.lark.head(modified)
    return Head(page.total, next((row.modified_ms for row in page.rows), None))


def matrix_pages(
    run: Run,
    memory: MatrixMemory,
    *,
    total: int | None = None,
    modified: Field | None = None,
    takes_in: bool = True,
) -> Iterator[LarkPage]:
    """Yield every record as v1 shows it or would show it.

    ``modified_ms`` is told of those only that are not as the ledger knows them.

    :param total: Lark's count, for the pages.
    :param takes_in: the records are taken in, and our own writes looked at: whether Lark shows such a write, and of
        which moment, v1 has to say.
    :raises Unfit: the read does not count.
    """
    if any(pair.by_email for pair in run.binding.pairs):
        raise Unfit("base/v3 does not show e-mail addresses, by which the mapping names persons", lasting=True)
    for rows in run.lark.scan_matrix(memory):
        yield Page(_believed(run, rows, modified, takes_in=takes_in), total)


def matrix_ids(run: Run, memory: MatrixMemory, columns: Sequence[str], total: int | None) -> Iterator[LarkPage]:
    """Yield every record for the sake of its id; its values may not be v1's.

    :raises Unfit: the read does not count.
    """
    for rows in run.lark.scan_matrix(memory, columns):
        yield Page(rows, total)


def _believed(run: Run, rows: Sequence[LarkRow], modified: Field | None, *, takes_in: bool) -> list[LarkRow]:
    """Return *rows* with those that differ from what is known as v1 shows them by id."""
    differing = run.read(_differing, run, rows, takes_in=takes_in)
    if len(differing) > max(BATCH_GET_MAX, len(rows) * DIFFERING_PART):
        raise _too_many(run, differing, len(rows))
    if not differing:
        return list(rows)
    shown = {row.id: row for row in _read_by_id(run, differing, modified)}
    if len(shown) < len(differing):
        raise Unfit("records that base/v3 shows are not there by id", lasting=False)
    return [shown.get(row.id, row) for row in rows]


def _read_by_id(run: Run, ids: Sequence[RecordId], modified: Field | None = None) -> list[LarkRow]:
    return [run.lark.decode(record, modified) for record in run.lark.table.look_up(ids).shown]


def _too_many(run: Run, differing: Sequence[RecordId], count: int) -> Unfit:
    """Tell whether somebody changed many records, or base/v3 shows them otherwise than v1: one call."""
    some = _read_by_id(run, differing[:BATCH_GET_MAX])
    changed = len(run.read(_differing, run, some, takes_in=True))
    if changed < len(some) / 2:
        return Unfit("base/v3 shows records otherwise than v1", lasting=True)
    return Unfit(f"{len(differing)} of {count} records differ from what is known of them", lasting=False)


def _differing(tx: Transaction, run: Run, rows: Sequence[LarkRow], *, takes_in: bool) -> list[RecordId]:
    known = tx.pairs.by_records([row.id for row in rows])
    return [
        row.id for row in run.links.to_keys(tx, rows) if not _is_as_known(row, known.get(row.id), takes_in=takes_in)
    ]


def _is_as_known(row: LarkRow, pair: Pair | None, *, takes_in: bool) -> bool:
    if pair is None or pair.base is None or pair.tombstone or pair.out_of_sight or row.problems or row.unread:
        return False
    if takes_in and pair.sent is not None and not pair.is_given_up:
        return False
    base = pair.base
    return all(name in base and base[name] == value for name, value in row.values.items())
