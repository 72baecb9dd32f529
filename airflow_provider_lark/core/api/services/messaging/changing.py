"""Changing what was sent: edits, cards, recalls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_lark.core.api.calls.memory import SentForm
from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.calls.ratelimit import Lane
from airflow_provider_lark.core.api.services.messaging import content as contents
from airflow_provider_lark.core.api.services.messaging.content import Content, check_size
from airflow_provider_lark.core.api.services.messaging.wire import SentMessage, read_sent
from airflow_provider_lark.core.api.wire.answers import data_of
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.api.wire.limits import UPDATES_PER_MESSAGE, Quota
from airflow_provider_lark.core.api.wire.routes import EDIT_MESSAGE, RECALL_MESSAGE, UPDATE_CARD, UPDATE_CLICKED_CARD
from airflow_provider_lark.core.errors import BadRequest

_CALLED: dict[str, str] = {
    "1.0": "a card of JSON 1.0",
    "2.0": "a card of JSON 2.0",
    "template": "a card made from a template",
    "entity": "a card entity",
}


class Changing(Namespace[D]):
    """The messaging API: what changes messages."""

    @ApiCall
    def edit(self, *, message_id: str, content: Content) -> Flow[SentMessage]:
        """Let a text or post of the app's own say something else.

        At most 20 times, and within the time that the tenant's administrator sets.

        :raises BadRequest: neither a text nor a post; the message was edited 20 times, or is too old.
        :raises NotFound: the message was recalled.
        """
        if content.msg_type not in ("text", "post"):
            raise BadRequest(
                f"a message of type {content.msg_type} cannot be edited; use update_card to replace a card"
            )
        body = {"msg_type": content.msg_type, "content": content.write()}
        check_size(content, body)
        answer = yield from self.session.call(
            EDIT_MESSAGE,
            {"message_id": message_id},
            json=body,
            subject=f"message {message_id}",
            lane=_lane(message_id),
        )
        return read_sent(data_of(answer))

    @ApiCall
    def update_card(
        self, *, message_id: str, card: Mapping[str, Any] | Content, sent_form: SentForm = ""
    ) -> Flow[None]:
        """Replace a card of the app's own, for everybody who sees it; within 14 days.

        :param card: of the form that was sent: JSON 1.0, 2.0 and templates cannot replace each other. One of JSON 1.0
            has to say ``"update_multi": true`` in its config, and so must the one that was sent.
        :param sent_form: which form that was; default: what this process knows of it.
        :raises BadRequest: the forms differ; the card is not shared; the message is no card, or too old.
        :raises NotFound: the message was recalled.
        """
        content = card if isinstance(card, Content) else contents.card(card)
        _check_form(content, sent_form or self.session.sent.get(message_id).form, message_id)
        _check_shared(content)
        body = {"content": content.write()}
        check_size(content, body)
        yield from self.session.call(
            UPDATE_CARD,
            {"message_id": message_id},
            json=body,
            subject=f"card {message_id}",
            lane=_lane(message_id),
        )

    @ApiCall
    def update_clicked_card(self, *, token: str, card: Mapping[str, Any] | Content) -> Flow[None]:
        """Replace the card that somebody clicked, with the token of the callback: for cards whose message is not known.

        Twice, within 30 minutes, and only after the callback was answered. ``update_card`` has no such limits.

        :param card: of the form that was sent, see :meth:`update_card`.
        :raises BadRequest: the token is used up or too old; the forms differ.
        """
        content = card if isinstance(card, Content) else contents.card(card)
        _check_shared(content)
        body = {"token": token, "card": dict(content.value)}
        check_size(content, body)
        yield from self.session.call(UPDATE_CLICKED_CARD, json=body, subject="the card that was clicked")

    @ApiCall
    def recall(self, *, message_id: str) -> Flow[None]:
        """Take a message back.

        Its own within the time that the tenant's administrator sets; those of others where the bot runs the group.

        :raises NotFound: it was recalled before.
        """
        yield from self.session.call(RECALL_MESSAGE, {"message_id": message_id}, subject=f"message {message_id}")


def _lane(message_id: str) -> Lane:
    return Lane(f"updates of {message_id}", Quota(UPDATES_PER_MESSAGE))


def _check_form(content: Content, sent_form: str, message_id: str) -> None:
    if content.msg_type != "interactive":
        raise BadRequest(f"a message of type {content.msg_type} is not a card; use edit for texts and posts")
    if sent_form and sent_form != content.form:
        raise BadRequest(
            f"message {message_id} was sent as {_CALLED[sent_form]} and cannot be replaced by {_CALLED[content.form]}; "
            "use the same kind of card, or send a new message"
        )


def _check_shared(content: Content) -> None:
    config = content.value.get("config")
    told = config.get("update_multi") if isinstance(config, Mapping) else None
    if (content.form == "1.0" and told is not True) or (content.form == "2.0" and told is False):
        raise BadRequest(
            'the card is not shared, so it cannot be updated for everyone: set {"config": {"update_multi": true}} '
            "in it and in the card that was sent"
        )
