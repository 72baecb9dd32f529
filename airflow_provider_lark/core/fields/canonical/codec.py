"""Between the wire, the canonical form and SQL: one codec for each mapped pair of a field and a column.

The canonical form is what *both* can hold, so it depends on the pair: beside a DATE column a DateTime is its day,
beside an INTEGER column the text "007" is 7. Two cells are in step when their canonical values are equal; neither is
rewritten for a difference that the other side cannot hold. ``docs/reference/field-types.md`` has the whole table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

from airflow_provider_lark.core.fields.canonical import Canonical, boolean, day, multi, number, text
from airflow_provider_lark.core.fields.canonical import time as clock
from airflow_provider_lark.core.fields.canonical.column_form import column_form
from airflow_provider_lark.core.fields.canonical.derived import lark_derived, refuse_writes
from airflow_provider_lark.core.fields.canonical.url import lark_url, sql_url
from airflow_provider_lark.core.fields.column import (
    Column,
    ColumnKind,
    choices,
    is_padded,
    is_single_precision,
)
from airflow_provider_lark.core.fields.decimals import ZERO, round_single
from airflow_provider_lark.core.fields.field_column import (
    Converter,
    FieldColumn,
    TextForm,
    UserKey,
    after_read,
    through_text,
)
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.zone_use import zone_of
from airflow_provider_lark.core.fields.zones import Zone


@dataclass(frozen=True, slots=True)
class ValueCodec:
    """The four ways of a value. Each raises ValueMismatch naming field, column and types, never the value.

    :param from_lark: canonical value of a wire value (None: the cell is absent).
    :param to_lark: wire value to write; None clears the cell, a checkbox is written False.
    :param from_sql: canonical value of what SQLAlchemy's type of the column gives.
    :param to_sql: value to bind for the column's type; None for NULL.
    :param lark_writable: whether the API takes this field's values; where not, *to_lark* raises.
    :param kind: the canonical form: ``text``, ``number``, ``boolean``, ``instant``, ``date``, ``time``, ``uuid``,
        ``json``, ``names``, ``ids``, ``attachments``, ``url``, ``location``.
    :param empty_sql: what a NOT NULL column can take in place of NULL and still mean nothing, else None.
    """

    from_lark: Callable[[Any], Canonical]
    to_lark: Callable[[Canonical], Any]
    from_sql: Callable[[Any], Canonical]
    to_sql: Callable[[Canonical], Any]
    lark_writable: bool
    kind: str
    empty_sql: Any = None


def build_codec(
    field: Field,
    column: Column,
    *,
    time_zone: Zone = UTC,
    user_key: UserKey = "id",
    find_user_id: Callable[[str], str | None] | None = None,
) -> ValueCodec:
    """Build the codec of *field* and *column*.

    :param time_zone: the zone of naive datetimes and of dates; what finds it is asked only if the pair needs it.
    :param user_key: persons by ``id``, or by ``email``; e-mails are written only with *find_user_id*.
    :param find_user_id: the id of the person with an e-mail address, None for nobody.
    :raises SchemaMismatch: the two types cannot fit; the message names field, column and both types.
    """
    pair = FieldColumn(field, column, zone_of(field, column, time_zone), user_key, find_user_id)
    if column.kind is None:
        raise pair.mismatch("no Lark field can be stored in a column of this type; leave it out of the mapping")
    build = _BUILDERS.get(field.type)
    if build is None:
        raise pair.mismatch("this version does not support the field's type; leave the field out of the mapping")
    kind, lark, sql = build(pair)
    writable = not field.is_read_only
    if user_key == "email" and find_user_id is None and field.type == FieldType.USER:
        writable = False
    if not writable:
        lark = refuse_writes(pair, lark)
    return ValueCodec(lark.read, lark.write, sql.read, sql.write, writable, kind, _empty_sql(column, kind))


Build = Callable[[FieldColumn], tuple[str, Converter, Converter]]


def _empty_sql(column: Column, kind: str) -> Any:
    if column.nullable:
        return None
    if column.kind is ColumnKind.TEXT and choices(column) is None:
        return ""
    if column.kind is ColumnKind.BOOLEAN:
        return False
    if kind in ("names", "ids", "attachments") and column.kind in (ColumnKind.JSON, ColumnKind.ARRAY):
        return []
    return None


def _build_text(pair: FieldColumn, lark: Converter) -> tuple[str, Converter, Converter]:
    form, sql = column_form(pair)
    if pair.column.kind is ColumnKind.TEXT:
        if is_padded(pair.column):
            lark = Converter(text.unpad(lark.read), lark.write)
        return form.kind, lark, sql
    lark = through_text(lark, form, pair.refuse_lark)
    if form.kind == "boolean" and not pair.column.nullable:
        lark = _absent_is_false(lark)
    return form.kind, lark, sql


def _absent_is_false(converter: Converter) -> Converter:
    inner = converter.read
    return Converter(lambda value: inner(value) or False, converter.write)


def _text(pair: FieldColumn) -> tuple[str, Converter, Converter]:
    return _build_text(pair, text.lark_text(pair))


def _plain(pair: FieldColumn) -> tuple[str, Converter, Converter]:
    if pair.column.kind is ColumnKind.JSON:
        raise pair.mismatch("use a text column, or a Text field for JSON documents")
    return _build_text(pair, text.lark_plain(pair))


def _phone(pair: FieldColumn) -> tuple[str, Converter, Converter]:
    if pair.column.kind not in (ColumnKind.TEXT, ColumnKind.INTEGER, ColumnKind.DECIMAL):
        raise pair.mismatch("use a text column")
    kind, lark, sql = _build_text(pair, text.lark_phone(pair))
    return (kind, lark, after_read(sql, text.tidy_phone)) if kind == "text" else (kind, lark, sql)


def _location(pair: FieldColumn) -> tuple[str, Converter, Converter]:
    if pair.column.kind is not ColumnKind.TEXT:
        raise pair.mismatch("use a text column, which stores longitude,latitude")
    form = TextForm("location", text.tidy_location, str, 'a location "longitude,latitude" in degrees')
    return "location", text.lark_location(pair), through_text(text.sql_text(pair), form, pair.refuse_sql)


def _number(pair: FieldColumn) -> tuple[str, Converter, Converter]:
    lark, kind = number.lark_number(pair), pair.column.kind
    if kind in (ColumnKind.INTEGER, ColumnKind.DECIMAL):
        return "number", lark, number.sql_number(pair, for_lark_number=True)
    if kind is ColumnKind.FLOAT:
        if is_single_precision(pair.column):
            lark = after_read(lark, round_single)
        return "number", lark, number.sql_number(pair, for_lark_number=True)
    if kind is ColumnKind.TEXT:
        return "number", lark, through_text(text.sql_text(pair), number.LARK_NUMBER, pair.refuse_sql)
    if kind is ColumnKind.BOOLEAN:
        return "number", lark if pair.column.nullable else _absent_is_zero(lark), boolean.sql_zero_one(pair)
    if kind is ColumnKind.JSON:
        return "number", lark, number.json_number(pair)
    raise pair.mismatch("use a number or text column")


def _absent_is_zero(converter: Converter) -> Converter:
    inner = converter.read

    def read(value: Any) -> Any:
        canonical = inner(value)
        return ZERO if canonical is None else canonical

    return Converter(read, converter.write)


def _checkbox(pair: FieldColumn) -> tuple[str, Converter, Converter]:
    lark, kind = boolean.lark_checkbox(pair), pair.column.kind
    if kind in (ColumnKind.BOOLEAN, ColumnKind.INTEGER, ColumnKind.DECIMAL):
        return "boolean", lark, boolean.sql_boolean(pair, empty=False)
    if kind is ColumnKind.TEXT:
        inner = through_text(text.sql_text(pair), boolean.BOOLEAN, pair.refuse_sql)
        return "boolean", lark, _absent_is_false(inner)
    raise pair.mismatch("use a boolean, integer (0 and 1) or text column")


def _date_time(pair: FieldColumn) -> tuple[str, Converter, Converter]:
    kind = pair.column.kind
    if kind is ColumnKind.DATE:
        return "instant", day.lark_day(pair), day.sql_day(pair)
    lark = clock.lark_date_time(pair)
    if kind is ColumnKind.DATE_TIME:
        settle = clock.settle_instant(pair)
        return "instant", after_read(lark, settle) if settle else lark, clock.sql_date_time(pair)
    if kind is ColumnKind.TEXT:
        form = clock.instant_form(pair.time_zone)
        return "instant", lark, through_text(text.sql_text(pair), form, pair.refuse_sql)
    raise pair.mismatch("use a datetime, date or text column (the unit of a number would be ambiguous)")


def _as_json(pair: FieldColumn, *, array: bool) -> bool:
    kind = pair.column.kind
    if kind is ColumnKind.TEXT:
        return False
    if kind is ColumnKind.JSON or (array and kind is ColumnKind.ARRAY):
        return True
    raise pair.mismatch("use a text or JSON column" + (", or an array of text" if array else ""))


def _names(pair: FieldColumn) -> tuple[str, Converter, Converter]:
    return "names", multi.lark_names(pair), multi.sql_items(pair, as_json=_as_json(pair, array=True), are_ids=False)


def _ids(lark: Callable[[FieldColumn], Converter]) -> Build:
    def build(pair: FieldColumn) -> tuple[str, Converter, Converter]:
        return "ids", lark(pair), multi.sql_items(pair, as_json=_as_json(pair, array=True), are_ids=True)

    return build


def _author(pair: FieldColumn) -> tuple[str, Converter, Converter]:
    # the one who created or changed a record is one person, whatever the property says
    single = replace(pair, field=replace(pair.field, property={"multiple": False}))
    return _users(single)


def _users(pair: FieldColumn) -> tuple[str, Converter, Converter]:
    lark = multi.lark_ids(pair, multi.USER_MAX)
    as_json = _as_json(pair, array=True)
    if pair.user_key == "id":
        return "ids", lark, multi.sql_items(pair, as_json=as_json, are_ids=True)
    # the directory does not tell addresses apart by case, so neither side is rewritten for it
    sql = multi.sql_items(pair, as_json=as_json, are_ids=True, item="an e-mail address")
    return "ids", multi.tidy_emails(lark), multi.tidy_emails(sql)


def _files(pair: FieldColumn) -> tuple[str, Converter, Converter]:
    return "attachments", multi.lark_attachments(pair), multi.sql_files(pair, as_json=_as_json(pair, array=False))


def _url(pair: FieldColumn) -> tuple[str, Converter, Converter]:
    return "url", lark_url(pair), sql_url(pair, as_json=_as_json(pair, array=False))


def _derived(pair: FieldColumn) -> tuple[str, Converter, Converter]:
    form, sql = column_form(pair)

    def converters(code: int) -> tuple[Converter, Converter]:
        build = _BUILDERS.get(code)
        if build is None or build is _derived:
            raise pair.mismatch(f"its result has type {code}, which this version does not support")
        _, lark, basic_sql = build(replace(pair, field=replace(pair.field, property={})))
        return lark, basic_sql

    return form.kind, lark_derived(pair, sql, converters), sql


_BUILDERS: dict[int, Build] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.SINGLE_SELECT: _plain,
    FieldType.MULTI_SELECT: _names,
    FieldType.DATE_TIME: _date_time,
    FieldType.CHECKBOX: _checkbox,
    FieldType.USER: _users,
    FieldType.PHONE: _phone,
    FieldType.URL: _url,
    FieldType.ATTACHMENT: _files,
    FieldType.SINGLE_LINK: _ids(multi.lark_links),
    FieldType.LOOKUP: _derived,
    FieldType.FORMULA: _derived,
    FieldType.DUPLEX_LINK: _ids(multi.lark_links),
    FieldType.LOCATION: _location,
    FieldType.GROUP_CHAT: _ids(lambda pair: multi.lark_ids(pair, multi.GROUP_MAX)),
    FieldType.STAGE: _derived,
    FieldType.CREATED_TIME: _date_time,
    FieldType.MODIFIED_TIME: _date_time,
    FieldType.CREATED_USER: _author,
    FieldType.MODIFIED_USER: _author,
    FieldType.AUTO_NUMBER: _plain,
    FieldType.BUTTON: _derived,
}
