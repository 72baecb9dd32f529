"""What is downstream of a rejection is skipped, also where the task that asks is mapped.

Of a mapped task, Airflow's ``SkipMixin`` skips nothing itself. It leaves that to a dependency of what is downstream,
which looks for the rejection under another map index, unless both tasks are mapped over the same number of values: the
run would go on, though everybody has rejected (measured with Airflow 3.3, whose ``ShortCircuitOperator`` does so too).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from airflow.sdk.bases.skipmixin import SkipMixin
from airflow.sdk.exceptions import DownstreamTasksSkipped


def skip(asker: SkipMixin, ti: Any, tasks: Sequence[Any]) -> None:
    """Skip *tasks* of the run, and end the task that asks.

    :param asker: its operator.
    :param ti: its task instance. Of a task in the same mapped task group, the one with its map index is skipped; of
        another all are, as they would come after all that ask.
    :raises DownstreamTasksSkipped: always; Airflow does it then.
    """
    # for a mapped task it only notes what a clearing has to know
    asker.skip(ti=ti, tasks=tasks)
    raise DownstreamTasksSkipped(tasks=list(_instances(ti, tasks)))  # type: ignore[no-untyped-call]  # Airflow's own


def _instances(ti: Any, tasks: Sequence[Any]) -> Iterator[tuple[str, int]]:
    group = ti.task.get_closest_mapped_task_group()
    others: list[str] = []
    for task in tasks:
        if group is not None and task.get_closest_mapped_task_group() is group:
            yield task.task_id, ti.map_index
        else:
            others.append(task.task_id)
    if not others:
        return
    known = ti.get_task_states(dag_id=ti.dag_id, task_ids=others, run_ids=[ti.run_id])
    names = {name for by_task in known.values() for name in by_task}
    for task_id in others:
        # not mapped, or not expanded yet
        yield task_id, -1
        yield from ((task_id, at) for at in range(len(names)) if f"{task_id}_{at}" in names)
