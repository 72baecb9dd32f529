"""The contexts of callbacks, as the processes that call them give them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from airflow.sdk import DAG

from airflow_provider_lark.operators.webhook import LarkWebhookOperator

LOG_URL = "https://airflow.example/dags/orders/runs/manual__1/tasks/load?try_number=1"
STARTED = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)
DEADLINE = {
    "dag_run": {"dag_id": "orders", "dag_run_id": "manual__1"},
    "deadline": {"id": "d-1", "deadline_time": "2026-11-01T03:00:00+00:00"},
}


def task_context(*, state="failed", exception=None, try_number=4, max_tries=3, **rest):
    with DAG("orders") as dag:
        task = LarkWebhookOperator(
            task_id="load",
            owner=rest.pop("owner", "lin"),
            doc_md=rest.pop("doc_md", None),
            retry_delay=timedelta(minutes=5),
        )
    ti = SimpleNamespace(
        task_id="load",
        dag_id="orders",
        map_index=rest.pop("map_index", -1),
        try_number=try_number,
        max_tries=max_tries,
        state=state,
        start_date=STARTED,
        end_date=STARTED + timedelta(seconds=90),
        log_url=rest.pop("log_url", LOG_URL),
        task=task,
    )
    given = {} if exception is None else {"exception": exception}
    run = SimpleNamespace(dag_id="orders", run_id=rest.get("run_id", "manual__1"))
    return {"dag": dag, "dag_run": run, "run_id": "manual__1", "ti": ti, "task": task, **given, **rest}


def raised(error):
    try:
        raise error
    except type(error) as exc:
        return exc
