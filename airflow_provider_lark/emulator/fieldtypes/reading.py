"""Held values into read shapes (lark-api §3.2); the shapes differ from those of writing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from airflow_provider_lark.emulator.tenant.directory import Directory
from airflow_provider_lark.emulator.tenant.kinds import LINKS, FieldType
from airflow_provider_lark.emulator.tenant.model import Base, Field, Media, Record, Table, UserIdType

Render = Callable[[Record], Any]
"""A record's value in one field as it is read; ``None`` when the cell is empty and so left out (§3.2)."""

_URL: Final = re.compile(r"(https?://[^\s<>\"]+)")
_LOCATION_MEMBERS: Final = ("location", "pname", "cityname", "adname", "address", "name", "full_address")


class Reading:
    """Renders the records of one table for one kind of user id."""

    def __init__(
        self,
        base: Base,
        table: Table,
        directory: Directory,
        user_id_type: UserIdType = "open_id",
        *,
        origin: str,
        shows_stages: bool = True,
    ) -> None:
        self.base = base
        self.table = table
        self.directory = directory
        self.user_id_type = user_id_type
        self.origin = origin
        # the base's name zone and files never change a rendered value; schema and people do
        self.splits_urls = directory.switches.splits_urls
        self.shows_empty_links = directory.switches.empty_links == "empty"
        shown_by = (directory.version, directory.switches.app_email, self.splits_urls, self.shows_empty_links)
        self.tag = (table.schema_version, user_id_type, origin, shows_stages, shown_by)
        self._people: dict[str, dict[str, Any]] = {}
        columns = [each for each in table.fields if shows_stages or each.type != FieldType.STAGE]
        self._renders = [(each.name, self._render_for(each)) for each in columns]

    def fields_of(self, record: Record) -> dict[str, Any]:
        """All filled fields by name. The answer is shared with later reads: do not change it."""
        if record.rendered is not None and record.rendered[0] == self.tag:
            return record.rendered[1]
        fields = {name: value for name, render in self._renders if (value := render(record)) is not None}
        record.rendered = (self.tag, fields)
        return fields

    def person(self, open_id: str) -> dict[str, Any]:
        """A person object."""
        person = self._people.get(open_id)
        if person is None:
            person = self._people[open_id] = self.directory.person_object(open_id, self.user_id_type)
        return person

    def _render_for(self, column: Field) -> Render:
        automatic = _AUTOMATIC.get(column.type)
        if automatic is not None:
            return automatic(self, column)
        shape = _SHAPES[column.type](self, column)
        field_id = column.field_id
        empty: dict[str, Any] | None = {} if column.type in LINKS and self.shows_empty_links else None

        def render(record: Record) -> Any:
            held = record.cells.get(field_id)
            return empty if held is None else shape(held)

        return render


def _text(reading: Reading, column: Field) -> Render:
    if column.ui_type == "Email":
        return lambda held: [{"type": "url", "text": held, "link": f"mailto:{held}"}]

    splits = reading.splits_urls and column.ui_type == "Text"

    def shape(held: Any) -> Any:
        if not isinstance(held, str):
            return held
        return _segments(held) if splits else [{"text": held, "type": "text"}]

    return shape


def _segments(text: str) -> list[dict[str, str]]:
    """A text with its web addresses as segments of their own (§3.2)."""
    made: list[dict[str, str]] = []
    for place, part in enumerate(_URL.split(text)):
        if place % 2:
            made.append({"text": part, "type": "url", "link": part})
        elif part:
            made.append({"text": part, "type": "text"})
    return made


def _as_held(_reading: Reading, _column: Field) -> Render:
    return lambda held: held


def _single_select(_reading: Reading, column: Field) -> Render:
    names = {each["id"]: each["name"] for each in column.options}

    def shape(held: Any) -> Any:
        return names.get(held)

    return shape


def _multi_select(_reading: Reading, column: Field) -> Render:
    names = {each["id"]: each["name"] for each in column.options}

    def shape(held: Any) -> Any:
        return [names[each] for each in held if each in names] or None

    return shape


def _users(reading: Reading, _column: Field) -> Render:
    def shape(held: Any) -> Any:
        return [reading.person(each) for each in held]

    return shape


def _groups(reading: Reading, _column: Field) -> Render:
    def shape(held: Any) -> Any:
        return [reading.directory.chat_object(each) for each in held]

    return shape


def _attachments(reading: Reading, _column: Field) -> Render:
    def shape(held: Any) -> Any:
        return [_attachment(reading.base.files[each], reading) for each in held]

    return shape


def _attachment(file: Media, reading: Reading) -> dict[str, Any]:
    permission = {"bitablePerm": {"tableId": reading.table.table_id, "rev": 1}}
    extra = quote(json.dumps(permission, separators=(",", ":")))
    root = f"{reading.origin}/open-apis/drive/v1/medias"
    return {
        **file.describe(),
        "url": f"{root}/{file.file_token}/download?extra={extra}",
        "tmp_url": f"{root}/batch_get_tmp_download_url?file_tokens={file.file_token}&extra={extra}",
    }


def _links(_reading: Reading, _column: Field) -> Render:
    return lambda held: {"link_record_ids": held}


def _location(_reading: Reading, _column: Field) -> Render:
    def shape(held: Any) -> Any:
        return {member: held.get(member, "") for member in _LOCATION_MEMBERS}

    return shape


def _created_time(_reading: Reading, _column: Field) -> Render:
    return lambda record: record.created_ms


def _modified_time(_reading: Reading, _column: Field) -> Render:
    return lambda record: record.modified_ms


def _created_user(reading: Reading, _column: Field) -> Render:
    return lambda record: [reading.person(record.created_by)]


def _modified_user(reading: Reading, _column: Field) -> Render:
    return lambda record: [reading.person(record.modified_by)]


def serial_text(record: Record, column: Field, base: Base) -> str:
    """An auto number as it is shown: ``"17"``, or built by the field's custom rule (§3.1, §3.2)."""
    serial = (column.settings or {}).get("auto_serial", {})
    if serial.get("type") != "custom":
        return str(record.serial)
    parts: list[str] = []
    for option in serial.get("options") or []:
        value = str(option.get("value", ""))
        if option["type"] == "fixed_text":
            parts.append(value)
        elif option["type"] == "created_time":
            made = datetime.fromtimestamp(record.created_ms / 1000, base.zone)
            pattern = value.replace("yyyy", "%Y").replace("MM", "%m").replace("dd", "%d")
            parts.append(made.strftime(pattern))
        else:
            parts.append(str(record.serial).zfill(int(value or 1)))
    return "".join(parts)


def _auto_number(reading: Reading, column: Field) -> Render:
    return lambda record: serial_text(record, column, reading.base)


_AUTOMATIC: Final[dict[int, Callable[[Reading, Field], Render]]] = {
    FieldType.CREATED_TIME: _created_time,
    FieldType.MODIFIED_TIME: _modified_time,
    FieldType.CREATED_USER: _created_user,
    FieldType.MODIFIED_USER: _modified_user,
    FieldType.AUTO_NUMBER: _auto_number,
}
_SHAPES: Final[dict[int, Callable[[Reading, Field], Callable[[Any], Any]]]] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _as_held,
    FieldType.SINGLE_SELECT: _single_select,
    FieldType.MULTI_SELECT: _multi_select,
    FieldType.DATE_TIME: _as_held,
    FieldType.CHECKBOX: _as_held,
    FieldType.USER: _users,
    FieldType.PHONE: _as_held,
    FieldType.URL: _as_held,
    FieldType.ATTACHMENT: _attachments,
    FieldType.SINGLE_LINK: _links,
    FieldType.LOOKUP: _as_held,
    FieldType.FORMULA: _as_held,
    FieldType.DUPLEX_LINK: _links,
    FieldType.LOCATION: _location,
    FieldType.GROUP_CHAT: _groups,
    FieldType.STAGE: _as_held,
    FieldType.OBJECT: _as_held,
    FieldType.BUTTON: _as_held,
}
