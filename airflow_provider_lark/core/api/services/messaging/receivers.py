"""To whom: by any id, by e-mail address, or by a chat's name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from airflow_provider_lark.core.api.calls.ratelimit import Lane
from airflow_provider_lark.core.api.calls.session import Session
from airflow_provider_lark.core.api.services.messaging.names import find_chat_id
from airflow_provider_lark.core.api.wire.flow import Flow
from airflow_provider_lark.core.api.wire.limits import MESSAGES_PER_RECEIVER, Quota
from airflow_provider_lark.core.api.wire.query import check_text
from airflow_provider_lark.core.errors import BadRequest

ReceiverIdType = Literal["open_id", "union_id", "user_id", "email", "chat_id", "chat_name"]

_PREFIXES: dict[str, ReceiverIdType] = {"ou_": "open_id", "on_": "union_id", "oc_": "chat_id"}
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
# ids of Lark that are no receiver: messages, threads, apps, bases, tables, records, departments; and phone numbers
_OTHER = re.compile(r"(?:om_|omt_|bm-|cli_|bas|tbl|rec|od-)[A-Za-z0-9]{6,}|\+\d[\d -]{6,}")


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who gets a message."""

    kind: str
    id: str

    @property
    def lane(self) -> Lane:
        """The pace of its own: five messages a second to one person or chat."""
        return Lane(f"messages to {self.kind} {self.id}", Quota(MESSAGES_PER_RECEIVER))

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


def infer_receiver_id_type(receiver_id: str) -> ReceiverIdType:
    """Return which kind of id *receiver_id* is, by its form; what is not a recognised id is a chat's name.

    :raises BadRequest: it is empty, or an id of something that takes no messages; the message says what would do.
    """
    text = receiver_id.strip()
    for prefix, kind in _PREFIXES.items():
        if text.startswith(prefix):
            return kind
    if _EMAIL.fullmatch(text):
        return "email"
    if text and not _OTHER.fullmatch(text):
        return "chat_name"
    what = "is empty" if not text else "is not the id of a user or chat"
    raise BadRequest(
        f"the receiver_id {what}: give an open_id (ou_…), a union_id (on_…), a chat_id (oc_…), an e-mail address, a "
        "chat's name, or a user_id with receiver_id_type='user_id'; for a phone number, look up the open_id with "
        "client.contact.batch_get_id first"
    )


def resolve_receiver(session: Session, receiver_id: str, kind: str | None) -> Flow[Receiver]:
    """Return who *receiver_id* is; a chat's name is looked up.

    :param kind: None: recognised by its form.
    :raises BadRequest: it is nobody, or the name is that of several chats.
    :raises NotFound: the bot is in no chat of that name.
    """
    if kind is not None and kind not in get_args(ReceiverIdType):
        raise BadRequest(f"receiver_id_type {kind!r} is not one of {', '.join(get_args(ReceiverIdType))}")
    text = check_text(receiver_id.strip(), "the receiver_id")
    if not text:
        infer_receiver_id_type(text)
    kind = kind or infer_receiver_id_type(text)
    if kind == "chat_name":
        return Receiver("chat_id", (yield from find_chat_id(session, text)))
    return Receiver(kind, text)


def resolve_receivers(
    session: Session, receiver_ids: Sequence[str], kind: str | None
) -> Flow[list[tuple[str, Receiver]]]:
    """Return who each of *receiver_ids* is, each person or chat once.

    :raises BadRequest: one is nobody.
    """
    if isinstance(receiver_ids, str):
        raise BadRequest("receiver_ids: expected a list of receivers, found a string")
    found: dict[Receiver, str] = {}
    for each in receiver_ids:
        found.setdefault((yield from resolve_receiver(session, each, kind)), each)
    if not found:
        raise BadRequest("no receivers: give at least one")
    return [(given, receiver) for receiver, given in found.items()]
