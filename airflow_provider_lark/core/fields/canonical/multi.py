"""Cells that hold several things: options, persons, groups, links, attachments.

In SQL they stand in a JSON column as JSON, in a PostgreSQL text array as its items, and in a text column

- names and several ids as a JSON array of texts: ``["red","blue"]``;
- a single id (the field does not allow several) as the bare id: ``ou_1f2e…``; either spelling is read;
- attachments as a JSON array of objects: ``[{"file_token":"…","name":"…"}]``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from airflow_provider_lark.core.fields.canonical.text import is_clean, sql_text
from airflow_provider_lark.core.fields.column import ColumnKind, base_type, may_check_json
from airflow_provider_lark.core.fields.field_column import Converter, FieldColumn

SELECT_MAX, USER_MAX, LINK_MAX, ATTACHMENT_MAX, GROUP_MAX = 1000, 1000, 500, 100, 10
"""Items of one cell. Source: bitable-record-data-structure-overview, read 2026-11."""

Items = tuple[Any, ...]
ITEM_ID = re.compile(r"[^\s,;\[\]{}\"]+")
USER_ID = re.compile(r"(?:ou|on)_[A-Za-z0-9_-]+")
"""An open_id or a union_id; a name, or an id of another kind, is neither."""
CHAT_ID = re.compile(r"oc_[A-Za-z0-9_-]+")
FILE_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
"""What an address is not."""


def _distinct(items: Any) -> Items:
    """Return *items* without repetitions: a repeated new option name would create the option twice.

    :raises ValueError: an item is no text, is empty, or cannot be stored.
    """
    for item in items:
        if type(item) is not str or not item or not is_clean(item):
            raise ValueError
    return tuple(dict.fromkeys(items))


def _lark_items(
    pair: FieldColumn, decode: Callable[[Any], Items], encode: Callable[[Items], Any], limit: int
) -> Converter:
    refuse_lark, refuse_sql = pair.refuse_lark, pair.refuse_sql
    expected = f"at most {limit:,} items"

    def read(wire: Any) -> Items | None:
        if wire is None:
            return None
        try:
            return decode(wire) or None
        except (ValueError, TypeError, KeyError, AttributeError):
            raise refuse_lark(wire, f"a value of type {pair.field.type_label}") from None

    def write(items: Items | None) -> Any:
        if items is None:
            return None
        if len(items) > limit:
            raise refuse_sql(items, expected)
        return encode(items)

    return Converter(read, write)


def lark_names(pair: FieldColumn) -> Converter:
    """A multi-select: option names both ways; names that are new create options."""
    return _lark_items(pair, _decode_names, list, SELECT_MAX)


def _decode_names(wire: Any) -> Items:
    if isinstance(wire, (str, dict)):
        raise TypeError
    return _distinct(wire)


def is_single(pair: FieldColumn) -> bool:
    """Whether the field's cells hold one item; Lark allows several unless the field says no."""
    return pair.field.property.get("multiple", True) is False


def lark_ids(pair: FieldColumn, limit: int) -> Converter:
    """Persons and groups: objects on the way in, ``[{"id": …}]`` on the way out."""
    by_email = pair.user_key == "email" and limit == USER_MAX
    name = "email" if by_email else "id"
    refuse, find = pair.refuse_sql, pair.find_user_id

    def decode(wire: Any) -> Items:
        users = [wire] if isinstance(wire, dict) else wire
        if by_email and pair.field.is_read_only:
            # an app has no address, and what Lark computes nobody can correct: it is nobody
            users = [user for user in users if user.get(name)]
        return _distinct([user[name] for user in users])

    shape, kind = (USER_ID, "user ids (ou_…)") if limit == USER_MAX else (CHAT_ID, "group ids (oc_…)")

    def encode(items: Items) -> list[dict[str, str]]:
        if stranger := next((item for item in items if not shape.fullmatch(item)), None):
            raise refuse(stranger, f"{kind}, not names")
        return [{"id": item} for item in items]

    def encode_found(items: Items) -> list[dict[str, str]]:
        found = [find(item) if find else None for item in items]
        if None in found:
            raise refuse(items[found.index(None)], "e-mail addresses of users known to Lark")
        # two addresses may be one person's
        return [{"id": item} for item in dict.fromkeys(found) if item is not None]

    converter = _lark_items(pair, decode, encode_found if by_email else encode, 1 if is_single(pair) else limit)
    if not by_email or pair.field.is_read_only:
        return converter
    return Converter(_explain_missing_email(pair, converter.read), converter.write)


def _explain_missing_email(pair: FieldColumn, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    advice = "users with e-mail addresses (grant contact:user.email:readonly, or map users by id)"

    def read_email(wire: Any) -> Any:
        users = [wire] if isinstance(wire, dict) else wire
        if isinstance(users, list) and any(isinstance(one, dict) and not one.get("email") for one in users):
            raise pair.refuse_lark(wire, advice)
        return read(wire)

    return read_email


def tidy_emails(converter: Converter) -> Converter:
    """Read e-mail addresses as they are compared: in lower case, without blanks around them, each once."""
    inner = converter.read

    def read(value: Any) -> Items | None:
        items = inner(value.strip() if isinstance(value, str) else value)
        return None if items is None else tuple(dict.fromkeys(email.strip().lower() for email in items))

    return Converter(read, converter.write)


def lark_links(pair: FieldColumn) -> Converter:
    """One-way and two-way links: ``{"link_record_ids": […]}`` on the way in, a list of ids on the way out."""
    return _lark_items(pair, _decode_links, list, 1 if is_single(pair) else LINK_MAX)


def _decode_links(wire: Any) -> Items:
    if isinstance(wire, dict):
        return _distinct(wire.get("link_record_ids") or ())
    raise TypeError


def lark_attachments(pair: FieldColumn) -> Converter:
    """Attachments: canonical is (file_token, name); Lark takes the token and knows the name."""

    def encode(items: Items) -> list[dict[str, str]]:
        if stranger := next((token for token, _ in items if not FILE_TOKEN.fullmatch(token)), None):
            raise pair.refuse_sql(stranger, "tokens of files uploaded to this base, not addresses")
        return [{"file_token": token} for token, _ in items]

    return _lark_items(pair, _decode_files, encode, ATTACHMENT_MAX)


def _decode_files(wire: Any) -> Items:
    if isinstance(wire, (str, dict)):
        raise TypeError
    files: dict[str, str] = {}
    for file in wire:
        token, name = file["file_token"], file.get("name") or ""
        _distinct([token])
        if type(name) is not str or not is_clean(name):
            raise ValueError
        files.setdefault(token, name)
    return tuple(files.items())


def _encode_files(items: Items) -> list[Any]:
    return [{"file_token": token, "name": name} for token, name in items]


def sql_items(pair: FieldColumn, *, as_json: bool, are_ids: bool, item: str = "an id") -> Converter:
    """Names, ids or record ids in a JSON or array column (*as_json*), else in a text column.

    :param are_ids: a bare id is read as one item, and written where the field holds one.
    :param item: what one item is, for messages.
    """
    if as_json:
        names = _sql_json(pair, _decode_names, list, "a list of strings")
        return _sql_array(pair, names) if pair.column.kind is ColumnKind.ARRAY else names
    if not are_ids:
        return _sql_json_text(pair, _decode_names, list, "a JSON array of strings")
    return _sql_bare(pair, _sql_json_text(pair, _decode_names, list, f"{item}, or a JSON array of them"))


def _sql_bare(pair: FieldColumn, array: Converter) -> Converter:
    as_text, bare = sql_text(pair), is_single(pair) and not may_check_json(pair.column)

    def read(value: Any) -> Items | None:
        text = as_text.read(value)
        if text is not None and ITEM_ID.fullmatch(text):
            return (text,)
        items: Items | None = array.read(text)
        return items

    def write(items: Items | None) -> Any:
        if bare and items is not None and len(items) == 1 and ITEM_ID.fullmatch(items[0]):
            return as_text.write(items[0])
        return array.write(items)

    return Converter(read, write)


def _sql_array(pair: FieldColumn, whole: Converter) -> Converter:
    """An array of texts, whose items have the limits of their own type: PostgreSQL cuts what we cast to it."""
    array: Any = base_type(pair.column.type)
    item = sql_text(replace(pair, column=replace(pair.column, type=array.item_type)))

    def read(value: Any) -> Any:
        return whole.read([item.read(one) for one in value] if isinstance(value, (list, tuple)) else value)

    return Converter(read, lambda items: items and [item.write(one) for one in items])


def sql_files(pair: FieldColumn, *, as_json: bool) -> Converter:
    """Attachments in a JSON or text column."""
    converter = _sql_json if as_json else _sql_json_text
    return converter(pair, _decode_files, _encode_files, 'a JSON array of {"file_token", "name"}')


def _sql_json(
    pair: FieldColumn, decode: Callable[[Any], Items], encode: Callable[[Items], Any], expected: str
) -> Converter:
    refuse = pair.refuse_sql

    def read(value: Any) -> Items | None:
        if value is None:
            return None
        try:
            return decode(value) or None
        except (ValueError, TypeError, KeyError, AttributeError):
            raise refuse(value, expected) from None

    def write(items: Items | None) -> Any:
        return None if items is None else encode(items)

    return Converter(read, write)


def _sql_json_text(
    pair: FieldColumn, decode: Callable[[Any], Items], encode: Callable[[Items], Any], expected: str
) -> Converter:
    as_text, refuse = sql_text(pair), pair.refuse_sql

    def read(value: Any) -> Items | None:
        text = as_text.read(value)
        if text is None:
            return None
        try:
            return decode(json.loads(text)) or None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise refuse(value, expected) from None

    def write(items: Items | None) -> Any:
        return None if items is None else as_text.write(compact(encode(items)))

    return Converter(read, write)


# made once: json.dumps() with options makes an encoder a call
compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
