"""Groups: listing, searching, reading, creating (lark-api §7.2)."""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError, invalid, optional_text
from airflow_provider_lark.emulator.routes.im.messages import MAX_UUID
from airflow_provider_lark.emulator.routes.im.paging import page
from airflow_provider_lark.emulator.routes.resolve import query_flag
from airflow_provider_lark.emulator.routes.router import FIFTY_A_SECOND, THOUSAND_A_MINUTE, Route
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.chats import Chat, add_members
from airflow_provider_lark.emulator.tenant.model import UserIdType
from airflow_provider_lark.emulator.wire import Request

MAX_PAGE: Final = 100
MAX_QUERY: Final = 64
MAX_INVITED: Final = 50
MAX_BOTS_INVITED: Final = 5
NAMELESS: Final = "(无主题)"


def check_app(request: Request) -> None:
    """Groups are for apps with a bot.

    :raises ApiError: 232025.
    """
    if not request.caller.has_bot:
        raise ApiError(232025, "the app has no bot")


def group_of(state: State, request: Request) -> Chat:
    """The group of the path.

    :raises ApiError: 232006.
    """
    check_app(request)
    chat = state.directory.chats.find(request.params["chat_id"])
    if chat is None:
        raise ApiError(232006, "no such chat")
    return chat


def _listed(state: State, chat: Chat, kind: UserIdType) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "chat_id": chat.chat_id,
        "avatar": f"https://avatar.example/{chat.chat_id}.png",
        "name": chat.name,
        "description": chat.description,
        "external": False,
        "tenant_key": state.tenant_key,
        "chat_status": "dissolved" if chat.is_dissolved else "normal",
    }
    return {**shown, **_owner(state, chat, kind)}


def _owner(state: State, chat: Chat, kind: UserIdType) -> dict[str, str]:
    """The owner, where it is a person."""
    owner = state.directory.find(chat.owner, "open_id")
    return {} if owner is None else {"owner_id": owner.id_as(kind), "owner_id_type": kind}


def _described(state: State, chat: Chat, kind: UserIdType) -> dict[str, Any]:
    listed = {name: value for name, value in _listed(state, chat, kind).items() if name != "chat_id"}
    if chat.mode == "p2p":
        return {**listed, "chat_mode": "p2p"}
    people = [state.directory.find(each, "open_id") for each in chat.managers if each.startswith("ou_")]
    return {
        **listed,
        "chat_mode": chat.mode,
        "chat_type": "public" if chat.is_public else "private",
        "chat_tag": "inner",
        "group_message_type": "thread" if chat.in_threads else "chat",
        "user_manager_id_list": [each.id_as(kind) for each in people if each is not None],
        "bot_manager_id_list": sorted(each for each in chat.managers if not each.startswith("ou_")),
        "add_member_permission": chat.adding,
        "urgent_setting": chat.urging,
        "moderation_permission": chat.posting,
        "user_count": str(len(chat.members)),
        "bot_count": str(sum(chat.holds_bot(each) for each in state.apps)),
    }


def list_chats(state: State, request: Request) -> dict[str, Any]:
    """The groups that the bot, or the person behind a user token, is in; no private chats."""
    check_app(request)
    order = request.query.get("sort_type") or "ByCreateTimeAsc"
    if order not in {"ByCreateTimeAsc", "ByActiveTimeDesc"}:
        raise ApiError(232001, "sort_type must be ByCreateTimeAsc or ByActiveTimeDesc")
    chats = [each for each in state.directory.chats.groups_of(request.member_id) if not each.is_dissolved]
    if order == "ByActiveTimeDesc":
        chats.sort(key=lambda each: -each.active_ms)
    shown, members = page(request, chats, most=MAX_PAGE, code=232001)
    return {**members, "items": [_listed(state, each, request.user_id_type) for each in shown]}


def search_chats(state: State, request: Request) -> dict[str, Any]:
    """Groups that can be seen whose name, or a member's name, holds the words; none for an empty or long query."""
    check_app(request)
    query = (request.query.get("query") or "").strip()
    found: list[Chat] = []
    if 0 < len(query) <= MAX_QUERY:
        found = [each for each in state.directory.chats.visible_to(request.member_id) if _fits(state, each, query)]
    shown, members = page(request, found, most=MAX_PAGE, code=232001)
    return {**members, "items": [_listed(state, each, request.user_id_type) for each in shown]}


def _fits(state: State, chat: Chat, query: str) -> bool:
    is_quoted = query[0] in '"“' and query[-1] in '"”' and len(query) > 1
    if "-" in query and not is_quoted and not state.switches.search_heeds_dashes:
        return False
    words = (query[1:-1] if is_quoted else query).lower()
    people = (state.directory.find(each, "open_id") for each in chat.members)
    return any(words in each.lower() for each in [chat.name, *(each.name for each in people if each is not None)])


def get_chat(state: State, request: Request) -> dict[str, Any]:
    """A chat; who is not in it sees name, picture, counts and state only."""
    chat = group_of(state, request)
    described = _described(state, chat, request.user_id_type)
    if chat.holds(request.member_id):
        return described
    return {name: described[name] for name in ("name", "avatar", "user_count", "bot_count", "chat_status")}


def create_chat(state: State, request: Request) -> dict[str, Any]:
    """Found a group, with the bot in it; the bot owns it unless a person is named."""
    check_app(request)
    body = request.json()
    name = optional_text(body.get("name"), "name")
    kind = body.get("chat_type") or "private"
    message_type = body.get("group_message_type") or "chat"
    if kind not in ("private", "public") or message_type not in ("chat", "thread"):
        raise ApiError(232001, "chat_type must be private or public, group_message_type chat or thread")
    if kind == "public" and len(name) < 2:
        raise ApiError(232020 if name else 232042, "the name of a public group needs at least two characters")
    uuid, owner_id = request.query.get("uuid") or "", optional_text(body.get("owner_id"), "owner_id")
    if len(uuid) > MAX_UUID:
        raise ApiError(232001, f"uuid has at most {MAX_UUID} characters")
    key = (request.caller.app_id, uuid, owner_id)
    chat = state.directory.chats.recently_created(key) if uuid else None
    if chat is None:
        people, bots = _invited(state, request, body, owner_id)
        chat = state.directory.add_chat(name or NAMELESS)
        chat.description = optional_text(body.get("description"), "description")
        chat.is_public, chat.in_threads = kind == "public", message_type == "thread"
        chat.owner = people[0] if owner_id else request.caller.app_id
        chat.bots.update(dict.fromkeys([request.caller.app_id, *bots], True))
        add_members(chat, people)
        if owner_id and query_flag(request, "set_bot_manager"):
            chat.managers.add(request.caller.app_id)
        if uuid:
            state.directory.chats.note_created(key, chat)
    return {"chat_id": chat.chat_id, **_described(state, chat, request.user_id_type)}


def _invited(state: State, request: Request, body: dict[str, Any], owner_id: str) -> tuple[list[str], list[str]]:
    """open_ids, the owner's first, and app_ids."""
    wanted = ids_of(body.get("user_id_list"), "user_id_list", MAX_INVITED)
    people = []
    for each in [owner_id, *wanted] if owner_id else wanted:
        user = state.directory.find_person(each, request.user_id_type)
        if user is None:
            raise ApiError(232030 if each == owner_id else 232043, "no such user")
        if state.directory.is_resigned(user):
            raise ApiError(232022, "a user has left")
        if not request.caller.serves(user.open_id):
            raise ApiError(232024, "a user is outside the app's availability")
        people.append(user.open_id)
    bots = ids_of(body.get("bot_id_list"), "bot_id_list", MAX_BOTS_INVITED)
    if any(each not in state.apps or not state.apps[each].has_bot for each in bots):
        raise ApiError(232021, "no such bot")
    return people, bots


def ids_of(given: object, name: str, most: int) -> list[str]:
    """A list of ids that may be left out."""
    ids = [] if given is None else given
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise invalid(name, given, f"{name} must be a list of ids")
    if len(ids) > most:
        raise ApiError(232001, f"{name} may have at most {most}")
    return ids


_CHATS: Final = "/open-apis/im/v1/chats"
_READ: Final = ("im:chat", "im:chat:readonly", "im:chat:read", "im:chat.group_info:readonly")
_PAGES: Final = frozenset({"user_id_type", "page_size", "page_token"})
_MADE_OF: Final = frozenset(
    {"name", "description", "owner_id", "user_id_list", "bot_id_list", "group_message_type", "chat_mode", "chat_type"}
)

ROUTES: Final = (
    Route(
        "GET",
        _CHATS,
        list_chats,
        query=_PAGES | {"sort_type"},
        scopes=_READ,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
    ),
    Route(
        "GET",
        f"{_CHATS}/search",
        search_chats,
        query=_PAGES | {"query"},
        scopes=_READ,
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        coverage="partly",
        note="finds parts of names; no pinyin and no other languages",
    ),
    Route(
        "GET",
        f"{_CHATS}/:chat_id",
        get_chat,
        query=frozenset({"user_id_type"}),
        scopes=_READ[:3],
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        coverage="partly",
        note="no labels, restricted mode, visibility settings or names in other languages",
    ),
    Route(
        "POST",
        _CHATS,
        create_chat,
        query=frozenset({"user_id_type", "set_bot_manager", "uuid"}),
        members=_MADE_OF,
        scopes=("im:chat", "im:chat:create"),
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        tokens=frozenset({"tenant"}),
        coverage="partly",
        note="name, description, owner, users, bots, type and threads; other settings are refused",
    ),
)
