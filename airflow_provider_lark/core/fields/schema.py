"""A Bitable field as the field list shows it."""

from __future__ import annotations

import builtins
import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from airflow_provider_lark.core.errors import SchemaMismatch
from airflow_provider_lark.core.hints import did_you_mean, list_names


class FieldType(IntEnum):
    """Lark's type codes.

    Source: open.feishu.cn, bitable-v1/app-table-field/guide.
    """

    TEXT = 1
    NUMBER = 2
    SINGLE_SELECT = 3
    MULTI_SELECT = 4
    DATE_TIME = 5
    CHECKBOX = 7
    USER = 11
    PHONE = 13
    URL = 15
    ATTACHMENT = 17
    SINGLE_LINK = 18
    LOOKUP = 19
    FORMULA = 20
    DUPLEX_LINK = 21
    LOCATION = 22
    GROUP_CHAT = 23
    STAGE = 24
    CREATED_TIME = 1001
    MODIFIED_TIME = 1002
    CREATED_USER = 1003
    MODIFIED_USER = 1004
    AUTO_NUMBER = 1005
    BUTTON = 3001

    @property
    def label(self) -> str:
        """The name as Lark's documents spell it: ``SingleSelect``."""
        return self.name.title().replace("_", "")


READ_ONLY_TYPES = frozenset(
    {
        FieldType.LOOKUP,
        FieldType.FORMULA,
        FieldType.STAGE,
        FieldType.CREATED_TIME,
        FieldType.MODIFIED_TIME,
        FieldType.CREATED_USER,
        FieldType.MODIFIED_USER,
        FieldType.AUTO_NUMBER,
        FieldType.BUTTON,
    }
)
"""Types whose cells the API shows and never takes."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a Bitable table.

    :param type: a :class:`FieldType`, or the bare number of a type that Lark added later.
    :param ui_type: how the field looks (``Progress`` is a number), where the field list tells.
    :param property: the type's settings, such as ``multiple`` or ``options``.
    """

    field_id: str
    name: str
    type: int
    ui_type: str | None = None
    property: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    is_primary: bool = False

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Field:
        """Read one item of the field list."""
        code = int(wire["type"])
        return cls(
            field_id=wire["field_id"],
            name=wire["field_name"],
            type=FieldType(code) if code in _CODES else code,
            ui_type=wire.get("ui_type") or None,
            property=dict(wire.get("property") or {}),
            is_primary=bool(wire.get("is_primary")),
        )

    # the field named property hides the decorator
    @builtins.property
    def is_read_only(self) -> bool:
        """Whether the API refuses to write its cells; true of a type that is not known here."""
        return self.type in READ_ONLY_TYPES or self.type not in _CODES

    @builtins.property
    def type_label(self) -> str:
        """The type for a message: the look where known, else the type's name, else its number."""
        if self.ui_type:
            return self.ui_type
        return FieldType(self.type).label if self.type in _CODES else f"type {self.type}"

    def describe(self) -> str:
        """Name and type for a message: ``Name (Text)``."""
        return f"{self.name} ({self.type_label})"


_CODES = frozenset(int(member) for member in FieldType)


def find_field(name: Any, fields: Iterable[Field], *, where: str) -> Field:
    """Return the field called *name*, blanks around it apart, as Lark compares names; or the one of this id.

    :param where: the table, or the parameter that names the field, for the message.
    :raises SchemaMismatch: there is none; the message proposes a similar one.
    """
    known = {field.name: field for field in fields}
    found: Field | None = known.get(name) or (known.get(name.strip()) if isinstance(name, str) else None)
    found = found or next((field for field in known.values() if field.field_id == name), None)
    if found is None:
        hint = did_you_mean(name, known, otherwise=f"the fields are: {list_names(known)}")
        raise SchemaMismatch(f"{where}: field {name!r} does not exist; {hint}")
    return found
