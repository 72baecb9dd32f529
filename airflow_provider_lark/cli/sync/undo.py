"""``airflow lark sync undo``: what a run wrote, taken back where nobody has touched it since; the plan comes first."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any, NamedTuple

from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.mappings import all_mappings, wanted_mappings
from airflow_provider_lark.cli.output import print_rows, shown
from airflow_provider_lark.cli.sync.documents import Document
from airflow_provider_lark.cli.sync.places import Failures, conn_id_of, opened_sync, require_ledger
from airflow_provider_lark.cli.sync.progress import watched
from airflow_provider_lark.cli.sync.words import cell_text
from airflow_provider_lark.core import LarkClient, TableMapping
from airflow_provider_lark.core.errors import ConfigError, SchemaMismatch
from airflow_provider_lark.core.hints import counted, list_names
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sync.plan.actions import Change
from airflow_provider_lark.core.sync.report import UndoReport
from airflow_provider_lark.core.sync.undo.carry_out import carry_out
from airflow_provider_lark.core.sync.undo.links import links_to, plan_links, set_links
from airflow_provider_lark.core.sync.undo.plan import UndoPlan, plan_undo
from airflow_provider_lark.core.sync.undo.steps import Left, Step
from airflow_provider_lark.hooks.database import opened_engine
from airflow_provider_lark.hooks.lark import LarkHook

SOMETHING_WAITS = 2
"""Exit status when the plan would do something and was not carried out, or something was left."""

_PAGE = 500

_SIDES = {"lark": "Lark", "sql": "SQL"}
_WORDS = {"update": "take back", "delete": "remove", "restore": "bring back"}


@command
def undo(args: Namespace) -> None:
    """Print what of a run can be taken back, and with ``--yes`` take it back."""
    hook = LarkHook(args.conn_id)
    mappings = wanted_mappings(args)
    failures = Failures(len(mappings))
    with hook.client() as client:
        undone = _plan(client, hook, mappings, failures, args)
        links = list(_links(client, hook, undone, failures, args))
        plans = [plan for _, plan in undone] + [each.plan for each in links]
        if args.output in ("table", "plain"):
            _print_plans(plans, args.output)
        reports: list[UndoReport | None] = [None] * len(plans)
        for place, (mapping, plan) in enumerate(undone if args.yes else ()):
            with failures.of(mapping), opened_sync(client, hook, mapping, args) as engine, watched(engine):
                reports[place] = carry_out(engine, plan, allow_mass_deletes=args.allow_mass_deletes)
        for place, each in enumerate(links if args.yes else (), start=len(undone)):
            with failures.of(each.mapping), opened_sync(client, hook, each.mapping, args) as engine, watched(engine):
                reports[place] = set_links(engine, each.plan, each.table_name, each.keys)
    _tell(plans, reports, args)
    failures.end()
    if any(plan.steps for plan in plans) and not args.yes:
        raise SystemExit(SOMETHING_WAITS)
    if any(plan.left for plan in plans) or any(report is not None and report.status != "ok" for report in reports):
        raise SystemExit(SOMETHING_WAITS)


def _plan(
    client: LarkClient, hook: LarkHook, mappings: Sequence[TableMapping], failures: Failures, args: Namespace
) -> list[tuple[TableMapping, UndoPlan]]:
    """Return what an undo would do in each mapping that knows the run."""
    undone: list[tuple[TableMapping, UndoPlan]] = []
    missing: list[SchemaMismatch] = []
    for mapping in mappings:
        with failures.of(mapping):
            try:
                with opened_engine(conn_id_of(mapping, args)) as database:
                    require_ledger(database, mapping)
            except SchemaMismatch as error:
                # one that has never run knows no run
                missing.append(error)
                continue
            with opened_sync(client, hook, mapping, args) as engine, watched(engine, writes=False):
                found = plan_undo(engine, args.run, allow_mass_deletes=args.allow_mass_deletes)
            if found is not None:
                undone.append((mapping, found))
    if not undone:
        # those that failed may know it
        failures.end()
    if not undone and missing:
        raise missing[0]
    if not undone:
        raise ConfigError(_unknown(args.run, [mapping.name for mapping in mappings]))
    return undone


class _Links(NamedTuple):
    """The links of *mapping* to records of a table that come back."""

    mapping: TableMapping
    plan: UndoPlan
    table_name: str
    keys: list[Key]


def _links(
    client: LarkClient,
    hook: LarkHook,
    undone: list[tuple[TableMapping, UndoPlan]],
    failures: Failures,
    args: Namespace,
) -> Iterator[_Links]:
    """Look in all mappings of the files, since a link may come from one whose run is not undone."""
    for target, plan in undone:
        keys = plan.new_records
        if not keys:
            continue
        for mapping in all_mappings(args):
            found = None
            with failures.of(mapping):
                if links_to(mapping, target.sql.table_name) and conn_id_of(mapping, args) == conn_id_of(target, args):
                    with opened_sync(client, hook, mapping, args) as engine:
                        found = plan_links(engine, target.sql.table_name, keys, plan.run_id)
            if found is not None and found.steps:
                yield _Links(mapping, found, target.sql.table_name, keys)


def _unknown(run_id: str, names: list[str]) -> str:
    return (
        f"run {run_id!r}: not in the ledger of {list_names(names)}, or it is older than the retention and its bases "
        "are gone; `airflow lark sync log` and `runs --output json` list the runs"
    )


def _print_plans(plans: list[UndoPlan], output: str) -> None:
    rows = (row for plan in plans for row in _rows(plan))
    while page := list(islice(rows, _PAGE)):
        print_rows(page, output)
    for plan in plans:
        for note in dict.fromkeys(step.note for step in plan.steps if step.kind == "restore"):
            print(shown(f"{plan.mapping}: a row that comes back: {note}"))
        steps, left = counted(len(plan.steps), "change"), counted(len(plan.left), "value or row", "values and rows")
        print(shown(f"{plan.mapping}: would take back {steps}, and leave {left}"))


def _rows(plan: UndoPlan) -> Iterator[dict[str, Any]]:
    for step in plan.steps:
        for change in step.changes or (Change("", None, None),):
            yield _row(plan, step, change)
    for left in plan.left:
        yield {
            "Mapping": plan.mapping,
            "Side": _SIDES[left.side],
            "Key": left.key,
            "Undo": "leave",
            "Column": left.column,
            "Now": "",
            "Then": "",
            "Why": left.why,
        }


def _row(plan: UndoPlan, step: Step, change: Change) -> dict[str, Any]:
    return {
        "Mapping": plan.mapping,
        "Side": "both" if step.kind == "restore" else _SIDES[step.side],
        "Key": step.key,
        "Undo": _WORDS[step.kind],
        "Column": change.column,
        "Now": cell_text(change.old),
        "Then": cell_text(change.new),
        "Why": step.note if step.kind == "update" else "",
    }


def _plain(found: Step | Left) -> dict[str, Any]:
    return found.to_dict()


def _tell(plans: list[UndoPlan], reports: list[UndoReport | None], args: Namespace) -> None:
    if args.output not in ("table", "plain"):
        with closing(Document(args.output)) as document:
            # the reports stand in the order of the plans; None: nothing was done, or it failed
            for plan, report in zip(plans, reports, strict=True):
                head = {"mapping": plan.mapping, "run_id": plan.run_id, "done": report and report.to_dict()}
                steps, left = (map(_plain, found) for found in (plan.steps, plan.left))
                document.add(head, steps=steps, left=left)
            document.print()
        return
    for report in filter(None, reports):
        lark, sql = report.to_lark, report.to_sql
        print(
            shown(
                f"{report.mapping}: taken back in Lark {lark.updated} updated, {lark.created} created, {lark.deleted} "
                f"deleted; in SQL {sql.updated} updated, {sql.created} created, {sql.deleted} deleted"
            )
        )
        for remark in (*report.problems, *report.warnings, *report.left):
            print(shown(f"{report.mapping}: {remark}"))
