"""Texts: Lark's runs, phone numbers, locations and option names; SQL's character, ENUM and UUID columns."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from airflow_provider_lark.core.fields.charsets import holds_all_of
from airflow_provider_lark.core.fields.column import base_type, choices, is_padded, text_limits
from airflow_provider_lark.core.fields.decimals import format_number, parse_number
from airflow_provider_lark.core.fields.field_column import Converter, FieldColumn, Refuse, TextForm

LARK_TEXT_MAX = 100_000
"""Characters of a text cell. Source: bitable-record-data-structure-overview, read 2026-11."""

LARK_PHONE_MAX = 64
"""Characters of a phone cell. Same source."""

_CLEAN = "text without NUL characters and lone surrogates"
PHONE = re.compile(r"\+?[0-9]+")
_PHONE_MARKS = re.compile(r"[\s().\-]+")


def is_clean(text: str) -> bool:
    """Whether both sides can store *text*: PostgreSQL refuses NUL, and a lone surrogate is no UTF-8."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _same(value: Any) -> Any:
    return value


TEXT = TextForm("text", parse=_same, format=_same, expected="text")


def _parse_uuid(text: str) -> str:
    return str(UUID(text.strip()))


UUID_FORM = TextForm("uuid", parse=_parse_uuid, format=_same, expected="a UUID")


def lark_text(pair: FieldColumn) -> Converter:
    """Text, Email, Barcode: a list of runs on the way in, a string on the way out.

    Mentions and links keep their text and lose their target, as in a copy to a plain editor.
    """
    refuse = pair.refuse_lark

    def read(wire: Any) -> str | None:
        if type(wire) is list:
            try:
                text = wire[0]["text"] if len(wire) == 1 else "".join([run["text"] for run in wire])
            except (KeyError, TypeError):
                raise refuse(wire, "a list of text runs") from None
        else:
            text = wire
        if type(text) is str:
            if "\0" not in text and (text.isascii() or is_clean(text)):
                return text or None
            raise refuse(text, _CLEAN)
        if text is None:
            return None
        raise refuse(text, "text")

    return Converter(read, _write_text(pair.refuse_sql, LARK_TEXT_MAX))


def lark_plain(pair: FieldColumn) -> Converter:
    """A single select and an auto number: a string both ways."""
    return Converter(_read_plain(pair.refuse_lark), _write_text(pair.refuse_sql, LARK_TEXT_MAX))


def lark_phone(pair: FieldColumn) -> Converter:
    """A phone number: digits with an optional leading plus."""
    refuse = pair.refuse_sql

    def write(text: str | None) -> str | None:
        if text is None:
            return None
        if len(text) > LARK_PHONE_MAX or not PHONE.fullmatch(text):
            raise refuse(text, f"at most {LARK_PHONE_MAX} digits with an optional leading plus")
        return text

    return Converter(_read_plain(pair.refuse_lark), write)


def tidy_phone(text: str) -> str:
    """Drop the blanks, dots, hyphens and brackets that people write between the digits and Lark refuses."""
    return _PHONE_MARKS.sub("", text)


def lark_location(pair: FieldColumn) -> Converter:
    """A location: an object on the way in, ``"lng,lat"`` on the way out; the address follows from the point."""
    refuse_lark, refuse_sql = pair.refuse_lark, pair.refuse_sql
    expected = 'a location "longitude,latitude" in degrees'

    def read(wire: Any) -> str | None:
        if wire is None:
            return None
        text = wire.get("location") if isinstance(wire, dict) else wire
        if not text:
            return None
        try:
            return tidy_location(text)
        except (AttributeError, ValueError):
            raise refuse_lark(wire, expected) from None

    def write(text: str | None) -> str | None:
        if text is None:
            return None
        try:
            return tidy_location(text)
        except ValueError:
            raise refuse_sql(text, expected) from None

    return Converter(read, write)


def tidy_location(text: str) -> str:
    """Write ``" 116.390, 39.9 "`` as ``"116.39,39.9"``, so that two spellings of one point are equal.

    :raises ValueError: not two numbers, or not on the globe.
    """
    longitude, latitude = (parse_number(part) for part in text.split(","))
    if not (abs(longitude) <= 180 and abs(latitude) <= 90):
        raise ValueError
    return f"{format_number(longitude)},{format_number(latitude)}"


def _read_plain(refuse: Refuse) -> Any:
    def read(value: Any) -> str | None:
        if type(value) is str:
            if "\0" not in value and (value.isascii() or is_clean(value)):
                return value or None
            raise refuse(value, _CLEAN)
        if value is None:
            return None
        if isinstance(value, str):
            return read(str(value))
        raise refuse(value, "text")

    return read


def _write_text(refuse: Refuse, limit: int | None) -> Any:
    if limit is None:
        return _same

    def write(text: str | None) -> str | None:
        if text is not None and len(text) > limit:
            raise refuse(text, f"at most {limit:,} characters")
        return text

    return write


def sql_text(pair: FieldColumn) -> Converter:
    """A character or ENUM column."""
    read = _read_plain(pair.refuse_sql)
    characters, size = text_limits(pair.column)
    allowed = choices(pair.column)
    if allowed is not None:
        return Converter(read, _write_choice(pair.refuse_lark, allowed))
    if size is not None:
        return Converter(read, _write_known(pair, _write_bytes(pair.refuse_lark, size)))
    converter = Converter(read, _write_known(pair, _write_text(pair.refuse_lark, characters)))
    return Converter(unpad(converter.read), converter.write) if is_padded(pair.column) else converter


def unpad(read: Any) -> Any:
    """Drop trailing blanks after *read*: a CHAR column cannot tell them from its padding."""

    def read_unpadded(value: Any) -> str | None:
        text = read(value)
        return None if text is None else text.rstrip(" ") or None

    return read_unpadded


def _write_known(pair: FieldColumn, write: Any) -> Any:
    holds, refuse, charset = holds_all_of(pair.column.charset), pair.refuse_lark, pair.column.charset
    if holds is None:
        return write

    def write_known(text: str | None) -> str | None:
        if text is not None and not holds(text):
            raise refuse(text, f"characters of its character set {charset}")
        written: str | None = write(text)
        return written

    return write_known


def _write_choice(refuse: Refuse, allowed: frozenset[str]) -> Any:
    def write(text: str | None) -> str | None:
        if text is not None and text not in allowed:
            raise refuse(text, f"one of the column's values ({len(allowed)})")
        return text

    return write


def _write_bytes(refuse: Refuse, limit: int) -> Any:
    surely = limit // 4

    def write(text: str | None) -> str | None:
        if text is not None and len(text) > surely and len(text.encode()) > limit:
            raise refuse(text, f"at most {limit:,} bytes of UTF-8")
        return text

    return write


def sql_uuid(pair: FieldColumn) -> Converter:
    """A UUID column: its lower-case text with hyphens is canonical."""
    refuse = pair.refuse_sql
    as_uuid = bool(getattr(base_type(pair.column.type), "as_uuid", False))

    def read(value: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, UUID):
            return str(value)
        try:
            return str(UUID(value))
        except (ValueError, AttributeError, TypeError):
            raise refuse(value, "a UUID") from None

    def write(text: str | None) -> UUID | str | None:
        return UUID(text) if as_uuid and text is not None else text

    return Converter(read, write)
