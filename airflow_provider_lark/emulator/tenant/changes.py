"""What changed in a base, as those who subscribed to it are told (lark-api §5.1, §5.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from airflow_provider_lark.emulator.tenant.model import Base, Cells, Field, Record, Table
from airflow_provider_lark.emulator.tenant.workflows import How

FieldAction = Literal["field_added", "field_edited", "field_deleted"]


@dataclass(frozen=True)
class RecordChange:
    """A record before and after one call; None: it was not there."""

    record_id: str
    before: Cells | None
    after: Cells | None
    record: Record | None = None
    """The record that came or went, for what is not in its cells."""


@dataclass(frozen=True)
class RecordsChanged:
    """What one call or one edit by hand did to records."""

    base: Base
    table: Table
    actor: str
    records: Sequence[RecordChange]
    how: How = "edit"


@dataclass(frozen=True)
class FieldChanged:
    """A field before and after; None: it was not there."""

    base: Base
    table: Table
    actor: str
    action: FieldAction
    before: Field | None
    after: Field | None


@dataclass(frozen=True)
class TicketMade:
    """An app_ticket for its store app (§1.2)."""

    app_id: str
    ticket: str


Change = RecordsChanged | FieldChanged
Announcement = Change | TicketMade
Tell = Callable[[Change], None]
Announce = Callable[[Announcement], None]


def tell_nobody(_news: Announcement) -> None:
    """Announce to nobody."""


class Subscriptions:
    """Who wants to hear of which file: apps, each with the people in whose name it asked (§5.1, step b)."""

    def __init__(self) -> None:
        self._apps: dict[str, dict[str, list[str]]] = {}

    def add(self, file_token: str, app_id: str, open_id: str) -> None:
        """Subscribe; once more changes nothing."""
        subscribers = self._apps.setdefault(file_token, {}).setdefault(app_id, [])
        if open_id not in subscribers:
            subscribers.append(open_id)

    def remove(self, file_token: str, app_id: str, open_id: str) -> None:
        """Unsubscribe."""
        apps = self._apps.get(file_token, {})
        if open_id in apps.get(app_id, []):
            apps[app_id].remove(open_id)
        if not apps.get(app_id):
            apps.pop(app_id, None)

    def has(self, file_token: str, app_id: str, open_id: str) -> bool:
        """Whether the app is subscribed in that person's, or its own, name."""
        return open_id in self._apps.get(file_token, {}).get(app_id, [])

    def of(self, file_token: str) -> dict[str, list[str]]:
        """The subscribed apps with the open_ids in whose name they are."""
        return self._apps.get(file_token, {})
