"""Finding the records that carry given keys: by filters, or by reading the table, whichever takes fewer calls.

One way for all: for creates whose answer is lost, and for rows that are matched by their key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import Any, Literal, TypeAlias

from airflow_provider_lark.core.api.wire.limits import SEARCH_PAGE_MAX
from airflow_provider_lark.core.api.wire.results import RecordPage
from airflow_provider_lark.core.errors import BadRequest, ConfigError

Lookup = Literal["auto", "filter", "scan"]

ReadPages: TypeAlias = Callable[[Mapping[str, Any] | None], Iterator[RecordPage]]
"""Yields the pages of a search with a filter, or of the whole table."""


def find_candidates(
    read: ReadPages, filters: Sequence[Mapping[str, Any]] | None, *, lookup: Lookup = "auto"
) -> Iterator[RecordPage]:
    """Yield pages that together hold every record with one of the keys, and others too; no record twice.

    :param filters: see :func:`.build_key_filters`.
    :param lookup: ``auto``: whatever takes fewer calls, and the whole table where Lark refuses a filter.
    :raises ConfigError: *lookup* is ``filter``, and no filter finds the keys exactly.
    """
    if filters is None and lookup == "filter":
        raise ConfigError("lookup: Lark cannot filter exactly by these key fields; use 'scan' or 'auto'")
    seen = set[str]()
    for page in _pages(read, None if lookup == "scan" else filters, lookup):
        fresh = [record for record in page.items if record["record_id"] not in seen]
        seen.update(record["record_id"] for record in fresh)
        yield page if len(fresh) == len(page.items) else replace(page, items=fresh)


def choose_lookup(searches: int, pages: int) -> Literal["filter", "scan"]:
    """Decide, one page of the table being read already, which way takes fewer further calls.

    >>> choose_lookup(searches=3, pages=4), choose_lookup(searches=3, pages=5)
    ('scan', 'filter')
    """
    return "scan" if pages - 1 <= searches else "filter"


def _pages(read: ReadPages, filters: Sequence[Mapping[str, Any]] | None, lookup: Lookup) -> Iterator[RecordPage]:
    if filters is None or (lookup == "auto" and len(filters) > 1):
        scan = read(None)
        first = next(scan, None)
        if first is None:
            return
        pages = ceil((first.total or 0) / SEARCH_PAGE_MAX) if first.has_more else 1
        if filters is None or choose_lookup(len(filters), pages) == "scan":
            yield first
            yield from scan
            return
    try:
        for each in filters:
            yield from read(each)
    except BadRequest:
        # a filter that Lark finds too long, or does not read: the table can be read without one
        if lookup == "filter":
            raise
        yield from read(None)
