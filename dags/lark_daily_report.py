"""### The orders of a day, into a chat

Every morning: a card with a bar chart of the customers and their table below it, then all orders as a CSV file. On a
day without orders nothing is sent.

**Configuration**
- Params: `since` (a date; default: the day before the run), `receive_id` (a chat's name, or an id; the app's bot has
  to be in the chat), `lark_conn_id`, `sql_conn_id`.

**Limits.** A file has up to 30 MB. Lark counts requests per app: when many tasks share one, create a pool with
`airflow pools set lark 4 "Lark API"` and add `"pool": "lark"` to `default_args`.
"""

# [START lark_daily_report]
from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, Param

from airflow_provider_lark.transfers.sql_to_message import SqlToLarkMessageOperator

SINCE = "{{ params.since or macros.ds_add(dag_run.run_after | ds, -1) }}"

with DAG(
    dag_id="lark_daily_report",
    schedule="0 8 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["lark", "message", "example"],
    doc_md=__doc__,
    default_args={
        "retries": 2,
        "retry_delay": timedelta(minutes=1),
        "execution_timeout": timedelta(minutes=30),
        "lark_conn_id": "{{ params.lark_conn_id }}",
        "sql_conn_id": "{{ params.sql_conn_id }}",
        "receive_id": "{{ params.receive_id }}",
        "parameters": {"since": SINCE},
        "if_empty": "skip",
    },
    params={
        "since": Param(None, type=["string", "null"], format="date", description="Empty: the day before the run"),
        "receive_id": Param("Sales", type="string", description="A chat's name, or an id"),
        "lark_conn_id": Param("lark_default", type="string"),
        "sql_conn_id": Param("shop_db", type="string"),
    },
) as dag:
    by_customer = SqlToLarkMessageOperator(
        task_id="by_customer",
        sql="""
            SELECT customer, count(*) AS orders, sum(total) AS total
            FROM orders WHERE ordered_at >= :since
            GROUP BY customer ORDER BY total DESC
        """,
        title=f"Orders since {SINCE}",
        chart="bar",
        x="customer",
        y="total",
    )

    all_orders = SqlToLarkMessageOperator(
        task_id="all_orders",
        sql="SELECT * FROM orders WHERE ordered_at >= :since ORDER BY code",
        form="csv",
        file_name=f"orders since {SINCE}",
    )

    by_customer >> all_orders
# [END lark_daily_report]
