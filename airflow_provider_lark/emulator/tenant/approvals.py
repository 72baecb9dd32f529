"""Approvals that another system carries out, as the centre keeps them (lark-api §13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Texts = dict[str, dict[str, str]]
"""What each key says, by language; the default one first."""


@dataclass
class Approval:
    """A definition."""

    app_id: str
    own_code: str
    code: str
    """What the platform called it (§13.1)."""
    data: dict[str, Any] = field(repr=False)
    """The body that made it, secrets of the callback included."""
    texts: Texts = field(repr=False)
    is_deleted: bool = False

    @property
    def external(self) -> Mapping[str, Any]:
        """How it is shown, and where it calls back."""
        found: Mapping[str, Any] = self.data["external"]
        return found


@dataclass
class Task:
    """What one person is asked."""

    task_id: str
    open_id: str
    data: dict[str, Any] = field(repr=False)

    @property
    def updated_ms(self) -> int:
        """When it changed last, as it was told."""
        return int(self.data.get("update_time") or 0)

    @property
    def status(self) -> str:
        """Where it stands."""
        return str(self.data["status"])


@dataclass
class Copy:
    """Who is told without being asked."""

    cc_id: str
    open_id: str
    data: dict[str, Any] = field(repr=False)

    @property
    def updated_ms(self) -> int:
        """When it changed last, as it was told."""
        return int(self.data.get("update_time") or 0)


@dataclass
class Instance:
    """One approval, as it was pushed."""

    app_id: str
    instance_id: str
    approval: Approval
    open_id: str
    """Who asks; empty where a name stands for a person."""
    data: dict[str, Any] = field(repr=False)
    texts: Texts = field(repr=False)
    tasks: dict[str, Task] = field(default_factory=dict)
    copies: dict[str, Copy] = field(default_factory=dict)
    pushes: int = 1
    is_shown: bool = True
    """Whether people see it: not when an id occurs in it twice (§13.2)."""

    @property
    def updated_ms(self) -> int:
        """When it changed last, as it was told."""
        return int(self.data["update_time"])

    @property
    def status(self) -> str:
        """Where it stands."""
        return str(self.data["status"])


def say(texts: Texts, key: object, locale: str) -> str:
    """What *key* says in the reader's language, else in the default one (§13.1)."""
    said = texts.get(str(key or ""), {})
    return said.get(locale) or next(iter(said.values()), "")
