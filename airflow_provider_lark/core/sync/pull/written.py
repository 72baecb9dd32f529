"""What the history keeps of a bundle: the values that each write to SQL rests on, and what the database made of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from airflow_provider_lark.core.ledger.history.changes import ChangeKind, RowChange
from airflow_provider_lark.core.side import Values
from airflow_provider_lark.core.sync.pull.bundle import Step

_KINDS: dict[str, ChangeKind] = {"insert": "INSERT", "patch": "UPDATE", "delete": "DELETE"}


def written_by(steps: Iterable[Step], policy: str) -> list[RowChange]:
    """Return what *steps* wrote, and the conflicts that they met without writing to SQL.

    :param policy: how the mapping decides conflicts.
    """
    return [_of_step(step, policy) for step in steps if step.change is not None or step.decision.conflict]


def _of_step(step: Step, policy: str) -> RowChange:
    state, decision, change = step.state, step.decision, step.change
    base = state.base
    lark = None if state.lark is None else state.lark.values
    sql = None if state.sql is None else state.sql.values
    outcome = (decision.outcome or "open") if decision.conflict else ""
    names: Collection[str] | None
    if change is None:
        # only what is in dispute
        names = None if lark is None or sql is None else [n for n, value in lark.items() if sql.get(n) != value]
        kind: ChangeKind = "UPDATE"
    else:
        kind = _KINDS.get(decision.sql, "UPDATE")
        names = change.values if change.kind == "patch" else None
    return RowChange(
        key=step.key or state.id,
        record_id=state.record_id,
        side="none" if change is None else "sql",
        operation=kind,
        base=_only(base, names),
        lark=_only(lark, names),
        sql=_only(sql, names),
        new=None if change is None or change.row is None else _only(change.row.values, names),
        outcome=outcome,
        policy=policy if outcome else "",
    )


def _only(values: Values | None, names: Collection[str] | None) -> Values | None:
    if values is None or names is None:
        return values
    return {name: values[name] for name in names if name in values}
