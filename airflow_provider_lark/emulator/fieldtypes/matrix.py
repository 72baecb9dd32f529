"""Held values into the cells of base/v3 (lark-api §4.10); its pages are matrices, and its shapes differ from v1's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from airflow_provider_lark.emulator.fieldtypes.reading import Reading
from airflow_provider_lark.emulator.switches import Switches
from airflow_provider_lark.emulator.tenant.kinds import FieldType
from airflow_provider_lark.emulator.tenant.model import Base, Field, Record

TYPE_NAMES: Final[dict[int, str]] = {
    FieldType.TEXT: "text",
    FieldType.NUMBER: "number",
    FieldType.SINGLE_SELECT: "select",
    FieldType.MULTI_SELECT: "select",
    FieldType.DATE_TIME: "datetime",
    FieldType.CHECKBOX: "checkbox",
    FieldType.USER: "user",
    FieldType.PHONE: "text",
    FieldType.URL: "text",
    FieldType.ATTACHMENT: "attachment",
    FieldType.SINGLE_LINK: "link",
    FieldType.LOOKUP: "lookup",
    FieldType.FORMULA: "formula",
    FieldType.DUPLEX_LINK: "link",
    FieldType.LOCATION: "location",
    FieldType.GROUP_CHAT: "group_chat",
    FieldType.STAGE: "not_support",
    FieldType.OBJECT: "not_support",
    FieldType.CREATED_TIME: "created_at",
    FieldType.MODIFIED_TIME: "updated_at",
    FieldType.CREATED_USER: "created_by",
    FieldType.MODIFIED_USER: "updated_by",
    FieldType.AUTO_NUMBER: "auto_number",
    FieldType.BUTTON: "button",
}
"""What the newer API calls the types; the kinds of text and of number are styles there."""

Cell = Callable[[Any], Any]


class Matrix:
    """Renders records as rows of some fields.

    :param columns: in the order of a row's cells.
    """

    def __init__(self, reading: Reading, columns: list[Field], switches: Switches) -> None:
        self._reading = reading
        self._cells = [(each.name, _cell_of(each, reading.base, switches)) for each in columns]

    def row(self, record: Record) -> list[Any]:
        """The cells of one record."""
        shown = self._reading.fields_of(record)
        return [cell(shown.get(name)) for name, cell in self._cells]


def type_names(columns: list[Field], switches: Switches) -> list[str]:
    """``field_type_list``."""
    if switches.v3_types == "new":
        return [f"{TYPE_NAMES[each.type]}_v2" for each in columns]
    return [TYPE_NAMES[each.type] for each in columns]


def _cell_of(column: Field, base: Base, switches: Switches) -> Cell:
    if column.type in (FieldType.DATE_TIME, FieldType.CREATED_TIME, FieldType.MODIFIED_TIME):
        return _moment(base, switches)
    shape = _SHAPES.get(column.type, _nothing)
    if column.type == FieldType.TEXT and switches.v3_links == "text":
        return _bare_text
    return shape


def _moment(base: Base, switches: Switches) -> Cell:
    def cell(shown: Any) -> str | None:
        if shown is None:
            return None
        if switches.v3_times == "milliseconds":
            moment = datetime.fromtimestamp(shown // 1000, UTC).replace(microsecond=shown % 1000 * 1000)
            return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        local = datetime.fromtimestamp(shown // 1000, base.zone)
        return local.isoformat() if switches.v3_times == "zoned" else f"{local:%Y-%m-%d %H:%M:%S}"

    return cell


def _nothing(_shown: Any) -> None:
    return None


def _as_it_is(shown: Any) -> Any:
    return shown


def _is_set(shown: Any) -> bool:
    return bool(shown)


def _bare_text(shown: Any) -> str | None:
    return None if shown is None else "".join(str(each.get("text", "")) for each in shown)


def _text(shown: Any) -> str | None:
    """Segments as one text, links in it as Markdown has them."""
    if shown is None:
        return None
    parts = []
    for each in shown:
        text, link = str(each.get("text", "")), each.get("link")
        parts.append(f"[{text}]({link})" if link and link not in (text, f"mailto:{text}") else text)
    return "".join(parts)


def _url(shown: Any) -> str | None:
    if shown is None:
        return None
    text, link = shown.get("text", ""), shown.get("link", "")
    return link if text in ("", link) else f"[{text}]({link})"


def _options(shown: Any) -> list[str]:
    return [] if shown is None else [shown] if isinstance(shown, str) else list(shown)


def _people(shown: Any) -> list[dict[str, Any]]:
    return [{"id": each["id"], "name": each["name"]} for each in shown or []]


def _links(shown: Any) -> list[dict[str, str]]:
    return [{"id": each} for each in (shown or {}).get("link_record_ids") or []]


def _files(shown: Any) -> list[dict[str, Any]]:
    return [{"file_token": each["file_token"], "size": each["size"], "name": each["name"]} for each in shown or []]


def _place(shown: Any) -> dict[str, Any] | None:
    if shown is None:
        return None
    longitude, latitude = (float(part) for part in shown["location"].split(","))
    return {"lng": longitude, "lat": latitude, "full_address": shown["full_address"]}


def _result(shown: Any) -> str | None:
    """A computed cell as a text: its type is lost."""
    values = shown.get("value") if isinstance(shown, dict) and "value" in shown else shown
    items = values if isinstance(values, list) else [] if values is None else [values]
    texts = [str(each.get("text", "")) if isinstance(each, dict) else str(each) for each in items]
    return ",".join(texts) or None


_SHAPES: Final[dict[int, Cell]] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _as_it_is,
    FieldType.SINGLE_SELECT: _options,
    FieldType.MULTI_SELECT: _options,
    FieldType.CHECKBOX: _is_set,
    FieldType.USER: _people,
    FieldType.PHONE: _as_it_is,
    FieldType.URL: _url,
    FieldType.ATTACHMENT: _files,
    FieldType.SINGLE_LINK: _links,
    FieldType.DUPLEX_LINK: _links,
    FieldType.LOOKUP: _result,
    FieldType.FORMULA: _result,
    FieldType.LOCATION: _place,
    FieldType.GROUP_CHAT: _people,
    FieldType.CREATED_USER: _people,
    FieldType.MODIFIED_USER: _people,
    FieldType.AUTO_NUMBER: _as_it_is,
}
