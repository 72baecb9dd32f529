"""Hours over the long connection, on a driven clock: whether each edit arrives, and each lost event is counted.

The emulator, its sockets, two receivers of which one stands by, the inbox, the engine and its tables are real; what is
made up is the time. The sync waits by moving it, and while it moves, people edit and connections suffer:

    python -m tests.chaos.long_connection --hours 24 --seed 1
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.inbox.hints import TableHints
from airflow_provider_lark.core.sync.continuous import ContinuousReport, ContinuousSync
from airflow_provider_lark.core.sync.lost_events import SETTLE_SECONDS
from airflow_provider_lark.emulator import Emulator
from tests.chaos.thief import Thief
from tests.core.doors.long_connection.stage import DrivenClock, Listening, Stage, wait_until
from tests.sync.world import World

STEP_SECONDS = 5.0
ENDPOINT = "POST /callback/ws/endpoint"

IN_TIME_ATTEMPTS = 3
"""The first try and those after 15 s and 5 min; the next one comes after an hour, later than an event may be."""

REST_POLLS = 2.5
"""So many polls a record is left alone after an edit, so that a run meets each edit."""

WEATHERS = ("calm", "drops", "half-open", "loses", "cuts", "pongs", "pieces", "thief", "outage", "ends", "handover")


@dataclass(frozen=True)
class Plan:
    """How long, and how much happens."""

    hours: float = 24.0
    seed: int = 1
    edit_seconds: float = 30.0
    weather_seconds: float = 900.0
    records: int = 60
    poll_seconds: float = 60.0
    weathers: tuple[str, ...] = WEATHERS


@dataclass(frozen=True)
class Edit:
    """What a person did to a record, and the events of it."""

    record_id: str
    events: tuple[Any, ...]


@dataclass
class Outcome:
    """What is known at the end.

    :param unheard: edits of which the receivers acknowledged no event in time, as the emulator and the thief count.
    """

    edits: int = 0
    unheard: int = 0
    connections: int = 0
    report: ContinuousReport = field(default_factory=lambda: ContinuousReport("", "incremental"))
    sockets: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        report = self.report
        counts = {
            "edits": self.edits,
            "lost_events": report.lost_events,
            "unheard by the emulator's count": self.unheard,
            "runs": report.runs,
            "hints": report.hints,
            "connections": self.connections,
            "runs after one": report.reconnects,
        }
        return ", ".join(f"{name} {number}" for name, number in {**counts, **self.sockets}.items())


class Day:
    """A world whose time the sync moves; its methods belong to one thread."""

    def __init__(self, plan: Plan, world: World, stage: Stage, clock: DrivenClock) -> None:
        self.plan = plan
        self.world = world
        self.stage = stage
        self.emu = world.emu
        self.chance = random.Random(plan.seed)
        self.clock = clock
        self.edits: list[Edit] = []
        self._rested: dict[str, float] = {}
        self._coming: list[tuple[float, int, Callable[[], None]]] = []
        self._orders = itertools.count()
        self._receivers: list[Listening] = []
        self._thief: Thief | None = None
        self._thieves: list[Thief] = []
        self._weathers: list[str] = []
        self._is_over = False

    # -- the clock of the sync

    def now(self) -> float:
        return self.clock.now()

    monotonic = now

    def sleep(self, seconds: float) -> None:
        """Let time pass, and happen what happens meanwhile."""
        end = self.now() + seconds
        while self.now() < end:
            due = self._coming[0][0] if self._coming else end
            self.clock.advance(max(0.0, min(end, due, self.now() + STEP_SECONDS) - self.now()))
            self._settle()
            while self._coming and self._coming[0][0] <= self.now():
                heapq.heappop(self._coming)[2]()
                self._settle()

    async def sleep_async(self, seconds: float) -> None:
        raise AssertionError("the receivers have the other clock")

    def listen(self, seconds: float) -> bool:
        self.sleep(seconds)
        return True

    def _settle(self) -> None:
        """Wait until all has been done that can be done at this moment."""
        self.emu.events.settle(120)
        for receiver in self._receivers:
            # the lease is renewed, and there is a connection that pings, or a wait for the next; standby has one wait
            if not self.clock.wait_for_sleepers(receiver.loop, 2 if self._is_holder(receiver) else 1, 60):
                raise TimeoutError("a receiver neither waits nor is connected")
        self.emu.events.settle(120)

    def _is_holder(self, receiver: Listening) -> bool:
        counts = receiver.receiver.counts.by_outcome
        return counts["connected"] + counts["not_connected"] > 0

    # -- what happens

    def begin(self) -> None:
        """Let the day begin."""
        self._receive()
        wait_until(lambda: self._receivers[0].count("connected"))
        self._receive()
        self._soon(self.plan.edit_seconds, self._edit)
        self._change_weather()

    def end(self) -> None:
        """Let nothing happen any more."""
        self._is_over = True
        self._clear_up()

    def close(self) -> None:
        """End all threads."""
        self.end()
        for receiver in self._receivers:
            receiver.stop()

    def _soon(self, seconds: float, act: Callable[[], None]) -> None:
        def unless_over() -> None:
            if not self._is_over:
                act()

        heapq.heappush(self._coming, (self.now() + seconds, next(self._orders), unless_over))

    def _edit(self) -> None:
        self._soon(self.chance.expovariate(1 / self.plan.edit_seconds), self._edit)
        place = (self.world.app_token, self.world.table_id)
        rest = REST_POLLS * self.plan.poll_seconds
        rested = sorted(each for each, at in self._rested.items() if at + rest <= self.now())
        kind = self.chance.choices(("edit", "add", "delete"), (8, 1, 1))[0] if rested else "add"
        before = len(self.emu.events.log())
        if kind == "add":
            # a key that SQL makes would be written back, and the event of that stand for the one that was lost
            fields = {"Name": f"new {len(self.edits)}", "Code": 100_000 + len(self.edits)}
            record_id = self.emu.person.add_record(*place, fields)
        else:
            record_id = self.chance.choice(rested)
        if kind == "edit":
            self.emu.person.edit_record(*place, record_id, {"Qty": 1_000 + len(self.edits)})
        if kind == "delete":
            self.emu.person.delete_record(*place, record_id)
            del self._rested[record_id]
        else:
            self._rested[record_id] = self.now()
        events = tuple(self.emu.events.log()[before:])
        assert events, "no event was made"
        self.edits.append(Edit(record_id, events))

    def _change_weather(self) -> None:
        self._clear_up()
        if not self._weathers:
            self._weathers = self.chance.sample(self.plan.weathers, len(self.plan.weathers))
        weather = self._weathers.pop()
        act = {
            "drops": lambda: self._again("drops", self.emu.sockets.drop),
            "half-open": self.emu.sockets.silence,
            "loses": lambda: self.emu.sockets.set_faults(loses_every=3),
            "cuts": lambda: self.emu.sockets.set_faults(drops_every=3),
            "pongs": lambda: self.emu.sockets.set_faults(loses_pongs_every=2),
            "pieces": self._cut_up,
            "thief": self._steal,
            "outage": self._cut_off,
            "ends": self._end_connections,
            "handover": self._hand_over,
        }.get(weather)
        if act is not None:
            act()
        self._soon(self.plan.weather_seconds, self._change_weather)

    def _clear_up(self) -> None:
        self.emu.faults.clear()
        self.emu.sockets.set_faults(loses_every=0, drops_every=0, loses_pongs_every=0, ends_at_once=False)
        self.emu.switches.update({"fragment_bytes": 0, "fragments_out_of_order": False, "event_copies": 1})
        if self._thief is not None:
            self._thief.stop()
            wait_until(lambda: len(self.stage.devices) <= 1)
            self._thief = None

    def _again(self, weather: str, act: Callable[[], object]) -> None:
        act()
        until = self.now() + self.plan.weather_seconds

        def once_more() -> None:
            if self.now() < until:
                self._again_until(until, act, once_more)

        self._soon(60.0, once_more)

    def _again_until(self, until: float, act: Callable[[], object], once_more: Callable[[], None]) -> None:
        act()
        self._soon(60.0, once_more)

    def _cut_up(self) -> None:
        self.emu.switches.update({"fragment_bytes": 60, "fragments_out_of_order": True, "event_copies": 2})

    def _steal(self) -> None:
        self._thief = Thief(self.emu)
        self._thieves.append(self._thief)

    def _cut_off(self) -> None:
        self.emu.faults.add(ENDPOINT, action="drop_before", times=None)
        self.emu.sockets.drop()

    def _end_connections(self) -> None:
        self.emu.sockets.set_faults(ends_at_once=True)
        self.emu.sockets.drop()

    def _hand_over(self) -> None:
        """End the receiver that is connected; the one that stands by takes over, and a new one stands by."""
        self._receivers.pop(0).stop()
        self._receive()

    def _receive(self) -> None:
        lease = self.stage.lease(seconds=300.0)
        self._receivers.append(self.stage.start(lease=lease, chance=self.chance.random))

    # -- what is known of it

    def count_unheard(self) -> int:
        """Return of how many edits no receiver of ours acknowledged an event in time."""
        stolen = set().union(*(each.taken for each in self._thieves))
        return sum(not any(_is_heard(each, stolen) for each in edit.events) for edit in self.edits)


def _is_heard(event: Any, stolen: set[str]) -> bool:
    in_time = event.state == "delivered" and event.attempts <= IN_TIME_ATTEMPTS
    return in_time and event.event_id not in stolen


@contextmanager
def opened(plan: Plan, engine: Any, store: Any) -> Iterator[tuple[Day, Any]]:
    """Open the world of a day, both sides in step."""
    from airflow_provider_lark.core import LarkClient
    from tests.sync.world import FIELDS, people

    clock = DrivenClock(SystemClock().now())
    with Emulator(clock=clock) as emu:
        stage = Stage(emu, store, _ForReceivers(clock))
        emu.switches.ping_seconds = 120
        table_id = emu.state.create_table(stage.app_token, "people", FIELDS).table_id
        table = people(engine)
        table.create(engine)
        with LarkClient(emu.app_id, emu.app_secret, emu.url, clock=_ForReceivers(clock)) as client:
            world = World(emu, engine, client, stage.app_token, table_id, table, _ForReceivers(clock))
            sync = world.ready(plan.records)
            day = Day(plan, world, stage, clock)
            day._rested = dict.fromkeys((each["id"] for each in world.records()), 0.0)
            try:
                yield day, sync
            finally:
                day.close()


class _ForReceivers:
    """The time for clients: a wait in a thread, between two calls, moves it."""

    def __init__(self, clock: DrivenClock) -> None:
        self.clock = clock

    def now(self) -> float:
        return self.clock.now()

    monotonic = now

    def sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)

    async def sleep_async(self, seconds: float) -> None:
        await self.clock.sleep_async(seconds)


def run(plan: Plan, engine: Any, store: Any) -> Outcome:
    """Let the hours of *plan* pass, and return what is known then.

    :raises AssertionError: an edit is not in SQL.
    """
    with opened(plan, engine, store) as (day, sync):
        hints = TableHints(
            day.stage.inbox,
            lambda: f"{day.world.app_token}/{day.world.table_id}",
            generation=day.stage.lease().generation,
        )
        begun: list[float] = []

        def run_once(tell_deleted: Any) -> Any:
            report = sync.incremental(tell_deleted)
            if not begun:
                begun.append(day.now())
                day.begin()
            return report

        seconds = plan.hours * 3600
        day._soon(seconds, day.end)
        staying = ContinuousSync("people", run_once, plan.poll_seconds, hints, day, listen=day.listen)
        # the last edits settle, and what was sent into the void comes once more
        report = staying.run_for(seconds + SETTLE_SECONDS + 3 * plan.poll_seconds)
        day.world.assert_in_step()
        tally = day.emu.sockets.tally
        sockets = {"sent": tally.sent, "unanswered": tally.unanswered, "lost on the way": tally.lost}
        sockets["stolen"] = sum(len(each.taken) for each in day._thieves)
        return Outcome(len(day.edits), day.count_unheard(), day.stage.lease().generation(), report, sockets)


def main() -> int:
    from tests.databases import open_sqlite

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    began = SystemClock().monotonic()
    with tempfile.TemporaryDirectory(prefix="lark-day-") as home:
        engine, store = (open_sqlite(Path(home) / name) for name in ("shop.db", "store.db"))
        outcome = run(Plan(hours=args.hours, seed=args.seed), engine, store)
    is_right = outcome.report.lost_events == outcome.unheard
    print(f"{args.hours:g} hours in {SystemClock().monotonic() - began:.0f} s: all edits are in SQL; {outcome}")
    print("the counts agree" if is_right else "THE COUNTS DIFFER")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
