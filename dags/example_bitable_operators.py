"""### Bitable tables and records, without a database

Makes a table of orders, fills it, waits until somebody in Lark approves one, closes what is approved, and tidies up.
Every task carries the button *Open in Lark*.

**Configuration**
- Params: `base` (a name from the connection's `bases`, an app_token, or an address), `table_name`, `lark_conn_id`.

**Limits.** Lark counts requests per app, and on the free plan by the month: waiting here costs one in five minutes.
When many tasks share an app, create a pool with `airflow pools set lark 4 "Lark API"` and add `"pool": "lark"` to
`default_args`.
"""

# [START example_bitable_operators]
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, Param, task

from airflow_provider_lark.operators.bitable import (
    BitableCreateTableOperator,
    BitableDeleteRecordsOperator,
    BitableListRecordsOperator,
    BitableUpdateRecordsOperator,
    BitableUpsertRecordsOperator,
)
from airflow_provider_lark.sensors.bitable import BitableRecordSensor

TABLE = "{{ params.base }}:{{ params.table_name }}"

with DAG(
    dag_id="example_bitable_operators",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["lark", "bitable", "example"],
    doc_md=__doc__,
    default_args={
        "retries": 2,
        "retry_delay": timedelta(seconds=20),
        "execution_timeout": timedelta(minutes=10),
        "lark_conn_id": "{{ params.lark_conn_id }}",
    },
    params={
        "base": Param("MyDB", type="string"),
        "table_name": Param("orders", type="string"),
        "lark_conn_id": Param("lark_default", type="string"),
    },
) as dag:
    create_table = BitableCreateTableOperator(
        task_id="create_table",
        base="{{ params.base }}",
        table_name="{{ params.table_name }}",
        fields=[
            "code",
            {"name": "amount", "type": "Number", "property": {"formatter": "0.00"}},
            {"name": "state", "type": "SingleSelect", "options": ["new", "approved", "closed"]},
            {"name": "due", "type": "DateTime"},
        ],
        if_exists="skip",
    )

    load = BitableUpsertRecordsOperator(
        task_id="load",
        table=TABLE,
        key_fields=["code"],
        records=[
            {"code": "A-1", "amount": 120.5, "state": "new", "due": "2026-12-01T09:00"},
            {"code": "A-2", "amount": 80, "state": "new", "due": "2026-12-02T09:00"},
        ],
        time_zone="Asia/Shanghai",
        outlets=[Asset("lark://MyDB/orders")],
    )

    wait_for_approval = BitableRecordSensor(
        task_id="wait_for_approval",
        table=TABLE,
        filter={"state": "approved", "amount": {"isGreater": 100}},
        field_names=["code"],
        deferrable=True,
        poke_interval=300,
        timeout=timedelta(days=2),
    )

    @task
    def close_orders(found: dict[str, Any]) -> list[dict[str, Any]]:
        """Say what is to change in which record."""
        return [{"record_id": record["record_id"], "fields": {"state": "closed"}} for record in found["records"]]

    close = BitableUpdateRecordsOperator(task_id="close", table=TABLE, records=close_orders(wait_for_approval.output))

    list_open = BitableListRecordsOperator(
        task_id="list_open", table=TABLE, filter={"state": ["new", "approved"]}, sort=["-amount"], limit=100
    )

    delete_closed = BitableDeleteRecordsOperator(
        task_id="delete_closed", table=TABLE, filter={"state": "closed"}, max_deletes=50
    )

    create_table >> load >> wait_for_approval
    close >> [list_open, delete_closed]
# [END example_bitable_operators]
