"""### Full sync of Bitable tables and SQL tables

Sets up and fully compares every table of the mapping file, one mapped task group per table, so that one table's trouble
does not hold up another's. Trigger it once for the first load; the daily run also catches what no change notice told.

**Configuration**
- Airflow Variable `lark_sync_config`: path of the YAML file of mappings; relative paths start at this DAG's folder.
- Params: `config` (another file for this run), `tables` (only these mappings), `lark_conn_id`, `sql_conn_id`
  (instead of the mappings' own), `allow_mass_deletes` (for one run, after a look at both tables), `adopt_fields` (when
  a field was deleted in Lark and a new one has its name).

**Limits.** Lark counts requests per app. When many tables share an app, create a pool with
`airflow pools set lark 4 "Lark API"` and add `"pool": "lark"` to `default_args`.
"""

# [START lark_full_sync]
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, Variable, task, task_group

from airflow_provider_lark.operators.sync import BitableFullSyncOperator, BitableSyncSetupOperator

with DAG(
    dag_id="lark_full_sync",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["lark", "bitable", "sync"],
    doc_md=__doc__,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1), "execution_timeout": timedelta(hours=6)},
    params={
        "config": Param(None, type=["string", "null"], description="Mapping file; empty: Variable lark_sync_config"),
        "tables": Param(
            [], type=["array", "null"], items={"type": "string"}, description="Mappings, one a line; empty: all"
        ),
        "lark_conn_id": Param("lark_default", type="string"),
        "sql_conn_id": Param(None, type=["string", "null"], description="Empty: the mappings' own"),
        "allow_mass_deletes": Param(False, type="boolean", description="Lift the mass-delete guard for this run"),
        "adopt_fields": Param(False, type="boolean", description="Take new fields for deleted ones of their names"),
    },
) as dag:

    @task
    def read_config(params: dict[str, Any]) -> list[dict[str, Any]]:
        """List the mappings to run."""
        from airflow_provider_lark.operators.mapping_source import list_mappings

        path = params["config"] or Variable.get("lark_sync_config", default="lark_sync.yaml")
        conn_ids = {name: params[name] for name in ("lark_conn_id", "sql_conn_id")}
        return list_mappings(path, names=params["tables"] or (), **conn_ids)

    @task_group
    def one_table(mapping: dict[str, Any]) -> None:
        """Set one pair of tables up, then make both sides equal."""
        both = {
            "mapping": mapping,
            "lark_conn_id": "{{ params.lark_conn_id }}",
            "sql_conn_id": "{{ params.sql_conn_id }}",
            "map_index_template": "{{ task.mapping['name'] }}",
        }
        set_up = BitableSyncSetupOperator(task_id="set_up", adopt_fields="{{ params.adopt_fields }}", **both)
        sync = BitableFullSyncOperator(task_id="sync", allow_mass_deletes="{{ params.allow_mass_deletes }}", **both)
        set_up >> sync

    one_table.expand(mapping=read_config())
# [END lark_full_sync]
