"""Bases, tables, fields and records: ``client.bitable``.

Writes: Lark takes one at a time per table, all of a batch or nothing; whoever writes holds the lease (:mod:`.engine`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.core.api import routes
from airflow_provider_lark.core.api.answers import JsonObject, data_of, pick, pick_list
from airflow_provider_lark.core.api.flow import Flow, Pages
from airflow_provider_lark.core.api.limits import (
    BATCH_DELETE_MAX,
    BATCH_GET_MAX,
    BATCH_WRITE_MAX,
    FIELD_NAMES_MAX,
    LIST_PAGE_MAX,
    SEARCH_PAGE_MAX,
)
from airflow_provider_lark.core.api.namespace import ApiCall, ApiPages, D, Namespace
from airflow_provider_lark.core.api.paging import collect_pages, walk_pages
from airflow_provider_lark.core.api.session import describe
from airflow_provider_lark.core.api.wire import AppInfo, BatchGet, RecordPage, TableInfo, WireField, WireRecord
from airflow_provider_lark.core.errors import BadRequest, TooLarge, UnexpectedAnswer


@dataclass(frozen=True, slots=True)
class _ListPage:
    items: list[Any]
    has_more: bool
    page_token: str | None


class Bitable(Namespace[D]):
    """The Bitable API. All arguments are keywords."""

    @ApiCall
    def get_app(self, *, app_token: str) -> Flow[AppInfo]:
        """Return what Lark tells about a base."""
        body = yield from self.session.call(routes.GET_APP, {"app_token": app_token})
        return _read_app(body, routes.GET_APP)

    @ApiCall
    def create_app(self, *, name: str, time_zone: str | None = None) -> Flow[AppInfo]:
        """Create a base that belongs to the app; Lark puts a default table with blank records into it."""
        json = {"name": name, **({"time_zone": time_zone} if time_zone else {})}
        body = yield from self.session.call(routes.CREATE_APP, json=json)
        app = _read_app(body, routes.CREATE_APP)
        self.session.note_creation(app.app_token)
        return app

    @ApiCall
    def list_tables(self, *, app_token: str) -> Flow[list[TableInfo]]:
        """Return all tables of a base."""
        items = yield from self._list_all(routes.LIST_TABLES, {"app_token": app_token})
        return [TableInfo(item["table_id"], item.get("name") or "", item.get("revision")) for item in items]

    @ApiCall
    def create_table(self, *, app_token: str, name: str, fields: Sequence[Mapping[str, Any]]) -> Flow[str]:
        """Create a table with *fields*, the first of which is the primary one, and return its id.

        A creation that is not answered is not repeated: it would leave two tables, or fail on the name.
        """
        json = {"table": {"name": name, "fields": list(fields)}}
        body = yield from self.session.call(routes.CREATE_TABLE, {"app_token": app_token}, json=json)
        self.session.note_creation(app_token)
        return pick(data_of(body), "table_id", str, endpoint=routes.CREATE_TABLE.endpoint)

    @ApiCall
    def list_fields(self, *, app_token: str, table_id: str) -> Flow[list[WireField]]:
        """Return all fields of a table."""
        return (yield from self._list_all(routes.LIST_FIELDS, _table(app_token, table_id)))

    @ApiCall
    def create_field(
        self, *, app_token: str, table_id: str, field: Mapping[str, Any], client_token: str | None = None
    ) -> Flow[WireField]:
        """Create a field and return it as Lark describes it."""
        body = yield from self.session.call(
            routes.CREATE_FIELD,
            _table(app_token, table_id),
            json=field,
            client_token=client_token or self.session.settings.new_token(),
        )
        self.session.note_creation(app_token)
        created: WireField = pick(data_of(body), "field", dict, endpoint=routes.CREATE_FIELD.endpoint)  # type: ignore[assignment]  # wire data
        return created

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
        user_id_type: str | None = None,
    ) -> Flow[RecordPage]:
        """Return one page of records; without *sort* in no promised order.

        :param field_names: the only fields to read; above 200 names all fields are read.
        :param automatic_fields: also who created and changed a record, and when.
        :param page_size: 1 to 500.
        """
        query = _Search(app_token, table_id, filter, sort, field_names, automatic_fields, user_id_type)
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
        user_id_type: str | None = None,
    ) -> Pages[RecordPage]:
        """Yield all pages, each read when it is asked for; see :meth:`search_page`.

        Where Lark finds a page too large, it and those after it are read with half the size.

        :raises UnexpectedAnswer: the paging does not move on, so the read is incomplete.
        """
        query = _Search(app_token, table_id, filter, sort, field_names, automatic_fields, user_id_type)
        size = page_size

        def fetch(page_token: str | None) -> Flow[RecordPage]:
            nonlocal size
            while True:
                try:
                    return (yield from self._search(query, size, page_token))
                except TooLarge:
                    if size == 1:
                        raise
                    size //= 2

        return walk_pages(fetch, subject=describe(query.ids))

    @ApiCall
    def batch_get(
        self, *, app_token: str, table_id: str, record_ids: Sequence[str], automatic_fields: bool = False
    ) -> Flow[BatchGet]:
        """Return the records of any number of ids, 100 a call."""
        ids = list(dict.fromkeys(record_ids))
        found = BatchGet([], [], [])
        waiting = [ids[start : start + BATCH_GET_MAX] for start in range(0, len(ids), BATCH_GET_MAX)][::-1]
        while waiting:
            chunk = waiting.pop()
            json = {"record_ids": chunk, "automatic_fields": automatic_fields}
            try:
                body = yield from self.session.call(routes.BATCH_GET, _table(app_token, table_id), json=json)
            except TooLarge:
                if len(chunk) == 1:
                    raise
                middle = len(chunk) // 2
                waiting += [chunk[middle:], chunk[:middle]]
                continue
            data, endpoint = data_of(body), routes.BATCH_GET.endpoint
            found.records.extend(pick_list(data, "records", endpoint=endpoint))
            found.forbidden_record_ids.extend(pick_list(data, "forbidden_record_ids", endpoint=endpoint))
            found.absent_record_ids.extend(pick_list(data, "absent_record_ids", endpoint=endpoint))
        return found

    @ApiCall
    def batch_create(
        self, *, app_token: str, table_id: str, records: Sequence[Mapping[str, Any]], client_token: str
    ) -> Flow[list[WireRecord]]:
        """Create up to 1,000 records in one call, all or none; the answers stand in the order sent.

        :param records: the fields of each, by name.
        :param client_token: a UUID of version 4; the same one again repeats nothing.
        :raises ClientTokenConflict: the token was used for other records.
        """
        json = {"records": [{"fields": fields} for fields in records]}
        return (yield from self._write_batch(routes.BATCH_CREATE, app_token, table_id, json, client_token))

    @ApiCall
    def batch_update(
        self, *, app_token: str, table_id: str, records: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> Flow[list[WireRecord]]:
        """Set the given fields of up to 1,000 records in one call, all or none; None clears a cell.

        :param records: record_id and fields of each.
        """
        json = {"records": [{"record_id": record_id, "fields": fields} for record_id, fields in records]}
        return (yield from self._write_batch(routes.BATCH_UPDATE, app_token, table_id, json, None))

    @ApiCall
    def batch_delete(self, *, app_token: str, table_id: str, record_ids: Sequence[str]) -> Flow[None]:
        """Delete up to 500 records in one call, all or none.

        :raises RecordNotFound: one of them does not exist.
        """
        if not record_ids:
            return
        _check_size(len(record_ids), BATCH_DELETE_MAX, routes.BATCH_DELETE)
        json = {"records": list(record_ids)}
        yield from self.session.call(routes.BATCH_DELETE, _table(app_token, table_id), json=json)

    @ApiCall
    def create_record(
        self, *, app_token: str, table_id: str, fields: Mapping[str, Any], client_token: str | None = None
    ) -> Flow[WireRecord]:
        """Create one record."""
        body = yield from self.session.call(
            routes.CREATE_RECORD,
            _table(app_token, table_id),
            json={"fields": fields},
            client_token=client_token or self.session.settings.new_token(),
        )
        return _read_record(body, routes.CREATE_RECORD)

    @ApiCall
    def update_record(
        self, *, app_token: str, table_id: str, record_id: str, fields: Mapping[str, Any]
    ) -> Flow[WireRecord]:
        """Set the given fields of one record; None clears a cell."""
        ids = {**_table(app_token, table_id), "record_id": record_id}
        body = yield from self.session.call(routes.UPDATE_RECORD, ids, json={"fields": fields})
        return _read_record(body, routes.UPDATE_RECORD)

    @ApiCall
    def delete_record(self, *, app_token: str, table_id: str, record_id: str) -> Flow[None]:
        """Delete one record.

        :raises RecordNotFound: it does not exist.
        """
        yield from self.session.call(routes.DELETE_RECORD, {**_table(app_token, table_id), "record_id": record_id})

    def _search(self, search: _Search, page_size: int, page_token: str | None) -> Flow[RecordPage]:
        if not 1 <= page_size <= SEARCH_PAGE_MAX:
            raise BadRequest(f"page_size is {page_size}, expected 1 to {SEARCH_PAGE_MAX}")
        body = yield from self.session.call(
            routes.SEARCH,
            search.ids,
            query={"page_size": page_size, "page_token": page_token, "user_id_type": search.user_id_type},
            json=search.body(),
        )
        data = data_of(body)
        return RecordPage(
            items=pick_list(data, "items", endpoint=routes.SEARCH.endpoint),
            has_more=bool(data.get("has_more")),
            page_token=data.get("page_token") or None,
            total=data.get("total"),
        )

    def _list_all(self, route: routes.Route, ids: Mapping[str, str]) -> Flow[list[Any]]:
        def fetch(page_token: str | None) -> Flow[_ListPage]:
            query = {"page_size": LIST_PAGE_MAX, "page_token": page_token}
            data = data_of((yield from self.session.call(route, ids, query=query)))
            items = pick_list(data, "items", endpoint=route.endpoint)
            return _ListPage(items, bool(data.get("has_more")), data.get("page_token") or None)

        pages = yield from collect_pages(walk_pages(fetch, subject=describe(ids)))
        return [item for page in pages for item in page.items]

    def _write_batch(
        self, route: routes.Route, app_token: str, table_id: str, json: JsonObject, client_token: str | None
    ) -> Flow[list[WireRecord]]:
        sent = len(json["records"])
        if sent == 0:
            return []
        _check_size(sent, BATCH_WRITE_MAX, route)
        ids = _table(app_token, table_id)
        body = yield from self.session.call(route, ids, json=json, client_token=client_token)
        records = pick_list(data_of(body), "records", endpoint=route.endpoint)
        if len(records) != sent:
            raise UnexpectedAnswer(
                f"{describe(ids)}: {sent} records were sent and {len(records)} came back, so none can be matched",
                endpoint=route.endpoint,
            )
        return records


@dataclass(frozen=True, slots=True)
class _Search:
    app_token: str
    table_id: str
    filter: Mapping[str, Any] | None
    sort: Sequence[Mapping[str, Any]] | None
    field_names: Sequence[str] | None
    automatic_fields: bool
    user_id_type: str | None

    @property
    def ids(self) -> dict[str, str]:
        return _table(self.app_token, self.table_id)

    def body(self) -> JsonObject:
        # at least {}: Lark answers an empty body with 9499
        body: JsonObject = {}
        if self.filter:
            body["filter"] = self.filter
        if self.sort:
            body["sort"] = list(self.sort)
        if self.field_names and len(self.field_names) <= FIELD_NAMES_MAX:
            body["field_names"] = list(self.field_names)
        if self.automatic_fields:
            body["automatic_fields"] = True
        return body


def _table(app_token: str, table_id: str) -> dict[str, str]:
    return {"app_token": app_token, "table_id": table_id}


def _check_size(size: int, largest: int, route: routes.Route) -> None:
    if size > largest:
        raise TooLarge(f"{size} records in one request, at most {largest} are allowed", endpoint=route.endpoint)


def _read_app(body: JsonObject, route: routes.Route) -> AppInfo:
    app = pick(data_of(body), "app", dict, endpoint=route.endpoint)
    return AppInfo(
        app_token=pick(app, "app_token", str, endpoint=route.endpoint),
        name=app.get("name") or "",
        time_zone=app.get("time_zone"),
        revision=app.get("revision"),
        is_advanced=bool(app.get("is_advanced")),
        default_table_id=app.get("default_table_id"),
        url=app.get("url"),
    )


def _read_record(body: JsonObject, route: routes.Route) -> WireRecord:
    record: WireRecord = pick(data_of(body), "record", dict, endpoint=route.endpoint)  # type: ignore[assignment]  # wire data
    return record
