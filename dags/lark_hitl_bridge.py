"""### Answers from Lark to tasks that wait for a person in Airflow

Carries what people press on the cards of `LarkHITLNotifier` over to Airflow. One run serves every DAG: it looks each
second, in the triggerer, and the next run takes over. Cards of tasks that were answered in Airflow, timed out or ended
are closed. When it is killed at any moment, no answer is lost; the next run goes on.

**Configuration**
- Lark connection: `store_conn_id`, a SQL connection in whose database questions and answers are kept. A receiver has to
  run; see docs/hitl.md.
- The connection `airflow_api`: the address of Airflow's api-server as host, and login and password of an account that
  may answer what tasks ask.
- Params: `minutes` (how long one run looks), `lark_conn_id`, `airflow_conn_id`.

**Limits.** A look costs one query, and for each task that waits a request to Airflow every five seconds; it calls Lark
only where a card changes. When many tasks share an app, create a pool with `airflow pools set lark 4 "Lark API"` and
add `"pool": "lark"` to `default_args`.
"""

# [START lark_hitl_bridge]
from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Param

from airflow_provider_lark.operators.hitl import LarkHITLBridgeOperator

with DAG(
    dag_id="lark_hitl_bridge",
    # a run looks for ten minutes, and the next one waits for its end
    schedule=timedelta(minutes=10),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["lark", "message", "example"],
    doc_md=__doc__,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=20)},
    params={
        "minutes": Param(10, type="integer", minimum=1, maximum=1440, description="how long one run looks"),
        "lark_conn_id": Param("lark_default", type="string", minLength=1),
        "airflow_conn_id": Param("airflow_api", type="string", minLength=1),
    },
):
    LarkHITLBridgeOperator(
        task_id="bridge",
        run_for="{{ params.minutes * 60 }}",
        lark_conn_id="{{ params.lark_conn_id }}",
        airflow_conn_id="{{ params.airflow_conn_id }}",
        deferrable=True,
    )
# [END lark_hitl_bridge]
