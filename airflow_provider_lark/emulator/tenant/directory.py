"""The tenant's people, departments and groups (lark-api §7.1, §3.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_lark.emulator.ids import Ids
from airflow_provider_lark.emulator.switches import Switches
from airflow_provider_lark.emulator.tenant.chats import Chat, Chats
from airflow_provider_lark.emulator.tenant.model import UserIdType

_MAINLAND: Final = "+86"


@dataclass(frozen=True)
class User:
    """A person; ids are per kind, and the open_id is the one that cells hold."""

    open_id: str
    union_id: str
    user_id: str
    name: str
    en_name: str
    email: str
    mobile: str

    def id_as(self, kind: UserIdType) -> str:
        """The id of that kind."""
        return {"open_id": self.open_id, "union_id": self.union_id, "user_id": self.user_id}[kind]


def _national(mobile: str) -> str:
    """A mobile number without the prefix that only numbers of the mainland may lack (§7.1)."""
    return mobile.removeprefix(_MAINLAND)


@dataclass(frozen=True)
class Department:
    """A department.

    :param parent_id: of the one above; ``0`` for the root.
    :param members: open_ids of those directly in it.
    """

    open_department_id: str
    name: str
    parent_id: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class UserGroup:
    """A user group of the admin console.

    :param people: open_ids.
    :param departments: open_department_ids.
    """

    group_id: str
    name: str
    people: tuple[str, ...]
    departments: tuple[str, ...]


class Directory:
    """People, departments and groups, found by any of their ids, e-mail or mobile."""

    def __init__(self, ids: Ids, switches: Switches, chats: Chats) -> None:
        self._ids = ids
        self.chats = chats
        self.switches = switches
        self._users: dict[str, User] = {}
        self._resigned: set[str] = set()
        self._apps: set[str] = set()
        self._by_id: dict[UserIdType, dict[str, User]] = {"open_id": {}, "union_id": {}, "user_id": {}}
        self.departments: dict[str, Department] = {}
        self.user_groups: dict[str, UserGroup] = {}
        self.version = 0

    def add_user(
        self, name: str, email: str = "", mobile: str = "", *, en_name: str = "", open_id: str | None = None
    ) -> User:
        """Register a person."""
        user = User(
            open_id=open_id or self._ids.make("ou_", 32),
            union_id=self._ids.make("on_", 32),
            user_id=self._ids.make("", 8).lower(),
            name=name,
            en_name=en_name or name,
            email=email,
            mobile=mobile,
        )
        self._users[user.open_id] = user
        self._by_id["open_id"][user.open_id] = user
        self._by_id["union_id"][user.union_id] = user
        self._by_id["user_id"][user.user_id] = user
        self.version += 1
        return user

    def add_app(self, name: str) -> User:
        """Register an app, which edits like a person and is none: it has no address and takes no message."""
        made = self.add_user(name)
        self._apps.add(made.open_id)
        return made

    def is_app(self, user: User) -> bool:
        """Whether it is an app's bot."""
        return user.open_id in self._apps

    def find_person(self, wanted: str, kind: UserIdType) -> User | None:
        """The person with that id, no app."""
        user = self.find(wanted, kind)
        return None if user is None or self.is_app(user) else user

    def resign(self, open_id: str) -> None:
        """Note that a person left."""
        self._resigned.add(self._users[open_id].open_id)

    def is_resigned(self, user: User) -> bool:
        """Whether the person left."""
        return user.open_id in self._resigned

    def add_department(self, name: str, members: Iterable[str], parent_id: str) -> Department:
        """Register a department."""
        made = Department(self._ids.make("od-", 32).lower(), name, parent_id, tuple(members))
        self.departments[made.open_department_id] = made
        return made

    def add_user_group(self, name: str, people: Iterable[str], departments: Iterable[str]) -> UserGroup:
        """Register a user group."""
        made = UserGroup(self._ids.make("g", 8).lower(), name, tuple(people), tuple(departments))
        self.user_groups[made.group_id] = made
        return made

    def below(self, department_id: str, *, at_any_depth: bool) -> list[Department]:
        """The departments below one."""
        direct = [each for each in self.departments.values() if each.parent_id == department_id]
        if not at_any_depth:
            return direct
        return [found for each in direct for found in (each, *self.below(each.open_department_id, at_any_depth=True))]

    def add_chat(self, name: str) -> Chat:
        """Register a group."""
        self.version += 1
        return self.chats.add(name)

    def find(self, wanted: str, kind: UserIdType) -> User | None:
        """The person with that id of that kind."""
        return self._by_id[kind].get(wanted)

    def find_contact(self, *, email: str = "", mobile: str = "") -> User | None:
        """The person with that e-mail or mobile."""
        for user in self._users.values():
            if email and user.email.lower() == email.lower():
                return user
            if mobile and user.mobile and _national(user.mobile) == _national(mobile):
                return user
        return None

    def has_chat(self, chat_id: str) -> bool:
        """Whether the group is known."""
        return self.chats.find_group(chat_id) is not None

    def person_object(self, open_id: str, kind: UserIdType) -> dict[str, Any]:
        """A person as cells show them (§3.2)."""
        user = self._users[open_id]
        shown = {
            "id": user.id_as(kind),
            "name": user.name,
            "en_name": user.en_name,
            "email": user.email,
            "avatar_url": f"https://avatar.example/{user.user_id}.png",
        }
        if self.is_app(user) and self.switches.app_email == "absent":
            del shown["email"]
        return shown

    def chat_object(self, chat_id: str) -> dict[str, Any]:
        """A group as cells show it (§3.2)."""
        chat = self.chats.find_group(chat_id)
        return {"id": chat_id, "name": chat.name if chat else "", "avatar_url": f"https://avatar.example/{chat_id}.png"}
