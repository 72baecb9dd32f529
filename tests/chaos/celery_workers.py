"""Syncs on Airflow's CeleryExecutor, without Docker: two workers, of which one is killed, and nothing lost or doubled.

Airflow's metadata are in PostgreSQL, the broker is Redis or RabbitMQ. All tables are loaded at once while a worker is
killed with SIGKILL amid its batches. Then people and programs edit while half of the mappings are scheduled and half
are woken by Lark's events, and a worker gets SIGTERM, and SIGKILL ten seconds later. With Redis a task that runs for
longer than ``visibility_timeout`` is delivered a second time: a slow full sync shows what becomes of that.

    python -m tests.chaos.celery_workers --mappings 20 --rows 2000 --broker redis,rabbitmq
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import yaml
from rich.console import Console
from sqlalchemy import Engine, create_engine, text

from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.emulator import Emulator
from airflow_provider_lark.emulator.tenant.endpoint import Unacknowledged
from tests.chaos.live.figures import Figures, tell_load
from tests.chaos.live.timeline import Bar, draw
from tests.chaos.live.workers import BROKERS, WORKERS, WorkerStage, open_workers
from tests.databases import server_database

BASES = 4
GRACE_SECONDS = 10.0
DELAY_SECONDS = 10.0
EVENT_KEY = "the key of the events"
FIELDS = [{"field_name": "id", "type": 2}, {"field_name": "name", "type": 1}, {"field_name": "qty", "type": 2}]
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
    BitableFullSyncOperator(task_id="sync", mapping_name={slow!r}, **WITH)

for name in {scheduled!r}:
    with DAG(f"every_{{name}}", schedule=timedelta(seconds=20), **COMMON):
        BitableIncrementalSyncOperator(task_id="sync", mapping_name=name, **WITH)

for name, place in {woken!r}.items():
    changed = Asset(name, watchers=[AssetWatcher(name="events", trigger=LarkEventTrigger(table=place))])
    with DAG(f"woken_{{name}}", schedule=[changed], **COMMON):
        BitableIncrementalSyncOperator(task_id="sync", mapping_name=name, events=True, **WITH)
"""


@dataclass
class Tables:
    """So many tables in SQL, and as many in Lark in a few bases."""

    emulator: Emulator
    sql: Engine
    rows: int
    bases: dict[str, str] = field(default_factory=dict)
    ids: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By name of the mapping: the base's name, and the table's id."""

    def make(self, count: int) -> None:
        """Make them; only those of SQL are filled."""
        for number in range(count):
            name, base = f"t{number:02}", f"base{number % BASES}"
            if base not in self.bases:
                self.bases[base] = self.emulator.state.create_base(base).app_token
            table = self.emulator.state.create_table(self.bases[base], name, FIELDS)
            self.ids[name] = base, table.table_id
            with self.sql.begin() as conn:
                conn.execute(text(f"CREATE TABLE {name} (id integer PRIMARY KEY, name varchar(80), qty integer)"))
                conn.execute(
                    text(f"INSERT INTO {name} SELECT n, 'row ' || n, n FROM generate_series(1, :rows) n"),
                    {"rows": self.rows},
                )

    def place(self, name: str) -> tuple[str, str]:
        """Return app_token and table_id."""
        base, table_id = self.ids[name]
        return self.bases[base], table_id

    def mappings(self) -> list[dict[str, object]]:
        """Return what the mapping file says."""
        places = {name: self.place(name) for name in self.ids}
        return [
            {"name": name, "lark": {"app_token": app, "table_id": id_}, "sql": {"table": name}, "batch_size": 100}
            for name, (app, id_) in places.items()
        ]

    def records(self, name: str) -> list[tuple[int, str, int]]:
        """Return Lark's side."""
        found = self.emulator.person.records(*self.place(name))
        return sorted(
            (int(f["id"]), _plain(f.get("name")), int(f.get("qty") or 0)) for f in (r["fields"] for r in found)
        )

    def rows_of(self, name: str) -> list[tuple[int, str, int]]:
        """Return SQL's side."""
        with self.sql.connect() as conn:
            return [tuple(row) for row in conn.execute(text(f"SELECT id, name, qty FROM {name} ORDER BY id"))]

    def count(self) -> tuple[int, int]:
        """Return how many rows are lost, on either side or in a value, and how many records are doubled."""
        lost = doubled = 0
        for name in self.ids:
            records, rows = self.records(name), self.rows_of(name)
            doubled += len(records) - len({key for key, _, _ in records})
            lost += len(set(records) ^ set(rows))
        return lost, doubled

    def count_records(self) -> int:
        """Return how many records there are."""
        return sum(len(self.emulator.state.bases[app].tables[id_].records) for app, id_ in map(self.place, self.ids))

    def count_overlaps(self) -> int:
        """Return how many runs of a mapping wrote something between two writes of another one."""
        wrote = (
            "SELECT table_name, run_id, min(created_at) AS first, max(created_at) AS last FROM sync_log"
            " WHERE status = 'applied' GROUP BY table_name, run_id"
        )
        pairs = (
            f"SELECT count(*) FROM ({wrote}) a JOIN ({wrote}) b ON a.table_name = b.table_name"
            " AND a.run_id <> b.run_id AND b.first > a.first AND b.first < a.last"
        )
        with self.sql.connect() as conn:
            return int(conn.execute(text(pairs)).scalar_one())

    def count_full_runs(self, name: str) -> int:
        """Return how many full runs of a mapping there were."""
        with self.sql.connect() as conn:
            lines = "SELECT coalesce(sum(runs), 0) FROM sync_run WHERE operation = 'full' AND table_name = :name"
            return int(conn.execute(text(lines), {"name": name}).scalar_one())


def _plain(cell: object) -> str:
    return "".join(part["text"] for part in cell) if isinstance(cell, list) else str(cell)


class Proof:
    """The proof with one broker."""

    def __init__(self, stage: WorkerStage, tables: Tables, console: Console, chance: random.Random) -> None:
        self.stage, self.tables, self.console, self.chance = stage, tables, console, chance
        self.marks: list[tuple[float, str]] = []
        """When a worker was killed, since the epoch, and how."""
        self._clock = SystemClock()

    def trigger(self, dag_id: str) -> str:
        """Start a run and return its id."""
        made = self.stage.call("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None})
        return str(made["dag_run_id"])

    def state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""
        found = self.stage.ask("SELECT state FROM dag_run WHERE dag_id = ? AND run_id = ?", dag_id, run_id)
        return str(found[0][0])

    def wait_for_end(self, dag_id: str, run_id: str) -> None:
        """Wait until a run has ended well.

        :raises RuntimeError: it has ended otherwise.
        """
        self.stage.wait(
            f"{dag_id} ends", lambda: self.state(dag_id, run_id) in ("success", "failed"), every_seconds=0.5
        )
        if (state := self.state(dag_id, run_id)) != "success":
            raise RuntimeError(f"{dag_id} is {state}")

    def load(self) -> None:
        """Load all tables at once, and kill a worker amid its batches."""
        began, wanted = monotonic(), len(self.tables.ids) * self.tables.rows
        run_id = self.trigger("full")
        self.stage.wait("records are made", lambda: self.tables.count_records() > wanted // 4, every_seconds=0.05)
        made = self.tables.count_records()
        self.marks.append((self._clock.now(), f"kill -9 {WORKERS[0]}"))
        self.stage.kill_worker(WORKERS[0])
        killed = monotonic()
        self.console.print(f"kill -9 of {WORKERS[0]} with its tasks, when {made:,} of {wanted:,} records were made")
        self.stage.nap(5.0)
        self.stage.start_worker(WORKERS[0])
        self.wait_for_end("full", run_id)
        ended = monotonic()
        self.tell(f"load of {wanted:,} rows: {ended - began:.0f} s, {ended - killed:.0f} s of them after the kill")

    def follow(self, edits: int) -> None:
        """Edit both sides while syncs are scheduled and woken, and end a worker."""
        self.stage.unpause(*(f"every_{name}" for name in self.scheduled), *(f"woken_{name}" for name in self.woken))
        self.stage.wait("the triggers have subscribed", self._is_subscribed, tells=True)
        waits: dict[tuple[str, int], tuple[str, float]] = {}
        took: list[float] = []

        def look() -> bool:
            for (name, key), (value, made_at) in list(waits.items()):
                if self._holds(name, key, value):
                    took.append(monotonic() - made_at)
                    del waits[name, key]
            return not waits

        for number in range(edits):
            name = self.chance.choice([*self.tables.ids])
            key = self.chance.choice([k for k in range(1, self.tables.rows + 1) if (name, k) not in waits])
            value = f"edit {number}"
            # what is woken by Lark hears of Lark's edits only
            if name in self.woken or self.chance.random() < 0.5:
                self._edit_in_lark(name, key, value)
            else:
                with self.tables.sql.begin() as conn:
                    conn.execute(text(f"UPDATE {name} SET name = :value WHERE id = :key"), {"value": value, "key": key})
            waits[name, key] = value, monotonic()
            self.stage.nap(self.chance.uniform(0.1, 0.6))
            look()
            if number == edits // 3:
                self.stage.wait("a task runs", lambda: self.stage.tasks_of(WORKERS[1]), every_seconds=0.02)
                self.marks.append((self._clock.now(), f"SIGTERM {WORKERS[1]}, SIGKILL {GRACE_SECONDS:.0f} s later"))
                self.stage.kill_worker(WORKERS[1], grace_seconds=GRACE_SECONDS)
                self.console.print(
                    f"SIGTERM to {WORKERS[1]}, SIGKILL to it and all it had started {GRACE_SECONDS:.0f} s later"
                )
            if number == 2 * edits // 3:
                self.stage.start_worker(WORKERS[1])
        self.stage.wait("all edits arrive", look, every_seconds=0.5)
        self.tell(f"{edits} edits, from either side to the other: {Figures.of(took)}")

    def outlast(self, seconds: float) -> None:
        """Let a full sync run for longer than the broker waits before it delivers the task again."""
        name = next(iter(self.tables.ids))
        for dag_id in (*(f"every_{each}" for each in self.scheduled), *(f"woken_{each}" for each in self.woken)):
            self.stage.call("PATCH", f"/dags/{dag_id}", {"is_paused": True})
        self.stage.wait("all other runs have ended", self._is_idle, every_seconds=0.5)
        before = self.tables.count_full_runs(name)
        with self.tables.sql.begin() as conn:
            conn.execute(text(f"UPDATE {name} SET qty = qty + 1"))
        slow = {"action": "delay", "delay_seconds": DELAY_SECONDS, "times": int(seconds / DELAY_SECONDS)}
        self.tables.emulator.faults.add("bitable", **slow)
        began = monotonic()
        self.wait_for_end("slow", self.trigger("slow"))
        tries = self.stage.ask("SELECT max(try_number) FROM task_instance WHERE dag_id = 'slow'")[0][0]
        told = f"full sync of {monotonic() - began:.0f} s"
        if self.stage.visible_seconds:
            told += f" beside visibility_timeout {self.stage.visible_seconds} s"
        runs = self.tables.count_full_runs(name) - before
        self.tell(f"{told}: tries {tries}, runs {runs}; second deliveries that Airflow refused: {self.count_ignored()}")
        if runs != 1:
            raise RuntimeError("it ran more than once")

    def draw(self, file: Path) -> None:
        """Draw which tries of tasks ran when, and on which worker."""
        wanted = (
            "SELECT dag_id, map_index, hostname, state, extract(epoch FROM start_date), extract(epoch FROM end_date)"
            " FROM {} WHERE start_date IS NOT NULL AND end_date IS NOT NULL"
        )
        names = [*self.tables.ids]
        bars = [
            Bar(
                names[index] if dag_id == "full" else dag_id.rpartition("_")[2] if "_" in dag_id else names[0],
                str(host),
                str(state),
                float(start),
                float(end),
            )
            for table in ("task_instance", "task_instance_history")
            for dag_id, index, host, state, start, end in self.stage.ask(wanted.format(table))
        ]
        draw(bars, self.marks, file)

    def count_ignored(self) -> int:
        """Count the tasks that came to a worker a second time while they ran, and were left alone, by its log."""
        logs = [log.read_text(encoding="utf-8", errors="replace") for log in self.stage.home.glob("worker-*.log")]
        return sum(log.count("already running elsewhere") for log in logs)

    def tell(self, what: str) -> None:
        """Print what was measured, and what is lost or doubled by now.

        :raises RuntimeError: something is.
        """
        lost, doubled = self.tables.count()
        beside = self.tables.count_overlaps()
        self.console.print(f"{what}; {lost} lost, {doubled} doubled, {beside} runs beside another ({tell_load()})")
        if lost or doubled or beside:
            raise RuntimeError("something was lost or doubled, or two ran at once")

    @property
    def woken(self) -> list[str]:
        """The mappings that follow Lark's events."""
        return [*self.tables.ids][len(self.tables.ids) // 2 :]

    @property
    def scheduled(self) -> list[str]:
        """The others."""
        return [*self.tables.ids][: len(self.tables.ids) // 2]

    def _is_idle(self) -> bool:
        # runs of a paused DAG stay as they are
        return not self.stage.ask("SELECT 1 FROM task_instance WHERE state IN ('running', 'queued') LIMIT 1")

    def _is_subscribed(self) -> bool:
        wanted = {self.tables.place(name)[0] for name in self.woken}
        return all(self.tables.emulator.state.subscriptions.of(app) for app in wanted)

    def _holds(self, name: str, key: int, value: str) -> bool:
        with self.tables.sql.connect() as conn:
            row = conn.execute(text(f"SELECT name FROM {name} WHERE id = :key"), {"key": key}).scalar_one()
        return bool(row == value == self._cell(name, key))

    def _cell(self, name: str, key: int) -> str:
        return next((shown for id_, shown, _ in self.tables.records(name) if id_ == key), "")

    def _edit_in_lark(self, name: str, key: int, value: str) -> None:
        place = self.tables.place(name)
        record = next(r for r in self.tables.emulator.person.records(*place) if int(r["fields"]["id"]) == key)
        self.tables.emulator.person.edit_record(*place, record["record_id"], {"name": value})


@contextmanager
def open_tables(count: int, rows: int) -> Iterator[Tables]:
    """Give tables on the emulator and in a new database of PostgreSQL."""
    with (
        Emulator() as emulator,
        server_database("postgresql", f"lark_shop_{secrets.token_hex(3)}") as url,
    ):
        tables = Tables(emulator, create_engine(url), rows)
        tables.make(count)
        try:
            yield tables
        finally:
            tables.sql.dispose()


def connections(tables: Tables) -> dict[str, dict[str, Any]]:
    """Return Airflow's connections."""
    url, emulator = tables.sql.url, tables.emulator
    database: dict[str, Any] = {
        "conn_type": "postgres",
        "host": url.host,
        "port": url.port or 5432,
        "login": url.username,
        "password": url.password or "",
        "schema": url.database,
    }
    extra = {"bases": tables.bases, "store_conn_id": "shop_db", "event_encrypt_key_secret": EVENT_KEY}
    lark: dict[str, Any] = {"conn_type": "lark", "host": emulator.url, "port": 0, "login": emulator.app_id}
    return {
        "shop_db": database,
        "lark_default": {**lark, "password": emulator.app_secret, "extra": json.dumps(extra)},
    }


def prepare(stage: WorkerStage, tables: Tables) -> None:
    """Start Airflow, give it connections and a pool, and let Lark send events."""
    stage.start()
    for conn_id, parts in connections(tables).items():
        stage.api.add_connection(conn_id, parts)
    stage.call("POST", "/pools", {"name": "lark", "slots": 4})
    stage.unpause("full", "slow")
    url = f"{stage.url}/lark/events/lark_default"
    stage.wait("Lark sends what happens", lambda: _set_url(tables.emulator, url), tells=True)


def _set_url(emulator: Emulator, url: str) -> bool:
    try:
        emulator.state.set_event_url(emulator.app_id, url, encrypt_key=EVENT_KEY)
    except Unacknowledged:
        return False
    return True


def run(broker: str, given: argparse.Namespace, console: Console) -> None:
    """Prove it with one broker."""
    console.print(f"[bold]CeleryExecutor, {broker}[/], 2 workers, {given.mappings} mappings of {given.rows:,} rows")
    with open_tables(given.mappings, given.rows) as tables:
        file = Path(given.folder or ".demo") / f"celery-{broker}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(tables.mappings()), encoding="utf-8")
        names = [*tables.ids]
        half = len(names) // 2
        source = DAGS.format(
            mapping=str(file.resolve()),
            names=names,
            slow=names[0],
            scheduled=names[:half],
            woken={name: f"{tables.ids[name][0]}:{name}" for name in names[half:]},
        )
        with open_workers(f"celery-{broker}", console, {"syncs.py": source}, broker=broker) as stage:
            prepare(stage, tables)
            proof = Proof(stage, tables, console, random.Random(given.seed))
            proof.load()
            if given.edits:
                proof.follow(given.edits)
            if given.slow_seconds:
                proof.outlast(given.slow_seconds)
            if given.picture:
                proof.draw(Path(given.picture))


def main() -> int:
    """Prove it with each broker; 1 when something was lost, doubled, or ended by itself."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mappings", type=int, default=20)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--edits", type=int, default=100)
    parser.add_argument("--slow-seconds", type=float, default=90.0, help="how long the slow full sync takes; 0: none")
    parser.add_argument("--broker", default=",".join(BROKERS), help=f"some of {','.join(BROKERS)}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--picture", help="an SVG file to write: what ran when, and where")
    parser.add_argument("--folder", help="where the mapping file lies; default: .demo")
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
