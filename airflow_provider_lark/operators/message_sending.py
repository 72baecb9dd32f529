"""Messages as an app's bot, each sent once over all tries of a task: to people and chats, and as replies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError, LarkError, NotFound, OutcomeUnknown, Stopped
from airflow_provider_lark.hooks.parameters import read_flag, read_text
from airflow_provider_lark.operators.messages.base import (
    GONE,
    WORDS,
    OpenedHook,
    Said,
    SayingOperator,
    read_message_ids,
)
from airflow_provider_lark.operators.messages.delivering import (
    DELIVERING,
    IDS,
    RECEIVING,
    DeliveringOperator,
    ReceiversOperator,
)
from airflow_provider_lark.operators.messages.files import FILES, given_files, one_each, pictures
from airflow_provider_lark.operators.messages.sent_once import SentOnce, deliver_once, message_uuid

if TYPE_CHECKING:
    from airflow_provider_lark.core.api.services.messaging.wire import Delivery


class SendingOperator(SayingOperator, DeliveringOperator):
    """Sends one of *text*, *markdown*, *post*, *card*, *template_id*, *file*, *file_content* and *image*.

    Of a list of files each is a message, since Lark's messages hold one, in the list's order. A list of images is one
    message: a post with all of them, below *title*, so that the chat is notified once.

    :param file: path of a file of up to 30 MB, local or of an object storage (``s3://…``); or a list of them.
    :param file_content: a file's text in place of its path; it needs a *file_name*.
    :param file_name: what the chat shows as the file's name; default: that of the path. For a list of files a list.
    :param image: path of an image of up to 10 MB; or a list of them.
    :param storage_conn_id: connection of the object storage.
    """

    kinds = (*WORDS, *FILES)
    template_fields: Sequence[str] = (
        *(*SayingOperator.template_fields, *DELIVERING, *FILES, "file_name"),
        "storage_conn_id",
    )

    def __init__(
        self,
        *,
        file: Sequence[str] | str | None = None,
        file_content: str | None = None,
        file_name: Sequence[str] | str | None = None,
        image: Sequence[str] | str | None = None,
        storage_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.file = file
        self.file_content = file_content
        self.file_name = file_name
        self.image = image
        self.storage_conn_id = storage_conn_id

    def _parts(self, opened: OpenedHook) -> Iterator[Said]:
        """Yield the messages that the task sends, one after the other: no more than one file is in memory.

        What is wrong with any of several files is told before the first message.
        """
        kind, value = self._given(opened.context)
        if kind not in FILES:
            yield self._say(kind, value, self._people(opened))
            return
        files = given_files(kind, value, file_name=self.file_name, conn_id=read_text(self.storage_conn_id))
        people = self._people(opened)
        if kind == "image" and len(files) > 1:
            yield pictures(opened.client, files, title=read_text(self.title) or "", people=people)
            return
        if people:
            raise ConfigError(
                f"mentions: not supported in a message of type {kind}; send a separate text message with the mentions"
            )
        yield from one_each(opened.client, kind, files)


class LarkSendMessageOperator(SendingOperator, ReceiversOperator):
    """Sends one of *text*, *markdown*, *post*, *card*, *template_id*, *file*, *file_content* and *image*.

    Once, also when the task is tried again: all tries of one content share a ``uuid``, which Lark heeds for an hour,
    and since Airflow 3.3 the task state store keeps who has got it. Where an earlier try may have sent it longer ago,
    the task fails and says so, unless *resend_if_unknown*. Another content is another message.

    Returns ``{"message_id": …, "chat_id": …, "created_ms": …, "thread_id": …}`` of the first message, and where there
    are several ``messages``: for each file and receiver one, with its ``receive_id``, and of several files its
    ``file_name``. *thread_id* is empty outside threads.
    """

    template_fields: Sequence[str] = (*RECEIVING, *SendingOperator.template_fields)

    def _run(self, opened: OpenedHook) -> dict[str, Any]:
        receivers = self._receivers()
        sent: list[tuple[str, list[dict[str, Any]]]] = []
        # a message is made before the memory is asked, so that a wrong card fails in the same way each time
        for part, said in enumerate(self._parts(opened)):
            memory = self._recall(opened.context, receivers, [said.kind, said.mark], part)
            sent.append((said.file_name, self._deliver(opened, said.make, memory, receivers)))
        if len(sent) == 1:
            return self._tell_sent(sent[0][1])
        return self._tell_sent([{**each, "file_name": name} for name, messages in sent for each in messages])


class LarkReplyMessageOperator(SendingOperator):
    """Replies to a message with one of *text*, *markdown*, *post*, *card*, *template_id*, *file*, *file_content* and
    *image*.

    Once over all tries, as :class:`LarkSendMessageOperator` sends. A message that was recalled, or is not there, fails
    the task, and nothing is sent elsewhere in its place unless *instead_receive_id* says where.

    Returns ``{"message_id", "chat_id", "created_ms", "thread_id", "is_reply"}``, of several files those of the first,
    and ``messages``, one for each with its ``file_name``.

    :param message_id: the message (``om_…``), or the output of the task that sent it.
    :param reply_in_thread: begin a thread below the message; where one is, the reply stands in it either way.
    :param instead_receive_id: who gets it as a message of its own when the one to reply to is gone: a person or chat,
        as *receive_id* of :class:`LarkSendMessageOperator`; default: nobody.
    """

    template_fields: Sequence[str] = (
        *("message_id", "reply_in_thread", "instead_receive_id", *SendingOperator.template_fields),
    )

    def __init__(
        self,
        *,
        message_id: Mapping[str, Any] | str,
        reply_in_thread: bool | str = False,
        instead_receive_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.message_id = message_id
        self.reply_in_thread = reply_in_thread
        self.instead_receive_id = instead_receive_id

    def _run(self, opened: OpenedHook) -> dict[str, Any]:
        message_id, in_thread = self._parent(), read_flag(self.reply_in_thread, "reply_in_thread")
        told = []
        for part, said in enumerate(self._parts(opened)):
            reply = self._reply_or_instead(opened, said, message_id, in_thread=in_thread, part=part)
            told.append((said.file_name, reply))
        first = told[0][1]
        self.sent_chat_id = str(first["chat_id"])
        if len(told) == 1:
            return first
        return {**first, "messages": [{**reply, "file_name": name} for name, reply in told]}

    def _reply_or_instead(
        self, opened: OpenedHook, said: Said, message_id: str, *, in_thread: bool, part: int
    ) -> dict[str, Any]:
        uuid = message_uuid(opened.context, "reply", [message_id, in_thread, said.kind, said.mark])
        elsewhere = read_text(self.instead_receive_id)
        if elsewhere is not None:
            # an earlier try may have gone there already, and have been cut off
            memory = self._memory_of_instead(opened, uuid, elsewhere, part)
            if memory.is_begun:
                return self._send_instead(opened, said, memory, elsewhere)
        memory = SentOnce.recall(opened.context, uuid, part=part)
        try:
            self._reply(opened, said, memory, message_id, in_thread=in_thread)
        except NotFound as exc:
            if exc.code not in GONE:
                raise
            if elsewhere is None:
                exc.add_note(
                    "no message was sent instead; set instead_receive_id to send one when the original message is gone"
                )
                raise
            self._check_not_in_doubt(memory, exc)
            self.log.warning("%s; sending a new message to instead_receive_id", exc)
            return self._send_instead(opened, said, self._memory_of_instead(opened, uuid, elsewhere, part), elsewhere)
        return _told(memory.sent[message_id], is_reply=True)

    def _parent(self) -> str:
        ids = read_message_ids(self.message_id)
        if len(ids) > 1:
            raise ConfigError(
                f"message_id: got {len(ids)} messages; give one, or use dynamic task mapping to reply to each"
            )
        return ids[0]

    def _reply(self, opened: OpenedHook, said: Said, memory: SentOnce, message_id: str, *, in_thread: bool) -> None:
        from airflow_provider_lark.core.api.services.messaging.wire import Delivery

        if not memory.pending([message_id]):
            self.log.info("an earlier try already replied to message %s", message_id)
            return
        content = said.make()

        def reply(pending: list[str]) -> list[Delivery]:
            try:
                sent = opened.client.messaging.reply(
                    message_id=message_id, content=content, in_thread=in_thread, uuid=memory.uuid
                )
            except Stopped:
                raise
            except LarkError as error:
                return [Delivery(each, None, error) for each in pending]
            return [Delivery(each, sent) for each in pending]

        deliver_once(memory, [message_id], reply, resend_if_unknown=self._may_resend)
        self.log.info("replied to message %s", message_id)

    def _check_not_in_doubt(self, memory: SentOnce, exc: LarkError) -> None:
        if memory.began is not None and not self._may_resend:
            raise OutcomeUnknown(
                "an earlier try of this task was interrupted while replying, and the original message has since been "
                "deleted or recalled. The reply may or may not have been sent; check the chat, and set "
                "resend_if_unknown=True to send it to instead_receive_id"
            ) from exc

    def _memory_of_instead(self, opened: OpenedHook, uuid: str, elsewhere: str, part: int) -> SentOnce:
        return SentOnce.recall(opened.context, message_uuid(opened.context, "instead", [uuid, elsewhere]), part=part)

    def _send_instead(self, opened: OpenedHook, said: Said, memory: SentOnce, elsewhere: str) -> dict[str, Any]:
        self._send(opened, said.make, memory, [elsewhere])
        return _told(memory.sent[elsewhere], is_reply=False)


def _told(sent: Mapping[str, Any], *, is_reply: bool) -> dict[str, Any]:
    return {**{name: sent[name] for name in IDS}, "is_reply": is_reply}
