"""Every cell on its way to Lark: which encoder a field has, and the cells of several items.

The encoders behave as those of :mod:`.payload_scalars`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_lark.core.fields.canonical.multi import (
    ATTACHMENT_MAX,
    CHAT_ID,
    FILE_TOKEN,
    GROUP_MAX,
    ITEM_ID,
    LINK_MAX,
    SELECT_MAX,
    USER_ID,
    USER_MAX,
)
from airflow_provider_lark.core.fields.plain import scalars
from airflow_provider_lark.core.fields.plain.scalars import Encode, Unfit, checked_text, exact_text
from airflow_provider_lark.core.fields.schema import Field, FieldType
from airflow_provider_lark.core.fields.users import FindUserId
from airflow_provider_lark.core.fields.zones import Zone

_OPTIONS = "a list of option names"
_USERS = 'users: ids, e-mail addresses or {"id": …}, one or a list'
_GROUPS = 'groups: chat ids or {"id": …}, one or a list'
_FILES = 'files uploaded to this base: file tokens or {"file_token": …}, one or a list'
_LINKS = 'record ids (rec…), one or a list, or {"link_record_ids": […]}'
_LINK = 'a link, or {"text": …, "link": …}'


def cell_encoder(field: Field, zone: Zone | None, find_user_id: FindUserId | None) -> tuple[Encode, str]:
    """Return what encodes a value of *field*, and what it expects, for the message."""
    if field.type in _ENCODERS:
        return _ENCODERS[field.type]
    if field.type == FieldType.DATE_TIME:
        return scalars.date_time_encoder(zone), scalars.MOMENT
    if field.type == FieldType.USER:
        return _users_encoder(_limit(field, USER_MAX), find_user_id), _USERS
    if field.type == FieldType.GROUP_CHAT:
        return _ids_encoder("id", _limit(field, GROUP_MAX)), _GROUPS
    return _links_encoder(_limit(field, LINK_MAX)), _LINKS


def _limit(field: Field, limit: int) -> int:
    return 1 if field.property.get("multiple", True) is False else limit


def items_of(value: Any, limit: int = USER_MAX) -> list[Any]:
    """Return the items that *value* stands for: one, or a list of at most *limit*; none for an empty text."""
    return _items([value] if isinstance(value, (str, Mapping)) and value else value, limit)


def _items(value: Any, limit: int) -> list[Any]:
    if value == "":
        return []
    if not isinstance(value, (list, tuple)):
        raise TypeError
    if len(value) > limit:
        raise Unfit(f"at most {limit:,} {'items' if limit > 1 else 'item'}")
    return list(value)


def _encode_names(value: Any) -> list[str] | None:
    names = [checked_text(exact_text(item)) for item in _items(value, SELECT_MAX)]
    if None in names or len(set(names)) != len(names):
        # a repeated new name would create its option twice
        raise Unfit("each option once and no empty names")
    return [name for name in names if name] or None


def user_email(user: Any) -> str | None:
    """Return the e-mail address of *user*, trimmed and in lower case, as it is looked up; None where an id is given."""
    if isinstance(user, Mapping):
        user = None if user.get("id") else user.get("email")
    return user.strip().lower() if isinstance(user, str) and "@" in user else None


def _users_encoder(limit: int, find: FindUserId | None) -> Encode:
    def id_of(user: Any) -> str:
        email = user_email(user)
        if email is None:
            return _named_id(user, "id", USER_ID)
        if find is None:
            raise Unfit("user ids (e-mail addresses need a user directory)")
        found = find(email)
        if found is None:
            raise Unfit("e-mail addresses of users known to Lark")
        return found

    def encode(value: Any) -> list[dict[str, str]] | None:
        return [{"id": id_} for id_ in dict.fromkeys(id_of(user) for user in items_of(value, limit))] or None

    return encode


def _checked_id(text: Any) -> str:
    if not isinstance(text, str) or not ITEM_ID.fullmatch(text) or not checked_text(text):
        raise TypeError
    return text


def _named_id(item: Any, key: str, shape: re.Pattern[str]) -> str:
    """Return an id; as bare text it must have the shape of one, because a name is easily taken for it."""
    is_bare = not isinstance(item, Mapping)
    id_ = _checked_id(item if is_bare else item[key])
    if (is_bare or shape is FILE_TOKEN) and not shape.fullmatch(id_):
        raise TypeError
    return id_


def _ids_encoder(key: str, limit: int) -> Encode:
    """Return what encodes groups and files: ids, or objects that have them under *key*."""

    shape = FILE_TOKEN if key == "file_token" else CHAT_ID

    def id_of(item: Any) -> str:
        return _named_id(item, key, shape)

    def encode(value: Any) -> list[dict[str, str]] | None:
        return [{key: id_} for id_ in dict.fromkeys(id_of(item) for item in items_of(value, limit))] or None

    return encode


def _links_encoder(limit: int) -> Encode:
    def encode(value: Any) -> list[str] | None:
        if isinstance(value, Mapping):
            # Lark shows a cell without links as {}
            value = (value["link_record_ids"] or []) if value else []
        return list(dict.fromkeys(_record_id(item) for item in items_of(value, limit))) or None

    return encode


def _record_id(text: Any) -> str:
    record_id = _checked_id(text)
    if not record_id.startswith("rec"):
        # the text that Lark shows of a linked record is easily taken for its id
        raise TypeError
    return record_id


def _encode_url(value: Any) -> dict[str, str] | None:
    if isinstance(value, str):
        link = text = checked_text(value) or ""
    else:
        link, text = (checked_text(value.get(name) or "") or "" for name in ("link", "text"))
        if not value.keys() & {"link", "text"}:
            # it would clear the cell
            raise KeyError
    return {"text": text or link, "link": link} if text or link else None


_ENCODERS: dict[int, tuple[Encode, str]] = {
    FieldType.TEXT: (scalars.encode_text, scalars.ANY_TEXT),
    FieldType.NUMBER: (scalars.encode_number, scalars.DIGITS),
    FieldType.SINGLE_SELECT: (scalars.encode_select, "the name of one option"),
    FieldType.MULTI_SELECT: (_encode_names, _OPTIONS),
    FieldType.CHECKBOX: (scalars.encode_checkbox, scalars.FLAG),
    FieldType.PHONE: (scalars.encode_phone, scalars.DIALLED),
    FieldType.URL: (_encode_url, _LINK),
    FieldType.ATTACHMENT: (_ids_encoder("file_token", ATTACHMENT_MAX), _FILES),
    FieldType.LOCATION: (scalars.encode_location, scalars.PLACE),
}
