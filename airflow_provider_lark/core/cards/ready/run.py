"""A DAG run that ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from airflow_provider_lark.core.cards.card import HeaderTemplate
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
from airflow_provider_lark.core.hints import counted

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
    :param retrying: the tasks of which a try failed and another one follows.
    :param exception: of the first of them.
    :param red_seconds: for how long the DAG had been failing before this run succeeded.
    """

    run_type: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: float | None = None
    reason: str | None = None
    failures: tuple[FailedTask, ...] = ()
    retrying: tuple[FailedTask, ...] = ()
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
    title = combine(lambda word: f"{facts.dag_id or 'DAG'} {word}", localize(en_us="run failed", zh_cn="运行失败"))
    return _fit(facts, title, "red", locale, carrier)


def run_troubled_card(facts: RunFacts, *, locale: Locale | None = None, carrier: Carrier = MESSAGE) -> Json:
    """Return a red card: tasks of a run failed, which may go on; an orange one where all of them are tried again."""
    word = _count(facts.failures or facts.retrying)
    color: HeaderTemplate = "red" if facts.failures else "orange"
    if not facts.failures:
        word = combine(lambda *parts: "".join(parts), word, localize(en_us=", will retry", zh_cn="，将重试"))
    return _fit(facts, combine(lambda text: f"{_place(facts) or 'Airflow'}: {text}", word), color, locale, carrier)


def _fit(facts: RunFacts, title: Text, color: HeaderTemplate, locale: Locale | None, carrier: Carrier) -> Json:
    clean = replace(facts, exception=clean_lines(facts.exception))
    most = carrier.max_bytes if clean.exception else 0
    return fit(clean, lambda known, room: _run_card(known, title, color, room, locale), most=most, carrier=carrier)


def _run_card(facts: RunFacts, title: Text, color: HeaderTemplate, room: int, locale: Locale | None) -> Json:
    what = _what_failed(facts)
    summary = combine(lambda head, text: f"{head}: {text}" if text else head, title, what)
    elements = [
        headline(what),
        *_run_facts(facts),
        *_named(localize(en_us="Failed tasks", zh_cn="失败的任务"), facts.failures),
        *_named(localize(en_us="Retried", zh_cn="将重试的任务"), facts.retrying),
        people(facts),
        panel(words.CAUSE, facts.exception, room, locale, "python"),
        remark(facts),
        buttons(facts),
    ]
    return frame_card(Frame(title, color, summary, facts.run_id), elements, locale)


def _place(facts: RunFacts) -> str:
    """Return the DAG, or its one task that the card is about, whichever instances those are."""
    return replace(facts, map_index=None).name


def _named(head: Text, tasks: Sequence[FailedTask]) -> list[Element]:
    named = [_failure(each) for each in tasks[:_TASKS_NAMED]]
    return bullets(head, named, len(tasks) - len(named))


def run_succeeded_card(facts: RunFacts, *, locale: Locale | None = None, carrier: Carrier = MESSAGE) -> Json:
    """Return a green card: the run succeeded, and for how long its DAG had been failing."""
    return fit(facts, lambda known, _: _succeeded_card(known, locale), most=0, carrier=carrier)


def _succeeded_card(facts: RunFacts, locale: Locale | None) -> Json:
    recovered = facts.red_seconds is not None
    what = (
        localize(en_us="recovered", zh_cn="已恢复") if recovered else localize(en_us="run succeeded", zh_cn="运行成功")
    )
    title = combine(lambda word: f"{_place(facts) or 'DAG'} {word}", what)
    elements = [*_run_facts(facts), people(facts), remark(facts), buttons(facts)]
    return frame_card(Frame(title, "green", title, facts.run_id), elements, locale)


def _what_failed(facts: RunFacts) -> Text:
    tasks = facts.failures or facts.retrying
    if len(tasks) == 1:
        (only,) = tasks
        if only.total or only.failed > 1:
            return combine(lambda count: f"{only.task_id}: {count}", _instances(only))
        error = error_line(facts.exception)
        return f"{only.task_id}: {error}" if error else only.task_id
    return _count(tasks) if tasks else error_line(facts.exception) or facts.reason or ""


def _count(tasks: Sequence[FailedTask]) -> Text:
    """Say how many failed: tasks, or instances where it is one mapped task."""
    if len(tasks) == 1 and (tasks[0].total or tasks[0].failed > 1):
        return _instances(tasks[0])
    count = len(tasks)
    return localize(en_us=f"{counted(count, 'task')} failed", zh_cn=f"{count} 个任务失败")


def _instances(failed: FailedTask) -> Text:
    if failed.total is None:
        return localize(en_us=f"{failed.failed} failed", zh_cn=f"{failed.failed} 个失败")
    return localize(
        en_us=f"{failed.failed} of {failed.total} failed", zh_cn=f"{failed.total} 个中 {failed.failed} 个失败"
    )


def _failure(failed: FailedTask) -> Text:
    if failed.total is None and not failed.map_indexes:
        return failed.task_id
    indexes = sorted(failed.map_indexes)
    named = ", ".join(f"[{index}]" for index in indexes[:_INDEXES_NAMED])
    more = failed.failed - min(len(indexes), _INDEXES_NAMED)
    tail: Text = f"({named})" if named else ""
    if named and more > 0:
        tail = combine(lambda text: f"({named}, {text})", words.and_more(more))
    return combine(lambda text, end: f"{failed.task_id}: {text} {end}".rstrip(), _instances(failed), tail)


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
