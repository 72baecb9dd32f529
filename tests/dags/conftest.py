"""A migrated Airflow database for the session, and real runs of the DAG files in it."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from tests.airflow_home import migrate, prepare

prepare()

DAGS = Path(__file__).parents[2] / "dags"

# what Airflow warns of in its own code
EXEMPT = (
    "ignore:Using `httpx` with `starlette.testclient` is deprecated",
    "ignore:GitWildMatchPattern:DeprecationWarning",
)


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for exemption in EXEMPT:
                item.add_marker(pytest.mark.filterwarnings(exemption))


@pytest.fixture(scope="session")
def airflow_db():
    """Airflow's own database, migrated once."""
    migrate()


@pytest.fixture(scope="session")
def dag_bag():
    """The DAG files, parsed once."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str(DAGS))


@pytest.fixture
def run_dag(airflow_db):
    """Run a DAG file for real and return what each task left: states and return values by task id."""
    from airflow.dag_processing.dagbag import DagBag

    def run(dag_id, **conf):
        # parsed anew, because dag.test() leaves the run's conf behind in the DAG's params
        dag = DagBag(dag_folder=str(DAGS / f"{dag_id}.py")).dags[dag_id]
        for task in dag.tasks:
            task.retry_delay = timedelta(0)
        register(dag)
        return outcome_of(dag.test(run_conf=conf))

    return run


@pytest.fixture
def run_tasks(airflow_db):
    """Run a DAG of the tasks that a function makes, for real."""
    from airflow.sdk import DAG

    def run(make_tasks):
        with DAG("made_in_a_test", schedule=None) as dag:
            make_tasks()
        register(dag)
        return outcome_of(dag.test())

    return run


def register(dag):
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    from airflow.utils.session import create_session

    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)
    bag = DagBag(dag_folder=os.devnull, collect_dags=False)
    bag.bag_dag(dag)
    sync_bag_to_db(bag, "dags-folder", None)


def outcome_of(dag_run):
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    with create_session() as session:
        states = {(ti.task_id, ti.map_index): str(ti.state) for ti in dag_run.get_task_instances(session=session)}
        rows = session.scalars(XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, key="return_value"))
        values = {(row.task_id, row.map_index): XComModel.deserialize_value(row) for row in rows}
    return str(dag_run.state), states, values
