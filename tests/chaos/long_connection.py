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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_provider_lark.core.clock import SystemClock
from airflow_provider_lark.core.inbox.hints import TableHints
from airflow_provider_lark.core.sync.continuous import ContinuousReport, ContinuousSync
from airflow_provider_lark.core.sync.lost_events import SETTLE_SECONDS
from airflow_provider_lark.emulator import Emulator
from tests.chaos.day import Day, Plan
from tests.core.doors.long_connection.stage import DrivenClock, Stage
from tests.sync.world import World


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
        day.soon(seconds, day.end)
        staying = ContinuousSync("people", run_once, plan.poll_seconds, hints, day, listen=day.listen)
        # the last edits settle, and what was sent into the void comes once more
        report = staying.run_for(seconds + SETTLE_SECONDS + 3 * plan.poll_seconds)
        day.world.assert_in_step()
        tally = day.emu.sockets.tally
        sockets = {"sent": tally.sent, "unanswered": tally.unanswered, "lost on the way": tally.lost}
        sockets["stolen"] = sum(len(each.taken) for each in day.thieves)
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
