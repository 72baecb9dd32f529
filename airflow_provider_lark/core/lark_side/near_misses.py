"""Writes that Lark accepts but stores with other values than were sent: trimmed, rounded, clamped, left out.

Lark mostly repeats what was sent, so only what an answer tells is found here. The sync also looks at the first read
after each write.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from airflow_provider_lark.core.api.wire.results import WireRecord
from airflow_provider_lark.core.errors import ValueMismatch
from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.fields.either_form import reader_of
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.hints import counted

log = logging.getLogger(__name__)

_TELLING = frozenset(
    {
        FieldType.TEXT,
        FieldType.NUMBER,
        FieldType.SINGLE_SELECT,
        FieldType.MULTI_SELECT,
        FieldType.DATE_TIME,
        FieldType.CHECKBOX,
        FieldType.PHONE,
        FieldType.URL,
    }
)
"""Fields whose cells an answer shows as a read does, or as they were sent."""

_SHOWN = 5


class NearMisses:
    """Counts the records of which an answer shows something else than was sent.

    :param fields: returns those that are written; asked only where an answer is not what was sent.
    """

    def __init__(self, fields: Callable[[], Sequence[Field]]) -> None:
        self._ask_fields = fields
        self._readers: dict[str, Callable[[Any], Canonical]] = {}
        self._found: dict[str, set[str]] = {}

    @property
    def count(self) -> int:
        """How many records."""
        return len(self._found)

    def look_by_id(self, patches: Sequence[tuple[str, Mapping[str, Any]]], answer: Sequence[WireRecord]) -> None:
        """Compare updates with their answer, by the records' ids."""
        told = {record["record_id"]: record for record in answer}
        known = [(body, told[id_]) for id_, body in patches if id_ in told]
        self.look([body for body, _ in known], [record for _, record in known])

    def look(self, bodies: Sequence[Mapping[str, Any]], answer: Sequence[WireRecord]) -> None:
        """Compare what was sent with the answer, record by record."""
        for body, record in zip(bodies, answer, strict=True):
            # only the id is demanded of what a write answers
            told: Any = record.get("fields")
            if not isinstance(told, dict) or not told or told == body:
                continue
            odd = {name for name in body if name in self._fields and not self._is_told(name, body[name], told)}
            if odd:
                self._found.setdefault(record["record_id"], set()).update(odd)

    def describe(self) -> str:
        """Say which records and fields; empty where there are none. No cell is told."""
        if not self._found:
            return ""
        ids = ", ".join(list(self._found)[:_SHOWN]) + (" …" if self.count > _SHOWN else "")
        names = sorted(set[str]().union(*self._found.values()))
        fields = ", ".join(self._fields[name].describe() for name in names)
        return (
            f"Lark reported success but stored different values than were sent in {counted(self.count, 'record')} "
            f"({ids}): {fields}"
        )

    @cached_property
    def _fields(self) -> dict[str, Field]:
        return {each.name: each for each in self._ask_fields() if each.type in _TELLING}

    def _is_told(self, name: str, sent: Any, told: Mapping[str, Any]) -> bool:
        if name in told and told[name] == sent:
            return True
        if name not in self._readers:
            self._readers[name] = reader_of(self._fields[name])
        read = self._readers[name]
        try:
            return _plain(read(told.get(name))) == _plain(read(sent))
        except ValueMismatch:
            return True


def _plain(value: Canonical) -> Canonical:
    # an empty cell may be left out, or told as nothing
    return None if value is False or value in ("", ()) else value
