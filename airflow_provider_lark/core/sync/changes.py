"""The pull: what was modified in Lark since the watermark, newest first, so that nothing new costs one call."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from airflow_provider_lark.core.fields.schema import Field
from airflow_provider_lark.core.stores.base import Page
from airflow_provider_lark.core.sync.bundle import Bundle, Taken
from airflow_provider_lark.core.sync.pull import absorb, take
from airflow_provider_lark.core.sync.run import Run


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
    :param strays: records newer than the floor that belong to no pair.
    """

    newest_ms: int | None = None
    total: int | None = None
    strays: int = 0


def pull_changes(run: Run, modified: Field, floor_ms: int | None, own: OwnCreates = OwnCreates()) -> Pulled:
    """Take in everything that was modified after *floor_ms*, and what shows up late behind it."""
    pulled = Pulled()
    for page in run.lark.scan_newest(modified):
        if pulled.total is None:
            pulled.total = page.total
            pulled.newest_ms = newest(page)
        taken = run.transact(take, run, Bundle(page.rows, floor_ms=floor_ms))
        absorb(run, taken)
        run.report.rows_lark += len(page.rows)
        pulled.strays += sum(
            1 for row in page.rows if row.id in taken.strays and (floor_ms is None or (row.modified_ms or 0) > floor_ms)
        )
        if page.rows and _is_enough(run, page, taken, floor_ms, own):
            break
    return pulled


def newest(page: Page) -> int | None:
    """Return the newest modification time on a page; None when it is empty."""
    return max((row.modified_ms for row in page.rows if row.modified_ms is not None), default=None)


def _is_enough(run: Run, page: Page, taken: Taken, floor_ms: int | None, own: OwnCreates) -> bool:
    if _reached_own_first(page, taken, own):
        return True
    # not the last row's: nobody promises that Lark sorts by the millisecond
    oldest_ms = min((row.modified_ms for row in page.rows if row.modified_ms is not None), default=None)
    if floor_ms is None or oldest_ms is None or oldest_ms > floor_ms:
        return False
    news = taken.changed - taken.refused
    late = [row for row in page.rows if row.id in news and (row.modified_ms or 0) <= floor_ms]
    return not late or oldest_ms < floor_ms - run.binding.mapping.overlap_seconds * 1000


def _reached_own_first(page: Page, taken: Taken, own: OwnCreates) -> bool:
    """Tell whether all that lies deeper is our own first write call, untouched.

    The table was empty before that call, holds as many records as we made, and one record of the call is met
    unchanged: whatever a person edited since is newer than that record, and has been met before it.
    """
    return page.total == own.count > 0 and any(
        row.id in own.first_batch and row.id not in taken.changed for row in page.rows
    )
