"""Groups: ``client.chats``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider_lark.core.api.calls.namespace import ApiCall, ApiPages, D, Namespace
from airflow_provider_lark.core.api.services.messaging.names import find_chat_id
from airflow_provider_lark.core.api.wire.answers import Gives, JsonObject, data_of, pick_list, pick_objects
from airflow_provider_lark.core.api.wire.flow import Flow, Pages
from airflow_provider_lark.core.api.wire.limits import (
    CHAT_BOTS_ADDED_MAX,
    CHAT_MEMBERS_ADDED_MAX,
    CHAT_QUERY_MAX,
    LIST_PAGE_MAX,
    MESSAGE_UUID_MAX,
)
from airflow_provider_lark.core.api.wire.paging import walk_pages
from airflow_provider_lark.core.api.wire.query import QueryValue
from airflow_provider_lark.core.api.wire.results import UserIdType
from airflow_provider_lark.core.api.wire.routes import (
    ADD_MEMBERS,
    CREATE_CHAT,
    GET_CHAT,
    LIST_CHATS,
    LIST_MEMBERS,
    SEARCH_CHATS,
    Route,
)
from airflow_provider_lark.core.errors import BadRequest

MemberIdType = Literal["open_id", "union_id", "user_id", "app_id"]


@dataclass(frozen=True, slots=True)
class ChatInfo:
    """A group. Of one that the bot is not in, Lark tells the name only; *owner_id* is empty where a bot owns it."""

    chat_id: str
    name: str
    description: str = ""
    owner_id: str = ""
    is_external: bool = False
    status: str = "normal"


@dataclass(frozen=True, slots=True)
class ChatPage:
    """Groups."""

    items: list[ChatInfo]
    has_more: bool
    page_token: str | None


@dataclass(frozen=True, slots=True)
class ChatMember:
    """A person in a group."""

    member_id: str
    name: str


@dataclass(frozen=True, slots=True)
class MemberPage:
    """People in a group; bots are not told."""

    items: list[ChatMember]
    has_more: bool
    page_token: str | None


@dataclass(frozen=True, slots=True)
class Added:
    """Who was not taken into a group: unknown, out of the app's reach or gone, or waiting for its owner's word."""

    unknown_ids: tuple[str, ...] = ()
    refused_ids: tuple[str, ...] = ()
    pending_ids: tuple[str, ...] = ()


class Chats(Namespace[D]):
    """The chat API."""

    @ApiPages
    def list_pages(self, *, user_id_type: UserIdType = "open_id") -> Pages[ChatPage]:
        """Yield the groups that the app's bot is in, oldest first; no private chats."""
        query: dict[str, QueryValue] = {"user_id_type": user_id_type, "sort_type": "ByCreateTimeAsc"}
        return self._walk(LIST_CHATS, query, "the bot's chats")

    @ApiPages
    def search_pages(self, *, query: str, user_id_type: UserIdType = "open_id") -> Pages[ChatPage]:
        """Yield the groups that the bot is in or that are public, and whose name or member fits *query*.

        By Lark's rules: parts, pinyin, other languages. For the one of exactly a name see :meth:`find`.

        :param query: 1 to 64 characters.
        """
        words = query.strip()
        if not 1 <= len(words) <= CHAT_QUERY_MAX:
            raise BadRequest(f"query must have 1 to {CHAT_QUERY_MAX} characters, got {len(words)}")
        # Lark takes a bare dash for something else
        quoted = f'"{words}"' if "-" in words and not words.startswith('"') else words
        return self._walk(SEARCH_CHATS, {"user_id_type": user_id_type, "query": quoted}, "chats")

    @ApiCall
    def find(self, *, name: str) -> Flow[str]:
        """Return the chat_id of the group that the bot is in and that is called exactly *name*.

        Blanks around it do not count, case does. All names are read once and kept for five minutes.

        :raises NotFound: it does not exist; the message lists the nearest names.
        :raises BadRequest: there are several; the message tells their chat_ids.
        """
        return (yield from find_chat_id(self.session, name))

    @ApiCall
    def get(self, *, chat_id: str, user_id_type: UserIdType = "open_id") -> Flow[ChatInfo]:
        """Return a group.

        :raises NotFound: it does not exist.
        """
        query = {"user_id_type": user_id_type}
        body = yield from self.session.call(GET_CHAT, {"chat_id": chat_id}, query=query, subject=f"chat {chat_id}")
        return _read_chat({"chat_id": chat_id, **data_of(body)})

    @ApiPages
    def member_pages(self, *, chat_id: str, member_id_type: UserIdType = "open_id") -> Pages[MemberPage]:
        """Yield the people of a group that the bot is in.

        :raises AccessDenied: it is not.
        """
        subject, needs = f"members of chat {chat_id}", {"member_id": str}

        def fetch(page_token: str | None) -> Flow[MemberPage]:
            query = {"member_id_type": member_id_type, "page_size": LIST_PAGE_MAX, "page_token": page_token}
            body = yield from self.session.call(LIST_MEMBERS, {"chat_id": chat_id}, query=query, subject=subject)
            data = data_of(body)
            items = pick_objects(data, "items", needs, endpoint=LIST_MEMBERS.endpoint)
            people = [ChatMember(each["member_id"], str(each.get("name") or "")) for each in items]
            return MemberPage(people, data["has_more"], data.get("page_token") or None)

        return walk_pages(fetch, subject=subject)

    @ApiCall
    def create(
        self,
        *,
        name: str,
        user_ids: Sequence[str] = (),
        bot_ids: Sequence[str] = (),
        owner_id: str | None = None,
        user_id_type: UserIdType = "open_id",
        description: str = "",
        is_public: bool = False,
        in_threads: bool = False,
        uuid: str | None = None,
    ) -> Flow[ChatInfo]:
        """Found a group with the app's bot in it, which owns it unless *owner_id* is given.

        :param user_ids: up to 50 people.
        :param bot_ids: up to 5 app_ids.
        :param is_public: whether everybody of the tenant finds and joins it.
        :param in_threads: whether each message begins a thread.
        :param uuid: equal ones within ten hours found one group; default: a new one.
        :raises BadRequest: too many, or a name that is refused.
        :raises NotFound: somebody is not known.
        """
        uuid = uuid or self.session.settings.new_token()
        if len(uuid) > MESSAGE_UUID_MAX:
            raise BadRequest(f"uuid must have at most {MESSAGE_UUID_MAX} characters, got {len(uuid)}")
        _check_count(user_ids, CHAT_MEMBERS_ADDED_MAX, "user_ids")
        _check_count(bot_ids, CHAT_BOTS_ADDED_MAX, "bot_ids")
        json: JsonObject = {
            "name": name,
            "chat_type": "public" if is_public else "private",
            "group_message_type": "thread" if in_threads else "chat",
        }
        more = {"description": description, "user_id_list": list(user_ids), "bot_id_list": list(bot_ids)}
        json |= {key: value for key, value in {**more, "owner_id": owner_id}.items() if value}
        query: dict[str, QueryValue] = {"user_id_type": user_id_type, "uuid": uuid}
        if owner_id:
            # or the bot could not take anybody in later
            query["set_bot_manager"] = True
        body = yield from self.session.call(
            CREATE_CHAT, query=query, json=json, effect="replayable", subject=f"chat {name[:60]!r}"
        )
        return _read_chat(data_of(body))

    @ApiCall
    def add_members(
        self, *, chat_id: str, member_ids: Sequence[str], member_id_type: MemberIdType = "open_id"
    ) -> Flow[Added]:
        """Take people, or bots by app_id, into a group that the bot is in, and return who could not be.

        50 people or 5 bots a call, one call after the other: Lark refuses two at once.

        :raises AccessDenied: the bot is not in the group, or may take nobody in.
        """
        if isinstance(member_ids, str) or not member_ids:
            raise BadRequest("member_ids: expected a list of at least one id")
        most = CHAT_BOTS_ADDED_MAX if member_id_type == "app_id" else CHAT_MEMBERS_ADDED_MAX
        # 1: take in whom it can, and name the others
        query = {"member_id_type": member_id_type, "succeed_type": 1}
        told: dict[str, list[str]] = {"not_existed_id_list": [], "invalid_id_list": [], "pending_approval_id_list": []}
        for start in range(0, len(member_ids), most):
            body = yield from self.session.call(
                ADD_MEMBERS,
                {"chat_id": chat_id},
                query=query,
                json={"id_list": list(member_ids[start : start + most])},
                subject=f"members of chat {chat_id}",
            )
            for kind, ids in told.items():
                ids += [str(each) for each in pick_list(data_of(body), kind, endpoint=ADD_MEMBERS.endpoint)]
        return Added(*(tuple(ids) for ids in told.values()))

    def _walk(self, route: Route, query: Mapping[str, QueryValue], subject: str) -> Pages[ChatPage]:
        needs: Gives = {"chat_id": str}

        def fetch(page_token: str | None) -> Flow[ChatPage]:
            asked = {**query, "page_size": LIST_PAGE_MAX, "page_token": page_token}
            data = data_of((yield from self.session.call(route, query=asked, subject=subject)))
            items = pick_objects(data, "items", needs, endpoint=route.endpoint)
            return ChatPage([_read_chat(each) for each in items], data["has_more"], data.get("page_token") or None)

        fetch_page: Callable[[str | None], Flow[ChatPage]] = fetch
        return walk_pages(fetch_page, subject=subject)


def _read_chat(item: Mapping[str, Any]) -> ChatInfo:
    return ChatInfo(
        chat_id=item["chat_id"],
        name=str(item.get("name") or ""),
        description=str(item.get("description") or ""),
        owner_id=str(item.get("owner_id") or ""),
        is_external=bool(item.get("external")),
        status=str(item.get("chat_status") or "normal"),
    )


def _check_count(ids: Sequence[str], most: int, name: str) -> None:
    if isinstance(ids, str) or len(ids) > most:
        raise BadRequest(f"{name}: expected a list of at most {most} ids; add more with add_members")
