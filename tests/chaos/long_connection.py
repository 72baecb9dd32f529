"""Hours over the long connection, on a driven clock: whether each edit arrives, and each lost event is counted.

The emulator, its sockets, two receivers of which one stands by, the inbox, the engine and its tables are real; what is
made up is the time. The sync waits by moving it, and while it moves, people edit and connections suffer:

    python -m tests.chaos.long_connection --hours 24 --seed 1
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.inbox.hints import TableHints
from airflow_provider_lark.core.sync.continuous import ContinuousReport, ContinuousSync
from airflow_provider_lark.core.sync.lost_events import SETTLE_SECONDS, LostChange, LostEvents
from airflow_provider_lark.emulator import Emulator
from tests.chaos.day import Day, Plan
from tests.chaos.fates import Fate, differences
from tests.core.doors.long_connection.stage import DrivenClock, Stage
from tests.sync.world import World


@dataclass
class Outcome:
    """What is known at the end.

    :param lost: the changes that the sync counts as lost events.
    """

    fates: list[Fate]
    lost: list[LostChange]
    connections: int
    report: ContinuousReport
    sockets: dict[str, int]

    @property
    def differences(self) -> list[str]:
        """Where the sync and the emulator differ about an edit."""
        return differences(self.fates, self.lost)

    def __str__(self) -> str:
        report = self.report
        unanswered = [fate for fate in self.fates if not fate.is_acknowledged]
        counts = {
            "edits": len(self.fates),
            "lost_events": report.lost_events,
            "not acknowledged in time by the emulator's count": len(unanswered),
            "of these stored although the answer was cut off": sum(fate.is_stored for fate in unanswered),
            "runs": report.runs,
            "hints": report.hints,
            "connections": self.connections,
            "runs after one": report.reconnects,
        }
        return ", ".join(f"{name} {number}" for name, number in {**counts, **self.sockets}.items())


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
            day.rested_at = dict.fromkeys((each["id"] for each in world.records()), 0.0)
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


class _Noted(LostEvents):
    """Remembers what it has found."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: list[LostChange] = []

    def settle(self, *, now: float) -> list[LostChange]:
        lost = super().settle(now=now)
        self.lost += lost
        return lost


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

        def run_once(tell: Any) -> Any:
            report = sync.incremental(tell)
            if not begun:
                begun.append(day.now())
                day.begin()
            return report

        seconds = plan.hours * 3600
        day.soon(seconds, day.end)
        noted = _Noted()
        staying = ContinuousSync("people", run_once, plan.poll_seconds, hints, day, listen=day.listen, lost=noted)
        # the last edits settle, and what was sent into the void comes once more
        report = staying.run_for(seconds + SETTLE_SECONDS + 3 * plan.poll_seconds)
        day.world.assert_in_step()
        tally = day.emu.sockets.tally
        sockets = {"sent": tally.sent, "unanswered": tally.unanswered, "lost on the way": tally.lost}
        sockets["stolen"] = sum(len(each.taken) for each in day.thieves)
        assert report.lost_events == len(noted.lost)
        return Outcome(day.tell_fates(), noted.lost, day.stage.lease().generation(), report, sockets)


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
    print(f"{args.hours:g} hours in {SystemClock().monotonic() - began:.0f} s: all edits are in SQL; {outcome}")
    for difference in outcome.differences:
        print(difference)
    print("THEY DIFFER" if outcome.differences else "sync and emulator agree about the event of each edit")
    return 1 if outcome.differences else 0


if __name__ == "__main__":
    sys.exit(main())
