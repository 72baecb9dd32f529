"""The formula filter of the deprecated record list, as far as its meaning is documented (lark-api §4.6).

::

    AND(CurrentValue.[Kind]="a", CurrentValue.[Qty]>=3) || NOT(CurrentValue.[Name].contains("x"))

Anything else is refused with 1254018: a filter that is guessed at would hide what the platform does.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.state.query import days
from airflow_provider_lark.emulator.state.query.filters import MAX_LENGTH, Filtering, Predicate
from airflow_provider_lark.emulator.state.query.values import TEXT_TYPES, getter
from airflow_provider_lark.emulator.tenant.kinds import DATES, SELECTS, FieldType
from airflow_provider_lark.emulator.tenant.model import Field

MAX_DEPTH: Final = 50
"""Brackets within brackets that are followed; no document names a limit."""

_TOKENS: Final = re.compile(
    r"""\s*(?:
        (?P<field>CurrentValue\.\[(?P<name>[^\]]+)\])
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<word>[A-Z]+(?=\s*\())
      | (?P<contains>\.contains(?=\s*\())
      | (?P<sign>&&|\|\||!=|>=|<=|[=><(),+-])
    )""",
    re.VERBOSE,
)
_PERSONS: Final = frozenset({FieldType.USER, FieldType.CREATED_USER, FieldType.MODIFIED_USER})
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class _Day:
    """A day that a formula names."""

    start_ms: int
    end_ms: int


def compile_formula(text: str, filtering: Filtering) -> Predicate:
    """A predicate over records.

    :raises ApiError: 1254107 over 2000 characters, 1254018 what is malformed or not documented.
    """
    if len(text) > MAX_LENGTH:
        raise ApiError(1254107, f"a filter may have at most {MAX_LENGTH} characters")
    parser = _Parser(_split(text), filtering)
    predicate = parser.either()
    parser.expect("")
    return predicate


def _wrong(detail: str) -> ApiError:
    return ApiError(1254018, detail)


def _split(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place = 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKENS.match(text, place)
        if match is None or match.lastgroup is None:
            raise _wrong(f"the formula has a syntax error at character {place + 1}")
        kind = "field" if match["field"] else match.lastgroup
        found.append((kind, match["name"] if kind == "field" else match[kind]))
        place = match.end()
    return found


class _Parser:
    """Recursive descent: ``||`` binds weaker than ``&&``, that weaker than a comparison."""

    def __init__(self, tokens: list[tuple[str, str]], filtering: Filtering) -> None:
        self._tokens = [*tokens, ("end", "")]
        self._filtering = filtering
        self._depth = 0

    def _take(self, text: str) -> bool:
        if self._tokens[0][1] != text or self._tokens[0][0] in {"text", "field"}:
            return False
        del self._tokens[0]
        return True

    def expect(self, text: str) -> None:
        """Take *text*, the end when empty."""
        if not (self._take(text) if text else self._tokens[0][0] == "end"):
            raise _wrong(f"expected {text or 'the end'} at {self._tokens[0][1]!r}")

    def either(self) -> Predicate:
        """``a || b``."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _wrong(f"a formula may nest at most {MAX_DEPTH} levels")
        parts = [self._both()]
        while self._take("||"):
            parts.append(self._both())
        self._depth -= 1
        return _any(parts)

    def _both(self) -> Predicate:
        parts = [self._single()]
        while self._take("&&"):
            parts.append(self._single())
        return _all(parts)

    def _single(self) -> Predicate:
        if self._take("("):
            inner = self.either()
            self.expect(")")
            return inner
        kind, text = self._tokens[0]
        if kind == "word" and text in {"AND", "OR", "NOT"}:
            del self._tokens[0]
            return self._function(text)
        if kind != "field":
            raise _wrong(f"expected CurrentValue.[…] at {text!r}")
        del self._tokens[0]
        return self._comparison(text)

    def _function(self, name: str) -> Predicate:
        self.expect("(")
        parts = [self.either()]
        while self._take(","):
            parts.append(self.either())
        self.expect(")")
        if name != "NOT":
            return _all(parts) if name == "AND" else _any(parts)
        (part, *more) = parts
        if more:
            raise _wrong("NOT needs exactly one condition")
        return lambda record: not part(record)

    def _comparison(self, name: str) -> Predicate:
        column = self._filtering.table.field_named(name)
        sign = self._tokens.pop(0)[1]
        if sign == ".contains":
            self.expect("(")
            wanted = self._literal()
            self.expect(")")
        elif sign in _COMPARE:
            wanted = self._literal()
        else:
            raise _wrong(f"expected a comparison at {sign!r}")
        if column is None:
            if self._filtering.switches.unknown_filter_field == "empty":
                return lambda _record: False
            raise _wrong("the filter contains an unknown field")
        return _compare(column, sign, wanted, self._filtering)

    def _literal(self) -> str | float | _Day:
        negative = self._take("-")
        kind, text = self._tokens.pop(0)
        if kind == "number":
            return -float(text) if negative else float(text)
        if kind == "text" and not negative:
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "word" and not negative:
            return self._day(text)
        raise _wrong(f"expected a value at {text!r}")

    def _day(self, word: str) -> _Day:
        zone = self._filtering.base.zone
        self.expect("(")
        if word == "TODATE":
            text = self._tokens.pop(0)[1]
            try:
                start = datetime.strptime(text.strip('"'), "%Y/%m/%d").replace(tzinfo=zone)
                day = _Day(*days.day_of(int(start.timestamp() * 1000), zone))
            except (ValueError, OverflowError) as exc:
                raise _wrong('TODATE needs "yyyy/MM/dd"') from exc
            self.expect(")")
            return day
        self.expect(")")
        if word != "TODAY":
            raise _wrong(f"the emulator does not know {word}()")
        try:
            return _Day(*days.day_beside(self._filtering.now_ms, self._shift(), zone))
        except days.BeyondCalendar as exc:
            raise _wrong("the day is outside the calendar") from exc

    def _shift(self) -> int:
        for sign, factor in (("-", -1), ("+", 1)):
            if self._take(sign):
                kind, text = self._tokens.pop(0)
                if kind != "number" or not text.isdigit():
                    raise _wrong("TODAY() needs whole days")
                return factor * int(text)
        return 0


def _any(parts: list[Predicate]) -> Predicate:
    return parts[0] if len(parts) == 1 else lambda record: any(part(record) for part in parts)


def _all(parts: list[Predicate]) -> Predicate:
    return parts[0] if len(parts) == 1 else lambda record: all(part(record) for part in parts)


def _compare(column: Field, sign: str, wanted: str | float | _Day, filtering: Filtering) -> Predicate:
    get = getter(column, filtering.base)
    if wanted == "" and sign in {"=", "!="} and column.type != FieldType.CHECKBOX:
        empty = sign == "="
        return lambda record: (get(record) in (None, "", [])) is empty
    if column.type in DATES and isinstance(wanted, _Day):
        return _on_days(sign, wanted, get, filtering)
    if column.type == FieldType.NUMBER and isinstance(wanted, float) and sign in _COMPARE:
        compare, number = _COMPARE[sign], wanted
        return lambda record: (held := get(record)) is not None and compare(held, number)
    if column.type == FieldType.CHECKBOX and sign == "=" and wanted in {0.0, 1.0}:
        return lambda record: bool(get(record)) is (wanted == 1.0)
    if isinstance(wanted, str) and sign in {"=", "!=", ".contains"}:
        return _on_text(column, sign, wanted, filtering)
    raise _wrong(f"{sign} with that value is not documented for field type {column.type}")


def _on_days(sign: str, day: _Day, get: Callable[[Any], Any], filtering: Filtering) -> Predicate:
    # the day counts from its midnight; whether > leaves the day itself out is the same open point as in §4.4
    after = day.end_ms if filtering.switches.greater_excludes_day else day.start_ms + 1
    spans: dict[str, Callable[[int], bool]] = {
        "=": lambda held: day.start_ms <= held < day.end_ms,
        "!=": lambda held: not day.start_ms <= held < day.end_ms,
        ">": lambda held: held >= after,
        ">=": lambda held: held >= day.start_ms,
        "<": lambda held: held < day.start_ms,
        "<=": lambda held: held < after,
    }
    if sign not in spans:
        raise _wrong("dates can be compared, but not searched")
    matches = spans[sign]
    return lambda record: (held := get(record)) is not None and matches(held)


def _name_of(column: Field, filtering: Filtering) -> Callable[[str], str]:
    if column.type in SELECTS:
        return lambda held: held
    # people are named here, not given by id (§4.6)
    return lambda held: str(filtering.directory.person_object(held, "open_id")["name"])


def _on_text(column: Field, sign: str, wanted: str, filtering: Filtering) -> Predicate:
    get = getter(column, filtering.base)
    if column.type in SELECTS or column.type in _PERSONS:
        name_of = _name_of(column, filtering)
        if sign == ".contains":
            return lambda record: wanted in [name_of(each) for each in get(record) or ()]
        equal = sign == "="
        return lambda record: ([name_of(each) for each in get(record) or ()] == [wanted]) is equal
    if column.type not in TEXT_TYPES:
        raise _wrong(f"{sign} with a text is not documented for field type {column.type}")
    if sign == ".contains":
        return lambda record: wanted in (get(record) or "")
    equal = sign == "="
    return lambda record: ((get(record) or "") == wanted) is equal
