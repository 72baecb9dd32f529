"""Whole records between a program and Lark: what DAGs and scripts pass and get, without a SQL column beside it.

:class:`RecordEncoder` turns natural values into what Lark takes, and refuses before anything is sent;
:class:`RecordReader` turns what Lark shows into plain JSON. What the reader gives, the encoder takes: writing it back
changes nothing. The cells are in :mod:`.write`, :mod:`.scalars` and :mod:`.read`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from airflow_provider_lark.core.errors import PermanentError, SchemaMismatch, ValueMismatch
from airflow_provider_lark.core.fields.plain.read import cell_reader, read_instant, read_user
from airflow_provider_lark.core.fields.plain.scalars import Encode, Unfit
from airflow_provider_lark.core.fields.plain.write import cell_encoder, items_of, user_email
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.users import FindUserIds, UsersByEmail
from airflow_provider_lark.core.fields.zones import Zone

SHOWN_PROBLEMS = 5
_NAME_MAX = 100
_LISTED_NAMES = 5
_VALUE_ERRORS = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError)


class RecordEncoder:
    """Turns records of natural values into the fields of write calls.

    >>> encoder = RecordEncoder([Field("fld1", "Qty", FieldType.NUMBER)])
    >>> encoder.encode([{"Qty": 5}])
    [{'Qty': 5}]

    :param time_zone: the zone of naive datetimes and of dates, or what finds it when one is met; without it they
        are refused.
    :param find_user_ids: asked once a call for all e-mail addresses in person fields; without it they are refused.
    :param skip_read_only: leave out what Lark computes, so that a record can be written back as it was read;
        otherwise such a field is refused.
    """

    def __init__(
        self,
        fields: Sequence[Field],
        *,
        time_zone: Zone | None = None,
        find_user_ids: FindUserIds | None = None,
        skip_read_only: bool = False,
    ) -> None:
        self._fields = {field.name: field for field in fields}
        self._skip_read_only = skip_read_only
        self._users = None if find_user_ids is None else UsersByEmail(find_user_ids)
        find = None if self._users is None else self._users.find
        self._cells: dict[str, tuple[Encode, str]] = {
            field.name: cell_encoder(field, time_zone, find) for field in fields if not field.is_read_only
        }
        self._user_fields = [field.name for field in fields if field.type == FieldType.USER]

    def encode(self, records: Sequence[Mapping[str, Any]], *, first_index: int = 0) -> list[dict[str, Any]]:
        """Return the fields of each record as Lark takes them; None, and what is empty, clears a cell.

        :param first_index: the number of the first record in what the caller counts, for the messages.
        :raises SchemaMismatch: a field does not exist or cannot be written. Like the next error, it names the first
            five places: record, field, type and what is expected, never a value.
        :raises ValueMismatch: a value does not fit its field.
        """
        self._look_up(records)
        problems = _Problems()
        encoded = [self._encode(index, record, problems) for index, record in enumerate(records, first_index)]
        problems.raise_any()
        return encoded

    def _encode(self, index: int, record: Any, problems: _Problems) -> dict[str, Any]:
        wire: dict[str, Any] = {}
        if not isinstance(record, Mapping):
            problems.add_value(index, f"got {_kind(record)}, expected a mapping of field names to values")
            return wire
        cells = self._cells
        for name, value in record.items():
            cell = cells.get(name)
            if cell is None:
                self._explain(index, name, problems)
            elif value is None:
                wire[name] = None
            else:
                try:
                    wire[name] = cell[0](value)
                except _VALUE_ERRORS as exc:
                    if isinstance(exc, PermanentError):
                        # not the value is in the way, but what it needs: the base's time zone
                        raise
                    expected = str(exc) if isinstance(exc, Unfit) else cell[1]
                    label = self._fields[name].describe()
                    problems.add_value(index, f"field {label}: got {_kind(value)}, expected {expected}")
        return wire

    def _explain(self, index: int, name: Any, problems: _Problems) -> None:
        """Say why there is no cell for *name*, unless it may be left out."""
        field = self._fields.get(name)
        if field is None:
            problems.add_name(index, name, lambda: _unknown(name, list(self._cells)))
        elif not self._skip_read_only:
            problems.add_name(index, name, lambda: f"field {field.describe()} is computed by Lark; leave it out")

    def _look_up(self, records: Iterable[Any]) -> None:
        """Ask for the e-mail addresses that are not known yet, all at once."""
        if self._users is None or not self._user_fields:
            return
        wanted: dict[str, None] = {}
        for record in records:
            for name in self._user_fields:
                value = record.get(name) if isinstance(record, Mapping) else None
                try:
                    users = items_of(value) if value is not None else []
                except _VALUE_ERRORS:
                    # refused with its place by the encoder
                    continue
                wanted.update(dict.fromkeys(email for one in users if (email := user_email(one)) is not None))
        self._users.look_up(wanted)


class _Problems:
    """What is wrong with a batch: every place is counted, the first few are shown."""

    def __init__(self) -> None:
        self._shown: list[str] = []
        self._names: set[Any] = set()
        self._count = 0
        self._error: type[SchemaMismatch | ValueMismatch] = ValueMismatch

    def add_value(self, index: int, text: str) -> None:
        self._count += 1
        if len(self._shown) < SHOWN_PROBLEMS:
            self._shown.append(f"record {index}: {text}")

    def add_name(self, index: int, name: Any, explain: Callable[[], str]) -> None:
        """Count a field that is wrong in all records once; *explain* is costly and only called for what is shown."""
        self._error = SchemaMismatch
        if name in self._names:
            return
        self._names.add(name)
        self._count += 1
        if len(self._shown) < SHOWN_PROBLEMS:
            self._shown.append(f"record {index}: {explain()}")

    def raise_any(self) -> None:
        if not self._count:
            return
        more = self._count - len(self._shown)
        rest = f"; and {more:,} more" if more else ""
        raise self._error(f"rejected before sending: {'; '.join(self._shown)}{rest}")


def _kind(value: Any) -> str:
    return f"a value of type {type(value).__name__}"


def _unknown(name: Any, writable: Sequence[str]) -> str:
    if not isinstance(name, str):
        return f"field names must be strings; found {_kind(name)}"
    shown = name if len(name) <= _NAME_MAX else name[:_NAME_MAX] + "…"
    close = difflib.get_close_matches(name[:_NAME_MAX], writable, n=1) or writable[:_LISTED_NAMES]
    return f"field {shown!r} does not exist; did you mean {', '.join(map(repr, close)) or 'another table'}?"


class RecordReader:
    """Turns records as Lark shows them into plain JSON.

    >>> reader = RecordReader([Field("fld1", "Name", FieldType.TEXT)])
    >>> reader.read({"record_id": "rec1", "fields": {"Name": [{"type": "text", "text": "a"}]}})
    {'record_id': 'rec1', 'fields': {'Name': 'a'}}

    :param fields: those to read; others of a record are left out.
    :param times: datetimes as ISO 8601 text in UTC, or as milliseconds.
    """

    def __init__(self, fields: Sequence[Field], *, times: Literal["iso", "ms"] = "iso") -> None:
        self._cells = [(field, cell_reader(field, times)) for field in fields]
        self._read_time = read_instant(times)

    def read(self, record: Mapping[str, Any], *, with_empty: bool = False) -> dict[str, Any]:
        """Return the record's id, its fields by name, and who made and changed it when where the call told.

        :param with_empty: show empty cells as None instead of leaving them out.
        :raises ValueMismatch: a cell has not the shape of its field's type.
        """
        wire = record["fields"]
        fields: dict[str, Any] = {}
        for field, read in self._cells:
            value = wire.get(field.name)
            if value is not None:
                try:
                    value = read(value)
                except _VALUE_ERRORS:
                    raise ValueMismatch(
                        f"record {record.get('record_id')}: field {field.describe()}: got {_kind(value)}, expected a "
                        f"value of type {field.type_label}; leave the field out of field_names"
                    ) from None
            if value is not None or with_empty:
                fields[field.name] = value
        plain = {"record_id": record["record_id"], "fields": fields}
        for name in ("created_time", "last_modified_time"):
            if name in record:
                plain[name] = self._read_time(record[name])
        for name in ("created_by", "last_modified_by"):
            if name in record:
                plain[name] = read_user(record[name])
        return plain
