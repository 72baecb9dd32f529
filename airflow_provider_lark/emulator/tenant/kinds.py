"""The field types, their ui types, and which of them a record write may name (lark-api §3.1)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class FieldType(IntEnum):
    """Type codes (§3.1)."""

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
    OBJECT = 25
    CREATED_TIME = 1001
    MODIFIED_TIME = 1002
    CREATED_USER = 1003
    MODIFIED_USER = 1004
    AUTO_NUMBER = 1005
    BUTTON = 3001


UI_TYPES: Final[dict[int, tuple[str, ...]]] = {
    FieldType.TEXT: ("Text", "Email", "Barcode"),
    FieldType.NUMBER: ("Number", "Progress", "Currency", "Rating"),
    FieldType.SINGLE_SELECT: ("SingleSelect",),
    FieldType.MULTI_SELECT: ("MultiSelect",),
    FieldType.DATE_TIME: ("DateTime",),
    FieldType.CHECKBOX: ("Checkbox",),
    FieldType.USER: ("User",),
    FieldType.PHONE: ("Phone",),
    FieldType.URL: ("Url",),
    FieldType.ATTACHMENT: ("Attachment",),
    FieldType.SINGLE_LINK: ("SingleLink",),
    FieldType.LOOKUP: ("Lookup",),
    FieldType.FORMULA: ("Formula",),
    FieldType.DUPLEX_LINK: ("DuplexLink",),
    FieldType.LOCATION: ("Location",),
    FieldType.GROUP_CHAT: ("GroupChat",),
    FieldType.STAGE: ("Stage",),
    FieldType.OBJECT: ("Object",),
    FieldType.CREATED_TIME: ("CreatedTime",),
    FieldType.MODIFIED_TIME: ("ModifiedTime",),
    FieldType.CREATED_USER: ("CreatedUser",),
    FieldType.MODIFIED_USER: ("ModifiedUser",),
    FieldType.AUTO_NUMBER: ("AutoNumber",),
    FieldType.BUTTON: ("Button",),
}
"""Allowed ui types, the default first (§3.1)."""

READ_ONLY: Final = frozenset(
    {
        FieldType.LOOKUP,
        FieldType.FORMULA,
        FieldType.STAGE,
        FieldType.OBJECT,
        FieldType.CREATED_TIME,
        FieldType.MODIFIED_TIME,
        FieldType.CREATED_USER,
        FieldType.MODIFIED_USER,
        FieldType.AUTO_NUMBER,
        FieldType.BUTTON,
    }
)
"""Not writable in records (§3.1 ``(ro)``, §3.4)."""

COMPUTED: Final = frozenset({FieldType.LOOKUP, FieldType.FORMULA, FieldType.STAGE})
"""Seeded by a person here, as the emulator computes nothing."""

NOT_CREATABLE: Final = frozenset({FieldType.LOOKUP, FieldType.STAGE, FieldType.OBJECT, FieldType.BUTTON})
"""Types the API does not create (§3.1)."""

PRIMARY_TYPES: Final = frozenset(
    {
        FieldType.TEXT,
        FieldType.NUMBER,
        FieldType.DATE_TIME,
        FieldType.PHONE,
        FieldType.URL,
        FieldType.FORMULA,
        FieldType.LOCATION,
    }
)
"""Types a primary field may have (§3.1)."""

LINKS: Final = frozenset({FieldType.SINGLE_LINK, FieldType.DUPLEX_LINK})
SELECTS: Final = frozenset({FieldType.SINGLE_SELECT, FieldType.MULTI_SELECT})
DATES: Final = frozenset({FieldType.DATE_TIME, FieldType.CREATED_TIME, FieldType.MODIFIED_TIME})

CONV_FAIL: Final[dict[int, int]] = {
    FieldType.TEXT: 1254060,
    FieldType.NUMBER: 1254061,
    FieldType.SINGLE_SELECT: 1254062,
    FieldType.MULTI_SELECT: 1254063,
    FieldType.DATE_TIME: 1254064,
    FieldType.CHECKBOX: 1254065,
    FieldType.USER: 1254066,
    FieldType.SINGLE_LINK: 1254067,
    FieldType.URL: 1254068,
    FieldType.ATTACHMENT: 1254069,
    FieldType.PHONE: 1254072,
    FieldType.DUPLEX_LINK: 1254074,
    # §2.9 lists no code of their own for these two: the generic one
    FieldType.LOCATION: 1254015,
    FieldType.GROUP_CHAT: 1254015,
}
"""Code of a value of the wrong shape (§2.9; the mapping is inferred from the code names, §3.4)."""

PROPERTY_ERROR: Final[dict[int, int]] = {
    FieldType.TEXT: 1254080,
    FieldType.NUMBER: 1254081,
    FieldType.SINGLE_SELECT: 1254082,
    FieldType.MULTI_SELECT: 1254083,
    FieldType.DATE_TIME: 1254084,
    FieldType.CHECKBOX: 1254085,
    FieldType.USER: 1254086,
    FieldType.URL: 1254087,
    FieldType.ATTACHMENT: 1254088,
    FieldType.SINGLE_LINK: 1254089,
    FieldType.LOOKUP: 1254090,
    FieldType.FORMULA: 1254091,
    FieldType.DUPLEX_LINK: 1254092,
    FieldType.CREATED_TIME: 1254093,
    FieldType.MODIFIED_TIME: 1254094,
    FieldType.CREATED_USER: 1254095,
    FieldType.MODIFIED_USER: 1254096,
}
"""Code of a wrong ``property`` (§2.9)."""
