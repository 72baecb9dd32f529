"""A day on a driven clock: people edit, connections suffer, and the sync that waits is what moves the time."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select

from airflow_provider_lark.core.accounts.tables import inbox
from tests.chaos.fates import Edit, Fate, tell
from tests.chaos.thief import Thief
from tests.core.doors.long_connection.stage import DrivenClock, Listening, Stage, wait_until
from tests.sync.world import World

_STEP_SECONDS = 5.0
_ENDPOINT = "POST /callback/ws/endpoint"

_REST_POLLS = 2.5
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
        self.stored_at: dict[str, float] = {}
        """When each event came into the inbox; a step of the clock later at most."""
        self._last_entry = 0
        self.rested_at: dict[str, float] = {}
        self._coming: list[tuple[float, int, Callable[[], None]]] = []
        self._orders = itertools.count()
        self._receivers: list[Listening] = []
        self._thief: Thief | None = None
        self.thieves: list[Thief] = []
        self._weathers: list[str] = []
        self._weather = ""
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
            self.clock.advance(max(0.0, min(end, due, self.now() + _STEP_SECONDS) - self.now()))
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
        self._note_stored()

    def _note_stored(self) -> None:
        new = select(inbox.c.id, inbox.c.event_id).where(inbox.c.id > self._last_entry).order_by(inbox.c.id)
        with self.stage.database.connect() as conn:
            for self._last_entry, event_id in conn.execute(new):
                self.stored_at.setdefault(event_id, self.now())

    def _is_holder(self, receiver: Listening) -> bool:
        counts = receiver.receiver.counts.by_outcome
        return counts["connected"] + counts["not_connected"] > 0

    # -- what happens

    def begin(self) -> None:
        """Let the day begin."""
        self._receive()
        wait_until(lambda: self._receivers[0].count("connected"))
        self._receive()
        self.soon(self.plan.edit_seconds, self._edit)
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

    def soon(self, seconds: float, act: Callable[[], None]) -> None:
        def unless_over() -> None:
            if not self._is_over:
                act()

        heapq.heappush(self._coming, (self.now() + seconds, next(self._orders), unless_over))

    def _edit(self) -> None:
        self.soon(self.chance.expovariate(1 / self.plan.edit_seconds), self._edit)
        place = (self.world.app_token, self.world.table_id)
        rest = _REST_POLLS * self.plan.poll_seconds
        rested = sorted(each for each, at in self.rested_at.items() if at + rest <= self.now())
        kind = self.chance.choices(("edit", "add", "delete"), (8, 1, 1))[0] if rested else "add"
        last = next(reversed(self.emu.events.log()), None)
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
            del self.rested_at[record_id]
        else:
            self.rested_at[record_id] = self.now()
        # by what was last and not by how many: the log is of limited length
        events = tuple(itertools.takewhile(lambda each: each is not last, reversed(self.emu.events.log())))
        assert events, "no event was made"
        self.edits.append(Edit(record_id, self.now(), kind == "delete", events))

    def _change_weather(self) -> None:
        self._clear_up()
        if not self._weathers:
            self._weathers = self.chance.sample(self.plan.weathers, len(self.plan.weathers))
        self._weather = self._weathers.pop()
        act = {
            "drops": self._drop,
            "half-open": self.emu.sockets.silence,
            "loses": lambda: self.emu.sockets.set_faults(loses_every=3),
            "cuts": lambda: self.emu.sockets.set_faults(drops_every=3),
            "pongs": lambda: self.emu.sockets.set_faults(loses_pongs_every=2),
            "pieces": self._cut_up,
            "thief": self._steal,
            "outage": self._cut_off,
            "ends": self._end_connections,
            "handover": self._hand_over,
        }.get(self._weather)
        if act is not None:
            act()
        self.soon(self.plan.weather_seconds, self._change_weather)

    def _clear_up(self) -> None:
        self.emu.faults.clear()
        self.emu.sockets.set_faults(loses_every=0, drops_every=0, loses_pongs_every=0, ends_at_once=False)
        self.emu.switches.update({"fragment_bytes": 0, "fragments_out_of_order": False, "event_copies": 1})
        if self._thief is not None:
            self._thief.stop()
            wait_until(lambda: len(self.stage.devices) <= 1)
            self._thief = None

    def _drop(self) -> None:
        """Drop the connections once a minute while this weather lasts."""
        if self._weather == "drops":
            self.emu.sockets.drop()
            self.soon(60.0, self._drop)

    def _cut_up(self) -> None:
        self.emu.switches.update({"fragment_bytes": 60, "fragments_out_of_order": True, "event_copies": 2})

    def _steal(self) -> None:
        self._thief = Thief(self.emu)
        self.thieves.append(self._thief)

    def _cut_off(self) -> None:
        self.emu.faults.add(_ENDPOINT, action="drop_before", times=None)
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

    def tell_fates(self) -> list[Fate]:
        """Return what became of the events of each edit."""
        self._note_stored()
        return tell(self.edits, self.stored_at, set().union(*(each.taken for each in self.thieves)))
