"""How a message of a task reaches its receivers: each once over all tries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.hooks.parameters import read_flag, read_names, read_text
from airflow_provider_lark.operators.messages.base import MessageOperator, OpenedHook
from airflow_provider_lark.operators.messages.sent_once import SentOnce, deliver_once, message_uuid

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_lark.core.api.services.messaging.content import Content
    from airflow_provider_lark.core.api.services.messaging.receivers import ReceiverIdType
    from airflow_provider_lark.core.api.services.messaging.wire import Delivery

IDS = ("message_id", "chat_id", "created_ms", "thread_id")
"""What is told of a message."""

DELIVERING = ("resend_if_unknown",)
"""Templates of :class:`DeliveringOperator`."""

RECEIVING = ("receive_id", "receive_id_type")
"""Templates of :class:`ReceiversOperator`, beside those."""


class DeliveringOperator(MessageOperator):
    """Sends a message, once over all tries.

    :param resend_if_unknown: send again what an earlier try may have sent over an hour ago.
    """

    template_fields: Sequence[str] = (*MessageOperator.template_fields, *DELIVERING)

    def __init__(self, *, resend_if_unknown: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.resend_if_unknown = resend_if_unknown

    def _send(
        self,
        opened: OpenedHook,
        make: Callable[[], Content],
        memory: SentOnce,
        receivers: Sequence[str],
        receiver_id_type: ReceiverIdType | None = None,
    ) -> None:
        """Send to those of *receivers* who have not got it; where all have, nothing is made."""
        if not memory.pending(receivers):
            self.log.info("an earlier try already sent the message to all receivers (%d)", len(receivers))
            return
        content = make()

        def send(pending: list[str]) -> list[Delivery]:
            return opened.client.messaging.send_to_each(
                receiver_ids=pending, content=content, receiver_id_type=receiver_id_type, uuid=memory.uuid
            )

        count = deliver_once(memory, receivers, send, resend_if_unknown=self._may_resend)
        self.log.info("sent the message (type %s) to %d of %d receivers", content.msg_type, count, len(receivers))

    @property
    def _may_resend(self) -> bool:
        return read_flag(self.resend_if_unknown, "resend_if_unknown")


class ReceiversOperator(DeliveringOperator):
    """Sends a message to people and chats.

    :param receive_id: open_id (``ou_…``), union_id (``on_…``), chat_id (``oc_…``), e-mail address, user_id, or a chat's
        exact name; or a list of them.
    :param receive_id_type: type of *receive_id*; default: detected from its form. Required for a user_id.
    """

    template_fields: Sequence[str] = (*RECEIVING, *DeliveringOperator.template_fields)

    def __init__(self, *, receive_id: Sequence[str] | str, receive_id_type: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.receive_id = receive_id
        self.receive_id_type = receive_id_type

    def _receivers(self) -> list[str]:
        given = [str(each).strip() for each in read_names(self.receive_id, "receive_id")]
        if not given or not all(given):
            raise ConfigError("receive_id: is empty; give an id, an e-mail address, a chat's name, or a list of them")
        return list(dict.fromkeys(given))

    def _recall(self, context: Context, receivers: Sequence[str], said: Sequence[Any], part: int = 0) -> SentOnce:
        """Return what earlier tries did with the same message.

        :param said: what tells it from others, as plain data.
        :param part: which one it is of several that the task sends.
        """
        uuid = message_uuid(context, "send", [receivers, self.receive_id_type, *said])
        return SentOnce.recall(context, uuid, part=part)

    def _deliver(
        self, opened: OpenedHook, make: Callable[[], Content], memory: SentOnce, receivers: Sequence[str]
    ) -> list[dict[str, Any]]:
        kind = read_text(self.receive_id_type)
        self._send(opened, make, memory, receivers, kind)  # type: ignore[arg-type]  # checked where it is used
        return self._delivered(receivers, memory.sent)

    def _delivered(self, receivers: Sequence[str], sent: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
        # who is named twice has got it under the first name
        return [{"receive_id": each, **sent[each]} for each in receivers if each in sent]

    def _tell_sent(self, messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return what the task returns: the first message, and where there are several all of them."""
        self.sent_chat_id = str(messages[0]["chat_id"])
        first = {name: messages[0][name] for name in IDS}
        return first if len(messages) == 1 else {**first, "messages": list(messages)}
