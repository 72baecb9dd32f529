"""### Sync of Bitable tables and SQL tables within seconds, by Lark's events

An asset watcher looks at the inbox, which the receiver of the api-server or `airflow lark receive` fills, or the
watcher itself with `LarkEventTrigger(long_connection=True)`. When Lark has told of a change, it starts this DAG, whose
tasks take over what changed and stay for a while: what is edited meanwhile follows within a second. Every ten minutes
the DAG runs without an event, so one that was lost costs time, not data.
Run `lark_full_sync` once before: it sets the tables up.

**Configuration**
- Airflow Variable `lark_sync_config`: path of the YAML file of mappings; relative paths start at this DAG's folder.
- The connection `lark_default` needs `store_conn_id` and the keys of events.
- Params: `config` (another file for this run), `tables` (only these mappings), `stay_seconds` (0: one run, no stay),
  `lark_conn_id`, `sql_conn_id` (instead of the mappings' own).

**Limits.** While it stays, each table occupies a worker slot. Lark counts requests per app. When many tables share an
app, create a pool with `airflow pools set lark 4 "Lark API"` and add `"pool": "lark"` to `default_args`.
"""

# [START lark_event_sync]
from datetime import UTC, datetime, timedelta
from inspect import signature
from typing import Any

from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, AssetWatcher, CronTriggerTimetable, Param, Variable, task

from airflow_provider_lark.operators.sync import BitableIncrementalSyncOperator
from airflow_provider_lark.triggers.event import LarkEventTrigger

changed = Asset("lark_changes", watchers=[AssetWatcher(name="lark_events", trigger=LarkEventTrigger())])

# from Airflow 3.4 on, each wake-up would be a run of its own
one_run = {"batch_asset_events": True} if "batch_asset_events" in signature(AssetOrTimeSchedule).parameters else {}

with DAG(
    dag_id="lark_event_sync",
    schedule=AssetOrTimeSchedule(
        assets=[changed], timetable=CronTriggerTimetable("*/10 * * * *", timezone="UTC"), **one_run
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["lark", "bitable", "sync", "events"],
    doc_md=__doc__,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=20), "execution_timeout": timedelta(minutes=30)},
    params={
        "config": Param(None, type=["string", "null"], description="Mapping file; empty: Variable lark_sync_config"),
        "tables": Param(
            [], type=["array", "null"], items={"type": "string"}, description="Mappings, one a line; empty: all"
        ),
        "stay_seconds": Param(
            60, type="integer", minimum=0, maximum=1200, description="How long to follow further events; 0: one run"
        ),
        "lark_conn_id": Param("lark_default", type="string"),
        "sql_conn_id": Param(None, type=["string", "null"], description="Empty: the mappings' own"),
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
        events=True,
        run_for="{{ params.stay_seconds or '' }}",
        poll_interval=60,
        map_index_template="{{ task.mapping['name'] }}",
    ).expand(mapping=read_config())
# [END lark_event_sync]
