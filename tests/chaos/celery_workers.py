"""Syncs on Airflow's CeleryExecutor, without Docker: two workers, of which one is killed, and nothing lost or doubled.

Airflow's metadata are in PostgreSQL, the broker is Redis or RabbitMQ. All tables are loaded at once while a worker is
killed with SIGKILL amid its batches. Then people and programs edit while half of the mappings are scheduled and half
are woken by Lark's events, and a worker gets SIGTERM, and SIGKILL ten seconds later amid its batches. With Redis a
task that runs for longer than ``visibility_timeout`` is delivered a second time: a slow full sync shows what becomes
of that. At the end, both sides are compared by the provider's own check, too.

    python -m tests.chaos.celery_workers --mappings 20 --rows 2000 --broker redis,rabbitmq

What ran when is kept in ``.demo/celery-<broker>.json``, from which :mod:`tests.chaos.live.timeline` draws.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

import httpx
import yaml
from rich.console import Console

from airflow_provider_lark.emulator.tenant.endpoint import Unacknowledged
from tests.chaos.celery_proof import Proof
from tests.chaos.celery_tables import BASES, EVENT_KEY, Tables, connections, open_tables
from tests.chaos.live.workers import BROKERS, WorkerStage, open_workers

DAGS = """
from datetime import datetime, timedelta

from airflow.sdk import DAG, Asset, AssetWatcher

from airflow_provider_lark.operators.sync import BitableFullSyncOperator, BitableIncrementalSyncOperator
from airflow_provider_lark.triggers.event import LarkEventTrigger

COMMON = {{
    "start_date": datetime(2026, 1, 1), "catchup": False, "max_active_runs": 1,
    "default_args": {{"retries": 20, "retry_delay": timedelta(seconds=5), "pool": "lark"}},
}}
WITH = {{"mapping": {mapping!r}, "sql_conn_id": "shop_db"}}

with DAG("full", schedule=None, **COMMON):
    BitableFullSyncOperator.partial(task_id="sync", **WITH).expand(mapping_name={names!r})

with DAG("slow", schedule=None, **COMMON):
    BitableFullSyncOperator(task_id="sync", mapping_name={names!r}[0], **WITH)

for name in {scheduled!r}:
    with DAG(f"every_{{name}}", schedule=timedelta(seconds={every}), **COMMON):
        BitableIncrementalSyncOperator(task_id="sync", mapping_name=name, **WITH)

for name, place in {woken!r}.items():
    changed = Asset(name, watchers=[AssetWatcher(name="events", trigger=LarkEventTrigger(table=place))])
    with DAG(f"woken_{{name}}", schedule=[changed], **COMMON):
        # a run without a date, as all that assets start, else comes after all scheduled ones that wait for a slot
        BitableIncrementalSyncOperator(task_id="sync", mapping_name=name, events=True, priority_weight=2, **WITH)
"""


def write_dags(tables: Tables, mapping: Path, every_seconds: float) -> str:
    """Return the file of DAGs: a full sync of all, and an incremental one of each, scheduled or woken."""
    return DAGS.format(
        mapping=str(mapping.resolve()),
        names=[*tables.ids],
        scheduled=tables.scheduled,
        every=every_seconds,
        woken={name: f"{tables.ids[name][0]}:{name}" for name in tables.woken},
    )


def prepare(stage: WorkerStage, tables: Tables) -> None:
    """Start Airflow, give it connections and a pool, and let Lark send events."""
    stage.start()
    for conn_id, parts in connections(tables).items():
        stage.api.add_connection(conn_id, parts)
    stage.call("POST", "/pools", {"name": "lark", "slots": 2 * BASES})
    stage.unpause("full", "slow")
    url = f"{stage.url}/lark/events/lark_default"
    stage.wait("Lark sends what happens", lambda: _set_url(tables, url), tells=True)


def _set_url(tables: Tables, url: str) -> bool:
    emulator = tables.emulator
    try:
        emulator.state.set_event_url(emulator.app_id, url, encrypt_key=EVENT_KEY)
    except Unacknowledged:
        return False
    return True


def run(broker: str, given: argparse.Namespace, console: Console) -> None:
    """Prove it with one broker."""
    console.print(f"[bold]CeleryExecutor, {broker}[/], 2 workers, {given.mappings} mappings of {given.rows:,} rows")
    with open_tables(given.mappings, given.rows) as tables:
        mapping = Path(given.folder) / f"celery-{broker}.yaml"
        mapping.parent.mkdir(parents=True, exist_ok=True)
        mapping.write_text(yaml.safe_dump(tables.mappings()), encoding="utf-8")
        source = write_dags(tables, mapping, given.every)
        with open_workers(f"celery-{broker}", console, {"syncs.py": source}, broker=broker) as stage:
            prepare(stage, tables)
            proof = Proof(stage, tables, console, random.Random(given.seed))
            try:
                proof.load()
                if given.edits:
                    proof.follow(given.edits)
                if given.slow_seconds and stage.visible_seconds:
                    proof.outlast(given.slow_seconds)
                proof.check(mapping)
            finally:
                proof.save(mapping.with_suffix(".json"))


def main() -> int:
    """Prove it with each broker; 1 when something was lost, doubled, or ended by itself."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mappings", type=int, default=20)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--edits", type=int, default=100)
    parser.add_argument("--every", type=float, default=60.0, help="how often a scheduled mapping syncs, in seconds")
    parser.add_argument("--slow-seconds", type=float, default=90.0, help="of a full sync, with Redis; 0: none")
    parser.add_argument("--broker", default=",".join(BROKERS), help=f"some of {','.join(BROKERS)}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", default=".demo", help="where the mapping file lies, and what ran when is kept")
    given = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    if unknown := set(given.broker.split(",")) - set(BROKERS):
        parser.error(f"--broker: not {', '.join(sorted(unknown))}")
    try:
        for broker in given.broker.split(","):
            run(broker, given, console)
    except (TimeoutError, RuntimeError, httpx.HTTPError) as error:
        console.print(f"[red]✗[/] {error!r}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
