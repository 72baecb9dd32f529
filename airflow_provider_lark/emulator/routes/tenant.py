"""People, departments, and the bot itself (lark-api §6.1, §7.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from airflow_provider_lark.emulator.errors import ApiError, invalid, optional_flag
from airflow_provider_lark.emulator.routes.im.paging import page
from airflow_provider_lark.emulator.routes.router import FIFTY_A_SECOND, THOUSAND_A_MINUTE, Rate, Route
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.directory import Department, User
from airflow_provider_lark.emulator.wire import Flat, Request

if TYPE_CHECKING:
    from airflow_provider_lark.emulator.tenant.model import UserIdType

MAX_CONTACTS: Final = 50
MAX_MEMBERS: Final = 100


def _contacts(body: dict[str, Any], name: str) -> list[str]:
    given = [] if body.get(name) is None else body[name]
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise invalid(name, given, f"{name} must be a list of strings")
    if len(given) > MAX_CONTACTS:
        raise invalid(name, len(given), f"{name} may have at most {MAX_CONTACTS}")
    return given


def batch_get_id(state: State, request: Request) -> dict[str, Any]:
    """Ids by e-mail and mobile; an unknown person is an entry without ``user_id`` (§7.1)."""
    body = request.json()
    kind = request.user_id_type
    resigned = optional_flag(body.get("include_resigned"), "include_resigned")
    entries: list[dict[str, Any]] = []

    def add(name: str, wanted: str, user: User | None) -> None:
        entry: dict[str, Any] = {name: wanted}
        left = user is not None and state.directory.is_resigned(user)
        if user is not None and (resigned or not left):
            entry["user_id"] = user.id_as(kind)
            if resigned:
                entry["status"] = {**_STATUS, "is_resigned": left}
        entries.append(entry)

    for email in _contacts(body, "emails"):
        add("email", email, state.directory.find_contact(email=email))
    for mobile in _contacts(body, "mobiles"):
        add("mobile", mobile, state.directory.find_contact(mobile=mobile))
    return {"user_list": entries}


_STATUS: Final = {
    "is_frozen": False,
    "is_resigned": False,
    "is_activated": True,
    "is_exited": False,
    "is_unjoin": False,
}


def get_user(state: State, request: Request) -> dict[str, Any]:
    """One person; members without their scope are missing (§7.1)."""
    user = state.directory.find_person(request.params["user_id"], request.user_id_type)
    if user is None:
        raise ApiError(99992351, "no such user")
    return {"user": _shown(user, request)}


def _shown(user: User, request: Request) -> dict[str, Any]:
    scopes = request.caller.scopes

    def granted(scope: str) -> bool:
        return scopes is None or scope in scopes

    shown: dict[str, Any] = {"union_id": user.union_id, "open_id": user.open_id}
    if granted("contact:user.employee_id:readonly"):
        shown["user_id"] = user.user_id
    if granted("contact:user.base:readonly"):
        shown.update({"name": user.name, "en_name": user.en_name, "status": _STATUS})
    if granted("contact:user.email:readonly"):
        shown["email"] = user.email
    if granted("contact:user.phone:readonly"):
        shown["mobile"] = user.mobile
    return shown


def list_department(state: State, request: Request) -> dict[str, Any]:
    """People directly in a department, by pages (§7.1)."""
    department = _department(state, request.query.get("department_id") or "", request)
    people = [state.directory.find(each, "open_id") for each in department.members]
    there = [each for each in people if each is not None and not state.directory.is_resigned(each)]
    shown, paging = page(request, there, most=MAX_CONTACTS, code=40011, token_code=40012, usual="10")
    return {**paging, "items": [_shown(each, request) for each in shown]}


def list_subdepartments(state: State, request: Request) -> dict[str, Any]:
    """Departments below one, by pages (§7.1)."""
    department = _department(state, request.params["department_id"], request)
    at_any_depth = request.query.get("fetch_child") == "true"
    found = state.directory.below(department.open_department_id, at_any_depth=at_any_depth)
    shown, paging = page(request, found, most=MAX_CONTACTS, code=40011, token_code=40012, usual="10")
    items = [
        {
            "open_department_id": each.open_department_id,
            "name": each.name,
            "parent_department_id": each.parent_id,
            "status": {"is_deleted": False},
        }
        for each in shown
    ]
    return {**paging, "items": items}


def _department(state: State, wanted: str, request: Request) -> Department:
    if (request.query.get("department_id_type") or "open_department_id") != "open_department_id":
        raise invalid(
            "department_id_type", request.query["department_id_type"], "the emulator knows open_department_id only"
        )
    found = state.directory.departments.get(wanted)
    if found is None:
        # one that is not there and one outside the contact range are not told apart
        raise ApiError(40004, "no dept authority error")
    return found


def list_group_members(state: State, request: Request) -> dict[str, Any]:
    """People, or departments, in a user group, by pages (§7.1)."""
    group = state.directory.user_groups.get(request.params["group_id"])
    if group is None:
        raise ApiError(42002, "invalid group_id")
    member_type = request.query.get("member_type") or "user"
    kinds = _MEMBER_IDS.get(member_type)
    kind = request.query.get("member_id_type") or "open_id"
    if kinds is None:
        raise ApiError(41074, "invalid member_type")
    if kind not in kinds:
        is_known = any(kind in each for each in _MEMBER_IDS.values())
        raise ApiError(41072 if is_known else 41071, "member_type not match member_id_type")
    if kind == "department_id":
        raise invalid("member_id_type", kind, "the emulator knows departments by open_department_id only, as open_id")
    people = (state.directory.find(each, "open_id") for each in group.people)
    ids = [
        each.id_as(cast("UserIdType", kind))
        for each in people
        if each is not None and not state.directory.is_resigned(each)
    ]
    members = ids if member_type == "user" else list(group.departments)
    shown, paging = page(request, members, most=MAX_MEMBERS, code=40011, token_code=40012, usual="50")
    return {**paging, "memberlist": [{"member_id": each, "member_type": member_type} for each in shown]}


_MEMBER_IDS: Final = {
    "user": ("open_id", "union_id", "user_id"),
    "department": ("open_id", "department_id"),
}


def bot_info(_state: State, request: Request) -> Flat:
    """The bot, beside ``code``; needs no scope (§6.1)."""
    app = request.caller
    bot = {
        "activate_status": 2,
        "app_name": app.name,
        "avatar_url": "",
        "ip_white_list": [],
        "open_id": app.open_id,
    }
    return Flat({"bot": bot})


_USER_SCOPES: Final = (
    "contact:contact.base:readonly",
    "contact:user.base:readonly",
    "contact:user.email:readonly",
    "contact:user.phone:readonly",
    "contact:user.employee_id:readonly",
)
ROUTES: Final = (
    Route(
        "POST",
        "/open-apis/contact/v3/users/batch_get_id",
        batch_get_id,
        query=frozenset({"user_id_type"}),
        members=frozenset({"emails", "mobiles", "include_resigned"}),
        scopes=("contact:user.id:readonly",),
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        tokens=frozenset({"tenant"}),
    ),
    Route(
        "GET",
        "/open-apis/contact/v3/users/:user_id",
        get_user,
        query=frozenset({"user_id_type", "department_id_type"}),
        scopes=_USER_SCOPES,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        coverage="partly",
        note="ids, name, e-mail, mobile and status, each with its scope; no departments, no data range",
    ),
    *(
        Route(
            "GET",
            f"/open-apis/contact/v3/{path}",
            handler,
            query=frozenset({"user_id_type", "department_id_type", "page_size", "page_token", own}),
            scopes=("contact:contact.base:readonly", "contact:department.organize:readonly"),
            rate=FIFTY_A_SECOND,
            also=THOUSAND_A_MINUTE,
            coverage="partly",
            note="by open_department_id, not the root; no data range, leaders or order",
        )
        for path, handler, own in (
            ("users/find_by_department", list_department, "department_id"),
            ("departments/:department_id/children", list_subdepartments, "fetch_child"),
        )
    ),
    Route(
        "GET",
        "/open-apis/contact/v3/group/:group_id/member/simplelist",
        list_group_members,
        query=frozenset({"member_type", "member_id_type", "page_size", "page_token"}),
        scopes=("contact:group:readonly",),
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        tokens=frozenset({"tenant"}),
        coverage="partly",
        note="departments by open_department_id only; no data range, so never 42009; no dynamic groups",
    ),
    Route("GET", "/open-apis/bot/v3/info", bot_info, rate=Rate(50), tokens=frozenset({"tenant"})),
)
