"""What the page's buttons do; the rules are those of the commands."""

from __future__ import annotations

import logging
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.ledger.dead_letters import Seen
from airflow_provider_lark.core.side import Side
from airflow_provider_lark.core.sync.choices import Chosen, Shown, decide_held, resolve_conflicts, retry_failed
from airflow_provider_lark.plugins.sync_page.inputs import Filter, Number, Words

log = logging.getLogger(__name__)

_HOUR_SECONDS = 3600.0
_ROWS = Field(min_length=1, max_length=100)


class Body(BaseModel):
    """What every change names."""

    model_config = ConfigDict(extra="forbid")
    mapping: Words


class SeenBody(BaseModel):
    """How far the rows that failed were shown."""

    model_config = ConfigDict(extra="forbid")
    count: Number
    up_to: Number
    up_to_ms: Number


class RetryRows(Body):
    """Some rows by their keys."""

    keys: list[Words] = _ROWS


class RetryAll(Body):
    """All that a filter found."""

    text: Filter = ""
    seen: SeenBody


class DecidedBody(BaseModel):
    """What was chosen already, as it was shown."""

    model_config = ConfigDict(extra="forbid")
    choice: str
    by: str


class ConflictSeen(BaseModel):
    """A conflict as it was shown."""

    model_config = ConfigDict(extra="forbid")
    id: Number
    seen: str
    decided: DecidedBody | None = None


class Resolve(Body):
    """Which side wins conflicts."""

    conflicts: list[ConflictSeen] = _ROWS
    take: Side


class DecideHeld(Body):
    """What becomes of the deletes that are held on one side."""

    kept_in: Side
    choice: Literal["release", "keep"]
    seen: str
    decided: DecidedBody | None = None


class ListRows(Body):
    """Rows to leave alone."""

    keys: list[Words] = _ROWS
    reason: Filter = ""
    hours: float | None = Field(None, gt=0, le=87_600)


class UnlistRows(Body):
    """Rows to sync again."""

    keys: list[Words] = _ROWS


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
    resolve_conflicts(ledger, {each.id: _shown(each) for each in body.conflicts}, take=body.take, by=by)
    return {"done": len(body.conflicts)}


def decide(ledger: Ledger, body: DecideHeld, by: str) -> dict[str, Any]:
    """Let the next run carry out, or undo, the deletes that were shown."""
    held = decide_held(ledger, body.kept_in, choice=body.choice, by=by, shown=_shown(body))
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


def _shown(body: ConflictSeen | DecideHeld) -> Shown:
    return Shown(body.seen, None if body.decided is None else Chosen(body.decided.choice, body.decided.by))
