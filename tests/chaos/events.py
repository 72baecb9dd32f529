"""From an edit in Lark to its row in SQL through a real Airflow: how long, and that kill -9 loses nothing.

All components run singly, on the demo's data; the emulator sends its events to the api-server's receiver, an asset
watcher wakes ``lark_event_sync``. Then triggerer, scheduler with its workers, and api-server are killed in turn, in the
middle of a stream of edits, and started again.

    python -m tests.chaos.events --edits 100 --during-kill 20 --way stay

``--way wake`` has a DAG that runs by events alone, one run a wake-up, without a poll that would hide a lost one.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import sys
import threading
from contextlib import closing
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).parents[2] / "dags" / "demo"))

import airflow_home
import httpx
import ui
from components import Components, free_port
from rest import AirflowApi
from rich.console import Console
from world import CONFIG, World, open_world

PATIENCE_SECONDS = 1800.0
WAKE = """
from datetime import timedelta

from airflow.sdk import DAG, Asset, AssetWatcher

from airflow_provider_lark.operators.sync import BitableIncrementalSyncOperator
from airflow_provider_lark.triggers.event import LarkEventTrigger

RETRIES = {"retries": 5, "retry_delay": timedelta(seconds=10)}
changed = Asset("areas", watchers=[AssetWatcher(name="events", trigger=LarkEventTrigger(table="divisions:areas"))])

with DAG("areas_by_event", schedule=[changed], max_active_runs=1, catchup=False, default_args=RETRIES):
    BitableIncrementalSyncOperator(
        task_id="sync", mapping=%r, mapping_name="areas", sql_conn_id="shop_db", events=True
    )
"""
DAG_IDS = {"stay": "lark_event_sync", "wake": "areas_by_event"}
COMPONENTS = {
    "triggerer": ("triggerer",),
    "scheduler": ("scheduler",),
    "api-server": ("api-server", "--host", "127.0.0.1", "--port"),
}


class Scene:
    """A running Airflow on two sides in step."""

    def __init__(self, world: World, components: Components, api: AirflowApi, chance: random.Random) -> None:
        self.world = world
        self.components = components
        self.api = api
        self.chance = chance
        self.told: dict[str, str] = {}
        """What each record was last called, by its code."""
        self._nap = threading.Event()
        self._number = 0
        table = world.table_ids["areas"]
        self.records = {_plain(each["fields"]["代码"]): each["record_id"] for each in world.records("areas")}
        self.place = (world.app_token, table)

    def nap(self, seconds: float) -> None:
        self._nap.wait(seconds)

    def edit(self) -> str:
        """Give an area a new name, and return its code."""
        self._number += 1
        code = self.chance.choice(sorted(self.records))
        name = f"edit {self._number}"
        self.world.emulator.person.edit_record(*self.place, self.records[code], {"名称": name})
        self.told[code] = name
        return code

    def behind(self) -> dict[str, str]:
        """The names that have not arrived, by code."""
        with self.world.sql() as conn:
            names = dict(conn.execute("SELECT code, name FROM areas"))
        return {code: name for code, name in self.told.items() if names.get(code) != name}

    def wait(self) -> float:
        """Wait until all edits have arrived, and return how long that took."""
        began = monotonic()
        while self.behind():
            if monotonic() - began > PATIENCE_SECONDS:
                raise TimeoutError(f"lost: {self.behind()}")
            self.nap(0.02)
        return monotonic() - began

    def measure(self, edits: int) -> list[float]:
        """Make edits one at a time, at random moments, and return how long each took."""
        took = []
        for _ in range(edits):
            self.edit()
            took.append(self.wait())
            self.nap(self.chance.uniform(0.1, 1.0))
        return sorted(took)

    def kill(self, name: str, port: str, edits: int) -> float:
        """Kill a component among edits, start it again among more, and return how long the last edit took."""
        child = self.components._running[name]
        for number in range(edits):
            self.edit()
            if number == edits // 3:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            if number == 2 * edits // 3:
                arguments = COMPONENTS[name] + ((port,) if name == "api-server" else ())
                self.components.start(name, *arguments)
            self.nap(self.chance.uniform(0.2, 0.8))
        return self.wait()


def _plain(cell: object) -> str:
    return "".join(part["text"] for part in cell) if isinstance(cell, list) else str(cell)


def prepare(home_name: str) -> tuple[Path, str, str]:
    """Configure Airflow as the demo does, but for what says how soon a process that died is missed."""
    home, address, password = ui.configure(
        home_name,
        scheduler__task_instance_heartbeat_timeout="30",
        scheduler__task_instance_heartbeat_timeout_detection_interval="5",
        scheduler__orphaned_tasks_check_interval="15",
    )
    dags = home / "dags"
    dags.mkdir(exist_ok=True)
    for name in ("lark_full_sync", "lark_event_sync"):
        (dags / f"{name}.py").write_text((airflow_home.DAGS / f"{name}.py").read_text())
    (dags / "areas_by_event.py").write_text(WAKE % str(CONFIG))
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(dags)
    return home, address, password


def run(way: str, edits: int, during_kill: int, seed: int, console: Console) -> None:
    home, address, password = prepare("events")
    port = address.rpartition(":")[2]
    with (
        open_world(home / "shop.db", port=free_port(8787), store=home / "lark_store.db") as world,
        Components(home) as components,
        closing(AirflowApi(address, ui.USER, password)) as api,
    ):
        screen = ui.Ui(console, components, threading.Event())
        ui.start_airflow(components, address)
        screen.wait_for("Airflow is healthy", lambda: not api.find_unhealthy(), seconds=PATIENCE_SECONDS)
        api.log_in()
        for conn_id, parts in world.connections().items():
            api.add_connection(conn_id, parts)
        api.add_variable("lark_sync_config", str(CONFIG), "Mapping file")
        dag_of_events = DAG_IDS[way]
        for dag_id in ("lark_full_sync", dag_of_events):
            screen.wait_for(f"{dag_id} is there", lambda dag_id=dag_id: api.has_dag(dag_id))
        api.unpause("lark_full_sync")
        ended = ("success", "failed")
        screen.wait_for("both sides are in step", lambda: api.newest_run_state("lark_full_sync") in ended)
        url = f"{address}/lark/events/lark_default"
        screen.wait_for("Lark sends its events", lambda: world.send_events_to(url))
        api.unpause(dag_of_events)
        if way == "stay":
            screen.wait_for("the first run has ended", lambda: api.newest_run_state(dag_of_events) in ended)
        else:
            screen.wait_for("the trigger has subscribed", world.is_subscribed)

        scene = Scene(world, components, api, random.Random(seed))
        scene.edit()
        console.print(f"first edit, of which the watcher wakes the DAG: {scene.wait():.1f} s")
        took = scene.measure(edits)
        p50, p95 = statistics.median(took), took[int(0.95 * edits)]
        load = os.getloadavg()[0]
        console.print(f"{edits} edits: p50 {p50:.2f} s, p95 {p95:.2f} s, max {took[-1]:.2f} s (load {load:.1f})")
        for name in COMPONENTS:
            seconds = scene.kill(name, port, during_kill)
            console.print(f"kill -9 of the {name} among {during_kill} edits: 0 lost, the last after {seconds:.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=100)
    parser.add_argument("--during-kill", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--way", choices=sorted(DAG_IDS), default="stay")
    given = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    try:
        run(given.way, given.edits, given.during_kill, given.seed, console)
    except (TimeoutError, ui.Stopped, httpx.HTTPError) as error:
        console.print(f"[red]✗[/] {error!r}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
