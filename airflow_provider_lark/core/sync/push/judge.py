"""What a row of SQL makes of its record: asked when its entry is claimed, and before an entry is made at all."""

from __future__ import annotations

from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import SqlRow
from airflow_provider_lark.core.sync.belonging import Standing, decide_push_standing
from airflow_provider_lark.core.sync.decide import PushDecision, decide_push
from airflow_provider_lark.core.sync.run.run import Run


def judge(run: Run, pair: Pair | None, row: SqlRow | None, *, is_new: bool, waits: bool) -> PushDecision:
    """Decide about one row and its record.

    :param is_new: the row was inserted: it is another one than that of a pair which has ended.
    :param waits: an open conflict of the row waits for a person.
    """
    is_tombstone = pair is not None and pair.tombstone and not is_new
    if waits or is_tombstone or (pair is not None and pair.is_reserved):
        # a record that could not be ingested holds the key: neither a second one is made, nor its cells overwritten
        return PushDecision()
    rests, outside = pair is not None and pair.outside, row is not None and row.outside
    if rests or (outside and pair is None):
        return PushDecision(rests=rests)
    usual = decide_push(
        run.binding.rules,
        # a tombstone's record may still be there, holding nobody knows what
        base=None if pair is None else ({} if pair.tombstone else pair.base),
        sql=None if row is None or run.is_deleted(row) else row.values,
        near=None if pair is None or pair.tombstone or pair.is_given_up else pair.near,
    )
    decision = decide_push_standing(Standing(sql_outside=outside, leaving=run.leaving), usual)
    if decision.lark == "create" and run.record_would_belong(decision.values) is False:
        return PushDecision()
    return decision


def is_news(run: Run, pair: Pair | None, row: SqlRow, *, waits: bool) -> bool:
    """Tell whether a row asks for something: a write, or that its pair rests from now on, or no longer."""
    decision = judge(run, pair, row, is_new=pair is None, waits=waits)
    if pair is not None and pair.outside:
        # it may be back; a run that finds its record outside leaves it, so that this costs a call each time
        return not row.outside and not pair.tombstone
    return decision.lark != "none" or decision.puts_back or decision.rests
