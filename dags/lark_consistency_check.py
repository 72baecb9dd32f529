"""### Are Bitable tables and SQL tables in step?

Once a day, compares both sides of every table and writes nothing. A task fails when its two tables differ, with the
counts in its log and its XCom. To repair, trigger it with `repair`: `sql` makes the rows of SQL equal to Lark, `lark`
makes the records of Lark equal to SQL, `policy` decides as the mapping says; `dry_run` only counts.

**Configuration**
- Airflow Variable `lark_sync_config`: path of the YAML file of mappings; relative paths start at this DAG's folder.
- Params: `config` (another file for this run), `tables` (only these mappings), `lark_conn_id`, `sql_conn_id`
  (instead of the mappings' own), `repair` and `dry_run`, `report` (path of an HTML or JSON report; `{mapping}` in it
  stands for the mapping's name).

**Limits.** Lark counts requests per app. When many tables share an app, create a pool with
`airflow pools set lark 4 "Lark API"` and add `"pool": "lark"` to `default_args`.
"""

# [START lark_consistency_check]
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, Variable, task

from airflow_provider_lark.operators.sync import BitableConsistencyCheckOperator

with DAG(
    dag_id="lark_consistency_check",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["lark", "bitable", "sync"],
    doc_md=__doc__,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1), "execution_timeout": timedelta(hours=2)},
    params={
        "config": Param(None, type=["string", "null"], description="Mapping file; empty: Variable lark_sync_config"),
        "tables": Param(
            [], type=["array", "null"], items={"type": "string"}, description="Mappings, one a line; empty: all"
        ),
        "lark_conn_id": Param("lark_default", type="string"),
        "sql_conn_id": Param(None, type=["string", "null"], description="Empty: the mappings' own"),
        "repair": Param("no", enum=["no", "sql", "lark", "policy"], description="The side that is written to"),
        "dry_run": Param(False, type="boolean", description="Only count what the repair would do"),
        "report": Param(None, type=["string", "null"], description="/reports/{mapping}.html, for example"),
    },
) as dag:

    @task
    def read_config(params: dict[str, Any]) -> list[dict[str, Any]]:
        """List the mappings to run."""
        from airflow_provider_lark.operators.mapping_source import list_mappings

        path = params["config"] or Variable.get("lark_sync_config", default="lark_sync.yaml")
        conn_ids = {name: params[name] for name in ("lark_conn_id", "sql_conn_id")}
        return list_mappings(path, names=params["tables"] or (), **conn_ids)

    BitableConsistencyCheckOperator.partial(
        task_id="check",
        lark_conn_id="{{ params.lark_conn_id }}",
        sql_conn_id="{{ params.sql_conn_id }}",
        repair="{{ params.repair }}",
        dry_run="{{ params.dry_run }}",
        report="{{ params.report }}",
        map_index_template="{{ task.mapping['name'] }}",
    ).expand(mapping=read_config())
# [END lark_consistency_check]
