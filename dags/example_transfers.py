"""### From SQL into a Bitable table and back, without a ledger

Publishes the large orders of a database in Bitable, where people comment on them and attach files; collects the table,
comments included, into a SQL table of its own; and keeps a copy of the files. The first run makes both tables.

**Configuration**
- Params: `base` (a name from the connection's `bases`, an app_token, or an address), `table_name`, `lark_conn_id`,
  `sql_conn_id`, `least` (the smallest total that counts as large), `folder` (any object storage that Airflow knows).

**Limits.** To keep two tables in step both ways, use the sync DAGs instead. Lark counts requests per app: when many
tasks share one, create a pool with `airflow pools set lark 4 "Lark API"` and add `"pool": "lark"` to `default_args`.
"""

# [START example_transfers]
from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Asset, Param

from airflow_provider_lark.operators.bitable import BitableCreateFieldOperator, BitableDownloadAttachmentsOperator
from airflow_provider_lark.transfers.bitable_to_sql import BitableToSqlOperator
from airflow_provider_lark.transfers.sql_to_bitable import SqlToBitableOperator

TABLE = "{{ params.base }}:{{ params.table_name }}"

with DAG(
    dag_id="example_transfers",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # two runs at once could both create a record for one key
    max_active_runs=1,
    tags=["lark", "bitable", "example"],
    doc_md=__doc__,
    default_args={
        "retries": 2,
        "retry_delay": timedelta(seconds=20),
        "execution_timeout": timedelta(hours=1),
        "lark_conn_id": "{{ params.lark_conn_id }}",
    },
    params={
        "base": Param("MyDB", type="string"),
        "table_name": Param("Large orders", type="string"),
        "lark_conn_id": Param("lark_default", type="string"),
        "sql_conn_id": Param("shop_db", type="string"),
        "least": Param(100, type="number"),
        "folder": Param("file:///tmp/large_orders", type="string"),
    },
) as dag:
    publish = SqlToBitableOperator(
        task_id="publish",
        sql_conn_id="{{ params.sql_conn_id }}",
        sql="SELECT code, customer, total, ordered_at FROM orders WHERE total >= :least ORDER BY code",
        parameters={"least": "{{ params.least }}"},
        table=TABLE,
        fields={"Order": "code", "Customer": "customer", "Total": "total", "Ordered": "ordered_at"},
        create_table=True,
        mode="upsert",
        key_fields=["Order"],
        time_zone="Asia/Shanghai",
        outlets=[Asset("lark://MyDB/large_orders")],
    )

    add_remark = BitableCreateFieldOperator(
        task_id="add_remark", table=TABLE, field={"name": "Remark", "type": "Text"}, if_exists="skip"
    )

    add_files = BitableCreateFieldOperator(
        task_id="add_files", table=TABLE, field={"name": "Files", "type": "Attachment"}, if_exists="skip"
    )

    collect = BitableToSqlOperator(
        task_id="collect",
        table=TABLE,
        fields={"Order": "code", "Total": "total", "Remark": "remark"},
        sql_conn_id="{{ params.sql_conn_id }}",
        target_table="large_orders",
        create_table=True,
        mode="upsert",
    )

    keep_files = BitableDownloadAttachmentsOperator(
        task_id="keep_files", table=TABLE, field="Files", path="{{ params.folder }}"
    )

    publish >> add_remark >> add_files >> [collect, keep_files]
# [END example_transfers]
