"""Sending and replying."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from airflow_provider_lark.core.api.calls.memory import KnownMessage
from airflow_provider_lark.core.api.calls.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.calls.session import Session
from airflow_provider_lark.core.api.services.messaging import content as contents
from airflow_provider_lark.core.api.services.messaging.content import Content, check_size
from airflow_provider_lark.core.api.services.messaging.receivers import (
    Receiver,
    ReceiverIdType,
    resolve_receiver,
    resolve_receivers,
)
from airflow_provider_lark.core.api.services.messaging.wire import Delivery, SentMessage, read_sent
from airflow_provider_lark.core.api.wire.answers import JsonObject, data_of
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.api.wire.limits import MESSAGE_UUID_MAX
from airflow_provider_lark.core.api.wire.routes import REPLY_MESSAGE, SEND_MESSAGE
from airflow_provider_lark.core.errors import BadRequest, LarkError, Stopped


class Sending(Namespace[D]):
    """The messaging API: what makes messages."""

    @ApiCall
    def send_text(
        self,
        *,
        receiver_id: str,
        content: str,
        receiver_id_type: ReceiverIdType | None = None,
        uuid: str | None = None,
    ) -> Flow[SentMessage]:
        """Send a text as the app's bot to a person or a chat; see :meth:`send`.

        Lark reads ``<at user_id="ou_…">name</at>``, ``<b>``, ``<i>``, ``<u>``, ``<s>`` and ``[text](url)`` in it.

        :param content: at most 150 KB as it is sent.
        :raises BadRequest: nothing to say, or nobody to say it to.
        :raises TooLarge: the text is too long.
        """
        said = contents.text(content)
        return (yield from self._send(receiver_id, said, receiver_id_type, uuid))

    @ApiCall
    def send(
        self,
        *,
        receiver_id: str,
        content: Content,
        receiver_id_type: ReceiverIdType | None = None,
        uuid: str | None = None,
    ) -> Flow[SentMessage]:
        """Send a message of any type as the app's bot to a person or a chat.

        >>> from airflow_provider_lark.core.api.services.messaging import content
        >>> client.messaging.send(receiver_id="Sales", content=content.markdown("**done**"))  # doctest: +SKIP

        :param receiver_id: open_id (``ou_…``), union_id (``on_…``), chat_id (``oc_…``), e-mail address, user_id, or a
            chat's exact name.
        :param content: made by a function of :mod:`airflow_provider_lark.core.api.services.messaging.content`.
        :param receiver_id_type: which of them; default: what *receiver_id* looks like; a user_id has to be named so.
        :param uuid: equal ones within an hour send one message, whatever it says and to whomever; default: a new one,
            so that a message whose sending is not answered is sent again without being doubled.
        :raises BadRequest: nothing to say, or nobody to say it to; several chats have the name.
        :raises NotFound: no chat has the name; nobody has the id.
        :raises TooLarge: a text over 150 KB, a post or card over 30 KB, as they are sent.
        """
        return (yield from self._send(receiver_id, content, receiver_id_type, uuid))

    @ApiCall
    def send_to_each(
        self,
        *,
        receiver_ids: Sequence[str],
        content: Content,
        receiver_id_type: ReceiverIdType | None = None,
        uuid: str | None = None,
    ) -> Flow[list[Delivery]]:
        """Send a message to each of several people and chats, and return what became of each.

        All are looked up before the first is sent, so a wrong name sends nothing. After that one that is refused does
        not stop the others. Who is named twice gets it once.

        :param uuid: of which each receiver gets one of its own: Lark sends one message a uuid.
        :raises BadRequest: as :meth:`send`, and for an empty list.
        """
        text = content.write()
        receivers = yield from resolve_receivers(self.session, receiver_ids, receiver_id_type)
        uuid = uuid or self.session.settings.new_token()
        results: list[Delivery] = []
        for given, receiver in receivers:
            try:
                sent = yield from self._deliver(receiver, content, text, uuid_for(uuid, receiver.id))
                results.append(Delivery(given, sent))
            except Stopped:
                raise
            except LarkError as error:
                results.append(Delivery(given, None, error))
        return results

    @ApiCall
    def reply(
        self, *, message_id: str, content: Content, in_thread: bool = False, uuid: str | None = None
    ) -> Flow[SentMessage]:
        """Reply to a message, where it stands.

        A message that was recalled takes no reply, and nothing is sent in its place.

        :param in_thread: begin a thread below the message; where one is, the reply stands in it either way.
        :param uuid: as of :meth:`send`.
        :raises NotFound: the message was recalled, or is not there.
        """
        body: JsonObject = {"msg_type": content.msg_type, "content": content.write()}
        if in_thread:
            body["reply_in_thread"] = True
        body["uuid"] = _uuid(self.session, uuid)
        check_size(content, body)
        answer = yield from self.session.call(
            REPLY_MESSAGE,
            {"message_id": message_id},
            json=body,
            effect="replayable",
            subject=f"reply to message {message_id}",
            lane=Receiver("chat_id", self.session.sent.get(message_id).chat_id or f"of {message_id}").lane,
        )
        return self._note(content, read_sent(data_of(answer)))

    def _send(self, receiver_id: str, content: Content, kind: str | None, uuid: str | None) -> Flow[SentMessage]:
        text = content.write()
        uuid = _uuid(self.session, uuid)
        receiver = yield from resolve_receiver(self.session, receiver_id, kind)
        return (yield from self._deliver(receiver, content, text, uuid))

    def _deliver(self, receiver: Receiver, content: Content, text: str, uuid: str) -> Flow[SentMessage]:
        body = {"receive_id": receiver.id, "msg_type": content.msg_type, "content": text, "uuid": uuid}
        check_size(content, body)
        answer = yield from self.session.call(
            SEND_MESSAGE,
            query={"receive_id_type": receiver.kind},
            json=body,
            effect="replayable",
            subject=f"message to {receiver}",
            lane=receiver.lane,
        )
        return self._note(content, read_sent(data_of(answer)))

    def _note(self, content: Content, sent: SentMessage) -> SentMessage:
        # what replaces a card has to be of its form, and replies share the pace of the chat
        self.session.sent.keep(sent.message_id, KnownMessage(sent.chat_id, content.form))
        return sent


def uuid_for(uuid: str, part: str) -> str:
    """Return a uuid of *part* of what *uuid* stands for: the same for the same two."""
    return sha256(f"{uuid}\0{part}".encode()).hexdigest()[:MESSAGE_UUID_MAX]


def _uuid(session: Session, uuid: str | None) -> str:
    uuid = uuid or session.settings.new_token()
    if len(uuid) > MESSAGE_UUID_MAX:
        raise BadRequest(f"uuid must have at most {MESSAGE_UUID_MAX} characters, got {len(uuid)}")
    return uuid
