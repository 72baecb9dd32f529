"""### People decide in a chat whether the orders are loaded

A chat gets a card with a form and two buttons. *Approve* loads as many rows as the person says, *Reject* skips the
load; after `minutes` without an answer it is rejected. The card then shows who decided.

**Configuration**
- Lark connection: `store_conn_id`, a SQL connection in whose database questions and answers are kept, and the keys of
  the app's callbacks. A receiver has to run: `airflow lark receive`, or the api-server; see docs/answers.md.
- Params: `receive_id` (a chat's name, or an id; the app's bot has to be in the chat), `minutes`, `lark_conn_id`.

**Limits.** A card can be pressed for 14 days. Lark counts requests per app: when many tasks share one, create a pool
with `airflow pools set lark 4 "Lark API"` and add `"pool": "lark"` to `default_args`.
"""

# [START lark_card_approval]
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_provider_lark.operators.approval import LarkApprovalOperator

with DAG(
    dag_id="lark_card_approval",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["lark", "message", "example"],
    doc_md=__doc__,
    params={
        "receive_id": Param("Approvals", type="string", minLength=1, description="chat or person that gets the card"),
        "minutes": Param(60, type="integer", minimum=1, description="how long people have to answer"),
        "lark_conn_id": Param("lark_default", type="string", minLength=1),
    },
):
    approve = LarkApprovalOperator(
        task_id="approve",
        receive_id="{{ params.receive_id }}",
        title="Load the orders?",
        body="The load replaces the table `orders`. It takes about **5 minutes**.",
        form=[
            {"name": "most", "label": "Most rows", "type": "integer", "minimum": 1, "default": 1000, "required": True},
            {"name": "reason", "label": "Reason", "type": "multiline"},
        ],
        response_timeout="{{ params.minutes * 60 }}",
        default="Reject",
        remind_after=timedelta(minutes=15),
        lark_conn_id="{{ params.lark_conn_id }}",
        deferrable=True,
    )

    @task
    def load(approved: dict[str, Any]) -> str:
        """Stand for the load: it gets who approved, and what they filled in."""
        answer = approved["answers"][-1]
        return f"{approved['values']['most']} rows, approved by {answer['open_id']}"

    load(approve.output)  # type: ignore[arg-type]  # XComArg
# [END lark_card_approval]
