"""### Airflow's own approval, answered in Lark

`ApprovalOperator` of Airflow asks, in the UI and on a card in a chat: whoever sees the card may press *Approve* or
*Reject*, and the run goes on. `lark_hitl_bridge` has to run, which carries the answers over to Airflow.

**Configuration**
- Lark connection and connection `airflow_api`: as `lark_hitl_bridge` needs them; see docs/hitl.md.
- Airflow Variable `lark_approvals_chat`: the chat or person that is asked; default: the chat `Approvals`. The DAG has
  no Params, because Airflow would ask people to fill those in as well.

**Limits.** A card can be pressed for 14 days. Lark counts requests per app: when many tasks share one, create a pool
with `airflow pools set lark 4 "Lark API"` and add `"pool": "lark"` to `default_args`.
"""

# [START lark_hitl_approval]
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Param, task

from airflow_provider_lark.notifications.hitl import LarkHITLNotifier

with DAG(
    dag_id="lark_hitl_approval",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["lark", "message", "example"],
    doc_md=__doc__,
):
    approve = ApprovalOperator(
        task_id="approve",
        subject="Pay invoice 4711?",
        body="**1,200 EUR** to Example Ltd, due today.",
        params={
            "cost_centre": Param("4010", type="string", minLength=4, title="Cost centre"),
            # is not asked: it gets who answered
            "lark_user": Param(None, type=["null", "string"]),
        },
        response_timeout=timedelta(hours=4),
        defaults="Reject",
        notifiers=[LarkHITLNotifier(receive_id="{{ var.value.get('lark_approvals_chat', 'Approvals') }}")],
    )

    @task
    def pay(answer: dict[str, Any]) -> str:
        """Stand for the payment: it gets what was filled in, and by whom."""
        filled = answer["params_input"]
        return f"paid on cost centre {filled['cost_centre']}, approved by {filled['lark_user']}"

    pay(approve.output)  # type: ignore[arg-type]  # XComArg
# [END lark_hitl_approval]
