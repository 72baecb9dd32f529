"""A running Airflow with the CeleryExecutor: metadata in PostgreSQL, a broker, workers that can be killed singly."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psutil
import psycopg
from rich.console import Console
from sqlalchemy import URL

from tests.chaos.live.processes import Processes
from tests.chaos.live.stage import SOONER_MISSED, Stage
from tests.databases import server_database
from tests.rabbitmq import wait_for_port

sys.path.insert(0, str(Path(__file__).parents[3] / "dags" / "demo"))

import ui
from components import free_port
from rest import AirflowApi

WORKERS: Final = ("worker-1", "worker-2")
BROKERS: Final = ("redis", "rabbitmq")
VISIBLE_SECONDS: Final = 30
"""After so long Redis gives a task that has not ended to another worker."""


NAME_VARIABLE: Final = "LARK_WORKER_NAME"
NAMING: Final = f"""
import os
import socket


def worker_name():
    return os.environ.get({NAME_VARIABLE!r}) or socket.gethostname()
"""
"""What tells Airflow's workers apart in its database, all of which are on one machine."""


@dataclass
class WorkerStage(Stage):
    """An Airflow whose tasks run in two Celery workers.

    :param metadata: the address of Airflow's database, for psycopg.
    :param slots: how many tasks a worker runs at once.
    :param visible_seconds: after so long the broker delivers a task again that has not ended; 0: it does not.
    """

    metadata: str = ""
    slots: int = 2
    visible_seconds: int = 0

    def start(self) -> None:
        """Start Airflow's components, then the workers."""
        super().start()
        for name in WORKERS:
            self.start_worker(name)

    def start_worker(self, name: str) -> None:
        """Start a worker, the first time or again."""
        options = ("--celery-hostname", f"{name}@%h", "--concurrency", str(self.slots), "--skip-serve-logs")
        os.environ[NAME_VARIABLE] = name
        self.processes.start(name, "celery", "worker", *options, "--without-gossip", "--without-mingle")
        del os.environ[NAME_VARIABLE]

    def kill_worker(self, name: str) -> None:
        """Kill a worker with all it has started."""
        self.processes.kill(name)

    def terminate_worker(self, name: str) -> None:
        """Tell a worker to end once its tasks have ended, and to take no further ones, as Docker and systemd do."""
        self.processes.send(name, signal.SIGTERM)

    def megabytes_of(self, name: str) -> int:
        """Return how much memory a worker and its tasks have for themselves."""
        total = 0
        for process in self.processes.tree_of(name):
            with suppress(psutil.Error):
                total += process.memory_full_info().uss
        return total // 1_000_000

    def ask(self, sql: str, *values: Any, database: str = "") -> list[tuple[Any, ...]]:
        """Read from Airflow's database."""
        del database
        with closing(psycopg.connect(self.metadata)) as conn:
            return conn.execute(sql.replace("?", "%s"), values).fetchall()  # type: ignore[arg-type]


class WorkerProcesses(Processes):
    """Components of which single ones are sent signals."""

    def send(self, name: str, number: int) -> None:
        """Send a signal to a component's main process, and to no other."""
        self._running[name].send_signal(number)

    def tree_of(self, name: str) -> list[psutil.Process]:
        """Return a component's main process and all that it has started; nothing while it does not run."""
        if name not in self._running:
            return []
        with suppress(psutil.NoSuchProcess):
            main = psutil.Process(self._running[name].pid)
            return [main, *main.children(recursive=True)]
        return []


@contextmanager
def open_workers(
    name: str, console: Console, dags: dict[str, str], *, broker: str, slots: int = 2, scheduler: int = 8
) -> Iterator[WorkerStage]:
    """Give this process, and those that it starts, such an Airflow, which :meth:`WorkerStage.start` starts."""
    with ExitStack() as stack:
        metadata = stack.enter_context(server_database("postgresql", f"lark_celery_{secrets.token_hex(3)}"))
        transport, options = _open_broker(stack, broker)
        home, url, password = ui.configure(
            name,
            port=0,
            **SOONER_MISSED,
            **_celery_settings(metadata, transport, options),
        )
        # in the place of what a demo has
        other = {
            "core__executor": "CeleryExecutor",
            "core__parallelism": str(scheduler),
            "core__hostname_callable": "worker_naming.worker_name",
            "database__sql_alchemy_conn": _address(metadata, "postgresql+psycopg2"),
        }
        (home / "worker_naming.py").write_text(NAMING, encoding="utf-8")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(home)]))
        os.environ.update({f"AIRFLOW__{option.upper()}": value for option, value in other.items()})
        _migrate(home, console)
        folder = home / "dags"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for old in home.glob("*.log"):
            old.unlink()
        for file, source in dags.items():
            (folder / file).write_text(source, encoding="utf-8")
        os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(folder)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
        processes = stack.enter_context(WorkerProcesses(home))
        api = stack.enter_context(closing(AirflowApi(url, ui.USER, password)))
        plain = _address(metadata, "postgresql")
        visible = int(options.get("visibility_timeout", 0))
        yield WorkerStage(
            home, url, password, console, processes, api, metadata=plain, slots=slots, visible_seconds=visible
        )


def _address(database: URL, driver: str) -> str:
    return database.set(drivername=driver).render_as_string(hide_password=False)


def _celery_settings(metadata: URL, broker: str, options: dict[str, str]) -> dict[str, str]:
    return {
        "celery__broker_url": broker,
        "celery__result_backend": _address(metadata, "db+postgresql"),
        "celery__worker_prefetch_multiplier": "1",
        "celery__operation_timeout": "10",
        "operators__default_queue": _queue(),
        **{f"celery_broker_transport_options__{key}": value for key, value in options.items()},
    }


def _open_broker(stack: ExitStack, broker: str) -> tuple[str, dict[str, str]]:
    if broker == "rabbitmq":
        # one that runs already; the queue has a name of its own
        address = os.environ.get("LARK_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672")
        stack.callback(_delete_queue, address)
        return f"{address}//", {}
    port = free_port(0)
    program = shutil.which("redis-server")
    if program is None:
        raise RuntimeError("redis-server is missing: install Debian's package redis-server")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    stack.callback(_end, child)
    wait_for_port(port)
    return f"redis://127.0.0.1:{port}/0", {"visibility_timeout": str(VISIBLE_SECONDS)}


def _queue() -> str:
    return f"lark-{os.getpid()}"


def _delete_queue(address: str) -> None:
    import amqp

    place = urlsplit(address)
    where = f"{place.hostname}:{place.port or 5672}"
    with amqp.Connection(host=where, userid=place.username, password=place.password) as connection:
        connection.channel().queue_delete(_queue())


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    child.wait()


def _migrate(home: Path, console: Console) -> None:
    with console.status("Airflow's database …"), (home / "migrate.out").open("wb") as sink:
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        done = subprocess.run(command, stdout=sink, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise RuntimeError(f"airflow db migrate failed; see {home / 'migrate.out'}")
