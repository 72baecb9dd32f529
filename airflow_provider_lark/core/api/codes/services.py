"""Codes of files, wiki nodes, people and file events; from the error tables of drive-v1 and wiki-v2."""

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

SERVICE_INTERNAL_CODES = frozenset({1061001, 1061006, 1062051, 1069601})
"""Lark's own trouble; whether a write was carried out is open."""

_OWN_IDS = "an open_id counts for one app only; use union_id, user_id or e-mail across apps"
_AGAIN = "upload the file again from the beginning"
_ROOM = "delete files, or raise the plan"
_EDIT = "give the app edit rights on the base; under advanced permissions a download needs extra"

_Row = tuple[type[LarkError], str, str]

_FILES: dict[int, _Row] = {
    1061002: (BadRequest, "Lark refuses a part of the upload", "check name, size and base"),
    1061003: (NotFound, "there is no such file", "check the file_token: it counts in one base only"),
    1061004: (AccessDenied, "the app may not touch the file or its base", _EDIT),
    1061005: (NotAuthorized, "Lark refuses the token for files", "check the app's scopes for files"),
    1061007: (NotFound, "the file was deleted", "read the record again"),
    1061008: (BadRequest, "the file's name is not allowed", "rename it"),
    1061021: (BadRequest, "the upload is over: finished already, or older than 24 hours", _AGAIN),
    1061041: (NotFound, "the base of the upload is gone", "check the app_token"),
    1061042: (BadRequest, "the base holds too many files", "use another base"),
    1061043: (TooLarge, "the file is too large", "store a link to it instead"),
    1061044: (NotFound, "there is no such base to upload to", "check the app_token; a wiki node is none"),
    1061045: (ServerBusy, "another upload is in the way", LATER),
    1061061: (BadRequest, "the user's storage is full", _ROOM),
    1061073: (AccessDenied, "the app lacks a scope", "add bitable:app or drive:drive, then release a new version"),
    1061101: (BadRequest, "the tenant's storage is full", _ROOM),
    1061109: (BadRequest, "Lark refuses the file's name or content", "rename it, or leave it out"),
    1061113: (BadRequest, "Lark refuses the file's name or content", "rename it, or leave it out"),
    1062007: (BadRequest, "the upload belongs to somebody else", _AGAIN),
    1062008: (BadRequest, "the file arrived damaged", _AGAIN),
    1062009: (BadRequest, "the file has another size than was said", _AGAIN),
    1062010: (BadRequest, "a block of the file is missing", _AGAIN),
    1062011: (BadRequest, "the upload has too many blocks", _AGAIN),
    1069602: (BadRequest, "Lark refuses a part of the subscription", "check the app_token"),
    1069603: (
        AccessDenied,
        "the app may not subscribe to the base",
        "give it the right to manage the base; the tenant must keep access records of documents",
    ),
    1069604: (NotFound, "there is no such document", "check the app_token"),
    1069605: (NotFound, "the app is not subscribed to the document", "subscribe it"),
    1064230: (ServerBusy, "the document is being moved", LATER),
    1061547: (BadRequest, "the document holds too many files", "use another base"),
    1062012: (ServerBusy, "the file is being copied", LATER),
    1062013: (BadRequest, "the file is damaged", _AGAIN),
    1062014: (AccessDenied, "the file cannot be taken over from another place", _AGAIN),
    1062505: (BadRequest, "the app's drive is full", _ROOM),
    1062506: (BadRequest, "the folder lies too deep", "use another folder"),
    1062507: (BadRequest, "the folder is full", "use another folder"),
}

_OTHERS: dict[int, _Row] = {
    131002: (BadRequest, "Lark refuses a part of the question for a wiki node", "check the address"),
    131004: (AccessDenied, "the app is no member of the wiki", "add the app to the wiki page or its space"),
    131007: (BadRequest, "Lark reports an internal error that does not pass", "ask Lark's support with the log_id"),
    99992351: (NotFound, "there is no such user, department or chat", f"check the id and its type; {_OWN_IDS}"),
    99992360: (NotFound, "there is no such user", f"check the id and its type; {_OWN_IDS}"),
    99992361: (BadRequest, "the open_id belongs to another app", _OWN_IDS),
    99992364: (BadRequest, "the user belongs to another tenant", "choose a user of the app's tenant"),
}

FILE_STATUSES: dict[int, Meaning] = {
    400: Meaning(BadRequest, "Lark refuses the question for the file", _EDIT),
    403: Meaning(AccessDenied, "the app may not read the file", _EDIT),
    404: Meaning(NotFound, "there is no such file", "check the file_token: it counts in one base only"),
}
"""HTTP statuses of a download that come without a code."""

SERVICE_MEANINGS: dict[int, Meaning] = {
    code: Meaning(error, what, hint) for rows in (_FILES, _OTHERS) for code, (error, what, hint) in rows.items()
}
