"""Fields and views (lark-api §2.2, §3.1)."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_lark.emulator.errors import invalid
from airflow_provider_lark.emulator.routes.apps import FIELD_MEMBERS
from airflow_provider_lark.emulator.routes.resolve import field_of, page_of, query_flag, table_of, view_of
from airflow_provider_lark.emulator.routes.router import BITABLE_READ, BITABLE_WRITE, Rate, Route
from airflow_provider_lark.emulator.state import columns, schema, views
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.state.query.filters import Filtering
from airflow_provider_lark.emulator.tenant.model import Field, View
from airflow_provider_lark.emulator.wire import Request


def describe_field(column: Field, *, text_as_array: bool = False) -> dict[str, Any]:
    """A field as it is read."""
    described: dict[str, Any] = {
        "field_id": column.field_id,
        "field_name": column.name,
        "type": column.type,
        "ui_type": column.ui_type,
        "property": column.settings,
        "is_primary": column.is_primary,
        "is_hidden": column.is_hidden,
    }
    if column.description:
        text = column.description
        described["description"] = [{"type": "text", "text": text}] if text_as_array else text
    return described


def list_fields(state: State, request: Request) -> dict[str, Any]:
    """The fields of a table."""
    _, table = table_of(state, request)
    if request.query.get("view_id"):
        view_of(state, table, request.query["view_id"])
    as_array = query_flag(request, "text_field_as_array")
    page, members = page_of(state, request, table.fields)
    return {"items": [describe_field(each, text_as_array=as_array) for each in page], **members}


def create_field(state: State, request: Request) -> dict[str, Any]:
    """Add a field."""
    base, table = table_of(state, request, writes=True)
    return {"field": describe_field(columns.add_field(state.editing(base, request.actor), table, request.json()))}


def update_field(state: State, request: Request) -> dict[str, Any]:
    """Replace a field's definition."""
    base, table = table_of(state, request, writes=True)
    column = field_of(state, request, table)
    body = request.json()
    for name in ("field_name", "type"):
        if name not in body:
            raise invalid(name, None, f"{name} is required: an update replaces the whole definition")
    return {"field": describe_field(columns.update_field(state.editing(base, request.actor), table, column, body))}


def delete_field(state: State, request: Request) -> dict[str, Any]:
    """Delete a field."""
    base, table = table_of(state, request, writes=True)
    column = field_of(state, request, table)
    columns.delete_field(state.editing(base, request.actor), table, column)
    return {"field_id": column.field_id, "deleted": True}


def _describe_view(view: View) -> dict[str, Any]:
    described: dict[str, Any] = {
        "view_id": view.view_id,
        "view_name": view.name,
        "view_type": view.type,
        "view_public_level": "Public",
    }
    if view.property is not None:
        described["property"] = view.property
    return described


def list_views(state: State, request: Request) -> dict[str, Any]:
    """The views of a table."""
    _, table = table_of(state, request)
    page, members = page_of(state, request, table.views)
    return {"items": [_describe_view(each) for each in page], **members}


def create_view(state: State, request: Request) -> dict[str, Any]:
    """Add a view."""
    base, table = table_of(state, request, writes=True)
    body = request.json()
    editing = state.editing(base, request.actor)
    view_type = "grid" if body.get("view_type") in (None, "") else body["view_type"]
    view = schema.add_view(editing, table, body.get("view_name"), view_type)
    return {"view": _describe_view(view)}


def get_view(state: State, request: Request) -> dict[str, Any]:
    """One view."""
    _, table = table_of(state, request)
    return {"view": _describe_view(view_of(state, table, request.params["view_id"]))}


def update_view(state: State, request: Request) -> dict[str, Any]:
    """Rename a view or set its property, of which searches apply the filter."""
    base, table = table_of(state, request, writes=True)
    view = view_of(state, table, request.params["view_id"])
    body = request.json()
    name = view.name
    if body.get("view_name") is not None:
        name = schema.check_view_name(table, body["view_name"], but=view.view_id)
    if body.get("property") is not None:
        filtering = Filtering(base, table, state.directory, state.switches, state.now_ms, request.user_id_type)
        view.property = views.check_property(body["property"], filtering)
    view.name = name
    return {"view": _describe_view(view)}


def delete_view(state: State, request: Request) -> dict[str, Any]:
    """Delete a view."""
    _, table = table_of(state, request, writes=True)
    schema.delete_view(table, view_of(state, table, request.params["view_id"]))
    return {}


_TABLE: Final = "/open-apis/bitable/v1/apps/:app_token/tables/:table_id"
_PAGING: Final = frozenset({"page_token", "page_size"})
_READ_FIELD: Final = (*BITABLE_READ, "base:field:read")
_READ_VIEW: Final = (*BITABLE_READ, "base:view:read")
_WRITE_VIEW: Final = (*BITABLE_WRITE, "base:view:write_only")
_VIEW_QUERY: Final = frozenset({"user_id_type"})
ROUTES: Final = (
    Route(
        "GET",
        f"{_TABLE}/fields",
        list_fields,
        query=_PAGING | {"view_id", "text_field_as_array"},
        scopes=_READ_FIELD,
        rate=Rate(20),
        coverage="partly",
        note="view_id is checked but hides nothing",
    ),
    Route(
        "POST",
        f"{_TABLE}/fields",
        create_field,
        query=frozenset({"client_token"}),
        members=FIELD_MEMBERS,
        scopes=(*BITABLE_WRITE, "base:field:create"),
        rate=Rate(10),
        holds="table",
        coverage="partly",
        note="lookup, stage, object and button fields only through emu.person; auto_fill has no effect",
    ),
    Route(
        "PUT",
        f"{_TABLE}/fields/:field_id",
        update_field,
        query=frozenset({"client_token"}),
        members=FIELD_MEMBERS,
        scopes=(*BITABLE_WRITE, "base:field:update"),
        rate=Rate(10),
        holds="table",
        coverage="partly",
        note="the type can change only while all cells are empty; 1254012 otherwise",
    ),
    Route(
        "DELETE",
        f"{_TABLE}/fields/:field_id",
        delete_field,
        scopes=(*BITABLE_WRITE, "base:field:delete"),
        rate=Rate(10),
        holds="table",
    ),
    Route("GET", f"{_TABLE}/views", list_views, query=_PAGING | _VIEW_QUERY, scopes=_READ_VIEW, rate=Rate(20)),
    Route(
        "POST",
        f"{_TABLE}/views",
        create_view,
        members=frozenset({"view_name", "view_type"}),
        scopes=_WRITE_VIEW,
        rate=Rate(10),
        holds="table",
        note="views hold a name, a type and a property; all are public",
    ),
    Route("GET", f"{_TABLE}/views/:view_id", get_view, query=_VIEW_QUERY, scopes=_READ_VIEW, rate=Rate(20)),
    Route(
        "PATCH",
        f"{_TABLE}/views/:view_id",
        update_view,
        query=_VIEW_QUERY,
        members=frozenset({"view_name", "property"}),
        scopes=_WRITE_VIEW,
        rate=Rate(10),
        holds="table",
        coverage="partly",
        note="only the property's filter is applied; hidden_fields and hierarchy_config are only stored",
    ),
    Route(
        "DELETE",
        f"{_TABLE}/views/:view_id",
        delete_view,
        query=_VIEW_QUERY,
        scopes=_WRITE_VIEW,
        rate=Rate(10),
        holds="table",
    ),
)
