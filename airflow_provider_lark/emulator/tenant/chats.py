"""Groups and private chats: who is in them, who manages them (lark-api §6.1, §7.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.ids import Ids

Who = Literal["all_members", "only_owner"]
"""All members, or only owner and managers."""

CREATION_SECONDS: Final = 10 * 3600


@dataclass
class Chat:
    """A group, or the chat of an app's bot and a person. Members are open_ids, bots are app_ids."""

    chat_id: str
    name: str
    mode: Literal["group", "p2p"]
    created_ms: int
    description: str = ""
    owner: str = ""
    """open_id, or the app_id of a bot; empty: none."""
    members: dict[str, None] = field(default_factory=dict)
    bots: dict[str, bool] = field(default_factory=dict)
    """Who was taken in or out by name."""
    has_every_bot: bool = False
    """Whether bots are in it that were never named."""
    managers: set[str] = field(default_factory=set)
    is_public: bool = False
    in_threads: bool = False
    """Whether each message in it begins a thread (``group_message_type`` thread)."""
    takes_thread_replies: bool = True
    posting: Who = "all_members"
    adding: Who = "all_members"
    urging: Who = "all_members"
    is_dissolved: bool = False
    active_ms: int = 0

    def holds_bot(self, app_id: str) -> bool:
        """Whether the app's bot is in it."""
        return self.bots.get(app_id, self.has_every_bot)

    def holds(self, member_id: str) -> bool:
        """Whether the person, or the app's bot, is in it."""
        return member_id in self.members or (not member_id.startswith("ou_") and self.holds_bot(member_id))

    def is_run_by(self, member_id: str) -> bool:
        """Whether it is the owner or a manager."""
        return member_id == self.owner or member_id in self.managers


class Chats:
    """All chats of the tenant."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._chats: dict[str, Chat] = {}
        self._private: dict[tuple[str, str], Chat] = {}
        self._created: dict[tuple[str, str, str], tuple[str, float]] = {}

    def add(self, name: str) -> Chat:
        """Found a group without members."""
        return self._keep(Chat(self._ids.make("oc_", 32), name, "group", int(self._clock.now() * 1000)))

    def private(self, app_id: str, open_id: str) -> Chat:
        """The chat of an app's bot and a person."""
        known = self._private.get((app_id, open_id))
        if known is None:
            made = Chat(self._ids.make("oc_", 32), "", "p2p", int(self._clock.now() * 1000))
            made.members[open_id], made.bots[app_id] = None, True
            known = self._private[app_id, open_id] = self._keep(made)
        return known

    def _keep(self, chat: Chat) -> Chat:
        chat.active_ms = chat.created_ms
        self._chats[chat.chat_id] = chat
        return chat

    def all(self) -> list[Chat]:
        """Groups and private chats, oldest first."""
        return list(self._chats.values())

    def find(self, chat_id: str) -> Chat | None:
        """The chat of that id."""
        return self._chats.get(chat_id)

    def find_group(self, chat_id: str) -> Chat | None:
        """The group of that id; no private chat."""
        found = self._chats.get(chat_id)
        return found if found is not None and found.mode == "group" else None

    def groups_of(self, member_id: str) -> list[Chat]:
        """The groups that the person, or the app's bot, is in, oldest first."""
        return [each for each in self._chats.values() if each.mode == "group" and each.holds(member_id)]

    def visible_to(self, member_id: str) -> list[Chat]:
        """The groups that the member is in, and the public ones."""
        groups = [each for each in self._chats.values() if each.mode == "group"]
        return [each for each in groups if each.is_public or each.holds(member_id)]

    def recently_created(self, key: tuple[str, str, str]) -> Chat | None:
        """The group that the same request founded within ten hours."""
        chat_id, at = self._created.get(key, ("", 0.0))
        return self._chats.get(chat_id) if self._clock.now() - at < CREATION_SECONDS else None

    def note_created(self, key: tuple[str, str, str], chat: Chat) -> None:
        """Remember what a request founded."""
        self._created[key] = (chat.chat_id, self._clock.now())


def add_members(chat: Chat, open_ids: Iterable[str]) -> None:
    """Take people in, in order."""
    chat.members.update(dict.fromkeys(open_ids))
