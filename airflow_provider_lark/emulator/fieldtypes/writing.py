"""Write shapes into held values (lark-api §3.4); ``None`` is an empty cell."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.fieldtypes.properties import MAX_OPTIONS
from airflow_provider_lark.emulator.ids import Ids
from airflow_provider_lark.emulator.switches import Switches
from airflow_provider_lark.emulator.tenant.directory import Directory
from airflow_provider_lark.emulator.tenant.kinds import CONV_FAIL, FieldType
from airflow_provider_lark.emulator.tenant.model import Base, Field, UserIdType

# cell limits, §2.7
MAX_TEXT: Final = 100_000
MAX_CHOSEN: Final = 1000
MAX_USERS: Final = 1000
MAX_LINKS: Final = 500
MAX_ATTACHMENTS: Final = 100
MAX_GROUPS: Final = 10
MAX_PHONE: Final = 64

_PHONE: Final = re.compile(r"\+?\d*")
_LOCATION: Final = re.compile(r"-?\d+(\.\d+)?,-?\d+(\.\d+)?")
_MAX_EXACT: Final = 2**53


@dataclass
class Writing:
    """What a write needs to know, and the options it would create (all or nothing, §2.5)."""

    base: Base
    directory: Directory
    ids: Ids
    user_id_type: UserIdType = "open_id"
    by_person: bool = False
    switches: Switches = dataclass_field(default_factory=Switches)
    new_options: dict[str, list[dict[str, Any]]] = dataclass_field(default_factory=dict)
    options_by_name: dict[str, dict[str, str]] = dataclass_field(default_factory=dict)


def parse_cell(given: object, column: Field, writing: Writing) -> Any:
    """The value to hold for what was sent; ``None`` for an empty cell.

    :raises ApiError: the field type's ``*ConvFail`` code, which does not name the field (§2.9, §9.9).
    """
    if given is None:
        return None  # §3.4: null clears
    return _PARSERS[column.type](given, column, writing)


def _refuse(column: Field) -> ApiError:
    return ApiError(CONV_FAIL[column.type], "the value has the wrong shape for its field")


def _text(given: object, column: Field, writing: Writing) -> Any:
    if writing.by_person and isinstance(given, list):
        return given or None  # a person's rich text: segments as they are read (§3.2)
    if not isinstance(given, str):
        raise _refuse(column)
    if len(given) > MAX_TEXT:
        raise ApiError(1254130, f"a text cell may have at most {MAX_TEXT} characters")
    return given or None


def _number(given: object, column: Field, _writing: Writing) -> Any:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise _refuse(column)
    try:
        value = float(given)
    except OverflowError as exc:
        raise _refuse(column) from exc
    if not math.isfinite(value):
        raise _refuse(column)
    if isinstance(given, int) and abs(given) <= _MAX_EXACT:
        return given
    # held as a double, printed without a fraction where it has none
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


def _option_ids(names: list[str], column: Field, writing: Writing) -> list[str]:
    known = writing.options_by_name.get(column.field_id)
    if known is None:
        known = {each["name"]: each["id"] for each in reversed(column.options)}
        writing.options_by_name[column.field_id] = known
    found: list[str] = []
    added: dict[str, str] = {}
    for name in names:
        if name in known:
            if known[name] not in found:
                found.append(known[name])
            continue
        if name in added and writing.switches.repeated_options == "merge":
            continue
        # §3.4: unknown names create an option, and a name repeated in one value creates two
        if len(column.options) + len(writing.new_options.get(column.field_id, ())) >= MAX_OPTIONS:
            raise _refuse(column)
        option_id = added[name] = writing.ids.option()
        option = {"id": option_id, "name": name, "color": len(column.options) % 55}
        writing.new_options.setdefault(column.field_id, []).append(option)
        found.append(option_id)
    known.update(added)
    return found


def _single_select(given: object, column: Field, writing: Writing) -> Any:
    if not isinstance(given, str) or (not given and writing.switches.empty_option == "error"):
        raise _refuse(column)
    return _option_ids([given], column, writing)[0] if given else None


def _multi_select(given: object, column: Field, writing: Writing) -> Any:
    if not isinstance(given, list) or len(given) > MAX_CHOSEN:
        raise _refuse(column)
    if not all(isinstance(each, str) and each for each in given):
        raise _refuse(column)
    return _option_ids(given, column, writing) or None


def _date(given: object, column: Field, _writing: Writing) -> Any:
    # §3.4: seconds are taken as ms and so become 1970; strings are refused
    if isinstance(given, bool) or not isinstance(given, int | float) or not -_MAX_EXACT <= given <= _MAX_EXACT:
        raise _refuse(column)
    return int(given)


def _checkbox(given: object, column: Field, _writing: Writing) -> Any:
    if not isinstance(given, bool):
        raise _refuse(column)
    return given


def _ids_of(given: object, column: Field, most: int) -> list[str]:
    if not isinstance(given, list) or len(given) > most:
        raise _refuse(column)
    found: list[str] = []
    for each in given:
        wanted = each.get("id") if isinstance(each, dict) else None
        if not isinstance(wanted, str):
            raise _refuse(column)
        if wanted not in found:
            found.append(wanted)
    if len(found) > 1 and not (column.settings or {}).get("multiple", True):
        raise _refuse(column)
    return found


def _users(given: object, column: Field, writing: Writing) -> Any:
    held: list[str] = []
    for wanted in _ids_of(given, column, MAX_USERS):
        user = writing.directory.find(wanted, writing.user_id_type)
        if user is None:
            # §2.3: an id of another kind or app is 1254066
            raise _refuse(column)
        held.append(user.open_id)
    return held or None


def _groups(given: object, column: Field, writing: Writing) -> Any:
    held = _ids_of(given, column, MAX_GROUPS)
    if not all(writing.directory.has_chat(each) for each in held):
        raise _refuse(column)
    return held or None


def _phone(given: object, column: Field, _writing: Writing) -> Any:
    if not isinstance(given, str) or len(given) > MAX_PHONE or not _PHONE.fullmatch(given):
        raise _refuse(column)
    return given or None


def _url(given: object, column: Field, _writing: Writing) -> Any:
    if not isinstance(given, dict) or not isinstance(given.get("link"), str):
        raise _refuse(column)
    text = given.get("text", given["link"])
    if not isinstance(text, str) or set(given) - {"text", "link"}:
        raise _refuse(column)
    return {"text": text, "link": given["link"]}


def _attachments(given: object, column: Field, writing: Writing) -> Any:
    if not isinstance(given, list):
        raise _refuse(column)
    if len(given) > MAX_ATTACHMENTS:
        raise ApiError(1254106, f"a cell may have at most {MAX_ATTACHMENTS} attachments")
    held: list[str] = []
    for each in given:
        token = each.get("file_token") if isinstance(each, dict) else None
        if not isinstance(token, str):
            raise _refuse(column)
        if token not in writing.base.files:
            # §7.4: a file_token works only in the base it was uploaded to
            raise _foreign_file(writing.switches)
        held.append(token)
    return held or None


def _foreign_file(switches: Switches) -> ApiError:
    code = switches.foreign_file_code
    status = switches.foreign_file_status if code == 1254303 else None
    return ApiError(code, "the attachment was not uploaded to this base", status=status)


def _links(given: object, column: Field, writing: Writing) -> Any:
    if not isinstance(given, list) or len(given) > MAX_LINKS:
        raise _refuse(column)
    target = writing.base.tables.get((column.settings or {}).get("table_id", ""))
    held: list[str] = []
    for each in given:
        if not isinstance(each, str) or target is None or each not in target.records:
            raise _refuse(column)
        if each not in held:
            held.append(each)
    if len(held) > 1 and not (column.settings or {}).get("multiple", True):
        raise _refuse(column)
    return held or None


def _location(given: object, column: Field, writing: Writing) -> Any:
    if writing.by_person and isinstance(given, dict) and isinstance(given.get("location"), str):
        return given
    if not isinstance(given, str) or not _LOCATION.fullmatch(given):
        raise _refuse(column)
    return {"location": given}


_PARSERS: Final[dict[int, Callable[[object, Field, Writing], Any]]] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.SINGLE_SELECT: _single_select,
    FieldType.MULTI_SELECT: _multi_select,
    FieldType.DATE_TIME: _date,
    FieldType.CHECKBOX: _checkbox,
    FieldType.USER: _users,
    FieldType.PHONE: _phone,
    FieldType.URL: _url,
    FieldType.ATTACHMENT: _attachments,
    FieldType.SINGLE_LINK: _links,
    FieldType.DUPLEX_LINK: _links,
    FieldType.LOCATION: _location,
    FieldType.GROUP_CHAT: _groups,
}
