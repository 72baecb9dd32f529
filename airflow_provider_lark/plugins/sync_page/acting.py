"""What the page's buttons do; the rules are those of the commands."""

from __future__ import annotations

import logging
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.dead_letters import Seen
from airflow_provider_lark.core.side import Side
from airflow_provider_lark.core.sync.choices import decide_held, held_set, resolve_conflicts, retry_failed

log = logging.getLogger(__name__)

_HOUR_SECONDS = 3600.0
_ROWS = Field(min_length=1, max_length=100)


class Body(BaseModel):
    """What every change names."""

    model_config = ConfigDict(extra="forbid")
    mapping: str


class SeenBody(BaseModel):
    """How far the rows that failed were shown."""

    model_config = ConfigDict(extra="forbid")
    count: int
    up_to: int
    up_to_ms: int


class RetryRows(Body):
    """Some rows by their keys."""

    keys: list[str] = _ROWS


class RetryAll(Body):
    """All that a filter found."""

    text: str = ""
    seen: SeenBody


class ConflictSeen(BaseModel):
    """A conflict as it was shown."""

    model_config = ConfigDict(extra="forbid")
    id: int
    seen: str


class Resolve(Body):
    """Which side wins conflicts."""

    conflicts: list[ConflictSeen] = _ROWS
    take: Side


class DecideHeld(Body):
    """What becomes of the deletes that are held on one side."""

    kept_in: Side
    choice: Literal["release", "keep"]
    seen: str


class ListRows(Body):
    """Rows to leave alone."""

    keys: list[str] = _ROWS
    reason: str = Field("", max_length=500)
    hours: float | None = Field(None, gt=0, le=87_600)


class UnlistRows(Body):
    """Rows to sync again."""

    keys: list[str] = _ROWS


def retry_rows(ledger: Ledger, body: RetryRows, by: str) -> dict[str, Any]:
    """Let the next run try some rows again."""
    found = ledger.dead_letters.retry(list(dict.fromkeys(body.keys)))
    states = list(found.values())
    return {"done": states.count("retried"), "states": {each: states.count(each) for each in set(states)}}


def retry_all(ledger: Ledger, body: RetryAll, by: str) -> dict[str, Any]:
    """Let the next run try again what the filter found when it was shown."""
    return {"done": retry_failed(ledger, text=body.text, seen=Seen(**body.seen.model_dump()))}


def resolve(ledger: Ledger, body: Resolve, by: str) -> dict[str, Any]:
    """Let one side win conflicts, as they were shown."""
    resolve_conflicts(ledger, {each.id: each.seen for each in body.conflicts}, take=body.take, by=by)
    return {"done": len(body.conflicts)}


def decide(ledger: Ledger, body: DecideHeld, by: str) -> dict[str, Any]:
    """Let the next run carry out, or undo, the deletes that were shown."""
    held = held_set(ledger, body.kept_in)
    decide_held(ledger, held, choice=body.choice, by=by, seen=body.seen)
    return {"done": held.count}


def list_rows(ledger: Ledger, body: ListRows, by: str) -> dict[str, Any]:
    """Leave rows of this table alone from the next run on."""
    keys = list(dict.fromkeys(body.keys))
    seconds = None if body.hours is None else body.hours * _HOUR_SECONDS
    ledger.blacklist.add(keys, reason=body.reason or f"by {by}", seconds=seconds)
    return {"done": len(keys)}


def unlist_rows(ledger: Ledger, body: UnlistRows, by: str) -> dict[str, Any]:
    """Sync rows of this table again from the next run on."""
    return {"done": len(ledger.blacklist.remove(list(dict.fromkeys(body.keys))))}
