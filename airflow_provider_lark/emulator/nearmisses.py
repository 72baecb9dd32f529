"""Writes that succeed but store something other than what was sent; a client must not take that for a person's edit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from airflow_provider_lark.emulator.faults import Fault
from airflow_provider_lark.emulator.tenant.model import Field, Table

Alter = Callable[[Any, Fault, Field], Any]


def stored(faults: Sequence[Fault], table: Table, rows: Sequence[Any], record_ids: Sequence[str] = ()) -> list[Any]:
    """The ``fields`` of each record as they are carried out, in write shape."""
    ids = record_ids or [""] * len(rows)
    return [_altered(faults, table, fields, record_id) for fields, record_id in zip(rows, ids, strict=True)]


def told(faults: Sequence[Fault], table: Table, rows: Sequence[Any], record_ids: Sequence[str] = ()) -> list[Any]:
    """The ``fields`` of each record as the answer echoes them: what was sent (lark-api §2.5), or what was stored."""
    return stored([each for each in faults if each.told], table, rows, record_ids)


def kept_fields(faults: Sequence[Fault], definitions: list[Any]) -> tuple[list[Any], bool]:
    """The fields that a new table really gets, and whether the answer tells so (§12: 20 of 27 were kept)."""
    for fault in faults:
        if fault.action == "keep_fields":
            return definitions[: fault.count], fault.told
    return definitions, True


def leaves(value: Any) -> Iterator[str]:
    """Every text and number in a JSON value, as text."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from leaves(each)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _altered(faults: Iterable[Fault], table: Table, fields: Any, record_id: str) -> Any:
    if not isinstance(fields, Mapping):
        return fields
    for fault in faults:
        if fault.record is not None and fault.record != record_id and fault.record not in leaves(fields):
            continue
        fields = _with(fault, table, fields)
    return fields


def _with(fault: Fault, table: Table, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    changed = dict(fields)
    for name, given in fields.items():
        column = table.field_named(name)
        if column is None or fault.field not in {column.name, column.field_id}:
            continue
        if fault.action == "leave_out":
            del changed[name]
        else:
            changed[name] = _ALTER[fault.action](given, fault, column)
    return changed


def _trim(given: Any, _fault: Fault, _column: Field) -> Any:
    return given.strip() if isinstance(given, str) else given


def _line_ends(given: Any, _fault: Fault, _column: Field) -> Any:
    return given.replace("\r\n", "\n") if isinstance(given, str) else given


def _round(given: Any, fault: Fault, _column: Field) -> Any:
    return round(given, fault.digits) if isinstance(given, float) else given


def _clamp(given: Any, _fault: Fault, column: Field) -> Any:
    settings = column.settings or {}
    if isinstance(given, bool) or not isinstance(given, int | float):
        return given
    return min(max(given, settings.get("min", given)), settings.get("max", given))


def _drop_option(given: Any, fault: Fault, _column: Field) -> Any:
    if isinstance(given, str):
        return None if fault.option in {"", given} else given
    if not isinstance(given, list):
        return given
    return [each for each in given if each != fault.option] if fault.option else given[:-1]


_ALTER: Final[dict[str, Alter]] = {
    "trim": _trim,
    "crlf_to_lf": _line_ends,
    "round": _round,
    "clamp": _clamp,
    "drop_option": _drop_option,
}
