"""From path parameters to the base, table, field or view, with the platform's errors (lark-api §1.4, §2.9)."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.state import history
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.model import Base, Field, Table, View
from airflow_provider_lark.emulator.wire import Request

T = TypeVar("T")
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")


def base_of(state: State, request: Request, *, writes: bool = False) -> Base:
    """The base, when the caller may use it.

    :raises ApiError: 1254003 malformed, 91402 unknown (a wiki node's token, say), 91403 the app is no
        collaborator, 1254036 its copying runs, 1254302 a write without rights under advanced permissions.
    """
    token = request.params["app_token"]
    if not token.isalnum():
        raise ApiError(1254003, "an app_token consists of letters and digits")
    base = state.bases.get(token)
    if base is None:
        raise ApiError(91402, "the document does not exist", status=state.switches.not_exist_status)
    if history.is_young(state, base.created_ms):
        raise ApiError(1254040, "the base does not exist yet")
    member_id = request.member_id
    if base.members is not None and member_id not in base.members:
        raise ApiError(91403, "the caller is not a collaborator of the document")
    if base.copied_ms > state.now_ms:
        raise ApiError(1254036, "the base is still being copied")
    if writes and base.leaves_out(member_id):
        raise ApiError(1254302, "advanced permissions do not allow the app to do this")
    return base


def table_of(state: State, request: Request, *, writes: bool = False) -> tuple[Base, Table]:
    """The base and its table."""
    base = base_of(state, request, writes=writes)
    table_id = request.params["table_id"]
    if not table_id.startswith("tbl"):
        raise ApiError(1254004, "a table_id must begin with tbl")
    table = base.tables.get(table_id)
    if table is None or history.is_young(state, table.created_ms):
        raise ApiError(1254041, f"the base has no table {table_id}")
    return base, table


def field_of(state: State, request: Request, table: Table) -> Field:
    """The field of the path."""
    field_id = request.params["field_id"]
    if not field_id.startswith("fld"):
        raise ApiError(1254009, "a field_id must begin with fld")
    column = table.field_by_id(field_id)
    if column is None or history.is_young(state, column.created_ms):
        raise ApiError(1254044, f"table {table.table_id} has no field {field_id}")
    return column


def view_of(state: State, table: Table, view_id: object) -> View:
    """The view of that id."""
    if not isinstance(view_id, str) or not view_id.startswith("vew"):
        raise ApiError(1254005, "a view_id must begin with vew")
    view = next((each for each in table.views if each.view_id == view_id), None)
    if view is None or history.is_young(state, view.created_ms):
        raise ApiError(1254042, f"table {table.table_id} has no view {view_id}")
    return view


def query_flag(request: Request, name: str) -> bool:
    """A query parameter that is true or false, and may be left out."""
    given = request.query.get(name) or "false"
    if given not in {"true", "false"}:
        raise invalid(name, given, f"{name} must be true or false")
    return given == "true"


def page_size_of(state: State, request: Request, *, most: int, default: int = 20) -> int:
    """The page size (§2.2; over the limit: a switch, §11.5)."""
    given = request.query.get("page_size")
    if given is None:
        return default
    if not _INTEGER.fullmatch(given):
        raise invalid("page_size", given, "page_size must be an integer")
    size = int(given)
    if 1 <= size <= most:
        return size
    if size > most and state.switches.oversize_page == "clamp":
        return most
    if state.switches.oversize_page == "99992402":
        raise invalid("page_size", given, f"page_size must be 1..{most}")
    raise ApiError(1254011, f"page_size must be 1..{most}")


def page_of(state: State, request: Request, items: list[T], *, most: int = 100) -> tuple[list[T], dict[str, Any]]:
    """One page of a plain list, and the members that describe it."""
    size = page_size_of(state, request, most=most)
    token = request.query.get("page_token") or "0"
    if not _INTEGER.fullmatch(token) or not 0 <= int(token) <= len(items):
        raise ApiError(state.switches.bad_page_token_code, "the page_token is not valid", msg="InvalidPageToken")
    end = int(token) + size
    has_more = end < len(items)
    members: dict[str, Any] = {"has_more": has_more, "total": len(items)}
    # the token may be there although has_more is false (§2.2 notes): clients must loop on has_more
    members["page_token"] = str(min(end, len(items)))
    return items[int(token) : end], members
