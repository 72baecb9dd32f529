"""Definitions of approvals (lark-api §13.1)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.routes.approval.reading import (
    bad,
    check_key,
    list_of,
    one_of,
    text_of,
    texts_of,
)
from airflow_provider_lark.emulator.routes.gate import known_only
from airflow_provider_lark.emulator.routes.router import FIFTY_A_SECOND, THOUSAND_A_MINUTE, Route
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.approvals import Approval
from airflow_provider_lark.emulator.wire import Request

MAX_CODE: Final = 128
MAX_PEOPLE: Final = 200
_EXTERNAL: Final = frozenset(
    {"biz_name", "biz_type", "create_link_mobile", "create_link_pc", "support_pc", "support_mobile"}
    | {"support_batch_read", "enable_mark_readed", "enable_quick_operate", "action_callback_url"}
    | {"action_callback_token", "action_callback_key", "allow_batch_operate", "exclude_efficiency_statistics"}
)
_VIEWERS: Final = frozenset({"TENANT", "DEPARTMENT", "USER", "NONE"})


def define(state: State, request: Request) -> dict[str, Any]:
    """Make a definition, or replace the one under its code."""
    body = request.json()
    text_of(body, "approval_code", most=MAX_CODE)
    text_of(body, "approval_name")
    texts = texts_of(body)
    check_key(texts, body, "approval_name", least=9)
    for name in ("group_name", "description"):
        check_key(texts, body, name)
    external = body.get("external")
    if not isinstance(external, dict):
        raise bad("external is required")
    known_only(state, external, _EXTERNAL, "external")
    check_key(texts, external, "biz_name", "external.")
    if not (external.get("support_pc") or external.get("support_mobile")):
        raise bad("support_pc and support_mobile must not both be false")
    url = external.get("action_callback_url")
    if url and urlsplit(url).scheme not in {"http", "https"}:
        raise bad("action_callback_url is not a URL")
    _check_people(state, request, body)
    group, app_id = body.get("group_code"), request.caller.app_id
    if group and not body.get("group_name") and not state.approvals.has_group(app_id, group):
        raise bad("a new group_code needs a group_name")
    return {"approval_code": state.approvals.define(app_id, body, texts).code}


def _check_people(state: State, request: Request, body: dict[str, Any]) -> None:
    for viewer in list_of(body, "viewers", MAX_PEOPLE):
        kind = one_of(viewer, "viewer_type", _VIEWERS, "viewers.")
        if (
            kind == "USER"
            and state.directory.find_person(str(viewer.get("viewer_user_id")), request.user_id_type) is None
        ):
            raise bad("viewers.viewer_user_id is not a known user")
    managers = body.get("managers") or []
    if not isinstance(managers, list) or len(managers) > MAX_PEOPLE:
        raise bad(f"managers must be a list of at most {MAX_PEOPLE} ids")
    if any(state.directory.find_person(str(each), request.user_id_type) is None for each in managers):
        raise bad("managers contains an unknown user")


def approval_of(state: State, app_id: str, code: str) -> Approval:
    """The definition of that code.

    :raises ApiError: 1390002 there is none, 1390016 it was deleted.
    """
    found = state.approvals.find_approval(app_id, code)
    if found is None:
        raise ApiError(1390002, f"the app has no approval {code[:60]!r}")
    if found.is_deleted:
        raise ApiError(1390016, "the approval was deleted")
    return found


def get(state: State, request: Request) -> dict[str, Any]:
    """A definition as it was given."""
    found = approval_of(state, request.caller.app_id, request.params["approval_code"])
    return {**found.data, "approval_code": found.own_code}


_SCOPES: Final = ("approval:approval", "approval:external_approval")

ROUTES: Final = (
    Route(
        "POST",
        "/open-apis/approval/v4/external_approvals",
        define,
        query=frozenset({"user_id_type", "department_id_type"}),
        members=frozenset(
            {"approval_name", "approval_code", "group_code", "group_name", "description", "external", "viewers"}
            | {"i18n_resources", "managers"}
        ),
        scopes=_SCOPES,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        tokens=frozenset({"tenant"}),
        coverage="partly",
        note="instances cannot be started from it; departments are ignored",
    ),
    Route(
        "GET",
        "/open-apis/approval/v4/external_approvals/:approval_code",
        get,
        query=frozenset({"user_id_type"}),
        scopes=_SCOPES,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        tokens=frozenset({"tenant"}),
        coverage="partly",
        note="user ids are returned as they were given",
    ),
)
