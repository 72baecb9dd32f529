"""Reading messages: one, a chat's or a thread's, and who read them."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime

from airflow_provider_lark.core.api.calls.namespace import ApiCall, ApiPages, D, Namespace
from airflow_provider_lark.core.api.services.messaging.receivers import resolve_receiver
from airflow_provider_lark.core.api.services.messaging.wire import Message, MessagePage, Reader, read_message, read_ms
from airflow_provider_lark.core.api.services.openapi import DataPage
from airflow_provider_lark.core.api.wire.answers import Gives, data_of, pick_objects
from airflow_provider_lark.core.api.wire.flow import Flow, Pages
from airflow_provider_lark.core.api.wire.limits import MESSAGES_PAGE_MAX, READERS_PAGE_MAX
from airflow_provider_lark.core.api.wire.paging import collect_pages, walk_pages
from airflow_provider_lark.core.api.wire.query import QueryValue
from airflow_provider_lark.core.api.wire.results import UserIdType
from airflow_provider_lark.core.api.wire.routes import GET_MESSAGE, LIST_MESSAGES, READ_USERS
from airflow_provider_lark.core.errors import BadRequest, NotFound

_A_MESSAGE: Gives = {"message_id": str}
_ORIGINAL = "user_card_content"


class Reading(Namespace[D]):
    """The messaging API: what reads messages."""

    @ApiCall
    def get(
        self, *, message_id: str, user_id_type: UserIdType = "open_id", original_card: bool = False
    ) -> Flow[list[Message]]:
        """Return a message, and behind a merged one those that it was made of.

        :param original_card: a card as it was sent; without it Lark shows title and words.
        :raises NotFound: the message was deleted, or is not there.
        """
        query = {"user_id_type": user_id_type, "card_msg_content_type": _ORIGINAL if original_card else None}
        subject = f"message {message_id}"
        body = yield from self.session.call(GET_MESSAGE, {"message_id": message_id}, query=query, subject=subject)
        items = pick_objects(data_of(body), "items", _A_MESSAGE, endpoint=GET_MESSAGE.endpoint)
        if not items:
            raise NotFound(f"{subject}: Lark returned no content", endpoint=GET_MESSAGE.endpoint)
        return [read_message(each) for each in items]

    @ApiPages
    def history_pages(
        self,
        *,
        chat_id: str | None = None,
        thread_id: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        newest_first: bool = False,
        original_cards: bool = False,
        page_size: int = MESSAGES_PAGE_MAX,
    ) -> Pages[MessagePage]:
        """Yield the messages of a chat, or of a thread in it, each page when it is asked for; recalled ones too.

        Of threads a chat shows the first messages only. In a group the app needs ``im:message.group_msg``.

        :param chat_id: or a chat's name.
        :param thread_id: in place of *chat_id*.
        :param start: the first moment that counts, *end* the first one that does not; with a time zone, of chats only.
        :param page_size: 1 to 50.
        :raises BadRequest: not exactly one of *chat_id* and *thread_id*, or a window that cannot be.
        """
        if (chat_id is None) == (thread_id is None):
            raise BadRequest("give either chat_id or thread_id, not both")
        if thread_id is not None and (start is not None or end is not None):
            raise BadRequest(
                "start and end: not supported for a thread, which Lark always returns as a whole; leave them out, or "
                "read the chat"
            )
        is_within = _window(start, end)
        query: dict[str, QueryValue] = {
            "container_id_type": "thread" if chat_id is None else "chat",
            "container_id": thread_id,
            # whole seconds that hold the window; what lies outside is left out below
            "start_time": None if start is None else str(math.floor(start.timestamp())),
            "end_time": None if end is None else str(math.ceil(end.timestamp())),
            "sort_type": "ByCreateTimeDesc" if newest_first else "ByCreateTimeAsc",
            "page_size": page_size,
            "card_msg_content_type": _ORIGINAL if original_cards else None,
        }
        what = f"chat {chat_id}" if chat_id is not None else f"thread {thread_id}"

        def fetch(page_token: str | None) -> Flow[MessagePage]:
            if chat_id is not None and page_token is None:
                receiver = yield from resolve_receiver(self.session, chat_id, None)
                if receiver.kind != "chat_id":
                    raise BadRequest(f"{chat_id[:100]!r} is not a chat: give a chat_id (oc_…) or the name of a chat")
                query["container_id"] = receiver.id
            asked = {**query, "page_token": page_token}
            body = yield from self.session.call(LIST_MESSAGES, query=asked, subject=f"messages of {what}")
            data = data_of(body)
            items = pick_objects(data, "items", _A_MESSAGE, endpoint=LIST_MESSAGES.endpoint)
            read = [message for each in items if is_within(message := read_message(each))]
            return MessagePage(read, data["has_more"], data.get("page_token") or None)

        return walk_pages(fetch, subject=f"messages of {what}")

    @ApiCall
    def list_readers(self, *, message_id: str, user_id_type: UserIdType = "open_id") -> Flow[list[Reader]]:
        """Return who has read a message of the app's own, of the last seven days.

        :raises AccessDenied: the message is somebody else's.
        """
        subject = f"readers of message {message_id}"

        def fetch(page_token: str | None) -> Flow[DataPage]:
            query = {"user_id_type": user_id_type, "page_size": READERS_PAGE_MAX, "page_token": page_token}
            body = yield from self.session.call(READ_USERS, {"message_id": message_id}, query=query, subject=subject)
            return DataPage(data_of(body))

        pages = yield from collect_pages(walk_pages(fetch, subject=subject))
        needs: Gives = {"user_id": str}
        items = [each for page in pages for each in pick_objects(page, "items", needs, endpoint=READ_USERS.endpoint)]
        return [Reader(each["user_id"], read_ms(each.get("timestamp")) or 0) for each in items]


def _window(start: datetime | None, end: datetime | None) -> Callable[[Message], bool]:
    for name, moment in (("start", start), ("end", end)):
        if moment is not None and moment.tzinfo is None:
            raise BadRequest(f"{name} has no time zone: use an aware datetime such as datetime.now(UTC)")
    if start is not None and end is not None and start >= end:
        raise BadRequest("start must be before end")
    first_ms = float("-inf") if start is None else start.timestamp() * 1000
    last_ms = float("inf") if end is None else end.timestamp() * 1000
    return lambda message: first_ms <= message.created_ms < last_ms
