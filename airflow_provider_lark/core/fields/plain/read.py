"""One cell on its way from Lark: from the shape that Lark shows to plain JSON, which :mod:`.payload_write` takes back.

Every function here gets a value that is not None, and returns None for what means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any, Literal

from airflow_provider_lark.core.fields.canonical.derived import basic_type, flat_link_ids, flatten, unwrap_result
from airflow_provider_lark.core.fields.canonical.number import write_lark_number
from airflow_provider_lark.core.fields.canonical.time import GREATEST_MS, LEAST_MS, instant_form
from airflow_provider_lark.core.fields.decimals import parse_lark_number
from airflow_provider_lark.core.fields.schema import Field, FieldType

Read = Callable[[Any], Any]
Times = Literal["iso", "ms"]

_FILE_MEMBERS = ("file_token", "name", "type", "size")
_format_utc = instant_form(UTC).format


def cell_reader(field: Field, times: Times) -> Read:
    """Return what reads a cell of *field*; it raises a ValueError, TypeError or KeyError on another shape."""
    if field.type in _COMPUTED:
        return _computed(field, times)
    if field.type in _UNDOCUMENTED:
        return _tolerant(_computed(field, times))
    return _basic(field.type, times)


def _basic(code: int, times: Times) -> Read:
    if code in _TIMES:
        return read_instant(times)
    # the cells of a type that Lark added later are shown as they are
    return _READERS.get(code, _same)


def read_instant(times: Times) -> Read:
    """Return what reads milliseconds: as ISO 8601 text in UTC, or as they are."""

    def read(wire: Any) -> int | str:
        if isinstance(wire, bool) or not isinstance(wire, (int, float)):
            raise TypeError
        instant = int(wire // 1)
        # beyond the year 9999 there is no text
        return _format_utc(instant) if times == "iso" and LEAST_MS <= instant <= GREATEST_MS else instant

    return read


def read_user(wire: Any) -> dict[str, Any]:
    """Read one person; the e-mail address is None where the app may not see it."""
    return {"id": wire["id"], "name": wire.get("name") or None, "email": wire.get("email") or None}


def _same(wire: Any) -> Any:
    return wire


def _text(wire: Any) -> str | None:
    if type(wire) is str:
        return wire or None
    return "".join([run["text"] for run in _listed(wire)]) or None


def _listed(wire: Any) -> list[Any]:
    # the deprecated calls show a single person bare
    if isinstance(wire, Mapping):
        return [wire]
    if not isinstance(wire, list):
        raise TypeError
    return wire


def _number(wire: Any) -> int | float | None:
    if isinstance(wire, str):
        # the deprecated calls show numbers as text
        return write_lark_number(parse_lark_number(wire)) if wire else None
    if isinstance(wire, bool) or not isinstance(wire, (int, float)):
        raise TypeError
    return wire


def _plain(wire: Any) -> str | None:
    if not isinstance(wire, str):
        raise TypeError
    return wire or None


def _names(wire: Any) -> list[str] | None:
    if not isinstance(wire, list) or not all(isinstance(name, str) for name in wire):
        raise TypeError
    return wire or None


def _checkbox(wire: Any) -> bool:
    if not isinstance(wire, bool):
        raise TypeError
    return wire


def _users(wire: Any) -> list[dict[str, Any]] | None:
    return [read_user(user) for user in _listed(wire)] or None


def _groups(wire: Any) -> list[dict[str, Any]] | None:
    return [{"id": group["id"], "name": group.get("name") or None} for group in _listed(wire)] or None


def _files(wire: Any) -> list[dict[str, Any]] | None:
    # without the addresses, which are only good for an hour or with a token
    files = [{name: file[name] for name in _FILE_MEMBERS if name in file} for file in _listed(wire)]
    if not all("file_token" in file for file in files):
        raise KeyError
    return files or None


def _links(wire: Any) -> list[str] | None:
    if isinstance(wire, list):
        # the shape of the deprecated calls
        return flatten([link["record_ids"] for link in wire]) or None
    if not isinstance(wire, Mapping):
        raise TypeError
    return list(wire.get("link_record_ids") or []) or None


def _url(wire: Any) -> dict[str, str] | None:
    link, text = wire.get("link") or "", wire.get("text") or ""
    return {"text": text or link, "link": link} if text or link else None


def _location(wire: Any) -> dict[str, Any] | None:
    place = {"location": wire} if isinstance(wire, str) else {name: value for name, value in wire.items() if value}
    return place if place.get("location") else None


def _computed(field: Field, times: Times) -> Read:
    """Read ``{"type": …, "value": […]}``: one result bare, several as a list."""
    told = basic_type(field)

    def read(wire: Any) -> Any:
        code, items = unwrap_result(wire, told)
        if not items:
            return None
        if code in _LINK_TYPES:
            return flat_link_ids(items) or None
        if code == FieldType.TEXT and all(isinstance(item, Mapping) for item in items):
            return _text(items)
        items = flatten(items)
        read_items = _basic(code, times)
        if code in _LIST_TYPES:
            return read_items(items)
        # a run of text outside its list
        results = [read_items([item] if code == FieldType.TEXT and type(item) is dict else item) for item in items]
        return results[0] if len(results) == 1 else results

    return read


def _tolerant(read: Read) -> Read:
    def try_read(wire: Any) -> Any:
        try:
            return read(wire)
        except (ValueError, TypeError, KeyError):
            return wire

    return try_read


_COMPUTED = frozenset({FieldType.FORMULA, FieldType.LOOKUP})
_UNDOCUMENTED = frozenset({FieldType.STAGE, FieldType.BUTTON})
"""Types whose cells no document shows, and Lark mostly neither: a shape that is not known is no reason to stop."""
_TIMES = frozenset({FieldType.DATE_TIME, FieldType.CREATED_TIME, FieldType.MODIFIED_TIME})
_LINK_TYPES = frozenset({FieldType.SINGLE_LINK, FieldType.DUPLEX_LINK})

_READERS: dict[int, Read] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.SINGLE_SELECT: _plain,
    FieldType.MULTI_SELECT: _names,
    FieldType.CHECKBOX: _checkbox,
    FieldType.USER: _users,
    FieldType.PHONE: _plain,
    FieldType.URL: _url,
    FieldType.ATTACHMENT: _files,
    FieldType.SINGLE_LINK: _links,
    FieldType.DUPLEX_LINK: _links,
    FieldType.LOCATION: _location,
    FieldType.GROUP_CHAT: _groups,
    FieldType.CREATED_USER: _users,
    FieldType.MODIFIED_USER: _users,
    FieldType.AUTO_NUMBER: _plain,
}
_LIST_TYPES = frozenset(code for code, read in _READERS.items() if read in (_names, _users, _files, _groups))
