"""Edits in Lark on their way to the rows of SQL: who makes them, when each arrived, and what it waited for."""

from __future__ import annotations

import random
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import httpx

from airflow_provider_lark.core.clock import SystemClock
from tests.chaos.live.stage import PATIENCE_SECONDS, Stage, seconds_of

sys.path.insert(0, str(Path(__file__).parents[3] / "dags" / "demo"))

from world import World

LOOK_SECONDS: Final = 0.02
STEPS: Final = (
    "edit to inbox: emulator, receiver",
    "inbox to asset event: trigger, triggerer",
    "asset event to run: scheduler",
    "run to queued task: scheduler",
    "queued to running task: worker starts it",
    "running task to row: imports, sync",
)
"""What an edit waits for on its way through a task that it starts."""


@dataclass(frozen=True)
class Edit:
    """An edit of a name, and when it was made and had arrived, in seconds since the epoch."""

    code: str
    name: str
    made_at: float
    arrived_at: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.arrived_at - self.made_at


class Edits:
    """A person who edits areas as the emulator's page lets them, and who looks into SQL for what became of it."""

    def __init__(self, world: World, stage: Stage, chance: random.Random) -> None:
        self.world = world
        self.stage = stage
        self.chance = chance
        self.waiting: dict[str, Edit] = {}
        """By code; no area is edited again before."""
        self.arrived: list[Edit] = []
        self._clock = SystemClock()
        self._number = 0
        self._records = {_plain(each["fields"]["代码"]): each["record_id"] for each in world.records("areas")}
        self._http = httpx.Client(base_url=world.emulator.url, timeout=60.0, trust_env=False)

    def edit(self) -> None:
        """Give an area a new name."""
        self._number += 1
        code = self.chance.choice(sorted(set(self._records) - set(self.waiting)))
        edit = Edit(code, f"edit {self._number}", self._clock.now())
        given = {
            "app_token": self.world.app_token,
            "table_id": self.world.table_ids["areas"],
            "record_id": self._records[code],
            "fields": {"名称": edit.name},
        }
        self._http.post("/_emulator/person/edit_record", json=given).raise_for_status()
        self.waiting[code] = edit

    def look(self) -> bool:
        """Note what has arrived since; tell whether nothing waits any more."""
        if self.waiting:
            places = ", ".join("?" * len(self.waiting))
            with closing(sqlite3.connect(self.world.database, timeout=60)) as conn:
                found = conn.execute(f"SELECT code, name FROM areas WHERE code IN ({places})", [*self.waiting])
                names = dict(found.fetchall())
            now = self._clock.now()
            for code, edit in list(self.waiting.items()):
                if names.get(code) == edit.name:
                    del self.waiting[code]
                    self.arrived.append(Edit(code, edit.name, edit.made_at, now))
        return not self.waiting

    def nap(self, seconds: float) -> None:
        """Let time pass, and note what arrives meanwhile."""
        end = self._clock.monotonic() + seconds
        while self._clock.monotonic() < end:
            self.look()
            self.stage.nap(LOOK_SECONDS)

    def wait(self) -> None:
        """Wait until all edits have arrived.

        :raises TimeoutError: one has not for half an hour.
        """
        lost = f"lost within {PATIENCE_SECONDS:.0f} s: {list(self.waiting.values())}"
        self.stage.wait(lost, self.look, every_seconds=LOOK_SECONDS)

    def measure(self, count: int) -> list[Edit]:
        """Make edits one at a time, at random moments, and return them."""
        self.arrived.clear()
        for _ in range(count):
            self.edit()
            self.wait()
            self.nap(self.chance.uniform(0.1, 1.0))
        return list(self.arrived)

    def kill(self, name: str, count: int) -> tuple[float, float]:
        """Kill something among edits, start it again among more, and return how long the slowest edit and the last
        one took."""
        self.arrived.clear()
        for number in range(count):
            self.edit()
            self.nap(self.chance.uniform(0.2, 0.8))
            if number == count // 3:
                # where each edit starts a task, one has to wait for it
                self.stage.kill(name, meanwhile=lambda: self.look() and self.edit())
            if number == 2 * count // 3:
                self.stage.start_again(name)
        self.edit()
        last = f"edit {self._number}"
        self.wait()
        took = {each.name: each.seconds for each in self.arrived}
        return max(took.values()), took[last]

    def steps_of(self, edit: Edit, dag_id: str) -> tuple[float, ...] | None:
        """Return how long each of :data:`STEPS` took, by what Airflow and the inbox wrote down; None: it came with a
        run that had begun before the edit was told."""
        told = self.stage.ask("SELECT received_at FROM lark_inbox ORDER BY id", database="lark_store.db")
        runs = self.stage.ask(
            "SELECT t.queued_dttm, t.start_date, r.queued_at FROM task_instance t JOIN dag_run r"
            " ON r.dag_id = t.dag_id AND r.run_id = t.run_id WHERE t.dag_id = ? AND t.start_date IS NOT NULL"
            " ORDER BY t.start_date",
            dag_id,
        )
        woke = self.stage.ask("SELECT timestamp FROM asset_event ORDER BY id")
        inbox = _first(edit.made_at, [seconds_of(each) for (each,) in told])
        event = _first(inbox, [seconds_of(each) for (each,) in woke])
        begun = [tuple(map(seconds_of, each)) for each in runs if all(each)]
        run = next((each for each in begun if event <= each[2] and each[1] <= edit.arrived_at), None)
        if run is None:
            return None
        marks = (edit.made_at, inbox, event, run[2], run[0], run[1], edit.arrived_at)
        return tuple(after - before for before, after in pairwise(marks))

    def count_differences(self) -> int:
        """Count the areas that are not the same on both sides, in their names or at all."""
        with self.world.sql() as conn:
            rows = conn.execute("SELECT code, name FROM areas").fetchall()
        records = [
            tuple(_plain(each["fields"][name]) for name in ("代码", "名称")) for each in self.world.records("areas")
        ]
        return sum(1 for one, other in zip(sorted(rows), sorted(records), strict=False) if one != other) + abs(
            len(rows) - len(records)
        )


def _first(after: float, times: list[float]) -> float:
    """Return the first of *times*, in order, that is not before; ever, if there is none."""
    return next((each for each in times if each >= after - 0.002), float("inf"))


def _plain(cell: object) -> str:
    return "".join(part["text"] for part in cell) if isinstance(cell, list) else str(cell)
