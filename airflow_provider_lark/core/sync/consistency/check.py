"""The check from its first look to its report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from airflow_provider_lark.core.dry_run import Foreseen, cut_key
from airflow_provider_lark.core.hints import counted, did_you_mean
from airflow_provider_lark.core.sync.consistency.compare import compare
from airflow_provider_lark.core.sync.consistency.findings import Finding, Findings
from airflow_provider_lark.core.sync.consistency.options import CheckOptions
from airflow_provider_lark.core.sync.consistency.repair import RepairWork
from airflow_provider_lark.core.sync.consistency.repair_run import RepairRun
from airflow_provider_lark.core.sync.consistency.settle import SecondLook
from airflow_provider_lark.core.sync.mapping.table_mapping import TableMapping
from airflow_provider_lark.core.sync.pull.full_scan import drop_marks
from airflow_provider_lark.core.sync.pull.older.table import refuse_older_table
from airflow_provider_lark.core.sync.pull.view_scan import marked_view
from airflow_provider_lark.core.sync.push.find_changes import find_changes, keep_state
from airflow_provider_lark.core.sync.push.open_intents import settle_intents
from airflow_provider_lark.core.sync.report import CheckReport, RepairReport
from airflow_provider_lark.core.sync.run.run import Run

SAMPLES = 20
_KINDS = ("different", "only_lark", "only_sql")


def begin(mapping: TableMapping, options: CheckOptions) -> tuple[CheckReport, Callable[..., Run]]:
    """Return the report to fill, and what makes the run.

    :raises ConfigError: the mapping does not allow the repair.
    """
    options.require(mapping)
    if options.repair == "no":
        return CheckReport(mapping.name, "check"), Run
    make = partial(RepairRun, repair=options.repair) if options.writes else Run
    return RepairReport(mapping.name, "check", repair=options.repair), make


def check(run: Run, report: CheckReport, options: CheckOptions) -> None:
    """Compare both sides, repair what differs where *options* say so, and fill *report*."""
    options = _with_hidden(run, options)
    if isinstance(run, RepairRun):
        if options.repair == "policy" and run.binding.mapping.direction == "both":
            refuse_older_table(run)
        # what an interrupted run has sent is not drift
        settle_intents(run)
    # where no trigger notes a change, one that the next run would find is none to be told or repaired here
    keep_state(run, find_changes(run))
    with marked_view(run), Findings() as findings:
        scan_id = run.new_token()
        try:
            is_complete = compare(run, report, findings, scan_id)
        finally:
            drop_marks(run, scan_id)
        SecondLook(run, options, report, findings).take()
        _count(report, findings, options)
        if not is_complete:
            report.warnings.append(
                f"the scan read only {report.rows_lark} records, fewer than Lark counts: some may be told as missing"
            )
        if isinstance(report, RepairReport):
            if isinstance(run, RepairRun):
                RepairWork(run, findings, is_complete).carry_out(report)
            else:
                report.would = _foresee(findings)
        report.in_step = _drift(findings) == 0
        report.rows = [_tell(each) for each in findings.told(options.rows)]


def _with_hidden(run: Run, options: CheckOptions) -> CheckOptions:
    """Return the options with columns that exist: where one of the hidden ones does not, no values are told."""
    columns = frozenset(run.binding.rules.all_columns)
    unknown = sorted(options.hidden - columns)
    if not unknown or not options.rows:
        return options
    run.report.warnings.append(
        f"no column is named {unknown[0]!r}, which is to be hidden, so the report shows no values at all; "
        f"{did_you_mean(unknown[0], sorted(columns))}"
    )
    return replace(options, shows_values=False)


def _count(report: CheckReport, findings: Findings, options: CheckOptions) -> None:
    counts = findings.count("kind", "state", "reason")
    for (kind, state, reason), count in counts.items():
        if state == "drift" or reason == "own":
            setattr(report, kind, getattr(report, kind) + count)
            report.failed += count if reason == "failed" else 0
        else:
            report.pending += count
            report.waiting[reason] = report.waiting.get(reason, 0) + count
    where = "kind = ? AND (state = 'drift' OR reason = 'own')"
    samples = {kind: findings.names(SAMPLES, where, kind) for kind in _KINDS}
    report.samples = {kind: names for kind, names in samples.items() if names}
    drift = _drift(findings)
    if options.threshold is not None and drift > options.threshold:
        verb = "differs" if drift == 1 else "differ"
        report.warnings.append(f"{counted(drift, 'row')} {verb}, more than the threshold of {options.threshold}")


def _drift(findings: Findings) -> int:
    """Count the rows that differ for no reason that is known, and that no repair has settled."""
    counts = findings.count("state")
    return sum(counts.get((state,), 0) for state in ("drift", "failed", "left"))


def _foresee(findings: Findings) -> dict[str, object]:
    would = Foreseen()
    for (action,), count in findings.count("action").items():
        if action:
            would.add(action, map(cut_key, findings.names(SAMPLES, "action = ?", action)), count=count)
    return dict(would.to_dict())


def _tell(each: Finding) -> dict[str, object]:
    told = {"kind": each.kind, "key": each.key, "record_id": each.record_id, "state": each.state, "reason": each.reason}
    return {**told, "action": each.action, **each.detail}
