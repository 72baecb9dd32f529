"""Which tasks of a run failed, from Airflow's own database: in the scheduler and the API server, which have it."""

from __future__ import annotations

import logging
from dataclasses import replace

from airflow_provider_lark.notifications.context import Occasion, States

log = logging.getLogger(__name__)


def with_states(occasion: Occasion) -> Occasion:
    """Return *occasion* of a run with the states of its task instances; in a thread of its own, not the scheduler's."""
    if occasion.kind not in ("run_failed", "run_succeeded"):
        return occasion
    try:
        states = _read(occasion.facts["dag_id"], occasion.facts["run_id"])
        # no row at all: the run was deleted meanwhile, and what is known of its tasks stands
        return replace(occasion, states=states) if states else occasion
    except Exception as exc:  # noqa: BLE001 - a message without it is better than none
        log.debug("the states of the run's tasks could not be read: %s", type(exc).__name__)
        return occasion


def _read(dag_id: str, run_id: str) -> States:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    columns = (TaskInstance.task_id, TaskInstance.map_index, TaskInstance.state)
    mine = (TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
    # a session of its own: the scheduler's must not be committed by others
    with create_session(scoped=False) as session:
        found = session.execute(select(*columns).where(*mine)).all()
    return {(task_id, map_index): None if state is None else str(state) for task_id, map_index, state in found}
