"""Bases, tables, fields and views: the part of ``client.bitable`` that knows their form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.calls.session import describe
from airflow_provider_lark.core.api.wire import routes
from airflow_provider_lark.core.api.wire.answers import Gives, JsonObject, data_of, demand, pick, pick_objects
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.api.wire.limits import LIST_PAGE_MAX
from airflow_provider_lark.core.api.wire.paging import collect_pages, walk_pages
from airflow_provider_lark.core.api.wire.results import AppInfo, TableInfo, ViewInfo, WireField
from airflow_provider_lark.core.errors import BadRequest, FieldNotFound

_NOTHING_CHANGED = 1254606

_A_FIELD: Gives = {"field_id": str, "field_name": str, "type": int}


@dataclass(frozen=True, slots=True)
class _ListPage:
    items: list[Any]
    has_more: bool
    page_token: str | None


class BitableSchema(Namespace[D]):
    """What a base is made of."""

    @ApiCall
    def get_app(self, *, app_token: str) -> Flow[AppInfo]:
        """Return what Lark tells about a base."""
        body = yield from self.session.call(routes.GET_APP, {"app_token": app_token})
        return _read_app(body, routes.GET_APP)

    @ApiCall
    def create_app(self, *, name: str, time_zone: str | None = None, folder_token: str | None = None) -> Flow[AppInfo]:
        """Create a base that belongs to the app; Lark puts a default table with blank records into it."""
        given = {"time_zone": time_zone, "folder_token": folder_token}
        json = {"name": name, **{member: value for member, value in given.items() if value}}
        body = yield from self.session.call(routes.CREATE_APP, json=json)
        app = _read_app(body, routes.CREATE_APP)
        self.session.note_creation(app.app_token)
        return app

    @ApiCall
    def update_app(self, *, app_token: str, name: str | None = None, is_advanced: bool | None = None) -> Flow[AppInfo]:
        """Rename a base, or switch its advanced permissions on or off; what is None stays.

        Lark does the two one after the other, so a failure may leave the first done.
        """
        json = {member: value for member, value in (("name", name), ("is_advanced", is_advanced)) if value is not None}
        body = yield from self.session.call(routes.UPDATE_APP, {"app_token": app_token}, json=json)
        app = pick(data_of(body), "app", dict, endpoint=routes.UPDATE_APP.endpoint)
        return _read_app({"data": {"app": {"app_token": app_token, **app}}}, routes.UPDATE_APP)

    @ApiCall
    def list_tables(self, *, app_token: str) -> Flow[list[TableInfo]]:
        """Return all tables of a base."""
        items = yield from self._list_all(routes.LIST_TABLES, {"app_token": app_token}, needs={"table_id": str})
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
    def update_table(self, *, app_token: str, table_id: str, name: str) -> Flow[None]:
        """Rename a table."""
        yield from self.session.call(routes.UPDATE_TABLE, table_ids(app_token, table_id), json={"name": name})

    @ApiCall
    def delete_table(self, *, app_token: str, table_id: str) -> Flow[None]:
        """Delete a table with all its records; the last one of a base cannot be deleted.

        :raises NotFound: it does not exist.
        """
        yield from self.session.call(routes.DELETE_TABLE, table_ids(app_token, table_id))

    @ApiCall
    def list_views(self, *, app_token: str, table_id: str) -> Flow[list[ViewInfo]]:
        """Return all views of a table."""
        items = yield from self._list_all(routes.LIST_VIEWS, table_ids(app_token, table_id), needs={"view_id": str})
        return [ViewInfo(item["view_id"], item.get("view_name") or "", item.get("view_type") or "") for item in items]

    @ApiCall
    def get_view(self, *, app_token: str, table_id: str, view_id: str) -> Flow[JsonObject]:
        """Return what Lark tells about a view: ``view_name``, and ``property`` with its filter.

        :raises NotFound: the table has no such view.
        """
        body = yield from self.session.call(routes.GET_VIEW, {**table_ids(app_token, table_id), "view_id": view_id})
        return pick(data_of(body), "view", dict, endpoint=routes.GET_VIEW.endpoint)

    @ApiCall
    def list_fields(self, *, app_token: str, table_id: str, view_id: str | None = None) -> Flow[list[WireField]]:
        """Return all fields of a table; with *view_id* as that view orders them."""
        query = {"view_id": view_id}
        return (yield from self._list_all(routes.LIST_FIELDS, table_ids(app_token, table_id), query, needs=_A_FIELD))

    @ApiCall
    def create_field(
        self, *, app_token: str, table_id: str, field: Mapping[str, Any], client_token: str | None = None
    ) -> Flow[WireField]:
        """Create a field and return it as Lark describes it."""
        body = yield from self.session.call(
            routes.CREATE_FIELD,
            table_ids(app_token, table_id),
            json=field,
            client_token=client_token or self.session.settings.new_token(),
        )
        self.session.note_creation(app_token)
        created: WireField = pick(data_of(body), "field", dict, endpoint=routes.CREATE_FIELD.endpoint)  # type: ignore[assignment]  # wire data
        demand(created, _A_FIELD, subject="the field", endpoint=routes.CREATE_FIELD.endpoint)
        return created

    @ApiCall
    def update_field(
        self, *, app_token: str, table_id: str, field_id: str, field: Mapping[str, Any]
    ) -> Flow[WireField]:
        """Change a field and return it as Lark describes it; also when nothing had to change.

        :param field: name, type and property in full: Lark replaces the property, so options that are left out, or
            given without their id, lose their cells.
        :raises FieldNotFound: it does not exist.
        """
        ids = {**table_ids(app_token, table_id), "field_id": field_id}
        try:
            body = yield from self.session.call(routes.UPDATE_FIELD, ids, json=field)
        except BadRequest as error:
            if error.code != _NOTHING_CHANGED:
                raise
        else:
            changed: WireField = pick(data_of(body), "field", dict, endpoint=routes.UPDATE_FIELD.endpoint)  # type: ignore[assignment]  # wire data
            demand(changed, _A_FIELD, subject="the field", endpoint=routes.UPDATE_FIELD.endpoint)
            return changed
        fields: list[WireField] = yield from self._list_all(
            routes.LIST_FIELDS, table_ids(app_token, table_id), needs=_A_FIELD
        )
        for known in fields:
            if known["field_id"] == field_id:
                return known
        raise FieldNotFound(
            f"field {field_id} of {describe(ids)} has been deleted; read the fields again",
            endpoint=routes.UPDATE_FIELD.endpoint,
        )

    @ApiCall
    def delete_field(self, *, app_token: str, table_id: str, field_id: str) -> Flow[None]:
        """Delete a field with all its cells; the primary one cannot be deleted.

        :raises FieldNotFound: it does not exist.
        """
        yield from self.session.call(routes.DELETE_FIELD, {**table_ids(app_token, table_id), "field_id": field_id})

    def _list_all(
        self,
        route: routes.Route,
        ids: Mapping[str, str],
        query: Mapping[str, str | None] | None = None,
        *,
        needs: Gives,
    ) -> Flow[list[Any]]:
        def fetch(page_token: str | None) -> Flow[_ListPage]:
            asked = {"page_size": LIST_PAGE_MAX, "page_token": page_token, **(query or {})}
            data = data_of((yield from self.session.call(route, ids, query=asked)))
            items = pick_objects(data, "items", needs, endpoint=route.endpoint)
            return _ListPage(items, bool(data.get("has_more")), data.get("page_token") or None)

        pages = yield from collect_pages(walk_pages(fetch, subject=describe(ids)))
        return [item for page in pages for item in page.items]


def table_ids(app_token: str, table_id: str) -> dict[str, str]:
    """Return the ids of a table as routes name them."""
    return {"app_token": app_token, "table_id": table_id}


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
