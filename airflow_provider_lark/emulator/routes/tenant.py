"""People, and the bot itself (lark-api §6.1, §7.1)."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid, optional_flag
from airflow_provider_lark.emulator.routes.router import FIFTY_A_SECOND, THOUSAND_A_MINUTE, Rate, Route
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.directory import User
from airflow_provider_lark.emulator.wire import Flat, Request

MAX_CONTACTS: Final = 50


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
    return {"user": shown}


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
    Route("GET", "/open-apis/bot/v3/info", bot_info, rate=Rate(50), tokens=frozenset({"tenant"})),
)
