"""Members of a group, and adding people and bots (lark-api §7.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.routes.im.chats import (
    MAX_BOTS_INVITED,
    MAX_INVITED,
    MAX_PAGE,
    check_app,
    group_of,
    ids_of,
)
from airflow_provider_lark.emulator.routes.im.paging import page
from airflow_provider_lark.emulator.routes.router import FIFTY_A_SECOND, THOUSAND_A_MINUTE, Route
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.chats import Chat, add_members
from airflow_provider_lark.emulator.wire import Request, parse_user_id_type


def _inside(state: State, request: Request) -> Chat:
    chat = group_of(state, request)
    if chat.is_dissolved:
        raise ApiError(232009, "the group was dissolved")
    if chat.mode != "group":
        raise ApiError(232090, "a private chat has no list of members")
    if not chat.holds(request.member_id):
        raise ApiError(232011, "the operator is not in the group")
    return chat


def list_members(state: State, request: Request) -> dict[str, Any]:
    """The people, no bots."""
    kind = parse_user_id_type(request.query.get("member_id_type"))
    chat = _inside(state, request)
    people = [user for each in chat.members if (user := state.directory.find(each, "open_id")) is not None]
    shown, members = page(request, people, most=MAX_PAGE, code=232001)
    items = [
        {"member_id_type": kind, "member_id": each.id_as(kind), "name": each.name, "tenant_key": state.tenant_key}
        for each in shown
    ]
    return {**members, "items": items, "member_total": len(people)}


@dataclass
class _Sorted:
    """Who can be taken in, and who cannot."""

    good: list[str] = field(default_factory=list)
    resigned: list[str] = field(default_factory=list)
    out_of_reach: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def add_to_chat(state: State, request: Request) -> dict[str, Any]:
    """Take people or bots in.

    ``succeed_type`` 0: unknown and invisible ids refuse all, those who left are passed over; 1: all who can be are
    taken in; 2: anybody who cannot be refuses all.
    """
    kind, strictness = request.query.get("member_id_type") or "open_id", request.query.get("succeed_type") or "0"
    if strictness not in {"0", "1", "2"}:
        raise ApiError(232001, "succeed_type must be 0, 1 or 2")
    check_app(request)
    wanted = ids_of(request.json().get("id_list"), "id_list", MAX_BOTS_INVITED if kind == "app_id" else MAX_INVITED)
    chat = _inside(state, request)
    if chat.adding == "only_owner" and not chat.is_run_by(request.member_id):
        raise ApiError(232017, "only the owner and managers may add members")
    if not wanted:
        raise ApiError(232027, "id_list is empty")
    found = _sort_bots(state, wanted) if kind == "app_id" else _sort_people(state, request, wanted, kind)
    if strictness != "1" and found.unknown:
        raise ApiError(232043, "an id is not known")
    if strictness != "1" and found.out_of_reach:
        raise ApiError(232024, "a user is outside the app's availability")
    if strictness == "2" and found.resigned:
        raise ApiError(232022, "a user has left")
    if not found.good and strictness != "1":
        raise ApiError(232027, "no one in the list can be added")
    if kind == "app_id":
        chat.bots.update(dict.fromkeys(found.good, True))
    else:
        add_members(chat, found.good)
    return {
        "invalid_id_list": found.resigned + (found.out_of_reach if strictness == "1" else []),
        "not_existed_id_list": found.unknown,
        "pending_approval_id_list": [],
    }


def _sort_bots(state: State, wanted: list[str]) -> _Sorted:
    found = _Sorted()
    for each in wanted:
        app = state.apps.get(each)
        (found.good if app is not None and app.has_bot else found.unknown).append(each)
    return found


def _sort_people(state: State, request: Request, wanted: list[str], kind: str) -> _Sorted:
    found, id_type = _Sorted(), parse_user_id_type(kind)
    for each in wanted:
        user = state.directory.find_person(each, id_type)
        if user is None:
            found.unknown.append(each)
        elif state.directory.is_resigned(user):
            found.resigned.append(each)
        elif not request.caller.serves(user.open_id):
            found.out_of_reach.append(each)
        else:
            found.good.append(user.open_id)
    return found


def is_in_chat(state: State, request: Request) -> dict[str, Any]:
    """Whether the bot, or the person behind a user token, is in it."""
    return {"is_in_chat": group_of(state, request).holds(request.member_id)}


def join_chat(state: State, request: Request) -> dict[str, Any]:
    """Let the bot join a public group by itself."""
    chat = group_of(state, request)
    if chat.mode != "group" or not chat.is_public:
        raise ApiError(232075, "only public groups can be joined this way")
    if request.is_by_user:
        add_members(chat, [request.member_id])
    else:
        chat.bots[request.caller.app_id] = True
    return {}


_MEMBERS: Final = "/open-apis/im/v1/chats/:chat_id/members"
_READ: Final = ("im:chat", "im:chat:readonly", "im:chat.members:read", "im:chat.group_info:readonly")
_WRITE: Final = ("im:chat", "im:chat.members:write_only")

ROUTES: Final = (
    Route(
        "GET",
        _MEMBERS,
        list_members,
        query=frozenset({"member_id_type", "page_size", "page_token"}),
        scopes=_READ,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
    ),
    Route(
        "POST",
        _MEMBERS,
        add_to_chat,
        query=frozenset({"member_id_type", "succeed_type"}),
        members=frozenset({"id_list"}),
        scopes=_WRITE,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        note="no approvals, and no member limit",
        coverage="partly",
    ),
    Route(
        "GET",
        f"{_MEMBERS}/is_in_chat",
        is_in_chat,
        scopes=_READ,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
    ),
    Route(
        "PATCH",
        f"{_MEMBERS}/me_join",
        join_chat,
        scopes=_WRITE,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
    ),
)
