"""The messages of a chat or thread, as plain data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError, TooLarge
from airflow_provider_lark.hooks.parameters import read_count, read_moment, read_text, read_zone
from airflow_provider_lark.hooks.xcom_size import XCOM_BYTES_MAX, json_size
from airflow_provider_lark.operators.messages.base import MessageOperator, OpenedHook

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.api.services.messaging.wire import Message

_PAGE_MAX = 50


class LarkMessageHistoryOperator(MessageOperator):
    """Reads the messages of a chat or a thread, oldest first; recalled ones too, without content.

    Of threads a chat shows the first messages only; their *thread_id* leads to the rest. In a group the app needs the
    scope ``im:message.group_msg``.

    Returns ``{"messages": [{"message_id", "msg_type", "chat_id", "content", "sender_id", "created_ms", …}],
    "has_more"}``: *content* is an object whose form *msg_type* tells (of a text ``{"text": …}``), ``None`` of a
    recalled message. *has_more* is true where *limit* left some out.

    :param chat_id: the chat (``oc_…``), or its exact name.
    :param thread_id: in place of *chat_id*; Lark reads a thread as a whole, without *start* and *end*.
    :param start: the first moment that counts, a datetime or text such as ``{{ data_interval_start }}``.
    :param end: the first moment that does not.
    :param time_zone: name of the zone of *start* and *end* where they say none, such as ``{{ ds }}``.
    :param limit: most messages; what does not fit an XCom of 1 MiB fails.
    :param newest_first: the last messages, not the first ones.
    :param original_cards: cards as they were sent; without it Lark shows title and words.
    """

    template_fields: Sequence[str] = (
        *("chat_id", "thread_id", "start", "end", "time_zone", "limit"),
        *MessageOperator.template_fields,
    )

    def __init__(
        self,
        *,
        chat_id: str | None = None,
        thread_id: str | None = None,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        time_zone: str | None = None,
        limit: int | str | None = None,
        newest_first: bool = False,
        original_cards: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.chat_id = chat_id
        self.thread_id = thread_id
        self.start = start
        self.end = end
        self.time_zone = time_zone
        self.limit = limit
        self.newest_first = newest_first
        self.original_cards = original_cards

    def _run(self, opened: OpenedHook) -> dict[str, Any]:
        limit = read_count(self.limit, "limit")
        if limit == 0:
            raise ConfigError("limit: must be at least 1; leave it out to read everything")
        found = self._read(opened.client, limit)
        messages = _gather(found if limit is None else islice(found, limit))
        has_more = limit is not None and next(found, None) is not None
        if messages:
            self.sent_chat_id = messages[0]["chat_id"]
        self.log.info("read %d messages%s", len(messages), ", and there are more" if has_more else "")
        return {"messages": messages, "has_more": has_more}

    def _read(self, client: LarkClient, limit: int | None) -> Iterator[Message]:
        zone = read_zone(self.time_zone)
        pages = client.messaging.history_pages(
            chat_id=read_text(self.chat_id),
            thread_id=read_text(self.thread_id),
            start=read_moment(self.start, "start", zone),
            end=read_moment(self.end, "end", zone),
            newest_first=self.newest_first,
            original_cards=self.original_cards,
            # one more tells whether there are more
            page_size=min(_PAGE_MAX, _PAGE_MAX if limit is None else limit + 1),
        )
        return (message for page in pages for message in page.items)


def _gather(found: Iterator[Message]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    size = 0
    for message in found:
        plain = {**asdict(message), "content": _read_content(message.content)}
        plain["mentions"] = list(plain["mentions"])
        size += json_size(plain)
        if size > XCOM_BYTES_MAX:
            raise TooLarge(
                f"the messages exceed the {XCOM_BYTES_MAX:,} bytes of JSON an XCom should hold; only the first "
                f"{len(messages)} fit. Read fewer (limit, start, end), or use client.messaging.history_pages in your "
                "own task"
            )
        messages.append(plain)
    return messages


def _read_content(text: str) -> Any:
    """Return the object of a content; of what is none the text itself, as Lark shows some that it cannot show."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
