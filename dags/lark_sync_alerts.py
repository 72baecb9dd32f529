"""### Is every sync well?

Every five minutes, looks in the ledger at each mapping and tells a chat on one card per mapping: red while something is
over its limit, green after three looks in a row that found nothing. Lark is called only when a card changes.

**Configuration**
- Airflow Variable `lark_sync_config`: path of the YAML file of mappings; relative paths start at this DAG's folder.
- Airflow Variable `lark_alerts_chat`: who is told, a chat's name or id, or a person. Without it nobody is, and the
  XComs alone say it.
- Params: `chat` (another one for this run), `config` (another file), `tables` (only these mappings), `lark_conn_id`,
  `sql_conn_id` (instead of the mappings' own).

**Limits.** Lark counts requests per app. When many tables share an app, create a pool with
`airflow pools set lark 4 "Lark API"` and add `"pool": "lark"` to `default_args`.
"""

# [START lark_sync_alerts]
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, Variable, task

from airflow_provider_lark.operators.sync_health import BitableSyncHealthOperator

with DAG(
    dag_id="lark_sync_alerts",
    schedule="*/5 * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["lark", "bitable", "sync"],
    doc_md=__doc__,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1), "execution_timeout": timedelta(minutes=10)},
    params={
        "chat": Param(None, type=["string", "null"], description="Chat or person; empty: Variable lark_alerts_chat"),
        "config": Param(None, type=["string", "null"], description="Mapping file; empty: Variable lark_sync_config"),
        "tables": Param(
            [], type=["array", "null"], items={"type": "string"}, description="Mappings, one a line; empty: all"
        ),
        "lark_conn_id": Param("lark_default", type="string"),
        "sql_conn_id": Param(None, type=["string", "null"], description="Empty: the mappings' own"),
    },
) as dag:

    @task
    def read_config(params: dict[str, Any]) -> list[dict[str, Any]]:
        """List the mappings to look at."""
        from airflow_provider_lark.operators.mapping_source import list_mappings

        path = params["config"] or Variable.get("lark_sync_config", default="lark_sync.yaml")
        conn_ids = {name: params[name] for name in ("lark_conn_id", "sql_conn_id")}
        return list_mappings(path, names=params["tables"] or (), **conn_ids)

    BitableSyncHealthOperator.partial(
        task_id="look",
        chat="{{ params.chat or var.value.get('lark_alerts_chat', '') }}",
        lark_conn_id="{{ params.lark_conn_id }}",
        sql_conn_id="{{ params.sql_conn_id }}",
        max_oldest_seconds=600,
        max_silence_seconds=3600,
        max_conflicts=0,
        map_index_template="{{ task.mapping['name'] }}",
    ).expand(mapping=read_config())
# [END lark_sync_alerts]
