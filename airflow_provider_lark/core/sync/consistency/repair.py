"""Repairing what the check has found, a batch at a time: look again, decide in SQL, then write to Lark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from airflow_provider_lark.core.chunks import STATEMENT_ROWS
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.lark_side.table import Fates
from airflow_provider_lark.core.side import Key, LarkRow, RecordId
from airflow_provider_lark.core.sync.consistency.findings import Finding, Findings, keys_of
from airflow_provider_lark.core.sync.consistency.judge import ABSENT, State, digest
from airflow_provider_lark.core.sync.consistency.repair_run import RepairRun
from airflow_provider_lark.core.sync.pull.bundle import Bundle
from airflow_provider_lark.core.sync.pull.hold import tell_held
from airflow_provider_lark.core.sync.pull.ingest import ingest
from airflow_provider_lark.core.sync.push.drain import push
from airflow_provider_lark.core.sync.push.find_by_key import find_by_keys
from airflow_provider_lark.core.sync.report import RepairReport
from airflow_provider_lark.core.sync.run.transaction import Transaction

_ROUNDS = 2
"""How often a key may be pushed: Lark's answer may ask for its record to be read again."""


@dataclass(slots=True)
class RepairWork:
    """Repairs what *findings* hold.

    :param is_complete: the scan has seen every record, so that a row without one may get one.
    """

    run: RepairRun
    findings: Findings
    is_complete: bool

    def carry_out(self, report: RepairReport) -> None:
        """Repair, and tell in *report* what became of it."""
        held_before = self.run.read(lambda tx: tx.deletes.count())
        self._set_limits()
        self.findings.mark_left()
        for page in self.findings.pages(STATEMENT_ROWS, "state = 'drift'"):
            self.findings.change(self._repair(page))
        held = self.run.read(lambda tx: tx.deletes.count())
        if sum(held) > sum(held_before):
            report.status = "held"
            report.warnings.append(". ".join(tell_held(self.run, held)))
        self._tell(report)

    def _set_limits(self) -> None:
        """Beyond the limit none is deleted, not the first ones."""
        doomed = self.findings.count("action")
        guard = self.run.guard
        if doomed.get(("lark.delete",), 0) > guard.room("lark"):
            guard.stopped.add("lark")
        if doomed.get(("sql.delete",), 0) > guard.room("sql"):
            guard.stopped.add("sql")

    def _repair(self, page: Sequence[Finding]) -> list[Finding]:
        run = self.run
        fates = run.lark.table.look_up([each.record_id for each in page if each.record_id])
        rows = {row.id: row for row in (run.lark.decode(record) for record in fates.shown)}
        there = {each.id: self._is_there(each, rows, fates) for each in page}
        same = [each for each in page if there[each.id] is True]
        run.changed.clear()
        run.expected = {each.record_id: each.seen for each in same}
        made = self._queue(same, rows)
        ingested = [each for each in same if each.record_id and each.action != "lark.delete"]
        outcome = ingest(
            run,
            Bundle(
                [rows[each.record_id] for each in ingested if each.record_id in rows],
                gone=[each.record_id for each in ingested if each.record_id not in rows],
                compare_all=True,
            ),
        )
        changed = run.changed | {str(each.id) for each in same if not each.record_id and str(each.id) not in made}
        if run.repair != "sql":
            skipped = keys_of(each for each in same if (each.record_id or str(each.id)) in changed)
            # a row that got its key from the database has it in no finding
            self._push(sorted({*keys_of(same), *map(Key, outcome.keys_found)} - set(skipped)))
        return self._settle(page, there, changed, set(outcome.failed))

    def _is_there(self, each: Finding, rows: dict[RecordId, LarkRow], fates: Fates) -> bool | None:
        """Tell whether Lark shows, or does not show, the record as before; None where it hides it now."""
        if each.record_id in fates.hidden:
            return None
        return (each.record_id in rows) == (each.seen.lark != ABSENT)

    def _queue(self, same: Sequence[Finding], rows: dict[RecordId, LarkRow]) -> set[str]:
        """Queue creates of rows without a pair, and deletes; return which, by the ids of the findings."""
        creates = [each for each in same if not each.record_id and each.action == "lark.create" and self.is_complete]
        # somebody may have added the record since
        found = find_by_keys(self.run, keys_of(creates)) if creates else {}
        creates = [each for each in creates if each.key not in found]
        deletes = [each for each in same if each.action == "lark.delete"]
        done = self.run.transact(self._queue_in, creates, deletes, rows)
        self.run.changed |= {each.record_id for each in deletes if str(each.id) not in done}
        return done

    def _queue_in(
        self, tx: Transaction, creates: Sequence[Finding], deletes: Sequence[Finding], rows: dict[RecordId, LarkRow]
    ) -> set[str]:
        keys = keys_of([*creates, *deletes])
        if not keys:
            return set()
        there, known = tx.sql.read(keys, for_update=True), tx.pairs.by_keys(keys)
        shown = {row.id: row for row in self.run.links.to_keys(tx, [rows[each.record_id] for each in deletes])}
        waiting = tx.queue.changed_at(keys)

        def is_same(each: Finding) -> bool:
            row = there.get(Key(each.key))
            lark = digest(shown[each.record_id].values) if each.record_id else ABSENT
            is_known = Key(each.key) in known
            sql = digest(None if row is None else row.values)
            return (
                (sql, lark) == (each.seen.sql, each.seen.lark)
                and is_known == bool(each.record_id)
                and Key(each.key) not in waiting
            )

        made, gone = [each for each in creates if is_same(each)], [each for each in deletes if is_same(each)]
        tx.queue.enqueue(keys_of(made), operation="INSERT")
        tx.queue.enqueue(keys_of(gone), operation="DELETE")
        return {str(each.id) for each in (*made, *gone)}

    def _push(self, keys: Sequence[Key]) -> None:
        for start in range(0, len(keys), STATEMENT_ROWS):
            some = keys[start : start + STATEMENT_ROWS]
            for _ in range(_ROUNDS):
                claims = self.run.transact(lambda tx, keys: tx.claim_among(keys, token=self.run.token), some)
                if not claims:
                    break
                push(self.run, claims)

    def _settle(
        self, page: Sequence[Finding], there: dict[int, bool | None], changed: set[str], failed: set[str]
    ) -> list[Finding]:
        names = sorted({name for each in page for name in (each.key, each.record_id) if name})
        states, conflicts = self.run.read(
            lambda tx: (tx.queue.states_of(names), tx.conflicts.open_keys([Key(name) for name in names]))
        )

        def state_of(each: Finding) -> State:
            mine = [name for name in (each.key, each.record_id) if name]
            waits = {state for name in mine for state in states.get(name, ())}
            if there[each.id] is None:
                return "left"
            if not there[each.id] or (each.record_id or str(each.id)) in changed:
                return "changed"
            if any(name in conflicts for name in mine):
                return "conflict"
            if "held" in waits:
                return "held"
            is_open = bool(waits) and self.run.repair != "sql"
            return "failed" if is_open or any(name in failed for name in mine) else "repaired"

        return [replace(each, state=state_of(each)) for each in page]

    def _tell(self, report: RepairReport) -> None:
        done = self.run.report
        report.to_sql, report.to_lark = done.to_sql, done.to_lark
        report.problems = done.problems
        counts = self.findings.count("state")
        for state in ("repaired", "changed", "held", "left"):
            setattr(report, state, counts.get((state,), 0))
        report.conflicts = counts.get(("conflict",), 0)
        report.failed = counts.get(("failed",), 0)
        report.changed_keys = self.findings.names(20, "state = 'changed'")
        if report.changed:
            more = report.changed - len(report.changed_keys)
            report.warnings.append(
                f"{counted(report.changed, 'row')} changed since the scan, and left to the next run: "
                f"{', '.join(report.changed_keys)}{f' and {more} more' if more > 0 else ''}"
            )
        if report.left:
            report.warnings.append(
                f"{counted(report.left, 'row')} left by repair={report.repair!r}: what was never on both sides is not "
                "deleted, columns flow one way, or a value cannot be read; see the report"
            )
