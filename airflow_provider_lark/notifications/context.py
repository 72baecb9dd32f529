"""What the context of a callback says: it differs by the process that calls, and any part of it may be missing.

A task's callback has the task instance and, on a worker, the exception; a DAG's has ``reason``, and the *last* task
instance, which is not the one that failed; a deadline's has ``dag_run`` as a plain dictionary and ``deadline``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from airflow_provider_lark.notifications.exceptions import describe

Kind = Literal[
    "task_failed", "task_retrying", "task_succeeded", "task_other", "run_failed", "run_succeeded", "deadline"
]

_SUCCESS_REASONS = ("success",)
_FAILED = ("failed", "upstream_failed")
_LOST = "the task process was lost or never started"
_BY_TRIGGER = "failed by its trigger, without an exception; see the triggerer's log"
_NOBODY = "airflow"
"""Who owns a task whose author has not said."""
_RUNBOOK = re.compile(r"runbook|playbook|手册|预案", re.IGNORECASE)
_LINK = re.compile(r"https?://[^\s<>()\[\]\"'`]+")


States = Mapping[tuple[str, int], str | None]
"""Of task instances, as Airflow calls them, by task and map index, which is -1 where it has none."""


@dataclass(frozen=True)
class Occasion:
    """What there is to tell.

    :param facts: by the names of the ready cards' facts; what is not known is not there.
    :param state: of the task, as Airflow calls it.
    :param mark: what tells it from the next one of the same kind and place, and never moves by itself; empty: unknown.
    :param states: of the run's task instances, where it is about a run and somebody could be asked.
    :param total: how many instances the task has, where it is mapped and somebody could be asked.
    :param by_hand: whether somebody has set the state.
    :param is_guess: whether *kind* and *state* of a task follow from its number of tries only: Airflow knows better.
    """

    kind: Kind
    facts: Mapping[str, Any]
    state: str | None = None
    mark: tuple[str, ...] = ()
    states: States | None = None
    total: int | None = None
    by_hand: bool = False
    is_guess: bool = False

    @property
    def name(self) -> str:
        """DAG and task, and what happened, for a log line."""
        place = ".".join(self.facts[key] for key in ("dag_id", "task_id") if key in self.facts) or "a DAG"
        return f"{place} ({self.kind.replace('_', ' ')})"


def read_occasion(context: Mapping[str, Any]) -> Occasion:
    """Return what *context* tells."""
    if (late := context.get("deadline")) is not None:
        facts = _of_run(context) | _page_of_run(context) | {"deadline_at": _moment(_get(late, "deadline_time"))}
        return Occasion("deadline", _known(facts), mark=(str(_get(late, "id")), str(_get(late, "deadline_time"))))
    ti = None if "reason" in context else _first(context, "ti", "task_instance")
    if ti is not None:
        return _of_task(context, ti)
    reason, run = context.get("reason"), context.get("dag_run")
    is_good = reason in _SUCCESS_REASONS if "reason" in context else context.get("exception") is None
    facts = {**_of_run(context), **_page_of_run(context), **_times(run), **_of_dag(context)}
    facts["reason"] = None if is_good else reason
    # once it was cleared it has another start
    began = _get(run, "start_date")
    mark = () if began is None else (str(began), str(_get(run, "clear_number")))
    return Occasion("run_succeeded" if is_good else "run_failed", _known(facts), mark=mark)


def is_bad(occasion: Occasion) -> bool:
    """Tell whether something failed, for good or not."""
    return occasion.kind in ("task_failed", "task_retrying", "run_failed")


def is_for_a_card(occasion: Occasion) -> bool:
    """Tell whether it belongs on a card that is updated: a deadline, or a task that starts, is told on its own."""
    is_one = is_bad(occasion) or occasion.kind in ("task_succeeded", "run_succeeded") or may_end_trouble(occasion)
    return is_one and {"dag_id", "run_id"} <= set(occasion.facts)


def is_nothing_new(occasion: Occasion) -> bool:
    """Tell whether it is a task that made it at its first try, and by itself: nothing was ever said of it."""
    return occasion.kind == "task_succeeded" and occasion.facts.get("try_number") == 1 and not occasion.by_hand


def may_end_trouble(occasion: Occasion) -> bool:
    """Tell whether it is a task that was skipped after another try, which may have failed."""
    return occasion.state == "skipped" and (occasion.facts.get("try_number") != 1 or occasion.by_hand)


def derived_names(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return names that templates use and *context* lacks, as far as they follow from its run."""
    facts = _of_run(context)
    found = {"run_id": facts["run_id"], "dag": _Named(facts["dag_id"]) if facts["dag_id"] else None}
    return {name: value for name, value in found.items() if value is not None and context.get(name) is None}


@dataclass(frozen=True)
class _Named:
    """What is left of a DAG where Airflow tells its id only."""

    dag_id: str
    render_template_as_native_obj: bool = False


def _of_run(context: Mapping[str, Any]) -> dict[str, Any]:
    run, dag = context.get("dag_run"), context.get("dag")
    return {
        "dag_id": _get(dag, "dag_id") or _get(run, "dag_id") or _get(context.get("ti"), "dag_id"),
        "run_id": context.get("run_id") or _get(run, "run_id") or _get(run, "dag_run_id"),
    }


def _page_of_run(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the address of the run in Airflow, which no context has but a task's."""
    from airflow.sdk.configuration import conf

    facts, base = _of_run(context), conf.get("api", "base_url", fallback=None)
    if not base or not facts["dag_id"] or not facts["run_id"]:
        return {}
    dag_id, run_id = (quote(facts[name], safe=":+") for name in ("dag_id", "run_id"))
    return {"grid_url": f"{base.rstrip('/')}/dags/{dag_id}/runs/{run_id}"}


def _of_dag(context: Mapping[str, Any]) -> dict[str, Any]:
    dag = context.get("dag")
    named = sorted({each.strip() for each in str(_get(dag, "owner") or "").split(",")} - {"", _NOBODY})
    return {"owner": ", ".join(named) or None, "runbook_url": _runbook(dag)}


def _runbook(*places: Any) -> str | None:
    """Return the link of a line of ``doc_md`` that speaks of a runbook, of the first place that has one."""
    for place in places:
        text = _get(place, "doc_md")
        for line in text.splitlines() if isinstance(text, str) else ():
            if _RUNBOOK.search(line) and (link := _LINK.search(line)):
                return link[0].rstrip(".,;:!?")
    return None


def _of_task(context: Mapping[str, Any], ti: Any) -> Occasion:
    task = context.get("task") or _get(ti, "task")
    exception = describe(context.get("exception"))
    state, max_tries = _state(ti), _get(ti, "max_tries")
    # the DAG processor, which tells of processes that are gone and of triggers, is not told what becomes of the task
    is_guess = state is None and exception is None
    is_by_trigger = is_guess and context.get("dag_run") is None
    if is_guess:
        # nor, of those that their trigger ended, how many tries there are
        state = _state_of_lost(_get(ti, "try_number"), _get(task, "retries") if is_by_trigger else max_tries)
    if is_by_trigger:
        max_tries = None
    question = _question(task) if state == "running" else None
    if question is not None:
        state = "awaiting_input"
    kind = _kind_of_task(state, exception)
    owner, log_url = _get(task, "owner"), _get(ti, "log_url")
    is_lost = exception is None and kind in ("task_failed", "task_retrying")
    facts = {
        **_of_run(context),
        **_times(ti),
        "task_id": _get(ti, "task_id"),
        "map_index": _get(ti, "map_index"),
        "try_number": _get(ti, "try_number"),
        "tries": max_tries + 1 if isinstance(max_tries, int) else None,
        "owner": None if owner == _NOBODY else owner,
        "runbook_url": _runbook(task, context.get("dag")),
        "log_url": log_url,
        # the page of the run is above that of the task
        "grid_url": log_url.partition("/tasks/")[0] if isinstance(log_url, str) and "/tasks/" in log_url else None,
        "exception": exception,
        "reason": (_BY_TRIGGER if is_by_trigger else _LOST) if is_lost else question,
        "next_retry_at": _next_try(task, ti) if kind == "task_retrying" else None,
    }
    # a run that was deleted and made again has other instances under the same names
    mark = tuple(str(_get(ti, name)) for name in ("map_index", "try_number", "id"))
    return Occasion(kind, _known(facts), state, mark=mark, is_guess=is_guess)


def corrected(occasion: Occasion, state: str | None) -> Occasion:
    """Return *occasion* of a task as Airflow's *state* of it has it: what was guessed may be wrong."""
    if state is None:
        return occasion
    # what is tried again may be on its way, or even through, when somebody comes to tell of it
    kind: Kind = "task_failed" if state in _FAILED else "task_retrying"
    return replace(occasion, kind=kind, state="failed" if kind == "task_failed" else "up_for_retry", is_guess=False)


def _question(task: Any) -> str | None:
    """Return what a human-in-the-loop operator asks, which calls its ``notifiers`` before it waits."""
    return str(_get(task, "subject")) if _get(task, "notifiers") and _get(task, "options") else None


def _kind_of_task(state: str | None, exception: str | None) -> Kind:
    if state == "success":
        return "task_succeeded"
    if state == "up_for_retry":
        return "task_retrying"
    return "task_failed" if state in _FAILED or exception is not None else "task_other"


def _state_of_lost(try_number: Any, max_tries: Any) -> str:
    """Return what probably becomes of a task whose process is gone, or which its trigger ended."""
    is_tried_again = isinstance(try_number, int) and isinstance(max_tries, int) and try_number <= max_tries
    return "up_for_retry" if is_tried_again else "failed"


def _state(ti: Any) -> str | None:
    state = _get(ti, "state")
    return None if state is None else str(getattr(state, "value", state))


def _times(holder: Any) -> dict[str, Any]:
    started, ended = _moment(_get(holder, "start_date")), _moment(_get(holder, "end_date"))
    return {"started_at": started, "ended_at": ended}


def _next_try(task: Any, ti: Any) -> datetime | None:
    delay, ended = _get(task, "retry_delay"), _moment(_get(ti, "end_date"))
    # a growing delay is for the scheduler to know, and a policy may have another one for each exception
    is_open = _get(task, "retry_exponential_backoff") or _get(task, "retry_policy")
    if not isinstance(delay, timedelta) or ended is None or is_open:
        return None
    return ended + delay


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) else None


def _get(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


def _first(context: Mapping[str, Any], *names: str) -> Any:
    return next((context[name] for name in names if context.get(name) is not None), None)


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}
