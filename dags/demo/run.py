"""`make demo`: two tables are kept in step by real Airflow runs, with the emulator in place of Lark.

Leaves everything in .demo: shop.db, the Airflow home, and Airflow's output in airflow.log.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import airflow_home
from compare import find_differences
from edits import edit_both_sides
from rich.console import Console
from rich.markup import escape
from screen import quiet
from table import Line, draw, judge_promises
from team import draw_chat, make_dag
from world import CONFIG, TABLES, TEAM, World, open_world

LOG = airflow_home.DEMO / "airflow.log"
LOG_SHOWN = os.path.relpath(LOG)


@dataclass
class Demo:
    """The steps in order; each prints what it does and keeps its lines for the table."""

    console: Console
    world: World
    lines: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        # importing it imports Airflow, which must have its home by now
        from runs import load_dags

        self.dags = load_dags(str(airflow_home.DAGS))

    def run_dag(self, step: str, dag_id: str) -> list[dict[str, Any]]:
        """Run a DAG, keep the reports of its tasks, and return them."""
        from runs import run_dag

        with self.console.status(f"{dag_id} …") as status:
            result = run_dag(self.dags[dag_id], lambda task: status.update(f"{dag_id}: {escape(task)} …"))
        for report in result.reports:
            table = report["mapping"]
            name = "set up" if report["operation"] == "setup" else step
            self.lines.append(Line(name, report, self.world.count_rows(table), len(self.world.records(table))))
        self.console.print(f"[green]✓[/] {step}: DAG {dag_id}, {len(result.reports)} reports, {result.seconds:.1f} s")
        for report in result.reports:
            for text in (*report["problems"], *report["warnings"]):
                self.console.print(f"  [yellow]{escape(report['mapping'])}: {escape(text)}[/]")
        return result.reports

    def tell_team(self, reports: list[dict[str, Any]]) -> None:
        """Let a task send each report to the team's chat, and show what stands there."""
        from runs import register, run_dag

        with self.console.status("tell_team …"):
            dag = make_dag(reports)
            register(dag)
            run_dag(dag, lambda task: None)
        count = len(self.world.emulator.messages)
        self.console.print(f"[green]✓[/] told: DAG tell_team, {count} cards; the chat {TEAM!r} shows")
        self.console.print(draw_chat(self.world))

    def run_all(self) -> list[str]:
        """Run every step, and say what is wrong in the end; an empty list means: both sides are equal."""
        from runs import RunFailed

        outcome: dict[tuple[str, str], str | None] = {}
        try:
            self.run_dag("full load", "lark_full_sync")
            outcome = self.edit()
            reports = self.run_dag("incremental", "lark_incremental_sync")
            self.tell_team(reports)
            self.run_dag("idle", "lark_incremental_sync")
            self.run_dag("check", "lark_consistency_check")
        except RunFailed as failure:
            # the table of what did run, and the comparison, tell what the failure left behind
            return [str(failure), *find_differences(self.world, outcome)]
        return find_differences(self.world, outcome)

    def edit(self) -> dict[tuple[str, str], str | None]:
        """Edit both sides."""
        edits = edit_both_sides(self.world)
        self.console.print("[green]✓[/] edits on both sides")
        for side, table, what in edits.done:
            self.console.print(f"  {side:5} {table:7} {what}")
        return edits.outcome


def run_steps(console: Console) -> int:
    """Run the whole demo; 0 when it went as promised."""
    began = perf_counter()
    console.print(
        "[bold]Lark and SQL in step[/]: an emulated Lark, SQLite, and real Airflow runs; nothing leaves this machine"
    )
    with timed(console, "Airflow home with a migrated metadata database"):
        airflow_home.prepare("airflow")
    with open_world(airflow_home.DEMO / "shop.db") as world:
        rows = ", ".join(f"{table} {world.count_rows(table)}" for table in TABLES)
        console.print(f"[green]✓[/] shop.db holds {rows} rows; the base at {world.emulator.url} holds no records")
        airflow_home.set_connections(world.connections())
        os.environ["AIRFLOW_VAR_LARK_SYNC_CONFIG"] = str(CONFIG)
        with timed(console, "Airflow started"):
            demo = Demo(console, world)
        found = demo.run_all()
        if demo.lines:
            console.print()
            console.print(draw(demo.lines))
            console.print()
    return conclude(console, found, judge_promises(demo.lines), perf_counter() - began)


def conclude(console: Console, found: list[str], verdicts: list[tuple[bool, str]], seconds: float) -> int:
    """Say how it ended; 0 when both sides are equal and the promises about requests were kept."""
    if not found:
        console.print("[green]✓[/] both sides are equal, compared row by row without the provider")
    for kept, text in [*verdicts, *((False, text) for text in found)]:
        console.print(f"{'[green]✓[/]' if kept else '[red]✗[/]'} {escape(text)}")
    if found or not all(kept for kept, _ in verdicts):
        console.print(f"[red bold]FAILED[/]; Airflow's output: {LOG_SHOWN}")
        return 1
    console.print(f"{seconds:.0f} s. Airflow's output: {LOG_SHOWN}. To look around in a running Airflow: make ui")
    return 0


@contextmanager
def timed(console: Console, what: str) -> Iterator[None]:
    """Show that *what* is under way, and then how long it took."""
    began = perf_counter()
    with console.status(f"{what} …"):
        yield
    console.print(f"[green]✓[/] {what}: {perf_counter() - began:.1f} s")


def main() -> int:
    """Run the demo; whatever goes wrong is shown on the terminal."""
    airflow_home.DEMO.mkdir(exist_ok=True)
    with quiet(LOG) as console:
        try:
            return run_steps(console)
        except KeyboardInterrupt:
            console.print("stopped")
            return 130
        except Exception as error:  # noqa: BLE001 - the outermost edge
            # in the log with its traceback, as it would be on the terminal
            traceback.print_exc()
            console.print(f"[red bold]FAILED[/]: {escape(str(error) or type(error).__name__)}")
            console.print(f"Details: {LOG_SHOWN}")
            return 1


if __name__ == "__main__":
    sys.exit(main())
