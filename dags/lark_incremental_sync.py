"""### Incremental sync of Bitable tables and SQL tables

Every minute, carries over what changed on either side since the last run; a table where nothing changed costs one call
to Lark. Run `lark_full_sync` once before: it sets the tables up.

**Configuration**
- Airflow Variable `lark_sync_config`: path of the YAML file of mappings; relative paths start at this DAG's folder.
- Params: `config` (another file for this run), `tables` (only these mappings), `lark_conn_id`, `sql_conn_id`
  (instead of the mappings' own), `allow_mass_deletes` (for one run, after a look at both tables).

**Limits.** Lark counts requests per app. When many tables share an app, create a pool with
`airflow pools set lark 4 "Lark API"` and add `"pool": "lark"` to `default_args`.
"""

# [START lark_incremental_sync]
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, Variable, task

from airflow_provider_lark.operators.sync import BitableIncrementalSyncOperator

with DAG(
    dag_id="lark_incremental_sync",
    schedule="* * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["lark", "bitable", "sync"],
    doc_md=__doc__,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=20), "execution_timeout": timedelta(minutes=30)},
    params={
        "config": Param(None, type=["string", "null"], description="Mapping file; empty: Variable lark_sync_config"),
        "tables": Param(
            [], type=["array", "null"], items={"type": "string"}, description="Mappings, one a line; empty: all"
        ),
        "lark_conn_id": Param("lark_default", type="string"),
        "sql_conn_id": Param(None, type=["string", "null"], description="Empty: the mappings' own"),
        "allow_mass_deletes": Param(False, type="boolean", description="Lift the mass-delete guard for this run"),
    },
) as dag:

    @task
    def read_config(params: dict[str, Any]) -> list[dict[str, Any]]:
        """List the mappings to run."""
        from airflow_provider_lark.operators.mapping_source import list_mappings

        path = params["config"] or Variable.get("lark_sync_config", default="lark_sync.yaml")
        conn_ids = {name: params[name] for name in ("lark_conn_id", "sql_conn_id")}
        return list_mappings(path, names=params["tables"] or (), **conn_ids)

    BitableIncrementalSyncOperator.partial(
        task_id="sync",
        lark_conn_id="{{ params.lark_conn_id }}",
        sql_conn_id="{{ params.sql_conn_id }}",
        allow_mass_deletes="{{ params.allow_mass_deletes }}",
        map_index_template="{{ task.mapping['name'] }}",
    ).expand(mapping=read_config())
# [END lark_incremental_sync]
