"""The steps of the proof on Celery: load, follow edits, outlast the broker's patience, check; each says what it saw."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Final

from rich.console import Console

from airflow_provider_lark.core.clock import SystemClock
from tests.chaos.celery_tables import Tables
from tests.chaos.live.figures import Figures, tell_calls, tell_load
from tests.chaos.live.timeline import Mark, Picture, Try
from tests.chaos.live.workers import WORKERS, WorkerStage
from tests.chaos.live.writes import Write, find_meetings

GRACE_SECONDS: Final = 10.0
DELAY_SECONDS: Final = 10.0
WRITE_SECONDS: Final = 0.3
"""How long Lark takes for a write."""

SLOW_WRITE_SECONDS: Final = 3.0
"""How long while a worker that was told to end is to have some left."""

TRIES = (
    "SELECT dag_id, map_index, hostname, state, extract(epoch FROM start_date), extract(epoch FROM end_date)"
    " FROM {} WHERE start_date IS NOT NULL AND end_date IS NOT NULL"
)


class Proof:
    """The proof with one broker."""

    def __init__(self, stage: WorkerStage, tables: Tables, console: Console, chance: random.Random) -> None:
        self.stage, self.tables, self.console, self.chance = stage, tables, console, chance
        self.marks: list[Mark] = []
        self._orphans: set[Write] = set()
        """Writes whose sender was killed before they were answered: Lark carries them out all the same."""
        self._megabytes = 0
        self._clock = SystemClock()
        tables.emulator.switches.write_seconds = WRITE_SECONDS

    def load(self) -> None:
        """Load all tables at once, and kill a worker amid a batch."""
        began, wanted = monotonic(), len(self.tables.ids) * self.tables.rows
        run_id = self._trigger("full")
        self.stage.wait("records are made", lambda: self.tables.count_records() > wanted // 4, every_seconds=0.05)
        self._kill_amid_write(WORKERS[0])
        made, killed = self.tables.count_records(), monotonic()
        self.console.print(f"… when {made:,} of {wanted:,} records were made")
        self.stage.nap(5.0)
        self._start_worker(WORKERS[0])
        self._wait_for_end("full", run_id)
        ended = monotonic()
        self.tell(f"load of {wanted:,} rows: {ended - began:.0f} s, {ended - killed:.0f} s of them after the kill")
        self.console.print(tell_calls(self.tables.emulator.log))

    def follow(self, edits: int) -> None:
        """Edit both sides while syncs are scheduled and woken, and end a worker."""
        self.stage.unpause(*self._following)
        self.stage.wait("the triggers have subscribed", self._is_subscribed, tells=True)
        waits: dict[tuple[str, int], tuple[str, str, float]] = {}
        took: dict[str, list[float]] = defaultdict(list)

        def look() -> bool:
            self._note_memory()
            for (name, key), (value, way, made_at) in list(waits.items()):
                if self.tables.holds(name, key, value):
                    took[way].append(monotonic() - made_at)
                    del waits[name, key]
            return not waits

        edited = set()
        for number in range(edits):
            name = self.chance.choice([*self.tables.ids])
            # the first half of the rows is changed by others
            keys = range(self.tables.rows // 2 + 1, self.tables.rows + 1)
            key = self.chance.choice([k for k in keys if (name, k) not in waits])
            edited.add(name)
            waits[name, key] = f"edit {number}", self._edit(name, key, f"edit {number}"), monotonic()
            self.stage.nap(self.chance.uniform(0.3, 1.5))
            look()
            if number == edits // 3:
                for each in self.tables.scheduled:
                    self.tables.change_first_half(each)
                self._kill_amid_write(WORKERS[1], grace_seconds=GRACE_SECONDS)
            if number == 2 * edits // 3:
                self._start_worker(WORKERS[1])
        self.stage.wait("all edits arrive", look, every_seconds=0.5)
        self.stage.wait("all rows are alike", lambda: self.tables.count() == (0, 0), every_seconds=2.0)
        self._check_woken(edited)
        for way, seconds in sorted(took.items()):
            self.console.print(f"{len(seconds)} edits {way}: {Figures.of(seconds)}")
        changed = len(self.tables.scheduled) * (self.tables.rows // 2)
        self.tell(f"{edits} edits, and {changed:,} rows that a program changed, are on both sides")
        self.console.print(tell_calls(self.tables.emulator.log))

    def outlast(self, seconds: float) -> None:
        """Let a full sync run for longer than the broker waits before it delivers the task again."""
        name = next(iter(self.tables.ids))
        self._rest()
        before = self.tables.count_full_runs(name)
        self.tables.change_first_half(name)
        slow = {"action": "delay", "delay_seconds": DELAY_SECONDS, "times": int(seconds / DELAY_SECONDS)}
        self.tables.emulator.faults.add("bitable", **slow)
        began = monotonic()
        self._wait_for_end("slow", self._trigger("slow"))
        tries = self.stage.ask("SELECT max(try_number) FROM task_instance WHERE dag_id = 'slow'")[0][0]
        told = f"full sync of {monotonic() - began:.0f} s"
        if self.stage.visible_seconds:
            told += f" beside visibility_timeout {self.stage.visible_seconds} s"
        runs = self.tables.count_full_runs(name) - before
        self.tell(
            f"{told}: tries {tries}, runs {runs}; second deliveries that Airflow refused: {self._count_ignored()}"
        )
        if runs != 1:
            raise RuntimeError("it ran more than once")

    def check(self, mapping: Path) -> None:
        """Once all rests: compare both sides with the provider's own check, and look for what is left over.

        :raises RuntimeError: something is.
        """
        self._rest()
        command = ["lark", "sync", "check", "--mapping", str(mapping), "--sql-conn-id", "shop_db", "--output", "json"]
        done = subprocess.run([sys.executable, "-m", "airflow", *command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"airflow lark sync check exits with {done.returncode}: {done.stdout}{done.stderr}")
        lines = json.loads(done.stdout)
        equal, states = sum(int(each["equal"]) for each in lines), Counter(each["status"] for each in lines)
        failed = self.stage.ask("SELECT dag_id FROM task_instance WHERE state IN ('failed', 'upstream_failed')")
        left = self.tables.find_left_over()
        self.tell(
            f"airflow lark sync check: {states['ok']} of {len(self.tables.ids)} mappings ok, {equal:,} rows equal"
        )
        seconds = Figures.of(last - start for *_, start, last in self._tries("full", "every", "woken"))
        self.console.print(f"{seconds.count} tries of tasks: {seconds}; a worker took {self._megabytes} MB at most")
        if left or failed or states["ok"] != len(self.tables.ids) or equal != len(self.tables.ids) * self.tables.rows:
            raise RuntimeError(f"not all is well: {left}, failed tasks {failed}, {lines}")

    def save(self, file: Path) -> None:
        """Keep what ran when, and which writes were under way, for a picture."""
        names = {id_: (name, base) for name, (base, id_) in self.tables.ids.items()}
        tries = [Try(*each) for each in self._tries("full", "every", "woken", "slow")]
        writes = [(names[each.table_id][1], each.start, each.end) for each in self.tables.emulator.writes]
        file.write_text(json.dumps(asdict(Picture(tries, self.marks, writes))), encoding="utf-8")

    def tell(self, what: str) -> None:
        """Print what was measured, and what is lost or doubled by now.

        :raises RuntimeError: something is.
        """
        lost, doubled = self.tables.count()
        runs, (met, orphans) = self.tables.count_overlaps(), self._count_meetings()
        self.console.print(
            f"{what}; {lost} lost, {doubled} doubled, {runs} runs beside another of their mapping, {met} writes beside"
            f" another in their base, {orphans} beside one whose sender was dead ({tell_load()})"
        )
        if lost or doubled or runs or met:
            raise RuntimeError("something was lost or doubled, or two wrote at once")

    def _trigger(self, dag_id: str) -> str:
        made = self.stage.call("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None})
        return str(made["dag_run_id"])

    def _state(self, dag_id: str, run_id: str) -> str:
        found = self.stage.ask("SELECT state FROM dag_run WHERE dag_id = ? AND run_id = ?", dag_id, run_id)
        return str(found[0][0])

    def _wait_for_end(self, dag_id: str, run_id: str) -> None:
        def has_ended() -> bool:
            self._note_memory()
            return self._state(dag_id, run_id) in ("success", "failed")

        self.stage.wait(f"{dag_id} ends", has_ended, every_seconds=0.5)
        if (state := self._state(dag_id, run_id)) != "success":
            raise RuntimeError(f"{dag_id} is {state}")

    def _edit(self, name: str, key: int, value: str) -> str:
        """Edit on one side, and return which way the edit goes."""
        if name in self.tables.woken:
            # what is woken by Lark hears of Lark's edits only
            self.tables.edit_in_lark(name, key, value)
            return "from Lark to SQL, woken by their event"
        if self.chance.random() < 0.5:
            self.tables.edit_in_lark(name, key, value)
            return "from Lark to SQL, scheduled"
        self.tables.edit_in_sql(name, key, value)
        return "from SQL to Lark, scheduled"

    def _kill_amid_write(self, worker: str, *, grace_seconds: float = 0.0) -> None:
        """Kill a worker amid a batch of one of its tasks; or tell it to end first, and wait so long."""
        emulator = self.tables.emulator
        if grace_seconds:
            # else all batches may have ended by then
            emulator.switches.write_seconds = SLOW_WRITE_SECONDS
            self._wait_for_write(worker, is_held=False)
            self._mark(f"SIGTERM {worker}", worker, is_up=True)
            self.stage.terminate_worker(worker)
            self.stage.nap(grace_seconds)
        # others are let pass, or they would keep this worker's tasks from having their turn in the base
        with emulator.holding(lambda table_id: table_id in self._table_ids(self._names_on(worker))):
            self._wait_for_write(worker, is_held=True)
            names = self._names_on(worker)
            self._mark(f"SIGKILL {worker}", worker, is_up=False)
            self.stage.kill_worker(worker)
            cut = emulator.under_way(self._table_ids(names))
        emulator.switches.write_seconds = WRITE_SECONDS
        self._orphans |= {*cut}
        how = f"SIGTERM, and {grace_seconds:.0f} s later SIGKILL," if grace_seconds else "SIGKILL"
        self.console.print(
            f"{how} to {worker} with its {len(names)} tasks, while Lark carried out {len(cut)} of their batches"
        )

    def _wait_for_write(self, worker: str, *, is_held: bool) -> None:
        def is_writing() -> bool:
            return any(each.is_held or not is_held for each in self._writes_of(worker))

        self.stage.wait("a write is under way", is_writing, every_seconds=0.02)

    def _start_worker(self, worker: str) -> None:
        self._mark("", worker, is_up=True)
        self.stage.start_worker(worker)

    def _mark(self, what: str, worker: str, *, is_up: bool) -> None:
        self.marks.append(Mark(self._clock.now(), what, worker, is_up))

    def _names_on(self, worker: str) -> set[str]:
        """Return the mappings that tasks on a worker are syncing."""
        running = self.stage.ask(
            "SELECT dag_id, map_index FROM task_instance WHERE state = 'running' AND hostname = ?", worker
        )
        return {self._name(dag_id, index) for dag_id, index in running}

    def _name(self, dag_id: str, map_index: int) -> str:
        names = [*self.tables.ids]
        return names[map_index] if dag_id == "full" else dag_id.partition("_")[2] or names[0]

    def _table_ids(self, names: Collection[str]) -> set[str]:
        return {self.tables.ids[name][1] for name in names}

    def _writes_of(self, worker: str) -> list[Write]:
        return self.tables.emulator.under_way(self._table_ids(self._names_on(worker)))

    def _tries(self, *kinds: str) -> list[tuple[str, str, str, str, float, float]]:
        """Return the tries of tasks that have ended: kind, mapping, worker, state, start, end."""
        return sorted(
            (dag_id.partition("_")[0], self._name(dag_id, index), str(host), str(state), float(start), float(end))
            for table in ("task_instance", "task_instance_history")
            for dag_id, index, host, state, start, end in self.stage.ask(TRIES.format(table))
            if dag_id.partition("_")[0] in kinds
        )

    def _count_meetings(self) -> tuple[int, int]:
        """Return how many writes met one of a living sender in their base, and how many one of a dead sender."""
        behind = [first in self._orphans for first, _ in find_meetings(self.tables.emulator.writes)]
        return behind.count(False), behind.count(True)

    def _check_woken(self, names: Collection[str]) -> None:
        """:raises RuntimeError: an edited table was not woken, or something else than its events started its DAG."""
        found = self.stage.ask("SELECT dag_id, run_type, state FROM dag_run WHERE dag_id LIKE 'woken_%%'")
        kinds = {str(run_type) for _, run_type, _ in found}
        well = {self._name(dag_id, -1) for dag_id, _, state in found if state == "success"}
        woken = {*names} & {*self.tables.woken}
        self.console.print(f"{len(found)} runs were woken by events, for {len(woken)} tables that were edited")
        if kinds != {"asset_triggered"} or not woken <= well:
            raise RuntimeError(f"runs of {sorted(kinds)}; not woken: {sorted(woken - well)}")

    def _count_ignored(self) -> int:
        """Count the tasks that came to a worker a second time while they ran, and were left alone, by its log."""
        logs = [log.read_text(encoding="utf-8", errors="replace") for log in self.stage.home.glob("worker-*.log")]
        return sum(log.count("already running elsewhere") for log in logs)

    def _note_memory(self) -> None:
        self._megabytes = max(self._megabytes, *(self.stage.megabytes_of(each) for each in WORKERS))

    @property
    def _following(self) -> list[str]:
        every, woken = self.tables.scheduled, self.tables.woken
        return [*(f"every_{name}" for name in every), *(f"woken_{name}" for name in woken)]

    def _is_subscribed(self) -> bool:
        wanted = {self.tables.place(name)[0] for name in self.tables.woken}
        return all(self.tables.emulator.state.subscriptions.of(app) for app in wanted)

    def _rest(self) -> None:
        for dag_id in self._following:
            self.stage.call("PATCH", f"/dags/{dag_id}", {"is_paused": True})
        # runs of a paused DAG stay as they are
        running = "SELECT 1 FROM task_instance WHERE state IN ('running', 'queued') LIMIT 1"
        self.stage.wait("all runs have ended", lambda: not self.stage.ask(running), every_seconds=0.5)
