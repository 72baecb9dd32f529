"""A DAG run that ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from airflow_provider_lark.core.cards.component import Element, Json
from airflow_provider_lark.core.cards.languages import Locale, Text, combine, localize
from airflow_provider_lark.core.cards.ready import words
from airflow_provider_lark.core.cards.ready.facts import Origin
from airflow_provider_lark.core.cards.ready.fitting import fit
from airflow_provider_lark.core.cards.ready.parts import (
    Frame,
    bullets,
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

_TASKS_NAMED = 10
_INDEXES_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class FailedTask:
    """A task of a run of which tries failed.

    :param failed: how many of its instances.
    :param total: of how many, where it is mapped.
    :param map_indexes: of those that failed; a few are named.
    """

    task_id: str
    failed: int = 1
    total: int | None = None
    map_indexes: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunFacts(Origin):
    """What is known of a run.

    :param run_type: such as ``scheduled`` or ``manual``.
    :param failures: the tasks that made it fail.
    :param exception: of the first of them.
    :param red_seconds: for how long the DAG had been failing before this run succeeded.
    """

    run_type: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: float | None = None
    reason: str | None = None
    failures: tuple[FailedTask, ...] = ()
    exception: str | None = None
    red_seconds: float | None = None

    @property
    def took_seconds(self) -> float | None:
        """How long the run took, as far as that is known."""
        if self.duration_seconds is not None or self.started_at is None or self.ended_at is None:
            return self.duration_seconds
        return max(0.0, (self.ended_at - self.started_at).total_seconds())


def run_failed_card(facts: RunFacts, *, locale: Locale | None = None, carrier: Carrier = MESSAGE) -> Json:
    """Return a red card: the run failed, and at which tasks."""
    clean = replace(facts, exception=clean_lines(facts.exception))
    most = carrier.max_bytes if clean.exception else 0
    return fit(clean, lambda known, room: _run_card(known, room, locale), most=most, carrier=carrier)


def _run_card(facts: RunFacts, room: int, locale: Locale | None) -> Json:
    title = combine(lambda word: f"{facts.dag_id or 'DAG'} {word}", localize(en_us="run failed", zh_cn="运行失败"))
    what = _what_failed(facts)
    summary = combine(lambda head, text: f"{head}: {text}" if text else head, title, what)
    head = localize(en_us="Failed tasks", zh_cn="失败的任务")
    named = [_failure(each) for each in facts.failures[:_TASKS_NAMED]]
    elements = [
        headline(what),
        *_run_facts(facts),
        *bullets(head, named, len(facts.failures) - len(named)),
        people(facts),
        panel(words.CAUSE, facts.exception, room, locale, "python"),
        remark(facts),
        buttons(facts),
    ]
    return frame_card(Frame(title, "red", summary, facts.run_id), elements, locale)


def run_succeeded_card(facts: RunFacts, *, locale: Locale | None = None, carrier: Carrier = MESSAGE) -> Json:
    """Return a green card: the run succeeded, and for how long its DAG had been failing."""
    return fit(facts, lambda known, _: _succeeded_card(known, locale), most=0, carrier=carrier)


def _succeeded_card(facts: RunFacts, locale: Locale | None) -> Json:
    recovered = facts.red_seconds is not None
    what = (
        localize(en_us="recovered", zh_cn="已恢复") if recovered else localize(en_us="run succeeded", zh_cn="运行成功")
    )
    title = combine(lambda word: f"{facts.dag_id or 'DAG'} {word}", what)
    elements = [*_run_facts(facts), people(facts), remark(facts), buttons(facts)]
    return frame_card(Frame(title, "green", title, facts.run_id), elements, locale)


def _what_failed(facts: RunFacts) -> Text:
    if len(facts.failures) == 1:
        (only,) = facts.failures
        if only.total:
            return localize(
                en_us=f"{only.task_id}: {only.failed} of {only.total} failed",
                zh_cn=f"{only.task_id}：{only.total} 个中 {only.failed} 个失败",
            )
        error = error_line(facts.exception)
        return f"{only.task_id}: {error}" if error else only.task_id
    if facts.failures:
        count = len(facts.failures)
        return localize(en_us=f"{count} tasks failed", zh_cn=f"{count} 个任务失败")
    return error_line(facts.exception) or facts.reason or ""


def _failure(failed: FailedTask) -> Text:
    if failed.total is None and not failed.map_indexes:
        return failed.task_id
    indexes = sorted(failed.map_indexes)
    named = ", ".join(f"[{index}]" for index in indexes[:_INDEXES_NAMED])
    more = failed.failed - min(len(indexes), _INDEXES_NAMED)
    tail: Text = f"({named})" if named else ""
    if named and more > 0:
        tail = combine(lambda text: f"({named}, {text})", words.and_more(more))
    total = failed.total if failed.total is not None else failed.failed
    count = localize(en_us=f"{failed.failed} of {total} failed", zh_cn=f"{total} 个中 {failed.failed} 个失败")
    return combine(lambda text, end: f"{failed.task_id}: {text} {end}".rstrip(), count, tail)


def _run_facts(facts: RunFacts) -> list[Element]:
    return fact_rows(
        [
            (words.DAG, name(facts.dag_id)),
            (words.RUN, name(facts.run_id)),
            (localize(en_us="Kind", zh_cn="类型"), name(facts.run_type)),
            (words.OWNER, name(facts.owner)),
            (words.STARTED, moment(facts.started_at)),
            (words.TOOK, span(facts.took_seconds)),
            (words.REASON, name(facts.reason)),
            (words.WAS_RED, span(facts.red_seconds)),
        ]
    )
