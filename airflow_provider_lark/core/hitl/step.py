"""What to do next about one request: decided from values alone, without a clock, a database or a call."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_lark.core.hitl import endings
from airflow_provider_lark.core.hitl.card import read_answer
from airflow_provider_lark.core.hitl.endings import Ending
from airflow_provider_lark.core.hitl.progress import Answer, Detail, Progress, Sight
from airflow_provider_lark.core.questions.question import Question

AWAITING_INPUT = frozenset({"awaiting_input", "deferred"})
"""The states of a task that is awaiting input: from Airflow 3.3 on the first, before that the second."""

_ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_AWAITING_SECONDS = 5.0
"""Airflow 3.3 fails a task that is answered within a second after it began to wait: its scheduler has not yet noted
that the process has ended (measured: up to 0.6 s on an idle machine, 1.2 s on one with five times the load that it has
processors for)."""
_SETTLE_SECONDS = 120.0
"""After so long a task that has gone on counts as having taken the answer, though it has not ended yet."""
_SOON, _NOW_AND_THEN = 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again after so many seconds, or when somebody presses the card."""

    seconds: float


@dataclass(frozen=True, slots=True)
class PassOn:
    """Give Airflow the answer."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Finish:
    """Let the card say how it ended; there is nothing else to do."""

    ending: Ending


Step = Wait | PassOn | Finish


def next_step(question: Question, progress: Progress, sight: Sight | None, account: str | None) -> Step:
    """Return what to do about a request.

    :param question: as it stands; its time is the database's.
    :param sight: what Airflow says; None where it knows no such task instance.
    :param account: the user id of whoever passes answers on; None where it is not known.
    """
    if sight is None:
        return Finish(endings.gone())
    if question.state in ("replaced", "withdrawn") or _asks_anew(progress, sight):
        return Finish(endings.replaced())
    if sight.detail is not None and sight.detail.chosen is not None:
        return _answered(question, progress, sight, sight.detail, account)
    if sight.state in _ENDED:
        return Finish(endings.ended(str(sight.state)))
    if sight.detail is None:
        return Wait(_NOW_AND_THEN)
    if account is not None and sight.detail.assigned and account not in sight.detail.assigned:
        return Finish(endings.not_assigned(account))
    if question.state != "answered":
        return Wait(_NOW_AND_THEN)
    return _pass_on(question, progress, sight.state, sight.detail)


def _asks_anew(progress: Progress, sight: Sight) -> bool:
    asked_in = progress.request.place.try_number
    if asked_in is not None and sight.try_number is not None and sight.try_number > asked_in:
        return True
    known = progress.created_at
    return known is not None and sight.detail is not None and sight.detail.created_at != known


def _pass_on(question: Question, progress: Progress, state: str | None, detail: Detail) -> Step:
    if state not in AWAITING_INPUT or progress.awaiting_since_ms is None:
        # not waiting yet, or cleared meanwhile: what is answered now, Airflow would keep, and not go on
        return Wait(_SOON)
    too_soon = _AWAITING_SECONDS - (question.now_ms - progress.awaiting_since_ms) / 1000
    if too_soon > 0:
        return Wait(too_soon)
    chosen, params = read_answer(progress.request, question.votes[-1])
    if not set(chosen) <= set(detail.options):
        # up to 3.3, a task that is tried again keeps what it asked first
        return Finish(endings.refused(f"it asks for one of {', '.join(detail.options)}"))
    return PassOn(Answer(chosen, params))


def _answered(question: Question, progress: Progress, sight: Sight, detail: Detail, account: str | None) -> Step:
    chosen = detail.chosen or ()
    is_ours = _is_ours(question, progress, detail, account)
    if not is_ours:
        is_late = question.state == "answered"
        if not detail.by_id:
            return Finish(endings.defaulted(chosen, is_late=is_late, at_ms=detail.at_ms))
        by = detail.by_name or detail.by_id
        return Finish(endings.answered_elsewhere(by, chosen, is_late=is_late, at_ms=detail.at_ms))
    if sight.state in AWAITING_INPUT:
        # before 3.3 the triggerer has to see it first
        return Wait(_SOON)
    since = question.now_ms - (progress.passed_ms or question.now_ms)
    if sight.state in _ENDED or sight.state == "up_for_retry" or since >= _SETTLE_SECONDS * 1000:
        return Finish(endings.delivered(sight.state))
    return Wait(_SOON)


def _is_ours(question: Question, progress: Progress, detail: Detail, account: str | None) -> bool:
    """Tell whether the answer that Airflow has is the one that was given here."""
    if question.state != "answered" or progress.passed_ms is None or not detail.by_id:
        return False
    chosen, _ = read_answer(progress.request, question.votes[-1])
    return set(chosen) == set(detail.chosen or ()) and account in (None, detail.by_id)
