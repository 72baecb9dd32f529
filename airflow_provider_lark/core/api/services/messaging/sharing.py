"""Forwarding, alarming, and one message to many people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.services.messaging.content import Content, check_size
from airflow_provider_lark.core.api.services.messaging.receivers import ReceiverIdType, resolve_receiver
from airflow_provider_lark.core.api.services.messaging.wire import Batch, Forwarded, SentMessage, read_sent
from airflow_provider_lark.core.api.wire.answers import data_of, pick_list
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.api.wire.limits import BATCH_SEND_MAX, MERGE_FORWARD_MAX, URGENT_PEOPLE_MAX
from airflow_provider_lark.core.api.wire.results import UserIdType
from airflow_provider_lark.core.api.wire.routes import (
    BATCH_SEND,
    FORWARD_MESSAGE,
    MERGE_FORWARD,
    URGE_BY_APP,
    URGE_BY_PHONE,
    URGE_BY_SMS,
)
from airflow_provider_lark.core.errors import BadRequest, UnexpectedAnswer
from airflow_provider_lark.core.hints import counted

_WAYS = {"app": URGE_BY_APP, "sms": URGE_BY_SMS, "phone": URGE_BY_PHONE}
_BATCH_TYPES = ("text", "image", "post", "share_chat", "interactive")
_UNKNOWN = ("invalid_open_ids", "invalid_user_ids", "invalid_union_ids", "invalid_department_ids")


class Sharing(Namespace[D]):
    """The messaging API: what passes messages on."""

    @ApiCall
    def forward(
        self,
        *,
        message_id: str,
        receiver_id: str,
        receiver_id_type: ReceiverIdType | None = None,
        uuid: str | None = None,
    ) -> Flow[SentMessage]:
        """Forward a message; *receiver_id* as of :meth:`send`.

        :param uuid: equal ones within an hour forward once to one receiver; default: a new one.
        :raises BadRequest: a message of its type cannot be forwarded.
        """
        receiver = yield from resolve_receiver(self.session, receiver_id, receiver_id_type)
        answer = yield from self.session.call(
            FORWARD_MESSAGE,
            {"message_id": message_id},
            query={"receive_id_type": receiver.kind, "uuid": uuid or self.session.settings.new_token()},
            json={"receive_id": receiver.id},
            effect="replayable",
            subject=f"message {message_id} to {receiver}",
            lane=receiver.lane,
        )
        return read_sent(data_of(answer))

    @ApiCall
    def merge_forward(
        self,
        *,
        message_ids: Sequence[str],
        receiver_id: str,
        receiver_id_type: ReceiverIdType | None = None,
        uuid: str | None = None,
    ) -> Flow[Forwarded]:
        """Forward messages of one chat as one, up to 100; *receiver_id* as of :meth:`send`.

        :raises BadRequest: the messages are of several chats, or too many.
        """
        if not 1 <= len(message_ids) <= MERGE_FORWARD_MAX:
            raise BadRequest(
                f"message_ids: expected 1 to {MERGE_FORWARD_MAX} messages to merge and forward, got {len(message_ids)}"
            )
        receiver = yield from resolve_receiver(self.session, receiver_id, receiver_id_type)
        answer = yield from self.session.call(
            MERGE_FORWARD,
            query={"receive_id_type": receiver.kind, "uuid": uuid or self.session.settings.new_token()},
            json={"receive_id": receiver.id, "message_id_list": list(message_ids)},
            effect="replayable",
            subject=f"{len(message_ids)} messages to {receiver}",
            lane=receiver.lane,
        )
        data = data_of(answer)
        sent = read_sent(data["message"])
        if not sent.message_id:
            raise UnexpectedAnswer("the answer has no message_id", endpoint=MERGE_FORWARD.endpoint)
        left_out = pick_list(data, "invalid_message_id_list", endpoint=MERGE_FORWARD.endpoint)
        return Forwarded(sent, tuple(str(each) for each in left_out))

    @ApiCall
    def urge(
        self,
        *,
        message_id: str,
        user_ids: Sequence[str],
        user_id_type: UserIdType = "open_id",
        by: Literal["app", "sms", "phone"] = "app",
        allow_costs: bool = False,
    ) -> Flow[list[str]]:
        """Alarm members of the chat about a message of the app's own, and return the ids of those who are not members.

        :param user_ids: up to 200.
        :param by: in the client, by text message, or by a call.
        :param allow_costs: has to be given for ``sms`` and ``phone``, which the tenant pays for, each time.
        :raises BadRequest: nobody is in the chat; a quota is used up; one of them has left the company, or has too
            many unread alarms, and nobody is alarmed.
        :raises OutcomeUnknown: of sms and phone: no answer came, and asking again might ring again.
        """
        if by not in _WAYS:
            raise BadRequest(f"by: expected one of {', '.join(_WAYS)}, got {by!r}")
        if by != "app" and not allow_costs:
            raise BadRequest(f"urgent messages by {by} cost the tenant money: set allow_costs=True, or use by='app'")
        if isinstance(user_ids, str) or not 1 <= len(user_ids) <= URGENT_PEOPLE_MAX:
            raise BadRequest(f"user_ids: expected a list of 1 to {URGENT_PEOPLE_MAX} ids")
        answer = yield from self.session.call(
            _WAYS[by],
            {"message_id": message_id},
            query={"user_id_type": user_id_type},
            json={"user_id_list": list(user_ids)},
            subject=f"urgent notice for message {message_id}",
        )
        unknown = pick_list(data_of(answer), "invalid_user_id_list", endpoint=_WAYS[by].endpoint)
        return [str(each) for each in unknown]

    @ApiCall
    def send_batch(
        self,
        *,
        content: Content,
        open_ids: Sequence[str] = (),
        user_ids: Sequence[str] = (),
        union_ids: Sequence[str] = (),
        department_ids: Sequence[str] = (),
    ) -> Flow[list[Batch]]:
        """Send a message to many people, 200 ids of each kind a call, after a while; not to groups.

        Such messages cannot be edited, replied to or updated, and Lark does not know a repeated sending: after a lost
        answer this fails, for the message may have been sent.

        :param content: text, image, post, share_chat or card.
        :returns: one for each call.
        :raises OutcomeUnknown: no answer came.
        """
        if content.msg_type not in _BATCH_TYPES:
            raise BadRequest(
                f"a message of type {content.msg_type} cannot be sent in a batch; supported: {', '.join(_BATCH_TYPES)}"
            )
        content.write()
        lists = {"open_ids": open_ids, "user_ids": user_ids, "union_ids": union_ids, "department_ids": department_ids}
        longest = max(len(each) for each in lists.values())
        if longest == 0:
            raise BadRequest("no receivers: give open_ids, user_ids, union_ids or department_ids")
        batches = []
        for start in range(0, longest, BATCH_SEND_MAX):
            part = {name: list(each[start : start + BATCH_SEND_MAX]) for name, each in lists.items()}
            batches.append((yield from self._send_part(content, {name: each for name, each in part.items() if each})))
        return batches

    def _send_part(self, content: Content, receivers: Mapping[str, list[str]]) -> Flow[Batch]:
        body: dict[str, Any] = {"msg_type": content.msg_type, **_object(content), **receivers}
        check_size(content, body)
        count = sum(len(each) for each in receivers.values())
        answer = yield from self.session.call(BATCH_SEND, json=body, subject=f"message to {counted(count, 'receiver')}")
        data = data_of(answer)
        unknown = [each for name in _UNKNOWN for each in pick_list(data, name, endpoint=BATCH_SEND.endpoint)]
        return Batch(data["message_id"], tuple(str(each) for each in unknown))


def _object(content: Content) -> dict[str, Any]:
    # this older API takes objects, a card beside the content, and a post one level deeper
    if content.msg_type == "interactive":
        return {"card": content.value}
    return {"content": {"post": content.value} if content.msg_type == "post" else content.value}
