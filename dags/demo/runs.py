"""Real runs of the DAGs, in this process, and the reports that their tasks left as XComs.

Import after :mod:`airflow_home` has prepared Airflow's home.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.listeners import hookimpl
from airflow.models.xcom import XComModel
from airflow.sdk import DAG
from airflow.sdk.listener import get_listener_manager
from airflow.utils.session import create_session


class RunFailed(Exception):
    """A DAG could not be loaded, or a task of its run failed."""


@dataclass(frozen=True)
class DagResult:
    """What a run left.

    :param reports: the reports of its tasks, in the order in which the mappings stand.
    :param seconds: the whole run, with everything that Airflow does around the tasks.
    """

    dag_id: str
    reports: list[dict[str, Any]]
    seconds: float


@dataclass
class _Watcher:
    """Airflow's listener: tells which task runs, and keeps the errors of those that failed."""

    tell: Callable[[str], None]
    errors: list[str] = field(default_factory=list)

    @hookimpl
    def on_task_instance_running(self, task_instance: Any) -> None:
        self.tell(_label(task_instance))

    @hookimpl
    def on_task_instance_failed(self, task_instance: Any, error: Any) -> None:
        self.errors.append(f"{_label(task_instance)}: {error}")


def _label(task_instance: Any) -> str:
    name = getattr(task_instance, "rendered_map_index", None)
    return f"{task_instance.task_id} {name}" if name else str(task_instance.task_id)


def load_dags(folder: str) -> dict[str, DAG]:
    """Return the DAGs of *folder* by id.

    :raises RunFailed: a file cannot be imported.
    """
    bag = DagBag(dag_folder=folder)
    if bag.import_errors:
        raise RunFailed("\n".join(f"{path}: {error}" for path, error in bag.import_errors.items()))
    return dict(bag.dags)


def register(dag: DAG) -> None:
    """Make a DAG known to Airflow that stands in no file of its folder."""
    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)
    bag = DagBag(dag_folder=os.devnull, collect_dags=False)
    bag.bag_dag(dag)
    sync_bag_to_db(bag, "dags-folder", None)


def run_dag(dag: DAG, tell: Callable[[str], None]) -> DagResult:
    """Run *dag* once, on the metadata database.

    :param tell: called with the name of each task that begins.
    :raises RunFailed: names the tasks that failed, with their errors.
    """
    for task in dag.tasks:
        _drop_retries(task)
    watcher = _Watcher(tell)
    get_listener_manager().add_listener(watcher)
    began = perf_counter()
    try:
        run = dag.test()
    finally:
        get_listener_manager().pm.unregister(watcher)
    seconds = perf_counter() - began
    if run.state != "success":
        errors = watcher.errors or [f"the run ended as {run.state}"]
        raise RunFailed(f"{dag.dag_id}:\n  " + "\n  ".join(errors))
    with create_session() as session:
        found = session.scalars(
            XComModel.get_many(run_id=run.run_id, key="return_value", dag_ids=dag.dag_id).order_by(None)
        ).all()
        rows = sorted(found, key=lambda row: (row.map_index, row.timestamp))
        values = [XComModel.deserialize_value(row) for row in rows]
    return DagResult(dag.dag_id, [value for value in values if isinstance(value, dict)], seconds)


def _drop_retries(task: Any) -> None:
    # a failure should be seen at once, and not after three waits of a minute
    if hasattr(task, "partial_kwargs"):
        task.partial_kwargs["retries"] = 0
    else:
        task.retries = 0
