"""From an edit in Lark to its row in SQL through a real Airflow: how long, and that kill -9 loses nothing.

All components run singly, on the demo's data. The emulator's events come by one of the ways that users can choose, or
the table is polled. Then each process is killed in turn, in the middle of a stream of edits, and started again:

    python -m tests.chaos.events --edits 100 --during-kill 20 --by webhook,polling

``--dag wake`` has a DAG that runs by events alone, one run a wake-up, without a poll that would hide a lost one;
``--dag example`` the example DAG, whose tasks stay for a minute; by default a task stays for ten, and the next follows.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

import httpx
from rich.console import Console

from tests.chaos.live.doors import RECEIVING, killed_with, open_door
from tests.chaos.live.edits import STEPS, Edits
from tests.chaos.live.figures import Figures, tell_load, tell_steps
from tests.chaos.live.stage import KILLED, Stage, example, open_stage

sys.path.insert(0, str(Path(__file__).parents[2] / "dags" / "demo"))

from world import CONFIG, World, open_world

WAYS = (*RECEIVING, "polling")
TRIGGERER = "triggerer"
"""The DAG's own trigger has the long connection: no receiver runs."""
STAY = f"""
from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_lark.operators.sync import BitableIncrementalSyncOperator

RETRIES = {{"retries": 9, "retry_delay": timedelta(seconds=10)}}

with DAG("areas", schedule="@continuous", start_date=START, max_active_runs=1, catchup=False, default_args=RETRIES):
    BitableIncrementalSyncOperator(
        task_id="sync",
        mapping={str(CONFIG)!r},
        mapping_name="areas",
        sql_conn_id="shop_db",
        run_for=timedelta(minutes=10),
        EVENTS,
    )
""".replace("START", "__import__('datetime').datetime(2026, 1, 1)")
WAKE = f"""
from datetime import timedelta

from airflow.sdk import DAG, Asset, AssetWatcher

from airflow_provider_lark.operators.sync import BitableIncrementalSyncOperator
from airflow_provider_lark.triggers.event import LarkEventTrigger

RETRIES = {{"retries": 5, "retry_delay": timedelta(seconds=10)}}
trigger = LarkEventTrigger(table="divisions:areas", long_connection=HOLDS)
changed = Asset("areas", watchers=[AssetWatcher(name="events", trigger=trigger)])

with DAG("areas", schedule=[changed], max_active_runs=1, catchup=False, default_args=RETRIES):
    BitableIncrementalSyncOperator(
        task_id="sync", mapping={str(CONFIG)!r}, mapping_name="areas", sql_conn_id="shop_db", events=True
    )
"""
DAGS = ("stay", "wake", "example")


def dags_of(by: str, dag: str) -> tuple[dict[str, str], str]:
    """Return the files of DAGs to run, and the id of the one that follows the edits."""
    load = {"lark_full_sync.py": example("lark_full_sync")}
    if dag == "example":
        return load | {"lark_event_sync.py": example("lark_event_sync")}, "lark_event_sync"
    events = "poll_interval=5" if by == "polling" else "events=True, poll_interval=60"
    text = WAKE.replace("HOLDS", str(by == TRIGGERER)) if dag == "wake" else STAY.replace("EVENTS", events)
    return load | {"areas.py": text}, "areas"


def run(by: str, dag: str, edits: int, during_kill: int, seed: int, console: Console) -> None:
    """Measure one way, and kill."""
    dags, dag_id = dags_of(by, dag)
    console.print(f"[bold]{by}[/], DAG {dag}")
    with (
        open_stage(f"events-{dag}", console, dags, receives=by == "webhook") as stage,
        open_world(stage.home / "shop.db", store=stage.home / "lark_store.db") as world,
    ):
        prepare(by, stage, world)
        stage.unpause(dag_id)
        scene = Edits(world, stage, random.Random(seed))
        if dag == "wake":
            stage.wait("the trigger has subscribed", world.is_subscribed, tells=True)
        if by == TRIGGERER:
            app = world.emulator.app_id
            stage.wait("the trigger is connected", lambda: world.emulator.sockets.devices(app), tells=True)
        (first,) = scene.measure(1)
        console.print(f"first edit, for which a task may have to start: {first.seconds:.1f} s")
        if edits:
            measured = scene.measure(edits)
            console.print(f"{by}: {edits} edits: {Figures.of(each.seconds for each in measured)} ({tell_load()})")
            if dag == "wake":
                steps = [taken for each in measured if (taken := scene.steps_of(each, dag_id)) is not None]
                console.print(f"of {len(steps)}, of which each started a run of its own:")
                console.print("\n".join(tell_steps(STEPS, steps)), markup=False)
        for name in (*killed_with(by), *KILLED) if during_kill else ():
            slowest, last = scene.kill(name, during_kill)
            console.print(
                f"{by}: kill -9 of the {name} among {during_kill} edits: 0 lost, the slowest after {slowest:.1f} s, "
                f"one after all {last:.1f} s ({tell_load()})"
            )
        console.print(f"areas that differ at the end: {scene.count_differences()}")


def prepare(by: str, stage: Stage, world: World) -> None:
    """Bring both sides in step, and let the events come."""
    stage.start()
    for conn_id, parts in world.connections().items():
        stage.api.add_connection(conn_id, parts)
    stage.api.add_variable("lark_sync_config", str(CONFIG), "Mapping file")
    stage.unpause("lark_full_sync")
    ended = ("success", "failed")
    stage.wait("both sides are in step", lambda: stage.api.newest_run_state("lark_full_sync") in ended, tells=True)
    if by == TRIGGERER:
        world.emulator.state.set_long_connection(world.emulator.app_id)
    elif by != "polling":
        open_door(by, stage, world.emulator)


def main() -> int:
    """Measure each way; 1 when something was lost, or ended by itself."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=100)
    parser.add_argument("--during-kill", type=int, default=20, help="edits around each kill; 0: nothing is killed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--by", help=f"some of {','.join((*WAYS, TRIGGERER))}; default: all that suit the DAG")
    parser.add_argument("--dag", choices=DAGS, default="stay")
    given = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    suited = {"stay": WAYS, "wake": (*RECEIVING, TRIGGERER)}.get(given.dag, RECEIVING)
    ways = given.by.split(",") if given.by else suited
    if unknown := set(ways) - set(suited):
        parser.error(f"--by: not {', '.join(sorted(unknown))}; with --dag {given.dag}: {', '.join(suited)}")
    try:
        for by in ways:
            run(by, given.dag, given.edits, given.during_kill, given.seed, console)
    except (TimeoutError, RuntimeError, httpx.HTTPError) as error:
        console.print(f"[red]✗[/] {error!r}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
