"""records/search over the held records: filter, order, page (lark-api §2.4)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.state import history, views
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.state.query import filters, ordering
from airflow_provider_lark.emulator.switches import Switches
from airflow_provider_lark.emulator.tenant.model import Base, Record, Table, UserIdType

_KEPT_RESULTS: Final = 8


@dataclass(frozen=True)
class Query:
    """A search as sent; ``filter`` and ``sort`` in wire form."""

    filter: Any
    sort: Any
    view_id: str | None
    page_size: int
    page_token: str | None
    user_id_type: UserIdType
    reader: history.Reader = history.EVERYTHING

    def fingerprint(self, table: Table, *, with_size: bool) -> str:
        """What a page_token belongs to: it fits no other query (§2.4: keep them identical across pages)."""
        parts = [table.table_id, self.filter, self.sort, self.view_id, self.user_id_type]
        if with_size:
            parts.append(self.page_size)
        text = json.dumps(parts, sort_keys=True)
        return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Page:
    """One page of a search."""

    records: list[Record]
    has_more: bool
    page_token: str | None
    total: int


def search(state: State, base: Base, table: Table, query: Query) -> Page:
    """One page. Pages are cut from the table as it is now, so that edits move records between them (§4.5)."""
    found = _matching(state, base, table, query)
    mark = query.fingerprint(table, with_size=state.switches.page_token_binds_page_size)
    start = _decode(query.page_token, mark, state.switches.bad_page_token_code) if query.page_token else 0
    end = start + query.page_size
    has_more = end < len(found)
    return Page(found[start:end], has_more, _encode(end, mark) if has_more else None, len(found))


def _wanted(table: Table, query: Query, switches: Switches) -> Any:
    """The filter that counts: the view's own only without filter and sort (§2.4)."""
    if query.view_id is None or query.filter or query.sort or switches.ignores_views:
        return query.filter
    view = next((each for each in table.views if each.view_id == query.view_id), None)
    return views.filter_of(view, table) if view is not None else None


def _matching(state: State, base: Base, table: Table, query: Query) -> list[Record]:
    filtering = filters.Filtering(base, table, state.directory, state.switches, state.now_ms, query.user_id_type)
    wanted = _wanted(table, query, state.switches)
    predicate = filters.compile_filter(wanted, filtering)
    sorts = ordering.parse_sort(query.sort, table, strict=state.switches.strict_parameters)
    if not history.is_plain(table, query.reader):
        return _compute(state, base, table, predicate, sorts, query.reader)
    if predicate is None and not sorts and state.switches.unsorted == "oldest_first":
        return list(table.records.values())
    switches = (state.switches.greater_excludes_day, state.switches.sort_ms_exact, state.switches.unsorted)
    key = (json.dumps([wanted, query.sort, query.user_id_type], sort_keys=True), switches)
    kept = table.searches.get(key)
    if kept is not None and kept[0] == table.revision:
        return kept[1]
    found = _compute(state, base, table, predicate, sorts, query.reader)
    if not filters.is_relative(wanted):
        while len(table.searches) >= _KEPT_RESULTS:
            table.searches.pop(next(iter(table.searches)))
        table.searches[key] = (table.revision, found)
    return found


def _compute(
    state: State, base: Base, table: Table, predicate: Any, sorts: Any, reader: history.Reader
) -> list[Record]:
    records = history.visible_records(state, table, reader)
    if not sorts and state.switches.unsorted == "newest_first":
        records.reverse()
    if predicate is not None:
        records = [each for each in records if predicate(each)]
    return ordering.order(records, sorts, base, state.switches)


def _encode(offset: int, mark: str) -> str:
    return base64.urlsafe_b64encode(f"{mark}:{offset}".encode()).decode().rstrip("=")


def _decode(token: str, mark: str, code: int) -> int:
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        found, _, offset = text.partition(":")
        if found == mark:
            return int(offset)
    except (binascii.Error, UnicodeDecodeError, ValueError) as exc:
        raise ApiError(code, "the page_token is not valid", msg="InvalidPageToken") from exc
    raise ApiError(code, "the page_token belongs to another query", msg="InvalidPageToken")
