"""Changing messages that were sent: edit, update, recall."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import LarkError, NotFound, Stopped
from airflow_provider_lark.operators.messages.base import (
    GONE,
    MessageOperator,
    OpenedHook,
    Said,
    SayingOperator,
    raise_first,
    read_message_ids,
)

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient

_UNKNOWN = 230030


class LarkUpdateMessageOperator(SayingOperator):
    """Lets messages of the app's own say something else, one of *text*, *markdown*, *post*, *card* and *template_id*.

    A *text* or *post* replaces a text or post, 20 times, within the time that the tenant's administrator sets. The
    others replace a card, within 14 days, by one of the form that was sent: JSON 1.0, JSON 2.0 (*markdown* is one) and
    templates cannot replace each other. Where one of several messages is refused, the others are changed.

    Returns ``{"message_ids": […]}``.

    :param message_id: the message (``om_…``), a list, or the output of the task that sent it.
    """

    template_fields: Sequence[str] = ("message_id", *SayingOperator.template_fields)

    def __init__(self, *, message_id: Mapping[str, Any] | Sequence[Any] | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.message_id = message_id

    def _run(self, opened: OpenedHook) -> dict[str, Any]:
        ids = read_message_ids(self.message_id)
        self.sent_chat_id = _chat_of(self.message_id)
        said = self._said(opened)
        _to_each(ids, lambda id_: self._change(opened.client, id_, said), "messages could not be updated")
        self.log.info("changed %d messages", len(ids))
        return {"message_ids": ids}

    def _change(self, client: LarkClient, message_id: str, said: Said) -> None:
        content = said.make()
        if content.msg_type == "interactive":
            client.messaging.update_card(message_id=message_id, card=content)
        else:
            edited = client.messaging.edit(message_id=message_id, content=content)
            self.sent_chat_id = self.sent_chat_id or edited.chat_id


class LarkRecallMessageOperator(MessageOperator):
    """Takes messages back: the app's own, and those of others where the bot runs the group.

    Its own within the time that the tenant's administrator sets.

    Returns ``{"recalled": […], "gone": […]}``: those that were gone before, as after a try of the task that was cut
    off, are no failure; one that never was is. Where one of several is refused, the others are taken back.

    :param message_id: the message (``om_…``), a list, or the output of the task that sent it.
    """

    template_fields: Sequence[str] = ("message_id", *MessageOperator.template_fields)

    def __init__(self, *, message_id: Mapping[str, Any] | Sequence[Any] | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.message_id = message_id

    def _run(self, opened: OpenedHook) -> dict[str, Any]:
        ids = read_message_ids(self.message_id)
        self.sent_chat_id = _chat_of(self.message_id)
        gone: list[str] = []

        def recall(message_id: str) -> None:
            try:
                opened.client.messaging.recall(message_id=message_id)
            except NotFound as exc:
                if exc.code not in GONE or exc.code == _UNKNOWN:
                    raise
                gone.append(message_id)

        _to_each(ids, recall, "messages could not be recalled")
        recalled = [each for each in ids if each not in gone]
        self.log.info("recalled %d messages, %d were gone before", len(recalled), len(gone))
        return {"recalled": recalled, "gone": gone}


def _chat_of(given: Any) -> str:
    """Return the chat of what a task that sends returns; empty where that is not told."""
    return str(given.get("chat_id") or "") if isinstance(given, Mapping) else ""


def _to_each(ids: Sequence[str], act: Callable[[str], None], told: str) -> None:
    """Act on each message, then raise what stopped the first."""
    errors: list[tuple[str, Exception]] = []
    for each in ids:
        try:
            act(each)
        except Stopped:
            raise
        except LarkError as error:
            errors.append((each, error))
    raise_first(errors, len(ids), told)
