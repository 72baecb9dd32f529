"""### A task that fails on purpose, the card that tells of it, and its recovery

A chat gets one card: orange when the task will be retried, red when it has failed for good, green when it made it.
With the params as they are, the first try fails and the second makes it. With a `failing_tries` of 2 both fail: clear
the task then, and its next try makes it.

**Configuration**
- Lark connection: `store_conn_id`, a SQL connection in whose database the card is remembered. Without it each failure
  is a message of its own, and the recovery is not told.
- Params: `failing_tries` (how many tries fail), `receive_id` (a chat's name, or an id; the app's bot has to be in the
  chat), `lark_conn_id`.

**Limits.** A notifier never fails a task, and takes nine seconds at most. Lark counts requests per app: when many tasks
share one, create a pool with `airflow pools set lark 4 "Lark API"` and add `"pool": "lark"` to `default_args`.
"""

# [START lark_failure_notifier]
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_provider_lark.notifications.lark import LarkNotifier

notify = LarkNotifier(
    receive_id="{{ params.receive_id }}",
    lark_conn_id="{{ params.lark_conn_id }}",
    dedupe="task",
    runbook_url="https://github.com/airflow-provider-lark/airflow-provider-lark/blob/main/docs/notifiers.md",
)

with DAG(
    dag_id="lark_failure_notifier",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["lark", "message", "example"],
    doc_md=__doc__,
    # in a DAG of your own: the first line tells of failures, the others of retries and of recoveries
    default_args={
        "on_failure_callback": notify,
        "on_retry_callback": notify,
        "on_success_callback": notify,
        "retries": 1,
        "retry_delay": timedelta(seconds=5),
    },
    params={
        "failing_tries": Param(1, type="integer", minimum=0),
        "receive_id": Param("Sales", type="string", description="A chat's name, or an id"),
        "lark_conn_id": Param("lark_default", type="string"),
    },
) as dag:

    @task
    def load_orders(params: dict[str, Any], ti: Any = None) -> str:
        """Fail on the first tries."""
        if ti.try_number <= params["failing_tries"]:
            raise RuntimeError(f"try {ti.try_number} fails on purpose: the warehouse says 'no space left'")
        return f"made it on try {ti.try_number}"

    load_orders()
# [END lark_failure_notifier]
