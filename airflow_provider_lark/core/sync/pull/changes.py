"""The pull: what was modified in Lark since the watermark, newest first, so that nothing new costs one call."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.side import LarkPage, LarkRow, RecordId
from airflow_provider_lark.core.sync.pull.bundle import Bundle, Outcome
from airflow_provider_lark.core.sync.pull.ingest import ingest
from airflow_provider_lark.core.sync.pull.leavers import leaving_together, settle_leavers
from airflow_provider_lark.core.sync.pull.told import NOTHING_TOLD, Told
from airflow_provider_lark.core.sync.run.by_id import read_by_id
from airflow_provider_lark.core.sync.run.run import Run

#: how often a read is begun again that records may have slipped through
READS = 3


@dataclass(frozen=True, slots=True)
class OwnCreates:
    """What a full load has just created in a table that was empty.

    :param first_batch: the record ids of the first write call.
    :param count: records created in all.
    """

    first_batch: Collection[str] = field(default_factory=frozenset)
    count: int = 0


@dataclass(slots=True)
class Pulled:
    """What a pull met.

    :param newest_ms: the newest modification time; None when the table is empty.
    :param total: records in the table, as Lark says.
    :param unpaired: records newer than the floor that belong to no pair, less those older ones that do from now on;
        and less *unsettled*.
    :param unsettled: records that were never taken in, and are left for now: they stay news to the next run.
    :param slipped: a record may have moved past the reading unseen.
    :param shown: ids of records that events tell of, and that were met as they are since.
    """

    newest_ms: int | None = None
    total: int | None = None
    unpaired: int = 0
    unsettled: set[str] = field(default_factory=set)
    slipped: bool = False
    shown: set[str] = field(default_factory=set)


def pull_changes(
    run: Run, modified: Field, floor_ms: int | None, own: OwnCreates = OwnCreates(), told: Told = NOTHING_TOLD
) -> Pulled:
    """Ingest everything that was modified after *floor_ms*, and what shows up late behind it."""
    for _ in range(READS):
        with leaving_together(run):
            pulled = _pull_once(run, modified, floor_ms, own, told)
        if not pulled.slipped:
            return pulled
    # the next run reads from the same floor again
    pulled.newest_ms = floor_ms
    return pulled


def _pull_once(run: Run, modified: Field, floor_ms: int | None, own: OwnCreates, told: Told) -> Pulled:
    pulled = Pulled()
    total: int | None = None
    newer = set[str]()
    for page in run.lark.scan_newest(modified):
        if pulled.total is None:
            pulled.total = page.total
            pulled.newest_ms = newest(page)
        pulled.slipped = pulled.slipped or has_slipped(total, page)
        total = page.total
        outcome = ingest(run, Bundle(page.rows, floor_ms=floor_ms))
        run.report.rows_lark += len(page.rows)
        pulled.shown.update(
            row.id for row in page.rows if row.id in told.changed and told.is_shown(row.id, row.modified_ms)
        )
        newer |= count_news(run, pulled, page.rows, outcome, floor_ms) & outcome.leaving
        if page.rows and _is_enough(run, page, outcome, floor_ms, own):
            break
    pulled.unpaired += len(settle_leavers(run).unpaired & newer)
    return pulled


def ingest_unmet(run: Run, pulled: Pulled) -> None:
    """Read by id what runs before have left and no page has shown; as a rule it is none, or it was deleted."""
    ids = [RecordId(id_) for id_ in run.settling.unmet]
    if not ids:
        return
    fates, rows = read_by_id(run, ids)
    run.report.rows_lark += len(rows)
    count_news(run, pulled, rows, ingest(run, Bundle(rows)), run.settling.floor_ms)
    run.settling.keep_waiting(gone=fates.gone)


def count_news(
    run: Run, pulled: Pulled, rows: Sequence[LarkRow], outcome: Outcome, floor_ms: int | None
) -> set[RecordId]:
    """Count the records of *rows* that make up the difference between pairs and what Lark holds.

    :returns: those that no run has taken in before as they are.
    """
    news = {
        row.id for row in rows if floor_ms is None or (row.modified_ms or 0) > floor_ms or row.id in outcome.awaited
    }
    pulled.unpaired += len(outcome.unpaired & news) - outcome.joined
    pulled.unsettled |= run.settling.new & {row.id for row in rows}
    return news


def has_slipped(total_before: int | None, page: LarkPage) -> bool:
    """Tell whether records were deleted since the page before: the later ones move up, and one may go unread."""
    return total_before is not None and page.total is not None and page.total < total_before


def newest(page: LarkPage) -> int | None:
    """Return the newest modification time on a page; None when it is empty."""
    return max((row.modified_ms for row in page.rows if row.modified_ms is not None), default=None)


def _is_enough(run: Run, page: LarkPage, outcome: Outcome, floor_ms: int | None, own: OwnCreates) -> bool:
    if _reached_own_first(page, outcome, own):
        return True
    # not the last row's: nobody promises that Lark sorts by the millisecond
    oldest_ms = min((row.modified_ms for row in page.rows if row.modified_ms is not None), default=None)
    if floor_ms is None or oldest_ms is None or oldest_ms > run.settling.lowest(floor_ms):
        return False
    news = outcome.changed - outcome.refused - outcome.awaited
    late = [row for row in page.rows if row.id in news and (row.modified_ms or 0) <= floor_ms]
    return not late or oldest_ms < floor_ms - run.binding.mapping.overlap_seconds * 1000


def _reached_own_first(page: LarkPage, outcome: Outcome, own: OwnCreates) -> bool:
    """Tell whether all that lies deeper is our own first write call, untouched.

    The table was empty before that call, holds as many records as we made, and one record of the call is met
    unchanged: whatever a person edited since is newer than that record, and has been met before it.
    """
    return page.total == own.count > 0 and any(
        row.id in own.first_batch and row.id not in outcome.changed for row in page.rows
    )
