"""The second look: what differs is read again, both sides, before it is called drift."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_provider_lark.core.api.wire.limits import BATCH_GET_MAX
from airflow_provider_lark.core.chunks import STATEMENT_ROWS
from airflow_provider_lark.core.lark_side.table import Fates
from airflow_provider_lark.core.side import Key, RecordId, Side
from airflow_provider_lark.core.sync.consistency.compare import Met, meet, meet_row
from airflow_provider_lark.core.sync.consistency.findings import Finding, Findings, keys_of
from airflow_provider_lark.core.sync.consistency.judge import Facts, Reason, is_own, reason_of, state_of
from airflow_provider_lark.core.sync.consistency.options import CheckOptions
from airflow_provider_lark.core.sync.consistency.repairs import Action, action_of, decide_repair
from airflow_provider_lark.core.sync.consistency.values import describe
from airflow_provider_lark.core.sync.decide import PullDecision
from airflow_provider_lark.core.sync.pull.own_writes import lark_now_ms
from airflow_provider_lark.core.sync.report import CheckReport
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

_KEEP_SECONDS = 60.0
"""How long a wait may go on before the lease is renewed."""


@dataclass(slots=True)
class SecondLook:
    """Reads again what differs.

    :ivar told: how many rows of each state are told one by one so far.
    """

    run: Run
    options: CheckOptions
    report: CheckReport
    findings: Findings
    told: dict[str, int] = field(default_factory=dict)

    def take(self) -> None:
        """Wait until the sides have settled, then judge each finding anew; one call for 100 that have a record."""
        self._wait()
        for page in self.findings.pages(BATCH_GET_MAX, "record_id <> ''"):
            self._judge_page(
                page, self.run.lark.table.look_up([each.record_id for each in page], automatic_fields=True)
            )
        for page in self.findings.pages(STATEMENT_ROWS, "record_id = ''"):
            self._judge_page(page, Fates())

    def _wait(self) -> None:
        left = self.options.settle_seconds if self.findings.count("kind") else 0.0
        while left > 0:
            self.run.clock.sleep(min(left, _KEEP_SECONDS))
            left -= _KEEP_SECONDS
            self.run.transact(lambda _: None)

    def _judge_page(self, page: Sequence[Finding], fates: Fates) -> None:
        rows = self.run.judge([self.run.lark.decode(record) for record in fates.shown])
        times = {RecordId(record["record_id"]): record.get("last_modified_time") for record in fates.shown}
        met, facts = self.run.read(self._meet, page, rows, fates)
        kept, dropped = [], []
        for each in page:
            now = met.get(each.id)
            if now is not None and now.kind is None:
                dropped.append(each.id)
                self.report.equal += now.is_equal
            else:
                known = facts.of(each if now is None else replace(each, key=now.key or each.key))
                kept.append(self._judge(each, now, known, times.get(each.record_id)))
        self.findings.drop(dropped)
        self.findings.change(kept)

    def _meet(
        self, tx: Transaction, page: Sequence[Finding], rows: Sequence[Any], fates: Fates
    ) -> tuple[dict[int, Met], _Ledger]:
        """Meet what is there again; a record that Lark hides is missing."""
        run, gone = self.run, set(fates.gone)
        by_record = {each.lark.id: each for each in meet(tx, run, rows) if each.lark is not None}
        alone = [each for each in page if not each.record_id or each.record_id in gone]
        pairs = tx.pairs.by_records([each.record_id for each in alone if each.record_id])
        keys = {each.id: pairs[each.record_id].key if each.record_id in pairs else Key(each.key) for each in alone}
        sql = tx.sql.read([key for key in keys.values() if key])
        met = {each.id: by_record[each.record_id] for each in page if each.record_id in by_record}
        for each in alone:
            key = keys[each.id]
            met[each.id] = meet_row(run, key, sql.get(key), pairs.get(each.record_id))
        names = {name for each in page for name in (each.key, each.record_id) if name}
        names |= {each.key for each in met.values() if each.key}
        return met, _Ledger.read(tx, sorted(names), keys_of(page) + [each.key for each in met.values() if each.key])

    def _judge(self, before: Finding, now: Met | None, facts: Facts, changed_ms: Any) -> Finding:
        kind = before.kind if now is None or now.kind is None else now.kind
        is_new = isinstance(changed_ms, int) and self._is_recent(changed_ms)
        facts = replace(
            facts,
            own=is_own(kind, self.run.binding.mapping.direction),
            changed=is_new or (now is not None and now.seen.differs_from(before.seen)),
            hidden=now is None,
            unreadable=now is not None and _has_problems(now),
        )
        reason = reason_of(facts)
        state = state_of(reason)
        return replace(
            before,
            kind=kind,
            key=before.key if now is None else now.key or before.key,
            seen=before.seen if now is None else now.seen,
            state=state,
            reason=reason,
            action=self._action(now, reason) if state == "drift" and now is not None else "",
            detail=self._detail(kind, now, state),
        )

    def _is_recent(self, changed_ms: int) -> bool:
        # what runs leave alone for so long is no drift
        settle_ms = max(self.options.settle_seconds, self.run.binding.mapping.settle_seconds) * 1000
        return settle_ms > 0 and changed_ms >= lark_now_ms(self.run) - settle_ms

    def _action(self, now: Met, reason: Reason) -> Action:
        if self.options.repair == "no" or reason in ("hidden", "unreadable"):
            return ""
        has_row = not self.run.is_deleted(now.sql)
        decision = self._decide(now, has_row)
        return action_of(decision, has_record=now.lark is not None, has_row=has_row)

    def _decide(self, now: Met, has_row: bool) -> PullDecision:
        run, pair = self.run, None if now.pair is None or now.pair.tombstone else now.pair
        # the run of a repair decides otherwise, and this look is no part of it
        base, near = (None, None) if pair is None else (pair.base, pair.near)
        lark = None if now.lark is None else now.lark.values
        sql = now.sql.values if now.sql is not None and has_row else None
        if self.options.repair == "policy":
            return Run.decide(run, base=base, lark=lark, sql=sql, near=near)
        side: Side = "sql" if self.options.repair == "sql" else "lark"
        return decide_repair(run.binding.rules, side, base=base, lark=lark, sql=sql, near=near)

    def _detail(self, kind: str, now: Met | None, state: str) -> Any:
        """Return what is told of a row one by one; None once enough rows of its state are."""
        self.told[state] = self.told.get(state, 0) + 1
        if self.told[state] > self.options.rows:
            return None
        lark, sql = (None, None) if now is None else (now.lark, now.sql)
        base, near = (now.pair.base, now.pair.near) if now is not None and now.pair is not None else (None, None)
        has_row = kind != "only_lark"
        return describe(
            self.run,
            self.options,
            lark=None if lark is None else lark.values,
            sql=sql.values if sql is not None and has_row else None,
            base=base,
            near=near,
        )


def _has_problems(now: Met) -> bool:
    return any(row is not None and bool(row.problems) for row in (now.lark, now.sql))


@dataclass(frozen=True, slots=True)
class _Ledger:
    """What the ledger knows of the rows of a page."""

    blacklisted: set[Key]
    conflicts: set[Key]
    states: dict[str, set[str]]
    found: set[str]

    @classmethod
    def read(cls, tx: Transaction, names: Sequence[str], keys: Iterable[Key]) -> _Ledger:
        return cls(
            tx.blacklist.among(list(dict.fromkeys(keys))),
            # a record without a key is named by its own id
            tx.conflicts.open_keys([Key(name) for name in names]),
            tx.queue.states_of(names),
            tx.queue.only_found(names),
        )

    def of(self, each: Finding) -> Facts:
        names = [name for name in (each.key, each.record_id) if name]
        states = {state for name in names for state in self.states.get(name, ())}
        return Facts(
            blacklisted=each.key in self.blacklisted,
            conflict=any(name in self.conflicts for name in names),
            held="held" in states,
            queued=bool(states & {"pending", "processing"}),
            failed="failed" in states,
            found=any(name in self.found for name in names),
        )
