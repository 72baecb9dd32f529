"""The result table: what each step did, and its requests to Lark beside the fewest that would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

# the platform's limits: records that one request may read, create or update, delete, or look up by id
PAGE, WRITE, DELETE, LOOK_UP = 500, 1000, 500, 100
READS = ("search", "batch_get")
WRITES = ("create", "update", "delete")
#: promised for the full load of the areas, and for a run in which nothing changed
LOAD_WRITES, LOAD_OTHERS, IDLE_SEARCHES, IDLE_OTHERS = 3, 8, 1, 2


@dataclass(frozen=True)
class Line:
    """One table in one step.

    :param rows: rows of the SQL table after the step.
    :param records: records of the Bitable table after the step.
    """

    step: str
    report: Mapping[str, Any]
    rows: int
    records: int

    @property
    def reads(self) -> int:
        """Requests that read records."""
        return sum(self.report["api_calls"].get(kind, 0) for kind in READS)

    @property
    def writes(self) -> int:
        """Requests that wrote records."""
        return sum(self.report["api_calls"].get(kind, 0) for kind in WRITES)

    @property
    def others(self) -> int:
        """Requests for the token, tables and fields."""
        return int(self.report["api_calls"]["total"]) - self.reads - self.writes


def least_reads(line: Line) -> int:
    """Return the fewest requests that could read what the step needs to know."""
    report, pages = line.report, ceil(line.records / PAGE)
    if report["operation"] == "setup":
        return 0
    if report["operation"] == "check":
        return max(1, pages) + ceil(report["different"] / LOOK_UP)
    if report["operation"] == "full":
        before = line.records - report["to_lark"]["created"] + report["to_lark"]["deleted"]
        return max(1, ceil(before / PAGE))
    # finding what changed takes one; that records are gone shows only in a scan of all
    return 1 + (pages if report["to_sql"]["deleted"] else 0)


def least_writes(line: Line) -> int:
    """Return the fewest requests that could carry what was written to Lark, in the largest batches allowed."""
    to_lark = line.report.get("to_lark", {"created": 0, "updated": 0, "deleted": 0})
    return ceil(to_lark["created"] / WRITE) + ceil(to_lark["updated"] / WRITE) + ceil(to_lark["deleted"] / DELETE)


def judge_promises(lines: Sequence[Line]) -> list[tuple[bool, str]]:
    """Hold the numbers of requests against what is promised: whether it was kept, and the numbers."""
    verdicts = []
    for line in lines:
        report, others = line.report, line.reads + line.others
        if report["operation"] == "full" and report["mapping"] == "areas":
            kept = line.writes <= LOAD_WRITES and others <= LOAD_OTHERS
            text = f"{report['to_lark']['created']} areas loaded by {line.writes} writing requests and {others} others"
            verdicts.append((kept, f"{text} (promised: at most {LOAD_WRITES} and {LOAD_OTHERS})"))
        if line.step == "idle":
            kept = line.reads <= IDLE_SEARCHES and not line.writes and line.others <= IDLE_OTHERS
            text = f"idle {report['mapping']}: {line.reads} search, {line.writes} writes, {line.others} other"
            verdicts.append((kept, f"{text} (promised: {IDLE_SEARCHES}, 0, at most {IDLE_OTHERS})"))
    return verdicts


def draw(lines: Sequence[Line]) -> RenderableType:
    """Return the table of all steps with what its columns mean."""
    steps = list(dict.fromkeys(line.step for line in lines))
    title = "Each table in each step, from the XComs of the runs"
    # fits a terminal of 80 columns
    table = Table(
        title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )
    for name in ("step", "table"):
        table.add_column(name, no_wrap=True)
    for name in ("rows", "to Lark\n+ ~ -", "to SQL\n+ ~ -", "con-\nflicts", "reads\n/ least", "writes\n/ least"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("other\ncalls", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    step = ""
    for line in sorted(lines, key=lambda each: steps.index(each.step)):
        if step and line.step != step:
            table.add_row()
        table.add_row(line.step if line.step != step else "", *_cells(line))
        step = line.step
    return Group(table, LEGEND)


LEGEND = """\
rows: in SQL, and in Lark where that differs. + ~ -: created, updated, deleted.
reads, writes: requests that read and that wrote records.
least: the fewest that would do, with pages of 500, batches of 1000, and one
search to find what changed. other: token (one a process), tables, fields."""


def _cells(line: Line) -> tuple[str, ...]:
    report = line.report
    counts = str(line.rows) if line.rows == line.records else f"{line.rows} | {line.records}"
    syncs = "to_lark" in report
    return (
        str(report["mapping"]),
        counts,
        _changes(report["to_lark"]) if syncs else "",
        _changes(report["to_sql"]) if syncs else "",
        str(report["conflicts"]) if syncs else "",
        f"{line.reads} / {least_reads(line)}",
        f"{line.writes} / {least_writes(line)}",
        str(line.others),
        f"{report['seconds']:.2f}",
    )


def _changes(writes: Mapping[str, int]) -> str:
    return " ".join(str(writes[kind]) for kind in ("created", "updated", "deleted"))
