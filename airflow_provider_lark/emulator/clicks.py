"""Clicks on cards: from a person to the app's callback URL, and back to what the person sees (lark-api §5.4)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Final

from airflow_provider_lark.emulator.cards.pressing import Given, NotPressed, action_of, find_pressable
from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.events.callback import Click, new_callback, old_callback
from airflow_provider_lark.emulator.events.sockets import LongConnections
from airflow_provider_lark.emulator.formats.jsontext import dump, parse_json, parse_text
from airflow_provider_lark.emulator.ids import Ids
from airflow_provider_lark.emulator.routes.im.content import Author
from airflow_provider_lark.emulator.routes.im.messages import CARD_SECONDS, rewrite_card
from airflow_provider_lark.emulator.state.accounts import App, CallbackKind
from airflow_provider_lark.emulator.state.messaging.card_tokens import CardToken
from airflow_provider_lark.emulator.state.messaging.messages import Message
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.directory import User
from airflow_provider_lark.emulator.tenant.endpoint import Post, Unacknowledged

OFFSET: Final = "+0800"
_OLD_CLICK_SECONDS: Final = 30 * 24 * 3600
_TOASTS: Final = frozenset({"info", "success", "warning", "error"})


@dataclass(frozen=True)
class Reply:
    """What the app answered: status and body, or why there is none.

    :param code: of the error that the person sees instead; 0 for none.
    """

    status: int = 200
    body: bytes = b"{}"
    code: int = 0
    why: str = ""


@dataclass(frozen=True)
class Seen:
    """What the person sees after the click.

    :param code: of the error; 0: there is none.
    :param error: the error in words, or why the client sent nothing.
    :param sent: how many callbacks went out.
    """

    sent: int = 0
    code: int = 0
    error: str = ""
    toast: Mapping[str, Any] | None = None
    is_updated: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


class Clicks:
    """Lets people press what stands on cards. A click waits for the app, outside the lock of the state."""

    def __init__(self, state: State, ids: Ids, sockets: LongConnections) -> None:
        self._state = state
        self._ids = ids
        self._sockets = sockets
        self._numbers = itertools.count(1)

    def press(
        self,
        message_id: str,
        open_id: str,
        *,
        at: int | None = None,
        name: str | None = None,
        label: str | None = None,
        by_hand: bool = False,
        **filled: Any,
    ) -> dict[str, Any]:
        """Let a person press a component, and return what they see; see :class:`Seen`.

        :param at: which one, by its place among those that answer; or by its *name*, or by the *label* on it. Without
            any of them the card's only button.
        :param by_hand: past the checks of the client, as somebody could send it who writes requests themselves.
        :param filled: what is filled in, see :class:`.Given`: in a form values by name, as text, an option's value or a
            list, ``2026-11-27``, ``08:30``, ``2026-11-27 08:30``, open_ids, true or false.
        :raises LookupError: the message, person or component does not exist.
        """
        given = Given(**filled)
        with self._state.lock:
            message, user, app = self._find(message_id, open_id)
            card = parse_text(message.content)
            # a template is drawn by Lark itself, and what stands on it is not known here
            pressed = find_pressable(card, at=at, name=name, label=label)
            try:
                if not by_hand:
                    self._check(message, user, card)
                action = action_of(pressed, given, offset=OFFSET, checks=not by_hand)
            except NotPressed as refused:
                return Seen(error=str(refused)).to_dict()
            if action is None:
                return Seen().to_dict()
            token = self._state.card_tokens.make(app.app_id, message_id)
            click = Click(user, message_id, message.chat_id, action, token.token, self._state.clock.now())
        return self._tell(app, click, token, message).to_dict()

    def forward(self, message_id: str, open_id: str, chat_id: str) -> str:
        """Let a person forward a card into a chat; returns the id of the copy, which still is the app's card."""
        with self._state.lock:
            original, _, app = self._find(message_id, open_id)
            card = parse_text(original.content)
            if (card.get("config") or {}).get("enable_forward") is False:
                msg = "the card does not allow forwarding"
                raise ValueError(msg)
            copy = self._state.messages.add(
                self._state.messages.said(original),
                chat_id=chat_id,
                app_id=app.app_id,
                sender=open_id,
                forwarded_from=message_id,
            )
            return copy.message_id

    def _find(self, message_id: str, open_id: str) -> tuple[Message, User, App]:
        message = self._state.messages.find(message_id)
        user = self._state.directory.find_person(open_id, "open_id")
        if message is None or message.msg_type != "interactive":
            msg = f"no card {message_id!r}"
            raise LookupError(msg)
        if user is None:
            msg = f"no person {open_id!r}"
            raise LookupError(msg)
        app = self._state.apps.get(message.app_id)
        if app is None:
            msg = "clicks on the card of a webhook bot are not sent to anyone"
            raise LookupError(msg)
        return message, user, app

    def _check(self, message: Message, user: User, card: Mapping[str, Any]) -> None:
        """What the client looks at before it sends anything."""
        chat = self._state.directory.chats.find(message.chat_id)
        if message.is_recalled or chat is None or user.open_id not in chat.members:
            msg = "the message is not visible to the person"
            raise NotPressed(msg)
        if message.batch_id:
            msg = "cards of a batch message have no callback"
            raise NotPressed(msg)
        is_new = card.get("schema") == "2.0"
        if message.forwarded_from and not (card.get("config") or {}).get("enable_forward_interaction"):
            msg = "a forwarded card does not accept clicks"
            raise NotPressed(msg)
        age_seconds = (self._state.now_ms - message.created_ms) / 1000
        if age_seconds > (CARD_SECONDS if is_new else _OLD_CLICK_SECONDS):
            msg = "the card has expired"
            raise NotPressed(msg)

    def _tell(self, app: App, click: Click, token: CardToken, message: Message) -> Seen:
        replies = self._replies(app, click)
        with self._state.lock:
            token.is_answered = any(not each.code for _, each in replies)
            return self._outcome(app, message, replies)

    def _replies(self, app: App, click: Click) -> list[tuple[CallbackKind, Reply]]:
        if not app.is_enabled:
            return [("new", Reply(code=200340, why="the app is disabled"))]
        number, tenant = next(self._numbers), self._state.tenant_key
        endpoint = app.callback
        payload = new_callback(
            click,
            event_id=f"{number:08d}{self._ids.make('', 24)}",
            app_id=app.app_id,
            verification_token=endpoint.verification_token if endpoint else "",
            tenant_key=tenant,
        )
        seconds = self._state.switches.ack_seconds
        if app.long_connection is not None and app.long_connection.takes_callbacks:
            return [("new", self._ask(app, payload, seconds))]
        if endpoint is None:
            return [("new", Reply(code=200340, why="the app has no callback URL in the console"))]
        now = self._state.clock.now()

        def send(kind: CallbackKind) -> tuple[CallbackKind, Reply]:
            if kind == "new":
                body = endpoint.seal(payload, self._ids)
                return kind, _post(endpoint.url, body, endpoint.signature(body, now, self._ids), seconds)
            body = json.dumps(old_callback(click, tenant_key=tenant), ensure_ascii=False).encode()
            return kind, _post(endpoint.url, body, endpoint.old_signature(body, now, self._ids), seconds)

        kinds = app.callback_kinds
        if len(kinds) == 1:
            return [send(kinds[0])]
        with ThreadPoolExecutor(len(kinds)) as pool:
            return list(pool.map(send, kinds))

    def _ask(self, app: App, payload: Mapping[str, Any], seconds: float) -> Reply:
        answer = self._sockets.ask(app.app_id, payload, timeout_seconds=seconds)
        if answer is None:
            return Reply(code=200341, why=f"no client answered over a long connection within {seconds:g} s")
        return Reply(*answer)

    def _outcome(self, app: App, message: Message, replies: Sequence[tuple[CallbackKind, Reply]]) -> Seen:
        sent = sum(each.code != 200340 for _, each in replies)
        # with both kinds, one answer is enough
        good = next((each for each in replies if not each[1].code and each[1].status == 200), replies[0])
        kind, reply = good
        if reply.code:
            return Seen(sent, reply.code, reply.why)
        if reply.status != 200:
            return Seen(sent, 200671, f"the app answered HTTP {reply.status}")
        try:
            answer = parse_json(reply.body) if reply.body.strip() else {}
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            return Seen(sent, 200672, "the app's answer is not a JSON object")
        if kind == "old" and answer:
            # the older callback is answered with the card itself
            answer = {"card": {"type": "raw", "data": answer}} if "toast" not in answer else answer
        return self._show(app, message, sent, answer)

    def _show(self, app: App, message: Message, sent: int, answer: Mapping[str, Any]) -> Seen:
        toast, card = answer.get("toast"), answer.get("card")
        if toast is not None and (not isinstance(toast, dict) or toast.get("type", "info") not in _TOASTS):
            return Seen(sent, 200672, "the toast is not valid")
        if card is None:
            return Seen(sent, toast=toast)
        known = (
            isinstance(card, dict) and card.get("type") in ("raw", "template") and isinstance(card.get("data"), dict)
        )
        if not known:
            return Seen(sent, 200672, "the card's type is neither raw nor template, or its data is not an object")
        content = card["data"] if card["type"] == "raw" else card
        try:
            rewrite_card(Author(self._state, app, size=0), message, dump(content).decode())
        except ApiError as error:
            return Seen(sent, 200673, error.msg, toast)
        return Seen(sent, toast=toast, is_updated=True)


def _post(url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Reply:
    try:
        status, answer = Post(url).send(body, headers, timeout_seconds=seconds)
    except Unacknowledged as error:
        # which of 200341 to 200343 stands for what is not documented
        return Reply(code=200341, why=str(error))
    return Reply(status, answer)
