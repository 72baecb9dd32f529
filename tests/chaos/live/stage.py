"""A running Airflow, all components singly, for measurements and kills: its home, its API, its databases."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
from rich.console import Console

from tests.chaos.live.processes import WORKERS, Processes

sys.path.insert(0, str(Path(__file__).parents[3] / "dags" / "demo"))

import airflow_home
import ui
from rest import AirflowApi

PATIENCE_SECONDS = 1800.0
KILLED = ("triggerer", "task", "worker", "scheduler", "api-server", "scheduler alone", "supervisor")
"""What is killed in every Airflow; ``scheduler`` with its workers and their tasks. What the last two leave behind goes
on for a while, so they come last."""

SOONER_MISSED = {
    "scheduler__task_instance_heartbeat_timeout": "30",
    "scheduler__task_instance_heartbeat_timeout_detection_interval": "5",
    "scheduler__orphaned_tasks_check_interval": "15",
}
"""What says how soon a process that died is missed: Airflow's own is 300 s, 10 s and 300 s."""


@dataclass
class Stage:
    """A running Airflow.

    :param url: of the api-server.
    """

    home: Path
    url: str
    password: str
    console: Console
    processes: Processes
    api: AirflowApi
    _stopping: threading.Event = field(default_factory=threading.Event)
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60.0, trust_env=False))

    def start(self) -> None:
        """Start the components and wait until all are healthy."""
        ui.start_airflow(self.processes, self.url)
        self.wait("Airflow is healthy", lambda: not self.api.find_unhealthy(), tells=True)
        self.api.log_in()

    def unpause(self, *dag_ids: str) -> None:
        """Let DAGs run, once the dag-processor has found them."""
        for dag_id in dag_ids:
            self.wait(f"{dag_id} is there", lambda dag_id=dag_id: self.api.has_dag(dag_id))
            self.api.unpause(dag_id)

    def wait(self, what: str, is_so: Callable[[], Any], *, every_seconds: float = 0.1, tells: bool = False) -> Any:
        """Ask again and again until *is_so* returns something, and return that.

        :raises TimeoutError: it does not for half an hour.
        :raises RuntimeError: a component has ended by itself.
        """
        end = monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if found := is_so():
                    break
            except httpx.TransportError:
                # the api-server was killed, or is busy: not yet
                pass
            if ended := self.processes.find_ended():
                raise RuntimeError(f"{ended} has ended by itself; see {self.home / ended}.log")
            if monotonic() > end:
                raise TimeoutError(what)
            self.nap(every_seconds)
        if tells:
            self.console.print(f"[green]✓[/] {what}")
        return found

    def nap(self, seconds: float) -> None:
        """Let time pass."""
        self._stopping.wait(seconds)

    def kill(self, name: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Kill one of :data:`KILLED`, or ``receiver``; of workers, one amid a task, as soon as there is one.

        :param meanwhile: called while no worker is amid a task, to give them one.
        """
        if name in WORKERS:

            def kill() -> bool:
                if self.processes.kill_worker(name, self.running_tasks()):
                    return True
                meanwhile()
                return False

            self.wait("a worker is amid a task", kill, every_seconds=0.02)
            return
        component, _, alone = name.partition(" ")
        self.processes.kill(component, alone=bool(alone))

    def running_tasks(self) -> set[int]:
        """Return the processes of tasks that run, by Airflow's database."""
        return {pid for (pid,) in self.ask("SELECT pid FROM task_instance WHERE state = 'running'")}

    def start_again(self, name: str) -> None:
        """Start again what :meth:`kill` killed; Airflow itself makes new workers and tries tasks again."""
        component = name.partition(" ")[0]
        if self.processes.has(component):
            self.processes.start(component)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask Airflow's API."""
        login = {"username": ui.USER, "password": self.password}
        token = self._http.post(f"{self.url}/auth/token", json=login).raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        return (
            self._http.request(method, f"{self.url}/api/v2{path}", json=body, headers=headers).raise_for_status().json()
        )

    def ask(self, sql: str, *values: Any, database: str = "airflow.db") -> list[tuple[Any, ...]]:
        """Read from Airflow's database, or from another in its home, without a request that its components notice."""
        with closing(sqlite3.connect(f"file:{self.home / database}?mode=ro", uri=True, timeout=60)) as conn:
            return conn.execute(sql, values).fetchall()


def seconds_of(text: str) -> float:
    """Return when it was, since the epoch, of a time as SQLite keeps it for Airflow and for the inbox."""
    return datetime.fromisoformat(f"{text[:26]}+00:00").timestamp()


@contextmanager
def open_stage(name: str, console: Console, dags: Mapping[str, str], *, receives: bool = True) -> Iterator[Stage]:
    """Give this process, and those that it starts, an Airflow of its own, which :meth:`Stage.start` starts.

    :param dags: sources of DAGs by the names of their files.
    :param receives: whether the api-server receives what Lark sends.
    """
    # a port that nobody else is likely to take while the api-server is dead
    home, url, password = ui.configure(name, port=0, **SOONER_MISSED)
    for old in home.glob("*.log"):
        old.unlink()
    folder = home / "dags"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.py"):
        old.unlink()
    for file, source in dags.items():
        (folder / file).write_text(source, encoding="utf-8")
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(folder)
    os.environ["AIRFLOW__LARK__RECEIVER_ENABLED"] = str(receives)
    # whoever ends the measurement ends Airflow with it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    with Processes(home) as processes, closing(AirflowApi(url, ui.USER, password)) as api:
        yield Stage(home, url, password, console, processes, api)


def example(name: str) -> str:
    """Return the source of an example DAG."""
    return (airflow_home.DAGS / f"{name}.py").read_text(encoding="utf-8")
