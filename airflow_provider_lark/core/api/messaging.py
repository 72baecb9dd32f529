"""Messages: ``client.messaging``. Text for now."""

from __future__ import annotations

import json
import re
from typing import Literal, get_args

from airflow_provider_lark.core.api.answers import data_of, pick
from airflow_provider_lark.core.api.flow import Flow
from airflow_provider_lark.core.api.limits import MESSAGE_UUID_MAX, TEXT_MESSAGE_MAX_BYTES
from airflow_provider_lark.core.api.namespace import ApiCall, D, Namespace
from airflow_provider_lark.core.api.query import is_encodable
from airflow_provider_lark.core.api.routes import SEND_MESSAGE
from airflow_provider_lark.core.api.wire import SentMessage
from airflow_provider_lark.core.errors import BadRequest, TooLarge

ReceiverIdType = Literal["open_id", "union_id", "user_id", "email", "chat_id"]

_PREFIXES: dict[str, ReceiverIdType] = {"ou_": "open_id", "on_": "union_id", "oc_": "chat_id"}
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
_USER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# ids of Lark that are no receiver: messages, threads, apps, bases, tables, records, departments
_OTHER_ID = re.compile(r"(?:om_|omt_|cli_|bas|tbl|rec|od-).*")


class Messaging(Namespace[D]):
    """The messaging API."""

    @ApiCall
    def send_text(
        self,
        *,
        receiver_id: str,
        content: str,
        receiver_id_type: ReceiverIdType | None = None,
        uuid: str | None = None,
    ) -> Flow[SentMessage]:
        """Send a text as the app's bot to a person or a chat.

        Lark reads ``<at user_id="ou_…">name</at>``, ``<b>``, ``<i>``, ``<u>``, ``<s>`` and ``[text](url)`` in it.

        :param receiver_id: open_id (``ou_…``), union_id (``on_…``), chat_id (``oc_…``), e-mail address or user_id.
        :param content: at most 150 KB as they are sent, in the request.
        :param receiver_id_type: which of them; default: what *receiver_id* looks like.
        :param uuid: equal ones within an hour send one message; default: a new one, so that a message whose sending
            is not answered is sent again without being doubled.
        :raises BadRequest: nothing to say, or nobody to say it to.
        :raises TooLarge: the text is too long.
        """
        kind = receiver_id_type or infer_receiver_id_type(receiver_id)
        if kind not in get_args(ReceiverIdType):
            raise BadRequest(f"receiver_id_type {kind!r} is not one of {', '.join(get_args(ReceiverIdType))}")
        uuid = uuid or self.session.settings.new_token()
        if len(uuid) > MESSAGE_UUID_MAX:
            raise BadRequest(f"uuid has {len(uuid)} characters, at most {MESSAGE_UUID_MAX} are allowed")
        json = {
            "receive_id": receiver_id.strip(),
            "msg_type": "text",
            "content": _write_text(content),
            "uuid": uuid,
        }
        _check_size(json)
        body = yield from self.session.call(
            SEND_MESSAGE,
            query={"receive_id_type": kind},
            json=json,
            effect="replayable",
            subject=f"message to {kind} {receiver_id.strip()}",
        )
        data, endpoint = data_of(body), SEND_MESSAGE.endpoint
        return SentMessage(
            message_id=pick(data, "message_id", str, endpoint=endpoint),
            chat_id=data.get("chat_id") or "",
            created_ms=int(data["create_time"]) if str(data.get("create_time", "")).isdecimal() else None,
        )


def infer_receiver_id_type(receiver_id: str) -> ReceiverIdType:
    """Return what *receiver_id* is by its look.

    :raises BadRequest: it looks like no receiver; the message says what would.
    """
    text = receiver_id.strip()
    for prefix, kind in _PREFIXES.items():
        if text.startswith(prefix):
            return kind
    if _EMAIL.fullmatch(text):
        return "email"
    if _USER_ID.fullmatch(text) and not _OTHER_ID.fullmatch(text):
        return "user_id"
    what = "is empty" if not text else "is none that can be told by its look"
    raise BadRequest(
        f"the receiver_id {what}: give an open_id (ou_…), a union_id (on_…), a chat_id (oc_…), an e-mail address, or a "
        "user_id with receiver_id_type='user_id'; for a phone number ask client.contact.batch_get_id first"
    )


def _write_text(content: str) -> str:
    if not content.strip():
        raise BadRequest("the message has no text")
    if "\0" in content or not is_encodable(content):
        raise BadRequest("the message's text holds a NUL or characters that are no valid text")
    return _dump({"text": content})


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _check_size(body: object) -> None:
    # of the request's body, in which each quotation mark of the content takes one more byte
    size = len(_dump(body).encode())
    if size > TEXT_MESSAGE_MAX_BYTES:
        raise TooLarge(
            f"the message's text takes {size} bytes, at most {TEXT_MESSAGE_MAX_BYTES} are allowed; "
            "send a part of it, or a link to the whole"
        )
