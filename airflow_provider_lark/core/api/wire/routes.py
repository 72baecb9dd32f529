"""The routes that the client uses: what they count as, how often they may be called, what repeating them does.

Quotas: open.feishu.cn server documentation, the page of each route, read 2026-11; per app and tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Literal
from urllib.parse import quote, unquote

from airflow_provider_lark.core.api.wire.answers import Gives, Nullable
from airflow_provider_lark.core.api.wire.limits import (
    IMAGE_MAX_BYTES,
    MESSAGE_FILE_MAX_BYTES,
    UPLOAD_WHOLE_MAX_BYTES,
    Quota,
)
from airflow_provider_lark.core.api.wire.query import check_text
from airflow_provider_lark.core.errors import ConfigError

CallKind = Literal[
    "token",
    "fields",
    "tables",
    "search",
    "batch_get",
    "create",
    "update",
    "delete",
    "media",
    "message",
    "chat",
    "other",
]

Effect = Literal["read", "idempotent", "replayable", "once"]
"""What a second sending does: nothing; the same again; the same again under its client_token; the thing twice."""


@dataclass(frozen=True, slots=True)
class Route:
    """One API.

    :param template: the path, ids as ``:name``.
    :param effect: what repeating it does, when no client_token is given.
    :param gives: what an answer has to hold in its ``data``; for *is_flat* beside the code.
    :param file_bytes: the most of a file that is uploaded, where that is documented.
    """

    method: str
    template: str
    kind: CallKind
    quota: Quota | None
    effect: Effect = "read"
    gives: Gives = field(default_factory=dict)
    is_flat: bool = False
    file_bytes: int | None = None

    @property
    def endpoint(self) -> str:
        """Method and path without ids."""
        return f"{self.method} {self.template}"

    def path(self, ids: Mapping[str, str]) -> str:
        """Return the path with *ids* filled in and quoted.

        :raises ConfigError: an id is empty.
        """
        parts = []
        for part in self.template.split("/"):
            name = part.removeprefix(":")
            if name == part:
                parts.append(part)
                continue
            if not ids[name]:
                raise ConfigError(f"{name} is empty", endpoint=self.endpoint)
            parts.append(quote(check_text(ids[name], name, endpoint=self.endpoint), safe=""))
        return "/".join(parts)

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the ids in *path* if it is one of this route, else None."""
        ours, given = self.template.split("/"), path.split("/")
        if method != self.method or len(ours) != len(given):
            return None
        if any(part != name for name, part in zip(ours, given, strict=True) if not name.startswith(":")):
            return None
        return {name[1:]: unquote(part) for name, part in zip(ours, given, strict=True) if name.startswith(":")}


_BASE = "/open-apis/bitable/v1/apps"
_TABLE = f"{_BASE}/:app_token/tables/:table_id"
_MEDIA = "/open-apis/drive/v1/medias"
_FILE = "/open-apis/drive/v1/files/:file_token"
_IM = "/open-apis/im/v1/messages"
_MESSAGE = f"{_IM}/:message_id"
_CHATS = "/open-apis/im/v1/chats"
_THOUSAND_A_MINUTE, _TEN_A_MINUTE = Quota(1000, 60.0, burst=50), Quota(10, 60.0)
_TWENTY, _FIFTY, _TEN = Quota(20), Quota(50), Quota(10)

_AN_APP: Gives = {"app": dict}
_A_PAGE: Gives = {"has_more": bool}
_RECORDS: Gives = {"records": list}
_DELETED: Gives = {"deleted": bool}

LONG_CONNECTION = Route("POST", "/callback/ws/endpoint", "other", None, gives={"URL": str})

TENANT_TOKEN = Route("POST", "/open-apis/auth/v3/tenant_access_token/internal", "token", None)
STORE_APP_TOKEN = Route("POST", "/open-apis/auth/v3/app_access_token", "token", None)
STORE_TENANT_TOKEN = Route("POST", "/open-apis/auth/v3/tenant_access_token", "token", None)
RESEND_TICKET = Route("POST", "/open-apis/auth/v3/app_ticket/resend", "token", None)
OAUTH_TOKEN = Route("POST", "/open-apis/authen/v2/oauth/token", "token", None, "once")
USER_INFO = Route("GET", "/open-apis/authen/v1/user_info", "other", None, gives={"open_id": str})

GET_APP = Route("GET", f"{_BASE}/:app_token", "other", _TWENTY, gives=_AN_APP)
CREATE_APP = Route("POST", _BASE, "other", Quota(20, 60.0), "once", gives=_AN_APP)
UPDATE_APP = Route("PUT", f"{_BASE}/:app_token", "other", _TEN, "idempotent", gives=_AN_APP)
LIST_TABLES = Route("GET", f"{_BASE}/:app_token/tables", "tables", _TWENTY, gives=_A_PAGE)
CREATE_TABLE = Route("POST", f"{_BASE}/:app_token/tables", "tables", _TEN, "once", gives={"table_id": str})
UPDATE_TABLE = Route("PATCH", _TABLE, "tables", _TEN, "idempotent", gives={"name": str})
DELETE_TABLE = Route("DELETE", _TABLE, "tables", _TEN, "idempotent")
LIST_VIEWS = Route("GET", f"{_TABLE}/views", "other", _TWENTY, gives=_A_PAGE)
GET_VIEW = Route("GET", f"{_TABLE}/views/:view_id", "other", _TWENTY, gives={"view": dict})
LIST_FIELDS = Route("GET", f"{_TABLE}/fields", "fields", _TWENTY, gives=_A_PAGE)
CREATE_FIELD = Route("POST", f"{_TABLE}/fields", "fields", _TEN, "once", gives={"field": dict})
UPDATE_FIELD = Route("PUT", f"{_TABLE}/fields/:field_id", "fields", _TEN, "idempotent", gives={"field": dict})
DELETE_FIELD = Route("DELETE", f"{_TABLE}/fields/:field_id", "fields", _TEN, "idempotent", gives=_DELETED)
SEARCH = Route("POST", f"{_TABLE}/records/search", "search", _TWENTY, gives={"has_more": bool, "total": int})
BATCH_GET = Route("POST", f"{_TABLE}/records/batch_get", "batch_get", _TWENTY)
BATCH_CREATE = Route("POST", f"{_TABLE}/records/batch_create", "create", _FIFTY, "once", gives=_RECORDS)
BATCH_UPDATE = Route("POST", f"{_TABLE}/records/batch_update", "update", _FIFTY, "idempotent", gives=_RECORDS)
BATCH_DELETE = Route("POST", f"{_TABLE}/records/batch_delete", "delete", _FIFTY, "idempotent", gives=_RECORDS)
CREATE_RECORD = Route("POST", f"{_TABLE}/records", "create", _FIFTY, "once", gives={"record": dict})
UPDATE_RECORD = Route("PUT", f"{_TABLE}/records/:record_id", "update", _FIFTY, "idempotent", gives={"record": dict})
DELETE_RECORD = Route("DELETE", f"{_TABLE}/records/:record_id", "delete", _FIFTY, "idempotent", gives=_DELETED)

_APPLICATION = "/open-apis/application/v6/applications/:app_id"
GET_APPLICATION = Route("GET", _APPLICATION, "other", _FIFTY, gives=_AN_APP)
GET_VERSION = Route(
    "GET", f"{_APPLICATION}/app_versions/:version_id", "other", Quota(100, 60.0), gives={"app_version": dict}
)
# one of the old APIs that put the payload beside the code
BOT_INFO = Route("GET", "/open-apis/bot/v3/info", "other", None, gives={"bot": dict}, is_flat=True)
CONTACT_IDS = Route(
    "POST", "/open-apis/contact/v3/users/batch_get_id", "other", _THOUSAND_A_MINUTE, gives={"user_list": Nullable(list)}
)
GET_USER = Route("GET", "/open-apis/contact/v3/users/:user_id", "other", _THOUSAND_A_MINUTE, gives={"user": dict})
DEPARTMENT_PEOPLE = Route(
    "GET", "/open-apis/contact/v3/users/find_by_department", "other", _THOUSAND_A_MINUTE, gives=_A_PAGE
)
SUBDEPARTMENTS = Route(
    "GET", "/open-apis/contact/v3/departments/:department_id/children", "other", _THOUSAND_A_MINUTE, gives=_A_PAGE
)
GROUP_MEMBERS = Route(
    "GET", "/open-apis/contact/v3/group/:group_id/member/simplelist", "other", _THOUSAND_A_MINUTE, gives=_A_PAGE
)
_SENT: Gives = {"message_id": str}

# with a uuid a second sending is answered with the first message; without one it is another message
SEND_MESSAGE = Route("POST", _IM, "message", _THOUSAND_A_MINUTE, "once", gives=_SENT)
REPLY_MESSAGE = Route("POST", f"{_MESSAGE}/reply", "message", _THOUSAND_A_MINUTE, "once", gives=_SENT)
FORWARD_MESSAGE = Route("POST", f"{_MESSAGE}/forward", "message", _THOUSAND_A_MINUTE, "once", gives=_SENT)
MERGE_FORWARD = Route("POST", f"{_IM}/merge_forward", "message", _THOUSAND_A_MINUTE, "once", gives={"message": dict})
EDIT_MESSAGE = Route("PUT", _MESSAGE, "message", _THOUSAND_A_MINUTE, "idempotent", gives=_SENT)
UPDATE_CARD = Route("PATCH", _MESSAGE, "message", _THOUSAND_A_MINUTE, "idempotent")
UPDATE_CLICKED_CARD = Route("POST", "/open-apis/interactive/v1/card/update", "message", _THOUSAND_A_MINUTE, "once")
RECALL_MESSAGE = Route("DELETE", _MESSAGE, "message", _THOUSAND_A_MINUTE, "idempotent")
GET_MESSAGE = Route("GET", _MESSAGE, "message", _THOUSAND_A_MINUTE, gives={"items": list})
LIST_MESSAGES = Route("GET", _IM, "message", _THOUSAND_A_MINUTE, gives=_A_PAGE)
READ_USERS = Route("GET", f"{_MESSAGE}/read_users", "message", _THOUSAND_A_MINUTE, gives=_A_PAGE)
URGE_BY_APP = Route("PATCH", f"{_MESSAGE}/urgent_app", "message", _THOUSAND_A_MINUTE, "idempotent")
# each one rings, and costs
URGE_BY_SMS = Route("PATCH", f"{_MESSAGE}/urgent_sms", "message", _THOUSAND_A_MINUTE, "once")
URGE_BY_PHONE = Route("PATCH", f"{_MESSAGE}/urgent_phone", "message", _THOUSAND_A_MINUTE, "once")
ADD_REACTION = Route(
    "POST", f"{_MESSAGE}/reactions", "message", _THOUSAND_A_MINUTE, "idempotent", gives={"reaction_id": str}
)
LIST_REACTIONS = Route("GET", f"{_MESSAGE}/reactions", "message", _THOUSAND_A_MINUTE, gives=_A_PAGE)
DELETE_REACTION = Route("DELETE", f"{_MESSAGE}/reactions/:reaction_id", "message", _THOUSAND_A_MINUTE, "idempotent")
BATCH_SEND = Route(
    "POST", "/open-apis/message/v4/batch_send/", "message", _THOUSAND_A_MINUTE, "once", gives={"message_id": str}
)

# a repeated upload leaves a file that no message names
UPLOAD_IMAGE = Route(
    "POST",
    "/open-apis/im/v1/images",
    "media",
    _THOUSAND_A_MINUTE,
    "idempotent",
    gives={"image_key": str},
    file_bytes=IMAGE_MAX_BYTES,
)
UPLOAD_FILE = Route(
    "POST",
    "/open-apis/im/v1/files",
    "media",
    _THOUSAND_A_MINUTE,
    "idempotent",
    gives={"file_key": str},
    file_bytes=MESSAGE_FILE_MAX_BYTES,
)
DOWNLOAD_IMAGE = Route("GET", "/open-apis/im/v1/images/:image_key", "media", _THOUSAND_A_MINUTE)
DOWNLOAD_FILE = Route("GET", "/open-apis/im/v1/files/:file_key", "media", _THOUSAND_A_MINUTE)
DOWNLOAD_RESOURCE = Route("GET", f"{_MESSAGE}/resources/:file_key", "media", _THOUSAND_A_MINUTE)

LIST_CHATS = Route("GET", _CHATS, "chat", _THOUSAND_A_MINUTE, gives=_A_PAGE)
SEARCH_CHATS = Route("GET", f"{_CHATS}/search", "chat", _THOUSAND_A_MINUTE, gives=_A_PAGE)
GET_CHAT = Route("GET", f"{_CHATS}/:chat_id", "chat", _THOUSAND_A_MINUTE, gives={"chat_status": str})
CREATE_CHAT = Route("POST", _CHATS, "chat", _THOUSAND_A_MINUTE, "once", gives={"chat_id": str})
LIST_MEMBERS = Route("GET", f"{_CHATS}/:chat_id/members", "chat", _THOUSAND_A_MINUTE, gives=_A_PAGE)
ADD_MEMBERS = Route("POST", f"{_CHATS}/:chat_id/members", "chat", _THOUSAND_A_MINUTE, "idempotent")
_APPROVAL = "/open-apis/approval/v4"
# a definition is made or replaced by its own code, and of an instance the whole state is pushed
DEFINE_APPROVAL = Route(
    "POST",
    f"{_APPROVAL}/external_approvals",
    "other",
    _THOUSAND_A_MINUTE,
    "idempotent",
    gives={"approval_code": str},
)
GET_APPROVAL = Route("GET", f"{_APPROVAL}/external_approvals/:approval_code", "other", _THOUSAND_A_MINUTE)
PUSH_INSTANCE = Route("POST", f"{_APPROVAL}/external_instances", "other", _THOUSAND_A_MINUTE, "idempotent")
CHECK_INSTANCES = Route(
    "POST",
    f"{_APPROVAL}/external_instances/check",
    "other",
    _THOUSAND_A_MINUTE,
    gives={"diff_instances": Nullable(list)},
)
LIST_APPROVAL_TASKS = Route("GET", f"{_APPROVAL}/external_tasks", "other", _THOUSAND_A_MINUTE, gives=_A_PAGE)
WIKI_NODE = Route("GET", "/open-apis/wiki/v2/spaces/get_node", "other", Quota(100, 60.0), gives={"node": dict})

# a repeated upload leaves a file that no cell names, and Lark takes it away
UPLOAD_ALL = Route(
    "POST",
    f"{_MEDIA}/upload_all",
    "media",
    Quota(5),
    "idempotent",
    gives={"file_token": str},
    file_bytes=UPLOAD_WHOLE_MAX_BYTES,
)
UPLOAD_PREPARE = Route(
    "POST", f"{_MEDIA}/upload_prepare", "media", Quota(5), "idempotent", gives={"upload_id": str, "block_size": int}
)
UPLOAD_PART = Route("POST", f"{_MEDIA}/upload_part", "media", Quota(5), "idempotent")
# but a second finish finds the upload gone, which says nothing of the first
UPLOAD_FINISH = Route("POST", f"{_MEDIA}/upload_finish", "media", Quota(5), "replayable", gives={"file_token": str})
DOWNLOAD_MEDIA = Route("GET", f"{_MEDIA}/:file_token/download", "media", Quota(5))
TMP_DOWNLOAD_URLS = Route(
    "GET", f"{_MEDIA}/batch_get_tmp_download_url", "media", Quota(5), gives={"tmp_download_urls": Nullable(list)}
)
SUBSCRIBE_FILE = Route("POST", f"{_FILE}/subscribe", "other", _THOUSAND_A_MINUTE, "idempotent")
UNSUBSCRIBE_FILE = Route("DELETE", f"{_FILE}/delete_subscribe", "other", _TEN_A_MINUTE, "idempotent")
IS_FILE_SUBSCRIBED = Route("GET", f"{_FILE}/get_subscribe", "other", _TEN_A_MINUTE, gives={"is_subscribe": bool})

KNOWING_TOKENS = frozenset(
    route.endpoint
    for route in (
        *(BATCH_CREATE, CREATE_RECORD, SEND_MESSAGE, REPLY_MESSAGE, FORWARD_MESSAGE, MERGE_FORWARD, CREATE_CHAT),
        UPLOAD_FINISH,
    )
)
"""Of the routes here those that know a ``client_token`` or a ``uuid``; the others do the thing twice with one, too."""

_ALIKE = 0.7
"""From which likeness of a step on (1 for equal ones) a path counts as misspelt."""

_ALL = tuple(value for value in list(globals().values()) if isinstance(value, Route))

ENDPOINTS = frozenset(route.endpoint for route in _ALL)
"""Of all routes here."""


def find_similar_route(method: str, path: str) -> Route | None:
    """Return the route that *path* is probably meant to be: its ids apart, a few letters differ, or the method."""
    given = path.split("/")
    near: list[tuple[float, bool, int]] = []
    for at, route in enumerate(_ALL):
        ours = route.template.split("/")
        if len(ours) == len(given):
            words = [(name, part) for name, part in zip(ours, given, strict=True) if not name.startswith(":")]
            alike = min(SequenceMatcher(None, name, part).ratio() for name, part in words)
            near.append((alike, route.method == method, -at))
    best = max(near, default=(0.0, False, 0))
    return _ALL[-best[2]] if best[0] >= _ALIKE else None


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route of *path*, and the ids in it; None for an API that has no route here."""
    for route in _ALL:
        ids = route.match(method, path)
        if ids is not None:
            return route, ids
    return None
