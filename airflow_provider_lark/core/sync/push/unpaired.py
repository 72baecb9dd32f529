"""SQL rows without a record: a complete scan queues them for creation."""

from __future__ import annotations

from airflow_provider_lark.core.side import Key, RecordId
from airflow_provider_lark.core.sync.decide import decide_push
from airflow_provider_lark.core.sync.pull.changes import OwnCreates
from airflow_provider_lark.core.sync.push.create import NewRow, create_records
from airflow_provider_lark.core.sync.run.dead_letters import add_dead_letter
from airflow_provider_lark.core.sync.run.run import Run
from airflow_provider_lark.core.sync.run.transaction import Transaction

RESTORED = "restored with the table, without a record: take it off the blacklist to make one, or delete the row"


def push_unpaired(run: Run) -> OwnCreates:
    """Create the records of SQL rows that have none, a page a call, and return what was made."""
    first: list[RecordId] = []
    count = 0
    after: Key | None = None
    while True:
        rows, after = run.transact(_unpaired_page, run, after)
        for batch in create_records(run, rows):
            first = first or batch
            count += len(batch)
        if after is None:
            return OwnCreates(frozenset(first), count)


def _unpaired_page(tx: Transaction, run: Run, after: Key | None) -> tuple[list[NewRow], Key | None]:
    page = tx.sql.unpaired_page(tx.pairs.is_unpaired, after=after, limit=run.batch.rows)
    if not page.rows:
        return [], None
    run.report.rows_sql += len(page.rows)
    live = [row for row in page.rows if not run.is_deleted(row) and not row.outside]
    # a record that nobody has taken in yet may be the row's
    live = [row for row in live if row.id not in run.settling.keys]
    blocked = tx.blacklist.among([row.id for row in live])
    if run.sql_is_old:
        fresh = [row.id for row in live if row.id not in blocked]
        tx.blacklist.add(fresh, reason=RESTORED, seconds=None)
        blocked |= set(fresh)
    run.report.skipped += len(blocked)
    new = []
    for row in live:
        decision = decide_push(run.binding.rules, base=None, sql=None if row.problems else row.values)
        if row.problems:
            add_dead_letter(tx, row.id, row.problems[0], direction="to_lark", operation="INSERT")
            run.report.add_failure(row.id, row.problems[0])
        elif (
            row.id not in blocked
            and decision.lark == "create"
            and run.record_would_belong(decision.values) is not False
        ):
            new.append((row.id, decision.values))
    sendables = run.links.to_records(tx, [values for _, values in new])
    rows = [NewRow(key, values, sendable) for (key, values), sendable in zip(new, sendables, strict=True)]
    # a key that cannot be read cannot be continued from
    named = [row.id for row in page.rows if row.values]
    return list(tx.admit(rows, lambda row: row.grounds)), named[-1] if named else None
