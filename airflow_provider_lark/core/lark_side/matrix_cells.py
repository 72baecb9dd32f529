"""Cells of base/v3 in the form that v1 has them in, for those types whose form is certain (lark-api §4.10).

Not certain, and so never read here: a Url (its text may be all that is shown), formulas and lookups (their type is
lost, and a number may be rounded), and what base/v3 does not support. A moment without milliseconds is certain where
the column keeps none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from airflow_provider_lark.core.fields.canonical.time import EPOCH, to_ms
from airflow_provider_lark.core.fields.schema import Field, FieldType

Read = Callable[[Any], Any]
"""From a cell to v1's wire value, None for an empty one; raises ValueError or TypeError for another form."""

MOMENTS: Final = frozenset({FieldType.DATE_TIME, FieldType.CREATED_TIME, FieldType.MODIFIED_TIME})

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?(Z|[+-]\d\d:\d\d)?")


class CoarseMoment(ValueError):
    """A moment to the second, where milliseconds count."""


def type_name(field: Field) -> str | None:
    """Return what base/v3 calls the field's type; None where the form of its cells is not certain."""
    return _NAMES.get(field.type)


def cell_reader(field: Field, *, zone: ZoneInfo | None, needs_ms: bool) -> Read:
    """Return what reads the cells of a field with a :func:`type_name`.

    :param zone: of moments without an offset; None: there is none that is known.
    :param needs_ms: whether a moment has to come with its milliseconds.
    """
    if field.type in MOMENTS:
        return _moment(zone, needs_ms=needs_ms)
    return _READERS[field.type]


def _text(cell: Any) -> Any:
    if cell is None or type(cell) is str:
        return cell or None
    raise TypeError


def _number(cell: Any) -> Any:
    if cell is None or type(cell) is int or type(cell) is float:
        return cell
    raise TypeError


def _checkbox(cell: Any) -> Any:
    if cell is None or type(cell) is bool:
        return cell
    raise TypeError


def _names(cell: Any) -> list[str]:
    if cell is None:
        return []
    if type(cell) is not list or not all(type(each) is str and each for each in cell):
        raise TypeError
    return cell


def _one_name(cell: Any) -> str | None:
    names = _names(cell)
    if len(names) > 1:
        raise ValueError
    return names[0] if names else None


def _several_names(cell: Any) -> list[str] | None:
    return _names(cell) or None


def _objects(member: str) -> Callable[[Any], list[dict[str, Any]]]:
    def read(cell: Any) -> list[dict[str, Any]]:
        if cell is None:
            return []
        if type(cell) is not list or not all(type(each) is dict and type(each.get(member)) is str for each in cell):
            raise TypeError
        return cell

    return read


_with_ids, _with_tokens = _objects("id"), _objects("file_token")


def _people(cell: Any) -> list[dict[str, Any]] | None:
    return _with_ids(cell) or None


def _files(cell: Any) -> list[dict[str, Any]] | None:
    return _with_tokens(cell) or None


def _links(cell: Any) -> dict[str, list[str]] | None:
    ids = [each["id"] for each in _with_ids(cell)]
    return {"link_record_ids": ids} if ids else None


def _place(cell: Any) -> dict[str, str] | None:
    if cell is None:
        return None
    if type(cell) is not dict:
        raise TypeError
    degrees = [_number(cell.get(name)) for name in ("lng", "lat")]
    if None in degrees:
        raise TypeError
    # not in the notation with an exponent, which v1 has not
    return {"location": ",".join(f"{Decimal(repr(each)):f}" for each in degrees)}


def _moment(zone: ZoneInfo | None, *, needs_ms: bool) -> Read:
    def read(cell: Any) -> int | None:
        if cell is None:
            return None
        match = _MOMENT.fullmatch(cell)
        if match is None:
            raise ValueError
        if needs_ms and match[1] is None:
            raise CoarseMoment
        moment = datetime.fromisoformat(cell)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
            # one that the clock shows twice, or never
            if zone is None or moment.utcoffset() != moment.replace(fold=1).utcoffset():
                raise ValueError
        return to_ms(moment - EPOCH)

    return read


_NAMES: Final[Mapping[int, str]] = {
    FieldType.TEXT: "text",
    FieldType.NUMBER: "number",
    FieldType.SINGLE_SELECT: "select",
    FieldType.MULTI_SELECT: "select",
    FieldType.DATE_TIME: "datetime",
    FieldType.CHECKBOX: "checkbox",
    FieldType.USER: "user",
    FieldType.PHONE: "text",
    FieldType.ATTACHMENT: "attachment",
    FieldType.SINGLE_LINK: "link",
    FieldType.DUPLEX_LINK: "link",
    FieldType.LOCATION: "location",
    FieldType.GROUP_CHAT: "group_chat",
    FieldType.CREATED_TIME: "created_at",
    FieldType.MODIFIED_TIME: "updated_at",
    FieldType.CREATED_USER: "created_by",
    FieldType.MODIFIED_USER: "updated_by",
    FieldType.AUTO_NUMBER: "auto_number",
}
_READERS: Final[Mapping[int, Read]] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.SINGLE_SELECT: _one_name,
    FieldType.MULTI_SELECT: _several_names,
    FieldType.CHECKBOX: _checkbox,
    FieldType.USER: _people,
    FieldType.PHONE: _text,
    FieldType.ATTACHMENT: _files,
    FieldType.SINGLE_LINK: _links,
    FieldType.DUPLEX_LINK: _links,
    FieldType.LOCATION: _place,
    FieldType.GROUP_CHAT: _people,
    FieldType.CREATED_USER: _people,
    FieldType.MODIFIED_USER: _people,
    FieldType.AUTO_NUMBER: _text,
}
