"""The routes that the client uses: what they count as, how often they may be called, what repeating them does.

Quotas: open.feishu.cn server documentation, the page of each route, read 2026-11; per app and tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from airflow_provider_lark.core.api.query import check_text
from airflow_provider_lark.core.api.ratelimit import Quota
from airflow_provider_lark.core.errors import ConfigError

CallKind = Literal["token", "fields", "tables", "search", "batch_get", "create", "update", "delete", "other"]

Effect = Literal["read", "idempotent", "replayable", "once"]
"""What a second sending does: nothing; the same again; the same again under its client_token; the thing twice."""


@dataclass(frozen=True, slots=True)
class Route:
    """One API.

    :param template: the path, ids as ``:name``.
    :param effect: what repeating it does, when no client_token is given.
    """

    method: str
    template: str
    kind: CallKind
    quota: Quota | None
    effect: Effect = "read"

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


_BASE = "/open-apis/bitable/v1/apps"
_TABLE = f"{_BASE}/:app_token/tables/:table_id"
_TWENTY, _FIFTY, _TEN = Quota(20), Quota(50), Quota(10)

TENANT_TOKEN = Route("POST", "/open-apis/auth/v3/tenant_access_token/internal", "token", None)

GET_APP = Route("GET", f"{_BASE}/:app_token", "other", _TWENTY)
CREATE_APP = Route("POST", _BASE, "other", Quota(20, 60.0), "once")
UPDATE_APP = Route("PUT", f"{_BASE}/:app_token", "other", _TEN, "idempotent")
LIST_TABLES = Route("GET", f"{_BASE}/:app_token/tables", "tables", _TWENTY)
CREATE_TABLE = Route("POST", f"{_BASE}/:app_token/tables", "tables", _TEN, "once")
UPDATE_TABLE = Route("PATCH", _TABLE, "tables", _TEN, "idempotent")
DELETE_TABLE = Route("DELETE", _TABLE, "tables", _TEN, "idempotent")
LIST_VIEWS = Route("GET", f"{_TABLE}/views", "other", _TWENTY)
LIST_FIELDS = Route("GET", f"{_TABLE}/fields", "fields", _TWENTY)
CREATE_FIELD = Route("POST", f"{_TABLE}/fields", "fields", _TEN, "once")
UPDATE_FIELD = Route("PUT", f"{_TABLE}/fields/:field_id", "fields", _TEN, "idempotent")
DELETE_FIELD = Route("DELETE", f"{_TABLE}/fields/:field_id", "fields", _TEN, "idempotent")
SEARCH = Route("POST", f"{_TABLE}/records/search", "search", _TWENTY)
BATCH_GET = Route("POST", f"{_TABLE}/records/batch_get", "batch_get", _TWENTY)
BATCH_CREATE = Route("POST", f"{_TABLE}/records/batch_create", "create", _FIFTY, "once")
BATCH_UPDATE = Route("POST", f"{_TABLE}/records/batch_update", "update", _FIFTY, "idempotent")
BATCH_DELETE = Route("POST", f"{_TABLE}/records/batch_delete", "delete", _FIFTY, "idempotent")
CREATE_RECORD = Route("POST", f"{_TABLE}/records", "create", _FIFTY, "once")
UPDATE_RECORD = Route("PUT", f"{_TABLE}/records/:record_id", "update", _FIFTY, "idempotent")
DELETE_RECORD = Route("DELETE", f"{_TABLE}/records/:record_id", "delete", _FIFTY, "idempotent")

BOT_INFO = Route("GET", "/open-apis/bot/v3/info", "other", None)
CONTACT_IDS = Route("POST", "/open-apis/contact/v3/users/batch_get_id", "other", Quota(1000, 60.0))
WIKI_NODE = Route("GET", "/open-apis/wiki/v2/spaces/get_node", "other", Quota(100, 60.0))
