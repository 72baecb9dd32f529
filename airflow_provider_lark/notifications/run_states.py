"""What Airflow says of a run's task instances: asked over the supervisor, which every process has but the scheduler.

A DAG's callback is told of the task instance that ended last, which need not have failed. So it is asked which did.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_lark.notifications.context import Occasion, States, corrected

log = logging.getLogger(__name__)

_STILL = ("running", "restarting", "deferred")


def ask_about_run(occasion: Occasion, context: Mapping[str, Any], *, also_good: bool) -> Occasion:
    """Return *occasion* with what Airflow says of its run: which tasks failed, how many instances a task has, and what
    became of one whose process was lost.

    :param also_good: ask about a run that succeeded, and about the instances of a mapped task, too.
    """
    dag_id, run_id = occasion.facts.get("dag_id"), occasion.facts.get("run_id")
    if occasion.kind == "run_failed" or (also_good and occasion.kind == "run_succeeded"):
        return replace(occasion, states=states_of_run(context, dag_id, run_id))
    if occasion.is_guess:
        occasion = corrected(occasion, state_of_task(occasion.facts))
    is_mapped = occasion.facts.get("map_index", -1) >= 0 and occasion.kind in ("task_failed", "task_retrying")
    if also_good and is_mapped:
        return replace(occasion, total=count_instances(dag_id, run_id, occasion.facts["task_id"]))
    return occasion


def states_of_run(context: Mapping[str, Any], dag_id: str | None, run_id: str | None) -> States | None:
    """Return the states of all task instances of a run; None where nobody can be asked."""
    if not dag_id or not run_id:
        return None
    found = _ask(dag_id, run_id)
    if found is None:
        return None
    tasks = getattr(context.get("dag"), "task_ids", None) or ()
    return {_read_key(key, tasks): None if state is None else str(state) for key, state in found.items()}


def state_of_task(facts: Mapping[str, Any]) -> str | None:
    """Return what Airflow has made of a task instance; None where it is still about it, or nobody can be asked."""
    if not {"dag_id", "run_id", "task_id"} <= set(facts):
        return None
    task_id, index = facts["task_id"], facts.get("map_index", -1)
    found = _ask(facts["dag_id"], facts["run_id"], [task_id]) or {}
    state = found.get(task_id if index < 0 else f"{task_id}_{index}")
    # the scheduler has asked for the callback, and not yet changed the state
    return None if state is None or str(state) in _STILL else str(state)


def count_instances(dag_id: str | None, run_id: str | None, task_id: str) -> int | None:
    """Return how many instances a mapped task has; None where nobody can be asked."""
    found = _ask(dag_id, run_id, [task_id]) if dag_id and run_id else None
    return len(found) if found else None


def _ask(dag_id: str, run_id: str, task_ids: list[str] | None = None) -> dict[str, Any] | None:
    try:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        found = RuntimeTaskInstance.get_task_states(dag_id, task_ids=task_ids, run_ids=[run_id])
    except Exception as exc:  # noqa: BLE001 - a message without it is better than none
        log.debug("the states of the run's tasks could not be read: %s", type(exc).__name__)
        return None
    return dict(found.get(run_id) or {})


def _read_key(key: str, tasks: Iterable[str]) -> tuple[str, int]:
    """Read ``task``, or ``task_3`` of a mapped one; a task of its own may have such a name."""
    if key in tasks:
        return key, -1
    task_id, _, index = key.rpartition("_")
    return (task_id, int(index)) if task_id and index.isdecimal() and (not tasks or task_id in tasks) else (key, -1)
