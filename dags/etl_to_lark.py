"""### From a database into a Bitable table, and a card that tells of it

Sums up the orders of a database by customer, writes the sums to a Bitable table (one record a customer, only what
differs), and tells a chat in a card: what changed, and the largest customers. The first run makes the table.

**Configuration**
- Params: `base` (a name from the connection's `bases`, an app_token, or an address), `table_name`, `receive_id` (a
  chat's name, or an id; the app's bot has to be in the chat), `lark_conn_id`, `sql_conn_id`.

**Limits.** Records travel through XCom here, which is meant for some thousands; for whole tables use
`SqlToBitableOperator`. Lark counts requests per app: when many tasks share one, create a pool with
`airflow pools set lark 4 "Lark API"` and add `"pool": "lark"` to `default_args`.
"""

# [START etl_to_lark]
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, BaseHook, Param, task

from airflow_provider_lark.operators.bitable import BitableCreateTableOperator, BitableUpsertRecordsOperator
from airflow_provider_lark.operators.message import LarkSendMessageOperator

TABLE = "{{ params.base }}:{{ params.table_name }}"
SUMS = "SELECT customer, count(*) AS orders, sum(total) AS total FROM orders GROUP BY customer ORDER BY customer"

with DAG(
    dag_id="etl_to_lark",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # two runs at once could both create a record for one key
    max_active_runs=1,
    tags=["lark", "bitable", "message", "example"],
    doc_md=__doc__,
    default_args={
        "retries": 2,
        "retry_delay": timedelta(seconds=20),
        "execution_timeout": timedelta(minutes=10),
        "lark_conn_id": "{{ params.lark_conn_id }}",
    },
    params={
        "base": Param("MyDB", type="string"),
        "table_name": Param("Customers", type="string"),
        "receive_id": Param("Sales", type="string", description="A chat's name, or an id"),
        "lark_conn_id": Param("lark_default", type="string"),
        "sql_conn_id": Param("shop_db", type="string"),
    },
) as dag:

    @task
    def extract(params: dict[str, Any]) -> list[dict[str, Any]]:
        """Sum the orders up by customer."""
        hook = BaseHook.get_connection(params["sql_conn_id"]).get_hook()
        rows = hook.get_records(SUMS)
        return [
            {"Customer": customer, "Orders": int(orders), "Total": float(total)} for customer, orders, total in rows
        ]

    @task
    def make_card(customers: list[dict[str, Any]], written: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        """Tell what was written, and who is largest."""
        from airflow_provider_lark.core.cards.card import Card, Header
        from airflow_provider_lark.core.cards.display import Markdown
        from airflow_provider_lark.core.cards.table import table_of_rows

        largest = sorted(customers, key=lambda each: each["Total"], reverse=True)[:10]
        new, changed = written["created"], written["updated"]
        return Card(
            [
                Markdown(f"**{new}** new, **{changed}** changed, **{written['unchanged']}** as before"),
                table_of_rows(["Customer", "Orders", "Total"], [tuple(each.values()) for each in largest]),
            ],
            Header(f"{params['table_name']} are up to date", "green"),
            summary=f"{new} new, {changed} changed",
        ).render()

    create_table = BitableCreateTableOperator(
        task_id="create_table",
        base="{{ params.base }}",
        table_name="{{ params.table_name }}",
        fields=[
            "Customer",
            {"name": "Orders", "type": "Number"},
            {"name": "Total", "type": "Number", "property": {"formatter": "0.00"}},
        ],
        if_exists="skip",
    )

    customers = extract()

    upsert = BitableUpsertRecordsOperator(task_id="upsert", table=TABLE, key_fields=["Customer"], records=customers)

    announce = LarkSendMessageOperator(
        task_id="announce", receive_id="{{ params.receive_id }}", card=make_card(customers, upsert.output)
    )

    create_table >> upsert
# [END etl_to_lark]
