"""One condition of a search: which comparisons a field takes, and how Lark wants the values, all of them texts.

Source: open.feishu.cn, "Record filter guide", read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.fields.decimals import decimal_of_float, format_number, parse_number
from airflow_provider_lark.core.fields.iso import parse_datetime
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.users import FindUserIds, UsersByEmail
from airflow_provider_lark.core.fields.zones import Zone, settled_zone

VALUES_MAX = 10
"""Values of one condition. Same source."""

EMPTY = ("isEmpty", "isNotEmpty")
_EQUAL = ("is", "isNot")
_CONTAIN = ("contains", "doesNotContain")
_ORDER = ("isGreater", "isGreaterEqual", "isLess", "isLessEqual")

_TEXT = frozenset(
    {
        FieldType.TEXT,
        FieldType.PHONE,
        FieldType.URL,
        FieldType.LOCATION,
    }
)
_USERS = frozenset({FieldType.USER, FieldType.CREATED_USER, FieldType.MODIFIED_USER})
LISTS = _USERS | {FieldType.MULTI_SELECT, FieldType.GROUP_CHAT, FieldType.SINGLE_LINK, FieldType.DUPLEX_LINK}
"""Types of cells that hold several values."""

_OPTIONS = LISTS | {FieldType.SINGLE_SELECT}
"""Types that are asked for one of several values at once; ``is`` and ``isNot`` take one of any type."""

_DATES = frozenset({FieldType.DATE_TIME, FieldType.CREATED_TIME, FieldType.MODIFIED_TIME})

_OPERATORS: dict[int, tuple[str, ...]] = {
    **dict.fromkeys(_TEXT, (*_EQUAL, *_CONTAIN, *EMPTY)),
    **dict.fromkeys(LISTS, (*_EQUAL, *_CONTAIN, *EMPTY)),
    # the other comparisons of dates find nothing and say nothing
    **dict.fromkeys(_DATES, ("is", "isGreater", "isLess", *EMPTY)),
    FieldType.NUMBER: (*_EQUAL, *_ORDER, *EMPTY),
    # compared as numbers, and without the fixed text of a custom number ("Bitable FAQ", 6 and 8)
    FieldType.AUTO_NUMBER: (*_EQUAL, *_CONTAIN, *_ORDER, *EMPTY),
    FieldType.SINGLE_SELECT: (*_EQUAL, *_CONTAIN, *EMPTY),
    FieldType.CHECKBOX: ("is",),
    FieldType.ATTACHMENT: EMPTY,
}

_EXACT = "ExactDate"
_ANY_COMPARISON = ("Today", "Tomorrow", "Yesterday")
_ONLY_IS = (
    "CurrentWeek",
    "LastWeek",
    "CurrentMonth",
    "LastMonth",
    "TheLastWeek",
    "TheNextWeek",
    "TheLastMonth",
    "TheNextMonth",
)


class ConditionWriter:
    """Writes conditions.

    :param time_zone: of dates, and of datetimes without a zone.
    :param find_user_ids: for persons given by e-mail.
    """

    def __init__(self, time_zone: Zone | None, find_user_ids: FindUserIds | None) -> None:
        self._time_zone = time_zone
        self._users = None if find_user_ids is None else UsersByEmail(find_user_ids)

    def write(self, field: Field, operator: Any, values: Sequence[Any]) -> dict[str, Any]:
        """Return the condition in Lark's form.

        :raises ConfigError: the operator or a value does not fit the field.
        """
        where = f"filter: field {field.describe()}"
        allowed = _OPERATORS.get(field.type)
        if allowed is None:
            raise ConfigError(f"{where}: Lark cannot filter by this field; filter the records after reading them")
        if operator not in allowed:
            raise ConfigError(f"{where}: operator {operator!r} is not supported; use one of {', '.join(allowed)}")
        told = [] if operator in EMPTY else self._write_values(field, operator, values, where)
        return {"field_name": field.name, "operator": operator, "value": told}

    def _write_values(self, field: Field, operator: str, values: Sequence[Any], where: str) -> list[str]:
        if field.type in _DATES and values[:1] == [_EXACT]:
            values = values[1:]
        most = VALUES_MAX if operator in _CONTAIN and field.type in _OPTIONS else 1
        if not 1 <= len(values) <= most:
            raise ConfigError(f"{where}: {operator} takes {'one value' if most == 1 else f'1 to {most} values'}")
        if "" in values:
            # contained in every text, and what a template leaves that was given nothing
            raise ConfigError(f"{where}: {operator} needs a non-empty value; for empty cells use None or isEmpty")
        if field.type in _DATES:
            return self._day(values[0], operator, where)
        if field.type in _USERS:
            return self._user_ids(values, where)
        return [_text(value, field, where) for value in values]

    def _day(self, value: Any, operator: str, where: str) -> list[str]:
        if isinstance(value, str) and value in _ANY_COMPARISON:
            return [value]
        if isinstance(value, str) and value in _ONLY_IS:
            if operator != "is":
                raise ConfigError(f"{where}: {value} is only supported with 'is'")
            return [value]
        if isinstance(value, str) and len(value) > len("20261122") and value.isdecimal():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return [_EXACT, str(value)]
        return [_EXACT, str(round(self._instant(value, where).timestamp() * 1000))]

    def _instant(self, value: Any, where: str) -> datetime:
        try:
            if isinstance(value, str):
                value = parse_datetime(value, None)
        except ValueError:
            value = None
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if not isinstance(value, datetime):
            raise ConfigError(f"{where}: expected a datetime, ISO 8601 text, milliseconds, or a word such as Today")
        if value.tzinfo is not None:
            return value
        if self._time_zone is None:
            raise ConfigError(f"{where}: the date has no UTC offset; add one to the value, or set time_zone")
        return value.replace(tzinfo=settled_zone(self._time_zone))

    def _user_ids(self, values: Sequence[Any], where: str) -> list[str]:
        given = [str(value.get("id") if isinstance(value, Mapping) else value) for value in values]
        emails = {value: value.strip().lower() for value in given if "@" in value}
        if not emails:
            return given
        if self._users is None:
            raise ConfigError(f"{where}: expected user ids; e-mail addresses need a user directory")
        self._users.look_up(emails.values())
        ids = [self._users.find(emails[value]) if value in emails else value for value in given]
        if None in ids:
            # a condition on nobody would look like one that no record meets
            raise ConfigError(f"{where}: no Lark user has e-mail address number {ids.index(None) + 1} of the list")
        return [str(id_) for id_ in ids]


def _text(value: Any, field: Field, where: str) -> str:
    if field.type == FieldType.CHECKBOX:
        if isinstance(value, bool) or str(value).lower() in ("true", "false"):
            return str(value).lower()
        raise ConfigError(f"{where}: expected true or false, found {type(value).__name__}")
    if isinstance(value, str):
        return value if field.type != FieldType.NUMBER else _number_text(value, where)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not isfinite(value):
        raise ConfigError(f"{where}: expected text or a finite number, found {type(value).__name__}")
    return format_number(decimal_of_float(value) if isinstance(value, float) else value)


def _number_text(text: str, where: str) -> str:
    try:
        return format_number(parse_number(text))
    except ValueError:
        raise ConfigError(f"{where}: expected a number with a decimal point and without thousands separators") from None
