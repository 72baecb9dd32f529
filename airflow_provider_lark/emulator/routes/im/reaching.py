"""From ids to the chat that a message goes to, and to the message that is acted on (lark-api §6.1, §6.3)."""

from __future__ import annotations

from typing import Final

from airflow_provider_lark.emulator.errors import ApiError, invalid
from airflow_provider_lark.emulator.routes.router import Rate
from airflow_provider_lark.emulator.state.messaging.messages import Message
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.chats import Chat
from airflow_provider_lark.emulator.tenant.directory import User
from airflow_provider_lark.emulator.wire import Request, parse_user_id_type

PER_RECEIVER: Final = Rate(5)
PER_MESSAGE: Final = Rate(5)
RECEIVER_KINDS: Final = ("open_id", "union_id", "user_id", "email", "chat_id")


def receiver_kind(request: Request, *, threads: bool = False) -> str:
    """What kind of id is given; a thread only for what is forwarded."""
    kind = request.query.get("receive_id_type") or ""
    known = (*RECEIVER_KINDS, "thread_id") if threads else RECEIVER_KINDS
    if kind not in known:
        raise invalid("receive_id_type", kind, f"receive_id_type must be one of {', '.join(known)}")
    return kind


def check_bot(request: Request) -> None:
    """The app needs a bot for everything here.

    :raises ApiError: 230006.
    """
    if not request.caller.has_bot:
        raise ApiError(230006, "the app has no bot")


def chat_of(state: State, request: Request, kind: str, receive_id: str) -> Chat:
    """The chat that a message goes to, where the bot may write in it.

    :raises ApiError: 230002, 230013, 230018, 230034, 230053, 232009.
    """
    if kind == "chat_id":
        chat = state.directory.chats.find(receive_id)
        if chat is None:
            raise ApiError(230034, "no such chat")
    else:
        user = _find_user(state, kind, receive_id)
        if user is None:
            raise ApiError(230034, f"no person has this {kind}")
        _check_person(state, request, user)
        chat = state.directory.chats.private(request.caller.app_id, user.open_id)
    check_writable(state, request, chat)
    return chat


def _find_user(state: State, kind: str, receive_id: str) -> User | None:
    if kind == "email":
        return state.directory.find_contact(email=receive_id)
    # an app takes no message, its own bot least of all
    return state.directory.find_person(receive_id, parse_user_id_type(kind))


def _check_person(state: State, request: Request, user: User) -> None:
    if state.directory.is_resigned(user) or not request.caller.serves(user.open_id):
        raise ApiError(230013, "the person left, or is outside the app's availability")
    if (request.caller.app_id, user.open_id) in state.stopped_bots:
        raise ApiError(230053, "the person has stopped the bot")


def check_inside(state: State, request: Request, chat: Chat) -> None:
    """Whoever acts has to be in the chat, and a private chat's person within the app's reach.

    :raises ApiError: 230002, 230013, 232009.
    """
    if chat.is_dissolved:
        raise ApiError(232009, "the chat was dissolved")
    if chat.mode == "p2p":
        for open_id in chat.members:
            user = state.directory.find(open_id, "open_id")
            if user is None or state.directory.is_resigned(user) or not request.caller.serves(open_id):
                raise ApiError(230013, "the person left, or is outside the app's availability")
    if not chat.holds(request.member_id if request.is_by_user else request.caller.app_id):
        raise ApiError(230002, "the bot or user is not in the chat")


def check_writable(state: State, request: Request, chat: Chat) -> None:
    """Whether a message may go into the chat.

    :raises ApiError: 230002, 230013, 230018, 230053, 232009.
    """
    if not (chat.mode == "p2p" and request.is_by_user):
        check_inside(state, request, chat)
    if chat.posting == "only_owner" and not chat.is_run_by(request.member_id):
        raise ApiError(230018, "only the owner and managers may write in the group")
    if chat.mode == "p2p" and any((request.caller.app_id, each) in state.stopped_bots for each in chat.members):
        raise ApiError(230053, "the person has stopped the bot")


def check_pace(state: State, what: str, which: str) -> None:
    """Five messages a second into one chat, five changes a second of one message.

    :raises ApiError: 230020.
    """
    if not state.switches.rate_limits:
        return
    try:
        # of a group all its bots together take five a second
        state.paces.take(what, which, (PER_RECEIVER if what == "chat" else PER_MESSAGE,), status=400)
    except ApiError as exc:
        raise ApiError(230020, f"the limit is 5 messages a second to one {what}") from exc


def message_of(state: State, request: Request) -> tuple[Message, Chat]:
    """The message of the path, and the chat that it stands in.

    :raises ApiError: 230030 and what :func:`check_inside` raises.
    """
    check_bot(request)
    message = state.messages.find(request.params["message_id"])
    chat = state.directory.chats.find(message.chat_id) if message is not None else None
    if message is None or chat is None:
        raise ApiError(state.switches.unknown_message_code, "the message does not exist")
    check_inside(state, request, chat)
    return message, chat


def check_not_recalled(message: Message) -> None:
    """Most things cannot be done with a recalled message.

    :raises ApiError: 230011.
    """
    if message.is_recalled:
        raise ApiError(230011, "the message was recalled")
