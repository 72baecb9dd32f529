"""Values of a database as files hold them: numbers, dates, and text for everything else."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from airflow_provider_lark.core.api.wire.limits import MESSAGE_FILE_MAX_BYTES
from airflow_provider_lark.core.errors import TooLarge
from airflow_provider_lark.core.fields.exact_json import dump_exact

Rows = Sequence[Sequence[Any]]

_quoted = json.JSONEncoder(ensure_ascii=False).encode

_DIGITS_MAX = 15
# Excel has none beyond them, though a double has
_LARGEST = 10**307
_SMALLEST = Decimal("1E-307")

FileValue = str | bool | int | float | Decimal | datetime | date | time | timedelta | None
"""What :func:`file_value` leaves to a file's own form; numbers are finite."""


@dataclass(frozen=True, slots=True)
class WrittenRows:
    """What became of a query's rows.

    :param rows: all of them.
    :param cut: cells whose text the file could not hold as a whole.
    """

    rows: int
    cut: int = 0


def in_zone(value: Any, zone: tzinfo | None) -> Any:
    """Return *value*, a moment as it is in *zone*; None, and moments that know no zone, change nothing."""
    if zone is not None and isinstance(value, datetime) and value.tzinfo is not None:
        try:
            return value.astimezone(zone)
        except OverflowError:
            return value
    return value


def rows_in_zone(parts: Iterable[Rows], zone: tzinfo | None, *, drop_zone: bool = False) -> Iterator[Rows]:
    """Yield *parts* with all moments in *zone*.

    :param drop_zone: leave the zone itself out, where all are in *zone*.
    """

    def shown(value: Any) -> Any:
        moment = in_zone(value, zone)
        return moment.replace(tzinfo=None) if drop_zone and isinstance(moment, datetime) else moment

    for part in parts:
        yield part if zone is None else [[shown(value) for value in row] for row in part]


def file_value(value: Any) -> FileValue:
    """Return *value* as a file holds it.

    Bytes are hexadecimal digits behind ``0x``; lists and objects are JSON; NaN and infinities are words.
    """
    if value is None or isinstance(value, (bool, int, datetime, date, timedelta)):
        return value
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _word(value)
    if isinstance(value, Decimal):
        return value if value.is_finite() else _word(value)
    if isinstance(value, time):
        # a spreadsheet's times know no zone
        return value if value.tzinfo is None else value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"0x{bytes(value).hex()}"
    if isinstance(value, (dict, list, tuple)):
        return _write_json(value)
    return str(value)


def whole_text(text: str) -> str:
    """Return *text* without halves of characters, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def value_text(plain: FileValue) -> str:
    """Return what :func:`file_value` gave as text: all digits of a number, ISO 8601 of a moment.

    >>> value_text(Decimal("1E+3")), value_text(True)
    ('1000', 'true')
    """
    if isinstance(plain, str):
        return plain
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, Decimal):
        return f"{plain:f}"
    if isinstance(plain, datetime):
        return plain.isoformat(" ")
    if isinstance(plain, (date, time)):
        return plain.isoformat()
    return duration_text(plain) if isinstance(plain, timedelta) else str(plain)


def json_text(value: Any) -> str:
    """Return *value* as JSON: numbers with all their digits, text for what JSON has no form for.

    A database's JSON may nest deeper than Python's calls may.
    """
    if not isinstance(value, (Mapping, list, tuple)):
        return _scalar_json(value)
    text: list[str] = []
    open_values: list[Iterator[tuple[str, Any]]] = [iter([("", value)])]
    ends = [""]
    while open_values:
        for lead, part in open_values[-1]:
            text.append(lead)
            if isinstance(part, (Mapping, list, tuple)):
                begin, end = "{}" if isinstance(part, Mapping) else "[]"
                text.append(begin)
                ends.append(end)
                open_values.append(_members(part) if isinstance(part, Mapping) else _items(part))
                break
            text.append(_scalar_json(part))
        else:
            open_values.pop()
            text.append(ends.pop())
    return "".join(text)


def keeps_digits(value: int | float | Decimal) -> bool:
    """Tell whether a spreadsheet keeps all digits of a number; a double has no more than it does.

    Those too large or too small for one are not kept either.
    """
    if isinstance(value, float):
        return abs(value) < _LARGEST and (value == 0 or abs(value) >= _SMALLEST)
    if isinstance(value, Decimal) and 0 < abs(value) < _SMALLEST:
        return False
    digits = str(abs(value)) if isinstance(value, int) else "".join(map(str, value.as_tuple().digits))
    return len(digits.strip("0")) <= _DIGITS_MAX and -_LARGEST < value < _LARGEST


def distinct_columns(names: Sequence[str]) -> list[str]:
    """Return a name for each column, none twice: where the form has room for one of each.

    >>> distinct_columns(["n", "n", "n_2"])
    ['n', 'n_3', 'n_2']
    """
    reserved = set(names)
    found: dict[str, None] = {}
    for name in names:
        candidate, at = name, 1
        while candidate in found or (at > 1 and candidate in reserved):
            at += 1
            candidate = f"{name}_{at}"
        found[candidate] = None
    return list(found)


def duration_text(value: timedelta) -> str:
    """Return hours, minutes and seconds, as MySQL writes a TIME: ``-25:00:01``."""
    sign = "-" if value < timedelta(0) else ""
    rest, microseconds = divmod(abs(value) // timedelta(microseconds=1), 1_000_000)
    fraction = f".{microseconds:06d}" if microseconds else ""
    return f"{sign}{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}{fraction}"


def too_large(size: int, rows: int, *, max_bytes: int = MESSAGE_FILE_MAX_BYTES, advice: str) -> TooLarge:
    """Return the error of a file that Lark would refuse.

    :param rows: how many rows of the query are in it.
    """
    return TooLarge(
        f"the file has {size:,} bytes after the first {rows:,} rows of the query, more than the {max_bytes:,} Lark "
        f"allows: return fewer rows or columns{advice}, or send a card with a link to all rows (link_url)"
    )


def _word(value: float | Decimal) -> str:
    number = Decimal(value)
    if number.is_nan():
        return "NaN"
    return "-Infinity" if number < 0 else "Infinity"


def _write_json(value: Any) -> str:
    try:
        return dump_exact(value)
    except (TypeError, ValueError):
        pass
    try:
        # an array of dates
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return json_text(value)


def _members(value: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    for number, (key, member) in enumerate(value.items()):
        yield f"{',' if number else ''}{_quoted(str(key))}:", member


def _items(value: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    for number, item in enumerate(value):
        yield "," if number else "", item


def _scalar_json(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if value is None:
        return "null"
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    plain = file_value(value)
    if isinstance(plain, (int, Decimal)):
        return value_text(plain)
    return _quoted(plain.isoformat() if isinstance(plain, datetime) else value_text(plain))
