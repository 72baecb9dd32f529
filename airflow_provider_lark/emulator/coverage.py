"""The page that says, endpoint by endpoint, what is emulated: made from the routes, so that it cannot promise more.

``python -m airflow_provider_lark.emulator.coverage`` writes ``docs/reference/emulator-coverage.md``.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from airflow_provider_lark.emulator.routes.router import Route
from airflow_provider_lark.emulator.serving.dispatch import ROUTES

PAGE: Final = Path(__file__).parents[2] / "docs/reference/emulator-coverage.md"

_BASE: Final = "bitable/v1/apps/:app_token"
_V3: Final = "base/v3/bases/:app_token"
_TABLE: Final = f"{_BASE}/tables/:table_id"
_MESSAGE: Final = "im/v1/messages/:message_id"
_SHEET: Final = "sheets/v2/spreadsheets/:spreadsheet_token"

SECTIONS: Final[dict[str, tuple[str, ...]]] = {
    "Tokens of apps": (
        "POST auth/v3/tenant_access_token/internal",
        "POST auth/v3/app_access_token/internal",
        "POST auth/v3/app_access_token",
        "POST auth/v3/tenant_access_token",
        "POST auth/v3/app_ticket/resend",
        "POST /oauth/v3/token",
    ),
    "Tokens of users": (
        "GET authen/v1/authorize",
        "POST authen/v2/oauth/token",
        "POST authen/v1/oidc/access_token",
        "POST authen/v1/oidc/refresh_access_token",
        "GET authen/v1/user_info",
    ),
    "Bases and tables": (
        "POST bitable/v1/apps",
        f"GET {_BASE}",
        f"PUT {_BASE}",
        f"POST {_BASE}/copy",
        "DELETE drive/v1/files/:file_token",
        f"GET {_BASE}/tables",
        f"POST {_BASE}/tables",
        f"POST {_BASE}/tables/batch_create",
        f"POST {_BASE}/tables/batch_delete",
        f"PATCH {_TABLE}",
        f"DELETE {_TABLE}",
    ),
    "Fields and views": (
        f"GET {_TABLE}/fields",
        f"POST {_TABLE}/fields",
        f"PUT {_TABLE}/fields/:field_id",
        f"DELETE {_TABLE}/fields/:field_id",
        f"POST {_TABLE}/field_groups",
        f"GET {_TABLE}/views",
        f"POST {_TABLE}/views",
        f"GET {_TABLE}/views/:view_id",
        f"PATCH {_TABLE}/views/:view_id",
        f"DELETE {_TABLE}/views/:view_id",
    ),
    "Records": (
        f"POST {_TABLE}/records/search",
        f"POST {_TABLE}/records/batch_get",
        f"POST {_TABLE}/records",
        f"POST {_TABLE}/records/batch_create",
        f"PUT {_TABLE}/records/:record_id",
        f"POST {_TABLE}/records/batch_update",
        f"DELETE {_TABLE}/records/:record_id",
        f"POST {_TABLE}/records/batch_delete",
        f"GET {_TABLE}/records",
        f"GET {_TABLE}/records/:record_id",
        f"GET {_V3}/record_history",
        f"GET {_V3}/tables/:table_id/records",
        f"POST {_V3}/tables/:table_id/records/search",
    ),
    "Dashboards, roles, forms, automations": (
        f"GET {_BASE}/dashboards",
        f"POST {_BASE}/dashboards/:block_id/copy",
        f"GET {_BASE}/roles",
        f"POST {_BASE}/roles",
        f"PUT {_BASE}/roles/:role_id",
        f"DELETE {_BASE}/roles/:role_id",
        f"GET {_BASE}/roles/:role_id/members",
        f"POST {_BASE}/roles/:role_id/members",
        f"DELETE {_BASE}/roles/:role_id/members/:member_id",
        f"POST {_BASE}/roles/:role_id/members/batch_create",
        f"POST {_BASE}/roles/:role_id/members/batch_delete",
        f"POST {_V3}/workflows/list",
        f"GET {_V3}/workflows/:workflow_id",
        f"POST {_V3}/workflows",
        f"PUT {_V3}/workflows/:workflow_id",
        f"PATCH {_V3}/workflows/:workflow_id/enable",
        f"PATCH {_V3}/workflows/:workflow_id/disable",
        f"POST {_V3}/blocks/list",
        f"DELETE {_V3}/blocks/:block_id",
        "GET base/v2/apps/:app_token/roles",
        "POST base/v2/apps/:app_token/roles",
        "PUT base/v2/apps/:app_token/roles/:role_id",
        f"GET {_TABLE}/forms/:form_id",
        f"PATCH {_TABLE}/forms/:form_id",
        f"GET {_TABLE}/forms/:form_id/fields",
        f"PATCH {_TABLE}/forms/:form_id/fields/:field_id",
        f"POST {_TABLE}/forms/:form_id/upgrade",
        f"GET {_BASE}/workflows",
        f"PUT {_BASE}/workflows/:workflow_id",
        f"GET {_BASE}/block_workflows",
    ),
    "Files of attachment cells": (
        "POST drive/v1/medias/upload_all",
        "POST drive/v1/medias/upload_prepare",
        "POST drive/v1/medias/upload_part",
        "POST drive/v1/medias/upload_finish",
        "GET drive/v1/medias/:file_token/download",
        "GET drive/v1/medias/batch_get_tmp_download_url",
        "GET /space/api/box/stream/download/authcode",
    ),
    "Events": (
        "POST drive/v1/files/:file_token/subscribe",
        "GET drive/v1/files/:file_token/get_subscribe",
        "DELETE drive/v1/files/:file_token/delete_subscribe",
        "POST /callback/ws/endpoint",
        "GET application/v6/applications/:app_id",
        "GET application/v6/applications/:app_id/app_versions/:version_id",
    ),
    "Messages": (
        "POST im/v1/messages",
        "GET im/v1/messages",
        f"POST {_MESSAGE}/reply",
        f"PUT {_MESSAGE}",
        f"PATCH {_MESSAGE}",
        f"DELETE {_MESSAGE}",
        f"GET {_MESSAGE}",
        f"POST {_MESSAGE}/forward",
        "POST im/v1/messages/merge_forward",
        "POST im/v1/threads/:thread_id/forward",
        f"POST {_MESSAGE}/reactions",
        f"GET {_MESSAGE}/reactions",
        f"DELETE {_MESSAGE}/reactions/:reaction_id",
        f"GET {_MESSAGE}/read_users",
        f"PATCH {_MESSAGE}/urgent_app",
        f"PATCH {_MESSAGE}/urgent_sms",
        f"PATCH {_MESSAGE}/urgent_phone",
        f"GET {_MESSAGE}/resources/:file_key",
        "POST im/v1/images",
        "GET im/v1/images/:image_key",
        "POST im/v1/files",
        "GET im/v1/files/:file_key",
        "POST message/v4/batch_send/",
        "GET im/v1/batch_messages/:batch_message_id/get_progress",
        "GET im/v1/batch_messages/:batch_message_id/read_user",
        "DELETE im/v1/batch_messages/:batch_message_id",
        "POST ephemeral/v1/send",
        "POST interactive/v1/card/update",
        "POST bot/v2/hook/:hook_id",
        "GET bot/v3/info",
    ),
    "Approval centre": (
        "POST approval/v4/external_approvals",
        "GET approval/v4/external_approvals/:approval_code",
        "POST approval/v4/external_instances",
        "POST approval/v4/external_instances/check",
        "GET approval/v4/external_tasks",
    ),
    "Users, groups, wiki, sheets": (
        "POST contact/v3/users/batch_get_id",
        "GET contact/v3/users/:user_id",
        "GET contact/v3/users/find_by_department",
        "GET contact/v3/departments/:department_id/children",
        "GET contact/v3/group/:group_id/member/simplelist",
        "GET im/v1/chats",
        "GET im/v1/chats/search",
        "GET im/v1/chats/:chat_id",
        "POST im/v1/chats",
        "GET im/v1/chats/:chat_id/members",
        "POST im/v1/chats/:chat_id/members",
        "GET im/v1/chats/:chat_id/members/is_in_chat",
        "PATCH im/v1/chats/:chat_id/members/me_join",
        "GET wiki/v2/spaces/get_node",
        "GET sheets/v3/spreadsheets/:spreadsheet_token/sheets/query",
        f"GET {_SHEET}/values/:range",
        f"GET {_SHEET}/values_batch_get",
        f"PUT {_SHEET}/values",
        f"POST {_SHEET}/values_append",
        f"POST {_SHEET}/values_prepend",
        f"POST {_SHEET}/values_batch_update",
    ),
}
"""The endpoints that the reference describes (lark-api §1.2, §1.3, §2.2, §5, §6, §7, §13), without ``/open-apis/``."""

_HEAD: Final = """# What the emulator covers

Generated from the emulator's routes by `python -m airflow_provider_lark.emulator.coverage`; do not edit. The [general
limits](../emulator.md#what-it-does-not-emulate) of the emulator apply too.

- **emulated**: parameters, answers, limits, scopes, rates and codes as the public documentation describes them.
- **partly**: something documented is missing; the last column names it.
- **refused**: HTTP 404 with `99991201`, or 405 with `99991301` if the path exists with another method; never a
  plausible answer.

Paths are below `/open-apis/` unless they begin with `/`.
"""


def _key(endpoint: str) -> str:
    """What tells endpoints apart: names of parameters do not."""
    method, _, path = endpoint.partition(" ")
    full = path if path.startswith("/") else f"/open-apis/{path}"
    return f"{method} {re.sub(':[a-z_]+', ':', full)}"


def page() -> str:
    """The whole page.

    :raises ValueError: a route stands in no section, or an endpoint in two.
    """
    routes = {_key(each.target): each for each in ROUTES}
    listed = [_key(each) for section in SECTIONS.values() for each in section]
    astray = sorted(set(routes) - set(listed)) + sorted({each for each in listed if listed.count(each) > 1})
    if astray:
        msg = f"each route must be in exactly one section of coverage.SECTIONS; these are not: {astray}"
        raise ValueError(msg)
    parts = [_HEAD, *_summary(routes, listed)]
    for title, endpoints in SECTIONS.items():
        parts += [f"\n## {title}\n\n", "| Endpoint | Coverage | Remarks |\n|---|---|---|\n"]
        parts += [_row(each, routes.get(_key(each))) for each in endpoints]
    return "".join(parts)


def _summary(routes: dict[str, Route], listed: Sequence[str]) -> Iterator[str]:
    partly = sum(each.coverage == "partly" for each in routes.values())
    refused = sum(each not in routes for each in listed)
    yield f"\n{len(listed)} endpoints: {len(routes) - partly} emulated, {partly} partly, {refused} refused.\n"


def _row(endpoint: str, route: Route | None) -> str:
    if route is None:
        return f"| `{endpoint}` | refused | |\n"
    return f"| `{endpoint}` | {route.coverage} | {route.note + ' ' if route.note else ''}|\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page, or with ``--check`` only say whether it is up to date."""
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_lark.emulator.coverage", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is stale")
    parser.add_argument("--output", type=Path, default=PAGE)
    options = parser.parse_args(argv)
    made = page()
    if not options.check:
        options.output.write_text(made, encoding="utf-8")
        return 0
    if options.output.exists() and options.output.read_text(encoding="utf-8") == made:
        return 0
    sys.stderr.write(f"{options.output} is stale: run python -m airflow_provider_lark.emulator.coverage\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
