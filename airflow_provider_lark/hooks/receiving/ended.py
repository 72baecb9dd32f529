"""Whether a task that is being stopped has ended for good, or only moves to another process."""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger(__name__)


def is_waiting(ti: Any, state: str) -> bool:
    """Tell whether Airflow still has the task in *state*: then a worker or triggerer shuts down, and it goes on later.

    True also where Airflow does not tell: the next question of the task closes this one.

    :param ti: the task instance; None: not known.
    """
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    if ti is None:
        return True
    try:
        told = RuntimeTaskInstance.get_task_states(
            dag_id=ti.dag_id, map_index=ti.map_index, task_ids=[ti.task_id], run_ids=[ti.run_id]
        )
    except Exception as exc:  # noqa: BLE001 - whatever keeps Airflow from telling, the task is being killed
        log.warning("Airflow does not tell the state of task %s, whose question stays open: %s", ti.task_id, exc)
        return True
    states = [value for by_task in told.values() for value in by_task.values()]
    return state in states
