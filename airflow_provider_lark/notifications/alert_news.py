"""What an occasion has to say on a card that stands for many: its place, what is noted, how the card looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from airflow_provider_lark.core.alerts.news import CardPlace, RunNews, TaskNews, TaskState
from airflow_provider_lark.core.cards.shortening import cut_middle
from airflow_provider_lark.core.cards.text import clean_text
from airflow_provider_lark.notifications.context import Occasion

# of what was skipped nothing is wrong any more
_TASK_STATES: Mapping[str, TaskState] = {
    "task_failed": "failed",
    "task_retrying": "retrying",
    "task_succeeded": "recovered",
    "task_other": "recovered",
}
_EXCEPTION_BYTES = 20_000
_TASK_FACTS = (
    *("try_number", "tries", "started_at", "ended_at", "exception", "reason", "next_retry_at"),
    *("owner", "log_url", "grid_url", "runbook_url"),
)


class AlertNotifier(Protocol):
    """A notifier of which one card stands for many occasions."""

    dedupe: Literal["run", "task"] | None

    def asked(self) -> list[str]:
        """Return whom the author wants to be notified."""
        ...

    def owners(self, occasion: Occasion) -> list[str]:
        """Return the addresses of the owners, where they should be notified."""
        ...


def place_of(occasion: Occasion, dedupe: str, host: str, app_id: str, receiver: str, kind: str | None) -> CardPlace:
    """Return which card it stands on."""
    facts = occasion.facts
    task_id = facts.get("task_id") if dedupe == "task" else None
    return CardPlace(host, app_id, receiver, kind, facts["dag_id"], facts["run_id"], task_id)


def news_of(occasion: Occasion) -> TaskNews | RunNews:
    """Return what to note."""
    facts = occasion.facts
    if occasion.kind not in _TASK_STATES:
        state: Literal["failed", "succeeded"] = "failed" if occasion.kind == "run_failed" else "succeeded"
        return RunNews(state, facts, occasion.states)
    told = {name: facts[name] for name in _TASK_FACTS if name in facts}
    if "exception" in told:
        text = clean_text(told["exception"])
        told["exception"] = cut_middle(text, _EXCEPTION_BYTES, gap=lambda count: f"[… {count:,} …]")
    return TaskNews(
        task_id=facts["task_id"],
        map_index=facts.get("map_index", -1),
        state=_TASK_STATES[occasion.kind],
        try_number=facts.get("try_number", 0),
        facts=told,
        total=occasion.total,
    )


def look_of(notifier: AlertNotifier, occasion: Occasion) -> dict[str, Any]:
    """Return how the card looks from now on, who is concerned, and what *occasion* tells of the run."""
    names = ("note", "runbook_url", "locale", "markdown", "title", "card")
    look = {name: value for name in names if (value := getattr(notifier, name))}
    # of what has recovered or is tried again nobody is notified, and who was before stays so
    known: dict[str, Any] = {}
    if occasion.kind in ("task_failed", "run_failed"):
        known = {"asked": notifier.asked(), "owners": notifier.owners(occasion)}
    facts = dict(occasion.facts) if occasion.kind.startswith("run_") else {}
    return {**{name: value for name, value in facts.items() if name not in ("dag_id", "run_id")}, "look": look, **known}
