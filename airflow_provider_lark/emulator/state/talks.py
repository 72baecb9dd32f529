"""Chats and messages as tests and people set them up (lark-api §6, §7.2)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.ids import Ids
from airflow_provider_lark.emulator.limits import RateLimits
from airflow_provider_lark.emulator.state.accounts import Accounts
from airflow_provider_lark.emulator.state.messaging.card_tokens import CardTokens
from airflow_provider_lark.emulator.state.messaging.messages import Messages, Written
from airflow_provider_lark.emulator.state.messaging.resources import Resources
from airflow_provider_lark.emulator.switches import Switches
from airflow_provider_lark.emulator.tenant.chats import Chat, add_members

_CHAT_SETTINGS: Final = frozenset(
    {"name", "description", "owner", "is_public", "in_threads", "takes_thread_replies", "posting", "adding", "urging"}
    | {"is_dissolved"}
)


class Talks(Accounts):
    """The part of the tenant that is talk. Hold :attr:`lock` around anything that reads or changes it."""

    def __init__(self, clock: Clock, switches: Switches, ids: Ids) -> None:
        super().__init__(clock, switches, ids)
        self._clear_talks()

    def _clear_talks(self) -> None:
        self.messages = Messages(self.clock, self.ids)
        self.resources = Resources(self.ids)
        self.card_tokens = CardTokens(self.clock, self.ids)
        self.paces = RateLimits(self.clock)
        """What one receiver may get, and how often one message may change (§6.1)."""
        self.stopped_bots: set[tuple[str, str]] = set()
        """Who has stopped private messages of which app."""
        self.card_templates: dict[str, frozenset[str] | None] = {}
        """The apps that may use each published template; None: every one."""
        self.batches: list[dict[str, Any]] = []
        """What batch_send was asked for, oldest first."""

    def add_chat(
        self, name: str, members: Iterable[str] = (), *, owner: str = "", managers: Iterable[str] = (), **settings: Any
    ) -> str:
        """Register a group, with every app's bot in it; returns its chat_id.

        :param members: open_ids.
        :param owner: an open_id, or the app_id of a bot.
        :param settings: those of :meth:`set_chat`.
        """
        with self.lock:
            chat = self.directory.add_chat(name)
            chat.has_every_bot = True
            chat.owner = owner
            add_members(chat, [*members, *([owner] if owner.startswith("ou_") else [])])
            chat.managers = set(managers)
            self._set(chat, settings)
            return chat.chat_id

    def set_chat(self, chat_id: str, **settings: Any) -> None:
        """Change a group.

        :param settings: ``name``, ``description``, ``owner``, ``is_public``, ``in_threads`` (each message begins a
            thread), ``takes_thread_replies``, ``is_dissolved``; ``posting``, ``adding``, ``urging``: ``all_members`` or
            ``only_owner``.
        """
        with self.lock:
            self._set(self._chat(chat_id), settings)
            self.directory.version += 1

    def _set(self, chat: Chat, settings: dict[str, Any]) -> None:
        unknown = sorted(set(settings) - _CHAT_SETTINGS)
        if unknown:
            msg = f"unknown settings {unknown} of a chat; known: {sorted(_CHAT_SETTINGS)}"
            raise ValueError(msg)
        for name, value in settings.items():
            setattr(chat, name, value)

    def _chat(self, chat_id: str) -> Chat:
        chat = self.directory.chats.find(chat_id)
        if chat is None:
            raise KeyError(chat_id)
        return chat

    def set_chat_member(self, chat_id: str, app_id: str, *, inside: bool = True) -> None:
        """Take an app's bot, or a person by open_id, into a group, or out of it: 230002 for the bot."""
        with self.lock:
            chat = self._chat(chat_id)
            if not app_id.startswith("ou_"):
                chat.bots[app_id] = inside
            elif inside:
                chat.members[app_id] = None
            else:
                chat.members.pop(app_id, None)

    def stop_bot(self, app_id: str, open_id: str) -> None:
        """Let a person stop an app's bot: 230053."""
        with self.lock:
            self.stopped_bots.add((app_id, open_id))

    def write_message(self, chat_id: str, open_id: str, text: str) -> str:
        """Let a person write a text into a chat; returns the message_id."""
        with self.lock:
            chat = self._chat(chat_id)
            written = Written("text", json.dumps({"text": text}, ensure_ascii=False), text)
            message = self.messages.add(written, chat_id=chat.chat_id, app_id="", sender=open_id)
            chat.active_ms = message.created_ms
            if chat.in_threads:
                self.messages.begin_thread(message)
            return message.message_id

    def read_message(self, message_id: str, open_id: str) -> None:
        """Let a person read a message."""
        with self.lock:
            self.messages.known(message_id).read_by.setdefault(open_id, self.now_ms)

    def add_sticker(self) -> str:
        """A sticker that somebody sent to the bot; returns its file_key."""
        with self.lock:
            return self.resources.add("sticker", b"", app_id="", type_="sticker").key

    def add_card_template(self, template_id: str, app_ids: Iterable[str] | None = None) -> None:
        """Publish a card template.

        :param app_ids: the apps that may use it (others get 200381); None: every one.
        """
        with self.lock:
            self.card_templates[template_id] = None if app_ids is None else frozenset(app_ids)
