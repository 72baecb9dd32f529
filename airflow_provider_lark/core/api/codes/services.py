"""Codes of files, apps, wiki nodes, people, file events, approvals; from the tables of drive, wiki, application, …"""

from __future__ import annotations

from airflow_provider_lark.core.api.codes.meaning import LATER, Meaning
from airflow_provider_lark.core.errors import (
    AccessDenied,
    BadRequest,
    LarkError,
    NotAuthorized,
    NotFound,
    ServerBusy,
    TooLarge,
)

SERVICE_INTERNAL_CODES = frozenset({1061001, 1061006, 1062051, 1069601, 1395001})
"""Lark's own trouble; whether a write was carried out is open."""

_OWN_IDS = "an open_id is only valid for the app it was issued to; use union_id, user_id or e-mail across apps"
_AGAIN = "upload the file again from the start"
_ROOM = "delete files or upgrade the plan"
_EDIT = "give the app edit permission on the base; with advanced permissions, a download also needs extra"

_Row = tuple[type[LarkError], str, str]

_FILES: dict[int, _Row] = {
    1061002: (BadRequest, "Lark rejected a part of the upload", "check name, size and base"),
    1061003: (
        NotFound,
        "the file does not exist",
        "check the file_token; it is only valid in the base it was uploaded to",
    ),
    1061004: (AccessDenied, "the app does not have access to the file or its base", _EDIT),
    1061005: (NotAuthorized, "Lark rejected the token for files", "check the app's scopes for files"),
    1061007: (NotFound, "the file was deleted", "read the record again"),
    1061008: (BadRequest, "the file's name is not allowed", "rename it"),
    1061021: (BadRequest, "the upload is already finished or older than 24 hours", _AGAIN),
    1061041: (NotFound, "the base of the upload no longer exists", "check the app_token"),
    1061042: (BadRequest, "the base holds too many files", "use another base"),
    1061043: (TooLarge, "the file is too large", "store a link to it instead"),
    1061044: (
        NotFound,
        "the base to upload to does not exist",
        "check the app_token; a wiki node token is not an app_token",
    ),
    1061045: (ServerBusy, "another upload is in progress", LATER),
    1061061: (BadRequest, "the user's storage is full", _ROOM),
    1061073: (
        AccessDenied,
        "the app lacks a scope",
        "add the scope bitable:app or drive:drive, then release a new version of the app",
    ),
    1061101: (BadRequest, "the tenant's storage is full", _ROOM),
    1061109: (BadRequest, "Lark rejected the file's name or content", "rename it, or leave it out"),
    1061113: (BadRequest, "Lark rejected the file's name or content", "rename it, or leave it out"),
    1062007: (BadRequest, "the upload was started by another app or user", _AGAIN),
    1062008: (BadRequest, "the file arrived damaged", _AGAIN),
    1062009: (BadRequest, "the file size differs from the declared size", _AGAIN),
    1062010: (BadRequest, "a block of the file is missing", _AGAIN),
    1062011: (BadRequest, "the upload has too many blocks", _AGAIN),
    1069602: (BadRequest, "Lark rejected a part of the subscription", "check the app_token"),
    1069603: (
        AccessDenied,
        "the app may not subscribe to the base",
        "give it permission to manage the base; the tenant must have document access records enabled",
    ),
    1069604: (NotFound, "the document does not exist", "check the app_token"),
    1069605: (NotFound, "the app is not subscribed to the document", "subscribe the app to the document"),
    1064230: (ServerBusy, "the document is being moved", LATER),
    1061547: (BadRequest, "the document has too many files", "use another base"),
    1062012: (ServerBusy, "the file is being copied", LATER),
    1062013: (BadRequest, "the file is damaged", _AGAIN),
    1062014: (AccessDenied, "the file cannot be copied from another location", _AGAIN),
    1062505: (BadRequest, "the app's drive is full", _ROOM),
    1062506: (BadRequest, "the folder is nested too deeply", "use another folder"),
    1062507: (BadRequest, "the folder is full", "use another folder"),
}

_APPS: dict[int, _Row] = {
    210503: (BadRequest, "the App ID is not one", "check the App ID of the connection"),
    210504: (
        NotFound,
        "the tenant has no such app",
        "check the App ID; a store app must be released, and not only for a part of its users",
    ),
    210505: (BadRequest, "the app is not a self-built app", "look at its settings in the developer console"),
    210506: (NotFound, "the app does not exist", "check the App ID of the connection"),
    210508: (
        AccessDenied,
        "the app may only look at its own settings",
        "add the scope admin:app.info:readonly, then release a new version of the app",
    ),
    211002: (NotFound, "the version does not exist", "take the version_id from the app's settings"),
    211003: (NotFound, "the version belongs to another app", "take the version_id from the app's settings"),
}

_OTHERS: dict[int, _Row] = {
    131002: (BadRequest, "Lark rejected a part of the wiki node request", "check the address"),
    131004: (AccessDenied, "the app is not a member of the wiki", "add the app to the wiki page or its space"),
    1390001: (
        BadRequest,
        "Lark rejected a part of the approval",
        "check the ids of people, which must be in the tenant, and the texts",
    ),
    1390002: (
        NotFound,
        "the approval's definition does not exist",
        "check the approval_code; definitions belong to the app that made them",
    ),
    1390016: (NotFound, "the approval's definition was deleted", "use another approval_code"),
    131007: (BadRequest, "Lark reported a permanent internal error", "contact Lark's support with the log_id"),
    40004: (
        AccessDenied,
        "the department is outside the app's contact range",
        "in the developer console, add it under Data permissions → Contact range, and release a new version",
    ),
    40011: (
        BadRequest,
        "the page size is out of range",
        "at most 50 people or departments a page, or 100 members of a user group",
    ),
    40012: (BadRequest, "the page token is not one that Lark gave", "read the pages from the first one again"),
    40014: (
        AccessDenied,
        "the department's parent is outside the app's contact range",
        "in the developer console, add it under Data permissions → Contact range, and release a new version",
    ),
    41071: (
        BadRequest,
        "the member_id_type is not one of a user group",
        "use open_id, union_id, user_id or department_id",
    ),
    41072: (BadRequest, "the member_id_type does not belong to the member_type", "ask for people by ids of people"),
    41074: (BadRequest, "the member_type is not one of a user group", "use user or department"),
    42002: (NotFound, "the user group does not exist", "check the group_id, as the admin console shows it"),
    42009: (
        AccessDenied,
        "the user group is outside the app's contact range",
        "in the developer console, add it under Data permissions → Contact range, and release a new version",
    ),
    43010: (BadRequest, "the department is too large to be read with all below it", "name smaller departments"),
    99992351: (NotFound, "the user, department or chat does not exist", f"check the id and its type; {_OWN_IDS}"),
    99992360: (NotFound, "the user does not exist", f"check the id and its type; {_OWN_IDS}"),
    99992361: (BadRequest, "the open_id belongs to another app", _OWN_IDS),
    99992364: (BadRequest, "the user belongs to another tenant", "choose a user from the app's tenant"),
}

FILE_STATUSES: dict[int, Meaning] = {
    400: Meaning(BadRequest, "Lark rejected the request for the file", _EDIT),
    403: Meaning(AccessDenied, "the app does not have access to the file", _EDIT),
    404: Meaning(
        NotFound, "the file does not exist", "check the file_token; it is only valid in the base it was uploaded to"
    ),
}
"""HTTP statuses of a download that come without a code."""

SERVICE_MEANINGS: dict[int, Meaning] = {
    code: Meaning(error, what, hint) for rows in (_FILES, _APPS, _OTHERS) for code, (error, what, hint) in rows.items()
}
