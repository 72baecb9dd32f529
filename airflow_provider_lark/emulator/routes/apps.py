"""Bases and their tables (lark-api §2.2)."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_lark.emulator import nearmisses
from airflow_provider_lark.emulator.errors import ApiError, optional_flag, optional_text
from airflow_provider_lark.emulator.routes.gate import known_only
from airflow_provider_lark.emulator.routes.resolve import base_of, page_of, table_of
from airflow_provider_lark.emulator.routes.router import BITABLE_READ, BITABLE_WRITE, Rate, Route
from airflow_provider_lark.emulator.state import schema
from airflow_provider_lark.emulator.state.copying import copy_base
from airflow_provider_lark.emulator.state.platform import DEFAULT_TIME_ZONE, State
from airflow_provider_lark.emulator.tenant.model import Base
from airflow_provider_lark.emulator.wire import Request

MAX_APP_NAME: Final = 255
MAX_TABLES_DELETED: Final = 50
FIELD_MEMBERS: Final = frozenset({"field_name", "type", "ui_type", "property", "description"})


def _app_name(given: object) -> str:
    if given is None:
        return ""
    if not isinstance(given, str) or len(given) > MAX_APP_NAME:
        raise ApiError(1254031, f"the name of a base must be a string of at most {MAX_APP_NAME} characters")
    return given


def _time_zone(given: object) -> str:
    if not isinstance(given, str | None):
        raise ApiError(1254800, "time_zone must be the name of a time zone")
    return given or ""


def _describe(base: Base) -> dict[str, Any]:
    return {
        "app_token": base.app_token,
        "name": base.name,
        "revision": base.revision,
        "is_advanced": base.is_advanced,
        "time_zone": base.time_zone,
        "formula_type": 1,
        "advance_version": "v2" if base.is_advanced else "",
    }


def create_app(state: State, request: Request) -> dict[str, Any]:
    """Create a base, with its default table; the app is its only collaborator."""
    body = request.json()
    optional_text(body.get("folder_token"), "folder_token")
    base = state.create_base(
        _app_name(body.get("name")),
        _time_zone(body.get("time_zone")) or DEFAULT_TIME_ZONE,
        members=[request.member_id],
        default_table=True,
        made_by=request.actor,
    )
    return {"app": _describe_new(base, body)}


def _describe_new(base: Base, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "app_token": base.app_token,
        "name": base.name,
        "folder_token": optional_text(body.get("folder_token"), "folder_token"),
        "url": f"https://emulator.feishu.cn/base/{base.app_token}",
        "default_table_id": next(iter(base.tables)),
        "time_zone": base.time_zone,
    }


def copy_app(state: State, request: Request) -> dict[str, Any]:
    """Copy a base; the copy answers 1254036 until it is done (§2.8)."""
    source = base_of(state, request)
    body = request.json()
    optional_text(body.get("folder_token"), "folder_token")
    base = copy_base(
        state,
        source,
        name=_app_name(body.get("name")) or source.name,
        time_zone=_time_zone(body.get("time_zone")) or source.time_zone,
        members={request.member_id},
        made_by=request.actor,
        with_content=not optional_flag(body.get("without_content"), "without_content"),
    )
    return {"app": _describe_new(base, body)}


def get_app(state: State, request: Request) -> dict[str, Any]:
    """What a base is."""
    return {"app": _describe(base_of(state, request))}


def update_app(state: State, request: Request) -> dict[str, Any]:
    """Rename a base, or switch advanced permissions."""
    base = base_of(state, request, writes=True)
    body = request.json()
    # both are looked at before either is done
    name, is_advanced = _app_name(body.get("name")), optional_flag(body.get("is_advanced"), "is_advanced")
    if body.get("name") is not None:
        base.name = name
    if body.get("is_advanced") is not None:
        base.is_advanced = is_advanced
    base.revision += 1
    described = _describe(base)
    return {"app": {name: described[name] for name in ("app_token", "name", "is_advanced")}}


def delete_file(state: State, request: Request) -> dict[str, Any]:
    """Put a base into the trash (§7.4)."""
    if request.query.get("type") != "bitable":
        raise ApiError(1061002, "type must be bitable: the emulator has no other files")
    base = state.bases.get(request.params["file_token"])
    if base is None:
        raise ApiError(1061003, "no such base")
    if base.members is not None and request.member_id not in base.members:
        raise ApiError(1061004, "only who owns the base may delete it")
    del state.bases[base.app_token]
    return {}


def list_tables(state: State, request: Request) -> dict[str, Any]:
    """The tables of a base."""
    base = base_of(state, request)
    page, members = page_of(state, request, list(base.tables.values()))
    items = [{"table_id": each.table_id, "revision": each.revision, "name": each.name} for each in page]
    return {"items": items, **members}


def create_table(state: State, request: Request) -> dict[str, Any]:
    """Create a table with its fields."""
    base = base_of(state, request, writes=True)
    given = request.json().get("table")
    if not isinstance(given, dict):
        raise ApiError(1254001, "the body must be {table: {name, default_view_name?, fields?}}")
    known_only(state, given, {"name", "default_view_name", "fields"}, "table")
    fields = [] if given.get("fields") is None else given["fields"]
    if not isinstance(fields, list) or not all(isinstance(each, dict) for each in fields):
        raise ApiError(1254001, "fields must be a list of field objects")
    for each in fields:
        known_only(state, each, FIELD_MEMBERS, "table.fields")
    view_name = given.get("default_view_name")
    if view_name is not None and not fields:
        raise ApiError(1254001, "default_view_name needs fields")
    if view_name is None:
        view_name = "Grid View"
    editing = state.editing(base, request.actor)
    kept, is_told = nearmisses.kept_fields(request.near_misses, fields)
    table = schema.add_table(editing, given.get("name"), kept, default_view_name=view_name)
    field_ids = [each.field_id for each in table.fields]
    if not is_told:
        field_ids += [state.ids.field() for _ in fields[len(kept) :]]
    return {"table_id": table.table_id, "default_view_id": table.views[0].view_id, "field_id_list": field_ids}


def create_tables(state: State, request: Request) -> dict[str, Any]:
    """Create several tables, each with one text field."""
    base = base_of(state, request, writes=True)
    given = request.json().get("tables")
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise ApiError(1254001, "the body must be {tables: [{name}]}")
    if not given:
        raise ApiError(1254007, "tables is empty")
    for each in given:
        known_only(state, each, {"name"}, "tables")
    # all or none: a name or a number that does not fit is found before the first table is made
    names = [schema.check_table_name(base, each.get("name")) for each in given]
    if len(set(names)) < len(names):
        raise ApiError(1254013, "two of the tables have the same name")
    schema.check_table_count(base, len(names))
    editing = state.editing(base, request.actor)
    made = [schema.add_table(editing, name, []) for name in names]
    return {"table_ids": [each.table_id for each in made]}


def rename_table(state: State, request: Request) -> dict[str, Any]:
    """Rename a table."""
    base, table = table_of(state, request, writes=True)
    schema.rename_table(state.editing(base), table, request.json().get("name"))
    return {"name": table.name}


def delete_table(state: State, request: Request) -> dict[str, Any]:
    """Delete a table."""
    base, table = table_of(state, request, writes=True)
    schema.delete_table(state.editing(base), table)
    return {}


def delete_tables(state: State, request: Request) -> dict[str, Any]:
    """Delete several tables, but never the last."""
    base = base_of(state, request, writes=True)
    given = request.json().get("table_ids")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_TABLES_DELETED:
        raise ApiError(1254001, f"table_ids must be a list of 1..{MAX_TABLES_DELETED}")
    if any(not isinstance(each, str) or each not in base.tables for each in given):
        raise ApiError(1254041, "a table does not exist")
    if len(set(given)) >= len(base.tables):
        raise ApiError(1254034, "the last table of a base cannot be deleted")
    for table_id in dict.fromkeys(given):
        schema.delete_table(state.editing(base), base.tables[table_id])
    return {}


_APPS: Final = "/open-apis/bitable/v1/apps"
_TABLES: Final = f"{_APPS}/:app_token/tables"
_PAGING: Final = frozenset({"page_token", "page_size"})
ROUTES: Final = (
    Route(
        "POST",
        _APPS,
        create_app,
        members=frozenset({"name", "folder_token", "time_zone"}),
        scopes=(*BITABLE_WRITE, "base:app:create"),
        family="making",
        rate=Rate(20, 60),
        coverage="partly",
        note="creates a default table with blank rows; the caller is its only collaborator; folders are ignored",
    ),
    Route(
        "DELETE",
        "/open-apis/drive/v1/files/:file_token",
        delete_file,
        query=frozenset({"type"}),
        scopes=("drive:drive", "space:document:delete"),
        rate=Rate(5),
        coverage="partly",
        note="type=bitable only; nothing comes back from the trash",
    ),
    Route("GET", f"{_APPS}/:app_token", get_app, scopes=(*BITABLE_READ, "base:app:read"), rate=Rate(20)),
    Route(
        "PUT",
        f"{_APPS}/:app_token",
        update_app,
        members=frozenset({"name", "is_advanced"}),
        scopes=(*BITABLE_WRITE, "base:app:update"),
        rate=Rate(10),
        holds="base",
    ),
    Route(
        "POST",
        f"{_APPS}/:app_token/copy",
        copy_app,
        members=frozenset({"name", "folder_token", "without_content", "time_zone"}),
        scopes=(*BITABLE_WRITE, "base:app:copy"),
        family="making",
        rate=Rate(20, 60),
        coverage="partly",
        note="folders are ignored; there are no forms, dashboards and roles to copy, and automations are not",
    ),
    Route("GET", _TABLES, list_tables, query=_PAGING, scopes=(*BITABLE_READ, "base:table:read"), rate=Rate(20)),
    Route(
        "POST",
        _TABLES,
        create_table,
        members=frozenset({"table"}),
        family="making",
        scopes=(*BITABLE_WRITE, "base:table:create"),
        rate=Rate(10),
        holds="base",
    ),
    Route(
        "POST",
        f"{_TABLES}/batch_create",
        create_tables,
        members=frozenset({"tables"}),
        scopes=(*BITABLE_WRITE, "base:table:create"),
        rate=Rate(10),
        holds="base",
    ),
    Route(
        "POST",
        f"{_TABLES}/batch_delete",
        delete_tables,
        members=frozenset({"table_ids"}),
        scopes=(*BITABLE_WRITE, "base:table:delete"),
        rate=Rate(10),
        holds="base",
    ),
    Route(
        "PATCH",
        f"{_TABLES}/:table_id",
        rename_table,
        members=frozenset({"name"}),
        scopes=(*BITABLE_WRITE, "base:table:update"),
        rate=Rate(10),
        holds="table",
    ),
    Route(
        "DELETE",
        f"{_TABLES}/:table_id",
        delete_table,
        scopes=(*BITABLE_WRITE, "base:table:delete"),
        rate=Rate(10),
        holds="table",
    ),
)
