"""A task that failed, will be retried, or succeeded, and other states of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from airflow_provider_lark.core.cards.card import TextTag
from airflow_provider_lark.core.cards.component import Element, Json
from airflow_provider_lark.core.cards.languages import Locale, Text, combine, localize
from airflow_provider_lark.core.cards.ready import words
from airflow_provider_lark.core.cards.ready.facts import Origin
from airflow_provider_lark.core.cards.ready.fitting import fit
from airflow_provider_lark.core.cards.ready.parts import (
    Frame,
    buttons,
    clean_lines,
    error_line,
    fact_rows,
    frame_card,
    headline,
    moment,
    name,
    panel,
    people,
    remark,
    span,
)
from airflow_provider_lark.core.cards.writing import MESSAGE, Carrier

_Color = Literal["red", "orange", "green", "grey"]

_STATES: Mapping[str, Text] = {
    "running": localize(en_us="started", zh_cn="开始运行"),
    "skipped": localize(en_us="skipped", zh_cn="已跳过"),
    "awaiting_input": localize(en_us="is waiting for a response", zh_cn="等待答复"),
}
"""Of states that have no card of their own, as Airflow calls them."""


@dataclass(frozen=True, kw_only=True)
class TaskFacts(Origin):
    """What is known of a task's try.

    :param try_number: from 1.
    :param tries: how many there are in all.
    :param duration_seconds: default: from *started_at* to *ended_at*.
    :param exception: a traceback or a message; secrets are masked before.
    :param reason: why it ended where there is no exception: "the process was lost"; or what it asks.
    :param red_seconds: for how long it had been failing before it succeeded.
    """

    try_number: int | None = None
    tries: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: float | None = None
    exception: str | None = None
    reason: str | None = None
    next_retry_at: datetime | None = None
    red_seconds: float | None = None

    @property
    def took_seconds(self) -> float | None:
        """How long the try took, as far as that is known."""
        if self.duration_seconds is not None or self.started_at is None or self.ended_at is None:
            return self.duration_seconds
        return max(0.0, (self.ended_at - self.started_at).total_seconds())


def task_failed_card(facts: TaskFacts, *, locale: Locale | None = None, carrier: Carrier = MESSAGE) -> Json:
    """Return a red card: the task failed, and will not be tried again."""
    what = localize(en_us="failed", zh_cn="失败")
    return _fit(facts, what, "red", locale, carrier)


def task_retrying_card(facts: TaskFacts, *, locale: Locale | None = None, carrier: Carrier = MESSAGE) -> Json:
    """Return an orange card: the try failed, another one follows."""
    what = localize(en_us="failed, will retry", zh_cn="失败，将重试")
    return _fit(facts, what, "orange", locale, carrier)


def task_succeeded_card(facts: TaskFacts, *, locale: Locale | None = None, carrier: Carrier = MESSAGE) -> Json:
    """Return a green card: the task succeeded, and for how long it had been failing."""
    if facts.red_seconds is None:
        what = localize(en_us="succeeded", zh_cn="成功")
    else:
        what = localize(en_us="recovered", zh_cn="已恢复")
    return _fit(facts, what, "green", locale, carrier)


def task_state_card(
    facts: TaskFacts, *, state: str | None, locale: Locale | None = None, carrier: Carrier = MESSAGE
) -> Json:
    """Return a grey card: the task is in *state*, as Airflow calls it; it started, was skipped, waits for somebody."""
    return _fit(facts, _STATES.get(state or "", state or "?"), "grey", locale, carrier)


def _fit(facts: TaskFacts, what: Text, color: _Color, locale: Locale | None, carrier: Carrier) -> Json:
    clean = replace(facts, exception=clean_lines(facts.exception))
    most = carrier.max_bytes if clean.exception else 0
    return fit(clean, lambda known, room: _card(known, what, color, room, locale), most=most, carrier=carrier)


def _card(facts: TaskFacts, what: Text, color: _Color, room: int, locale: Locale | None) -> Json:
    title = combine(lambda word: f"{facts.name or 'Airflow'} {word}", what)
    error = error_line(facts.exception) or (facts.reason or "")
    summary = combine(lambda head: f"{head}: {error}" if error else head, title)
    tries = _tries(facts)
    frame = Frame(
        title, color, summary, facts.run_id, [TextTag(tries, "neutral" if color == "grey" else color)] if tries else []
    )
    cause = panel(words.CAUSE, facts.exception, room, locale, "python")
    return frame_card(
        frame,
        [headline(error), *_facts(facts), people(facts), cause, remark(facts), buttons(facts)],
        locale,
    )


def _tries(facts: TaskFacts) -> Text | None:
    if facts.try_number is None:
        return None
    if facts.tries is None:
        return localize(en_us=f"try {facts.try_number}", zh_cn=f"第 {facts.try_number} 次")
    return localize(
        en_us=f"try {facts.try_number} of {facts.tries}", zh_cn=f"第 {facts.try_number} 次，共 {facts.tries} 次"
    )


def _facts(facts: TaskFacts) -> list[Element]:
    place = "" if facts.map_index is None or facts.map_index < 0 else f"[{facts.map_index}]"
    reason = facts.reason if facts.exception else None
    return fact_rows(
        [
            (words.DAG, name(facts.dag_id)),
            (words.TASK, name(f"{facts.task_id}{place}" if facts.task_id else None)),
            (words.RUN, name(facts.run_id)),
            (words.OWNER, name(facts.owner)),
            (words.STARTED, moment(facts.started_at)),
            (words.TOOK, span(facts.took_seconds)),
            (words.REASON, name(reason)),
            (words.NEXT_TRY, moment(facts.next_retry_at)),
            (words.WAS_RED, span(facts.red_seconds)),
        ]
    )
