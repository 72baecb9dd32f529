"""What became of the events of each edit: as the emulator knows, and as the inbox of the receivers knows.

The emulator knows of answers. Whether a delivery whose answer was cut off had been stored, it cannot know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_lark.core.sync.lost_events import LostChange

_IN_TIME_ATTEMPTS = 3
"""The first try and those after 15 s and 5 min; the next one comes after an hour, later than an event may be."""

_IN_TIME_SECONDS = 1_800.0
"""Between the third try and the fourth."""


@dataclass(frozen=True)
class Edit:
    """What a person did to a record, when, and the events of it."""

    record_id: str
    at: float
    is_delete: bool
    events: tuple[Any, ...]

    @property
    def change(self) -> LostChange:
        """How the sync tells of it, should it count as lost."""
        return LostChange(
            self.record_id, None if self.is_delete else int(self.at * 1000) // 1000, is_delete=self.is_delete
        )


@dataclass(frozen=True)
class Fate:
    """What became of the events of an edit within the time in which one has to come.

    :param is_acknowledged: by a receiver of ours, as the emulator and the thieves say.
    :param is_stored: in the receivers' inbox.
    """

    edit: Edit
    is_acknowledged: bool
    is_stored: bool

    def __str__(self) -> str:
        edit = self.edit
        events = ", ".join(f"{each.event_id} {each.state} after {each.attempts} tries" for each in edit.events)
        told = [name for name in ("is_acknowledged", "is_stored") if getattr(self, name)]
        return f"{edit.change} of {edit.at:.1f}: {events}; {' '.join(told) or 'never came'}"


def tell(edits: Sequence[Edit], stored_at: Mapping[str, float], stolen: Collection[str]) -> list[Fate]:
    """Return what became of each edit.

    :param stored_at: when each event came into the inbox first.
    :param stolen: ids of the events that others acknowledged.
    """

    def is_acknowledged(event: Any) -> bool:
        in_time = event.state == "delivered" and event.attempts <= _IN_TIME_ATTEMPTS
        return in_time and event.event_id not in stolen

    def is_stored(edit: Edit, event: Any) -> bool:
        return stored_at.get(event.event_id, float("inf")) - edit.at <= _IN_TIME_SECONDS

    return [
        Fate(edit, any(map(is_acknowledged, edit.events)), any(is_stored(edit, event) for event in edit.events))
        for edit in edits
    ]


def differences(fates: Sequence[Fate], lost: Sequence[LostChange]) -> list[str]:
    """Return, edit by edit, where what the sync counts as lost differs from what became of it; empty: nowhere."""
    found = [f"acknowledged, and not stored: {fate}" for fate in fates if fate.is_acknowledged and not fate.is_stored]
    unheard = Counter(fate.edit.change for fate in fates if not fate.is_stored)
    counted = Counter(lost)
    by_change = {fate.edit.change: fate for fate in fates}
    found += [f"not counted as lost: {by_change[change]}" for change in unheard - counted]
    return found + [f"counted as lost: {by_change.get(change, change)}" for change in counted - unheard]
