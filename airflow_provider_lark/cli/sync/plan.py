"""``airflow lark sync plan`` and ``apply``: what a run would do, with all values, and the run of such a plan."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any, Literal

from airflow_provider_lark.cli.command import command
from airflow_provider_lark.cli.mappings import all_mappings, wanted_mappings
from airflow_provider_lark.cli.output import print_rows, shown
from airflow_provider_lark.cli.sync.documents import Document
from airflow_provider_lark.cli.sync.places import Failures, conn_id_of, opened_sync
from airflow_provider_lark.cli.sync.progress import watched
from airflow_provider_lark.cli.sync.words import cell_text
from airflow_provider_lark.core import SyncEngine
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.hints import did_you_mean
from airflow_provider_lark.core.sync.plan.actions import EXAMPLES, Action, Change, cause_of
from airflow_provider_lark.core.sync.plan.plan import Plan
from airflow_provider_lark.core.sync.plan.stored import PlanFile, PlanWriter
from airflow_provider_lark.core.sync.report import ApplyReport
from airflow_provider_lark.hooks.lark import LarkHook

SOMETHING_WAITS = 2
"""Exit status when a run would do something, something waits for a person, or a plan was not carried out whole."""

_PAGE = 500


@command
def plan(args: Namespace) -> None:
    """Print what a run of each mapping would do; exit with status 2 when that is anything."""
    mappings = wanted_mappings(args)
    hook = LarkHook(args.conn_id)
    failures, waits = Failures(len(mappings)), False
    with ExitStack() as stack:
        client = stack.enter_context(hook.client())
        file = stack.enter_context(PlanWriter(args.save)) if args.save else None
        writer = _WRITERS[args.output](args.output)
        stack.callback(writer.close)
        before: dict[str, list[Plan]] = {}
        for mapping in mappings:
            # links may lead to rows that an earlier mapping of the database brings over
            with failures.of(mapping):
                earlier = before.setdefault(conn_id_of(mapping, args), [])
                with opened_sync(client, hook, mapping, args) as engine, watched(engine, writes=False):
                    found = stack.enter_context(_plan(engine, args, earlier))
                writer.write(found)
                if file is not None:
                    file.add(found.stored)
                waits = waits or bool(found)
                earlier.append(found)
        failures.end_if_all()
        writer.end()
        # in here: no file is written that lacks a plan
        failures.end()
    if waits:
        raise SystemExit(SOMETHING_WAITS)


@command
def apply(args: Namespace) -> None:
    """Carry out the plans of a file; exit with status 2 when a part of one was left, or failed."""
    mappings = {mapping.name: mapping for mapping in all_mappings(args)}
    hook = LarkHook(args.conn_id)
    with hook.client() as client, PlanFile(args.plan) as file:
        for head in file.heads:
            name = head.mapping
            if name not in mappings:
                raise ConfigError(
                    f"{args.plan}: mapping {name!r} is in none of the files; {did_you_mean(name, mappings)}"
                )
            # a later plan that is refused must not find the earlier ones carried out
            with opened_sync(client, hook, mappings[name], args) as engine:
                engine.require_current(head)
        told: list[ApplyReport] = []
        try:
            for stored in file.plans():
                with stored, opened_sync(client, hook, mappings[stored.head.mapping], args) as engine, watched(engine):
                    told.append(engine.apply(stored))
        finally:
            # also when a later one fails: what was written before is to be known
            _tell_done(told, [head.mapping for head in file.heads], args.output)
    if any(each.status != "ok" for each in told):
        raise SystemExit(SOMETHING_WAITS)


def _tell_done(reports: Sequence[ApplyReport], names: Sequence[str], output: str) -> None:
    done = [_done(report) for report in reports]
    # the first of the others has failed
    states = ["failed", *["not run"] * len(names)]
    for name, state in zip(names[len(done) :], states, strict=False):
        done.append({**dict.fromkeys(_done(ApplyReport("", "")), ""), "Mapping": name, "Status": state})
    print_rows(done, output)
    if output in ("table", "plain"):
        for report in reports:
            for remark in (*report.problems, *report.warnings):
                print(shown(f"{report.mapping}: {remark}"))


def _done(report: ApplyReport) -> dict[str, Any]:
    lark, sql = report.to_lark, report.to_sql
    return {
        "Mapping": report.mapping,
        "Status": report.status,
        "Planned": report.planned,
        "Changed since": report.changed,
        "Failed": report.failed,
        "Held": report.held,
        "In Lark": f"{lark.created} created, {lark.updated} updated, {lark.deleted} deleted",
        "In SQL": f"{sql.created} created, {sql.updated} updated, {sql.deleted} deleted",
    }


def _plan(engine: SyncEngine, args: Namespace, earlier: Sequence[Plan]) -> Plan:
    operation: Literal["incremental", "full"] = "full" if args.full else "incremental"
    return engine.plan(operation, allow_mass_deletes=args.allow_mass_deletes, after=earlier)


class _Table:
    """One line for each column that changes; the sums come last."""

    def __init__(self, output: str) -> None:
        self._output = output

    def write(self, found: Plan) -> None:
        name = shown(found.report.mapping)
        # rows that are refused for one reason are told once, below
        shared = {each.why: str(each) for each in found.refusals if each.rows > EXAMPLES}
        actions = (each for each in found.actions() if each.kind != "refuse" or cause_of(each.why) not in shared)
        for page in _pages(line for action in actions for line in _lines(name, action)):
            print_rows(page, self._output)
        for remark in (*shared.values(), *found.report.warnings):
            print(f"{name}: {shown(remark)}")
        print(f"{name}: {_sums(found)}")

    def end(self) -> None:
        """Print nothing more."""

    def close(self) -> None:
        """Nothing is open."""


class _Listed:
    """One text for all mappings, with their actions."""

    def __init__(self, output: str) -> None:
        self._document = Document(output)
        self.end, self.close = self._document.print, self._document.close

    def write(self, found: Plan) -> None:
        """Take the plan of one mapping."""
        self._document.add(_head(found), actions=(action.to_dict() for action in found.actions()))


_WRITERS: dict[str, Any] = {"table": _Table, "plain": _Table, "json": _Listed, "yaml": _Listed}


def _head(found: Plan) -> dict[str, Any]:
    counts = {f"{side}.{kind}": count for (side, kind), count in found.counts.items()}
    report = found.report
    told = {"mapping": report.mapping, "operation": report.operation, "status": report.status}
    refusals = [{"side": each.side, "why": each.why, "count": each.rows} for each in found.refusals]
    return {**told, "counts": counts, "refusals": refusals, "warnings": report.warnings}


def _sums(found: Plan) -> str:
    counts = [f"{side} {kind} {count}" for (side, kind), count in found.counts.items()]
    return ", ".join(counts) or "nothing to do"


def _lines(mapping: str, action: Action) -> Iterator[dict[str, str]]:
    head = {
        "Mapping": mapping,
        "Side": action.side,
        "Action": action.kind,
        "Key": shown(action.key),
        "Record": action.record_id,
    }
    for change in action.changes:
        yield {**head, "Column": change.column, "Old": cell_text(change.old), "New": _new(change), "Why": action.why}
    if not action.changes:
        yield {**head, "Column": "", "Old": "", "New": "", "Why": action.why}


def _new(change: Change) -> str:
    if change.made_by:
        return "(made by Lark)" if change.made_by == "lark" else "(made by the database)"
    return cell_text(change.new)


def _pages(lines: Iterator[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    while page := list(islice(lines, _PAGE)):
        yield page
