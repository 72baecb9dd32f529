"""The answers in a form, as typed values: text, numbers, options, days and times, people."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, TypeVar

from airflow_provider_lark.core.cards.languages import Localized, localize
from airflow_provider_lark.core.questions.fields import Field, Kind

T = TypeVar("T")

# of ASCII digits only: what looks like a number in another script is more often a slip of the keyboard
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][+-]?[0-9]{1,3})?")
_PERSON = re.compile(r"o[un]_[A-Za-z0-9_-]{1,64}")
_LISTS = ("options", "persons")
_ZONE = re.compile(r" ?([+-])(\d{2}):?(\d{2})$")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field."""

    field: Field
    rule: Localized


class _Wrong(Exception):
    def __init__(self, en_us: str, zh_cn: str) -> None:
        super().__init__(en_us)
        self.rule = localize(en_us=en_us, zh_cn=zh_cn)


def read_form(fields: Sequence[Field], form: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return typed values by name, all of them plain JSON, and what is wrong; None for what was left empty.

    Days are ``2026-11-27``, times ``08:30``, moments ISO with the person's offset, people open_ids. What the form holds
    beside *fields* is left out.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for field in fields:
        try:
            values[field.name] = _read(field, form.get(field.name))
        except _Wrong as wrong:
            problems.append(Problem(field, wrong.rule))
    return values, problems


def _read(field: Field, given: Any) -> Any:
    if field.kind == "checked":
        checked = given is True or given == "true"
        if field.is_required and not checked:
            raise _Wrong("has to be ticked", "必须勾选")
        return checked
    if given in (None, "", []) or (isinstance(given, str) and field.kind != "text" and not given.strip()):
        if field.is_required and field.kind in _LISTS:
            raise _Wrong("needs at least one choice", "至少选择一项")
        if field.is_required:
            raise _Wrong("is required", "为必填项")
        return [] if field.kind in (*_LISTS, "lines") else None
    return _READERS[field.kind](field, given)


def _text(field: Field, given: Any) -> str:
    text = _string(given)
    if field.is_required and not text.strip():
        raise _Wrong("is required", "为必填项")
    if len(text) > field.most:
        raise _Wrong(f"takes at most {field.most} characters", f"最多 {field.most} 个字符")
    if len(text) < field.fewest:
        raise _Wrong(f"needs at least {field.fewest} characters", f"至少 {field.fewest} 个字符")
    if field.pattern is not None and re.search(field.pattern, text) is None:
        raise _Wrong(f"has to match {field.pattern}", f"必须符合 {field.pattern}")
    return text


def _lines(field: Field, given: Any) -> list[str]:
    return [line for each in _string(given).splitlines() if (line := each.strip())]


def _integer(field: Field, given: Any) -> int:
    text = _string(given).strip()
    if not _INTEGER.fullmatch(text):
        raise _Wrong("has to be a whole number, such as 7", "必须为整数，例如 7")
    number = int(text)
    _check_range(field, number)
    return number


def _number(field: Field, given: Any) -> int | float:
    text = _string(given).strip()
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise _Wrong("has to be a number, such as 7 or 2.5", "必须为数字，例如 7 或 2.5")
    number = int(text) if _INTEGER.fullmatch(text) else float(text)
    _check_range(field, number)
    return number


def _check_range(field: Field, number: float) -> None:
    if field.least is not None and number < field.least:
        raise _Wrong(f"has to be at least {field.least:g}", f"不得小于 {field.least:g}")
    if field.largest is not None and number > field.largest:
        raise _Wrong(f"has to be at most {field.largest:g}", f"不得大于 {field.largest:g}")


def _option(field: Field, given: Any) -> str:
    text = _string(given)
    if field.options is not None and text not in field.options:
        raise _Wrong("has to be one of the options", "必须为所列选项之一")
    return text


def _person(field: Field, given: Any) -> str:
    text = _option(field, given)
    if not _PERSON.fullmatch(text):
        # it stands on the card as a mention, which Lark refuses of somebody who is none
        raise _Wrong("has to be a person", "必须为人员")
    return text


def _options(field: Field, given: Any) -> list[str]:
    read = _person if field.kind == "persons" else _option
    return list(dict.fromkeys(read(field, each) for each in (given if isinstance(given, list) else [given])))


def _date(field: Field, given: Any) -> str:
    text, _ = _split_zone(_string(given))
    return _parse(lambda: date.fromisoformat(text)).isoformat()


def _time(field: Field, given: Any) -> str:
    text, _ = _split_zone(_string(given))
    return f"{_parse(lambda: time.fromisoformat(text)):%H:%M}"


def _datetime(field: Field, given: Any) -> str:
    text, zone = _split_zone(_string(given))
    return _parse(lambda: datetime.fromisoformat(f"{text}{zone}")).isoformat()


def _split_zone(text: str) -> tuple[str, str]:
    """Return a moment without its offset, and that: ``2024-04-29 07:07 +0800``."""
    found = _ZONE.search(text.strip())
    if found is None:
        return text.strip(), ""
    return text.strip()[: found.start()], f"{found[1]}{found[2]}:{found[3]}"


def _parse(make: Callable[[], T]) -> T:
    try:
        return make()
    except ValueError:
        raise _Wrong("has to be a date or time", "必须为日期或时间") from None


def _string(given: Any) -> str:
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise _Wrong("has an answer that cannot be read", "的内容无法识别")
    return given if isinstance(given, str) else str(given)


_READERS: dict[Kind, Callable[[Field, Any], Any]] = {
    "text": _text,
    "lines": _lines,
    "integer": _integer,
    "number": _number,
    "option": _option,
    "options": _options,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "person": _person,
    "persons": _options,
}
