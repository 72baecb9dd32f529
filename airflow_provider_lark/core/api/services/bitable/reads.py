"""Reading records: the part of ``client.bitable`` that searches and looks up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.core.api.calls.namespace import ApiCall, ApiPages, D, Namespace
from airflow_provider_lark.core.api.calls.session import describe
from airflow_provider_lark.core.api.services.bitable.rescan import Rescan
from airflow_provider_lark.core.api.services.bitable.schema import table_ids
from airflow_provider_lark.core.api.wire import routes
from airflow_provider_lark.core.api.wire.answers import Gives, JsonObject, data_of, pick_list, pick_objects
from airflow_provider_lark.core.api.wire.flow import Flow, Pages
from airflow_provider_lark.core.api.wire.limits import BATCH_GET_MAX, FIELD_NAMES_MAX, SEARCH_PAGE_MAX
from airflow_provider_lark.core.api.wire.paging import walk_pages
from airflow_provider_lark.core.api.wire.results import BatchGet, RecordPage, UserIdType
from airflow_provider_lark.core.errors import BadRequest, LarkError, ReadFailed, TooLarge, UnexpectedAnswer

_BAD_TOKEN_CODES = frozenset({1254002, 1254030})
"""A page_token that does not fit; 1254030 is also an answer that is too large."""

_A_RECORD: Gives = {"record_id": str, "fields": dict}
_TOLD = frozenset({"records", "forbidden_record_ids", "absent_record_ids"})
"""What a batch_get says of records."""


class BitableReads(Namespace[D]):
    """Reading records."""

    @ApiCall
    def search_page(
        self,
        *,
        app_token: str,
        table_id: str,
        filter: Mapping[str, Any] | None = None,
        sort: Sequence[Mapping[str, Any]] | None = None,
        field_names: Sequence[str] | None = None,
        automatic_fields: bool = False,
        page_size: int = SEARCH_PAGE_MAX,
        page_token: str | None = None,
        user_id_type: UserIdType | None = None,
        view_id: str | None = None,
    ) -> Flow[RecordPage]:
        """Return one page of records; without *sort* in no promised order.

        :param field_names: the only fields to read; above 200 names all fields are read.
        :param automatic_fields: also who created and changed a record, and when.
        :param page_size: 1 to 500.
        :param user_id_type: the kind of people's ids, in and out: open_id (Lark's default), union_id or user_id.
        :param view_id: only what this view shows; Lark would overlook it beside *filter* or *sort*, so that is refused.
        """
        query = _Search(app_token, table_id, filter, sort, field_names, automatic_fields, user_id_type, view_id)
        return (yield from self._search(query, page_size, page_token))

    @ApiPages
    def search_pages(
        self,
        *,
        app_token: str,
        table_id: str,
        filter: Mapping[str, Any] | None = None,
        sort: Sequence[Mapping[str, Any]] | None = None,
        field_names: Sequence[str] | None = None,
        automatic_fields: bool = False,
        page_size: int = SEARCH_PAGE_MAX,
        user_id_type: UserIdType | None = None,
        view_id: str | None = None,
    ) -> Pages[RecordPage]:
        """Yield all pages, each read when it is asked for; see :meth:`search_page`.

        Where Lark finds a page too large, it and those after it are read with half the size; if Lark binds its
        page_token to the size, the scan begins again. Then pages may be shorter, or empty, since no record is yielded
        twice, except that a scan with *sort* yields a record again whose place in the order has changed.

        :raises UnexpectedAnswer: the paging does not move on, so the read is incomplete.
        """
        query = _Search(app_token, table_id, filter, sort, field_names, automatic_fields, user_id_type, view_id)
        scan = Rescan(page_size, sort)

        def fetch(page_token: str | None) -> Flow[RecordPage]:
            return self._read_on(query, scan, page_token)

        return walk_pages(fetch, subject=describe(query.ids), turn=lambda: scan.turn)

    @ApiCall
    def batch_get(
        self,
        *,
        app_token: str,
        table_id: str,
        record_ids: Sequence[str],
        automatic_fields: bool = False,
        user_id_type: UserIdType | None = None,
    ) -> Flow[BatchGet]:
        """Return the records of any number of ids, 100 a call."""
        options = {"automatic_fields": automatic_fields, **({"user_id_type": user_id_type} if user_id_type else {})}
        ids = list(dict.fromkeys(record_ids))
        found = BatchGet([], [], [])
        waiting = [ids[start : start + BATCH_GET_MAX] for start in range(0, len(ids), BATCH_GET_MAX)][::-1]
        while waiting:
            chunk = waiting.pop()
            json = {"record_ids": chunk, **options}
            try:
                body = yield from self.session.call(routes.BATCH_GET, table_ids(app_token, table_id), json=json)
            except TooLarge:
                if len(chunk) == 1:
                    raise
                middle = len(chunk) // 2
                waiting += [chunk[middle:], chunk[:middle]]
                continue
            data, endpoint = data_of(body), routes.BATCH_GET.endpoint
            if not data.keys() & _TOLD:
                # each of them may be left out when it is empty, but not all
                raise UnexpectedAnswer(
                    f"{describe(table_ids(app_token, table_id))}: Lark reported success but returned none of the "
                    f"requested records ({len(chunk)}); try again",
                    endpoint=endpoint,
                )
            found.records.extend(pick_objects(data, "records", _A_RECORD, endpoint=endpoint))
            found.forbidden_record_ids.extend(pick_list(data, "forbidden_record_ids", endpoint=endpoint))
            found.absent_record_ids.extend(pick_list(data, "absent_record_ids", endpoint=endpoint))
        return found

    def _read_on(self, query: _Search, scan: Rescan, page_token: str | None) -> Flow[RecordPage]:
        size = scan.page_size
        while True:
            try:
                page = yield from self._search(query, size, page_token)
            except LarkError as error:
                if isinstance(error, ReadFailed):
                    error.message += f"; {scan.describe_next(size)}"
                if not (isinstance(error, TooLarge) or (size < scan.page_size and error.code in _BAD_TOKEN_CODES)):
                    raise
                if isinstance(error, TooLarge) and size > 1:
                    size //= 2
                elif page_token is not None and scan.begin_again(scan.page_size):
                    page_token, size = None, scan.page_size
                else:
                    raise
                continue
            scan.page_size = size
            return scan.take(page)

    def _search(self, search: _Search, page_size: int, page_token: str | None) -> Flow[RecordPage]:
        if not 1 <= page_size <= SEARCH_PAGE_MAX:
            raise BadRequest(f"page_size must be 1 to {SEARCH_PAGE_MAX}, got {page_size}")
        body = yield from self.session.call(
            routes.SEARCH,
            search.ids,
            query={"page_size": page_size, "page_token": page_token, "user_id_type": search.user_id_type},
            json=search.body(),
        )
        data = data_of(body)
        return RecordPage(
            items=pick_objects(data, "items", _A_RECORD, endpoint=routes.SEARCH.endpoint),
            has_more=bool(data.get("has_more")),
            page_token=data.get("page_token") or None,
            total=data.get("total"),
        )


@dataclass(frozen=True, slots=True)
class _Search:
    app_token: str
    table_id: str
    filter: Mapping[str, Any] | None
    sort: Sequence[Mapping[str, Any]] | None
    field_names: Sequence[str] | None
    automatic_fields: bool
    user_id_type: UserIdType | None
    view_id: str | None

    def __post_init__(self) -> None:
        if self.view_id and (self.filter or self.sort):
            raise BadRequest(
                f"{describe(self.ids)}: Lark ignores view_id when filter or sort is given; give either view_id, or "
                "filter and sort"
            )

    @property
    def ids(self) -> dict[str, str]:
        return table_ids(self.app_token, self.table_id)

    def body(self) -> JsonObject:
        # at least {}: Lark answers an empty body with 9499
        body: JsonObject = {"view_id": self.view_id} if self.view_id else {}
        if self.filter:
            body["filter"] = self.filter
        if self.sort:
            body["sort"] = list(self.sort)
        if self.field_names and len(self.field_names) <= FIELD_NAMES_MAX:
            body["field_names"] = list(self.field_names)
        if self.automatic_fields:
            body["automatic_fields"] = True
        return body
