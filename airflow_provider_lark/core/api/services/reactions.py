"""Emojis below messages: ``client.reactions``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.services.messaging.wire import Reaction, read_ms
from airflow_provider_lark.core.api.services.openapi import DataPage
from airflow_provider_lark.core.api.wire.answers import Gives, data_of, pick_objects
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.api.wire.limits import MESSAGES_PAGE_MAX
from airflow_provider_lark.core.api.wire.paging import collect_pages, walk_pages
from airflow_provider_lark.core.api.wire.results import UserIdType
from airflow_provider_lark.core.api.wire.routes import ADD_REACTION, DELETE_REACTION, LIST_REACTIONS

_A_REACTION: Gives = {"reaction_id": str}


class Reactions(Namespace[D]):
    """The reactions API."""

    @ApiCall
    def add(self, *, message_id: str, emoji_type: str) -> Flow[Reaction]:
        """Put an emoji below a message, as the app's bot.

        :param emoji_type: such as ``DONE``, ``OK``, ``THUMBSUP``, ``CrossMark``; case counts.
        :raises BadRequest: there is no such emoji.
        :raises NotFound: the message was recalled, or is not there.
        """
        json = {"reaction_type": {"emoji_type": emoji_type}}
        subject = f"reaction to message {message_id}"
        body = yield from self.session.call(ADD_REACTION, {"message_id": message_id}, json=json, subject=subject)
        return _read(data_of(body))

    @ApiCall
    def list(
        self, *, message_id: str, emoji_type: str | None = None, user_id_type: UserIdType = "open_id"
    ) -> Flow[list[Reaction]]:
        """Return the emojis below a message, or those of one kind."""
        subject = f"reactions to message {message_id}"

        def fetch(page_token: str | None) -> Flow[DataPage]:
            query = {
                "reaction_type": emoji_type,
                "user_id_type": user_id_type,
                "page_size": MESSAGES_PAGE_MAX,
                "page_token": page_token,
            }
            ids = {"message_id": message_id}
            return DataPage(data_of((yield from self.session.call(LIST_REACTIONS, ids, query=query, subject=subject))))

        pages = yield from collect_pages(walk_pages(fetch, subject=subject))
        endpoint = LIST_REACTIONS.endpoint
        return [_read(each) for page in pages for each in pick_objects(page, "items", _A_REACTION, endpoint=endpoint)]

    @ApiCall
    def remove(self, *, message_id: str, reaction_id: str) -> Flow[None]:
        """Take an emoji of the app's own away.

        :raises NotFound: it is not there.
        """
        ids = {"message_id": message_id, "reaction_id": reaction_id}
        yield from self.session.call(DELETE_REACTION, ids, subject=f"reaction to message {message_id}")


def _read(item: Mapping[str, Any]) -> Reaction:
    operator, kind = item.get("operator") or {}, item.get("reaction_type") or {}
    return Reaction(
        reaction_id=item["reaction_id"],
        emoji_type=str(kind.get("emoji_type") or ""),
        operator_id=str(operator.get("operator_id") or ""),
        operator_type=str(operator.get("operator_type") or ""),
        created_ms=read_ms(item.get("action_time")) or 0,
    )
