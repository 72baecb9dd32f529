"""Pure: what a repair makes of a row that differs."""

from __future__ import annotations

from typing import Literal

from airflow_provider_lark.core.side import Side, Values
from airflow_provider_lark.core.sync.decide import PullDecision, agreed_apart, only
from airflow_provider_lark.core.sync.rules import Rules

Action = Literal["", "sql.create", "sql.update", "sql.delete", "lark.create", "lark.update", "lark.delete", "conflict"]
"""What is written where; empty: the repair leaves the row. ``conflict``: it becomes one that waits for a person."""


def decide_repair(
    rules: Rules, side: Side, *, base: Values | None, lark: Values | None, sql: Values | None, near: Values | None
) -> PullDecision:
    """Decide how *side* becomes equal to the other one; the parameters are those of :func:`.decide_pull`.

    A row or record is deleted only where the two were a pair and the other one is gone, and the mapping's policy has
    deletes; what one side has and the other never had is left, and so are columns that do not flow that way.
    """
    if lark is None:
        return PullDecision() if sql is None else _without_record(rules, side, base)
    if sql is None:
        return _without_row(rules, side, base, lark)
    apart = agreed_apart(base, lark, sql, near or {})
    differing = {name for name in rules.all_columns if lark[name] != sql[name] and name not in apart}
    patch = {name: lark[name] for name in rules.columns if name in differing & rules.to_sql} if side == "sql" else {}
    return PullDecision(
        sql="patch" if patch else "none",
        values=patch,
        base=only(lark, rules.all_columns),
        near=apart,
        pair="save",
        owes_lark=side == "lark" and bool(differing & rules.to_lark),
    )


def _without_row(rules: Rules, side: Side, base: Values | None, lark: Values) -> PullDecision:
    if side == "sql" and rules.direction != "to_lark":
        return PullDecision("insert", only(lark, rules.to_sql), base=only(lark, rules.all_columns), pair="save")
    deletes = rules.deletes.mode != "ignore" and rules.direction != "to_sql"
    return PullDecision(owes_lark=side == "lark" and base is not None and deletes)


def _without_record(rules: Rules, side: Side, base: Values | None) -> PullDecision:
    if side == "lark" and rules.direction != "to_sql":
        return PullDecision(pair="forget", owes_lark=True)
    deletes = rules.deletes.mode != "ignore" and rules.direction != "to_lark"
    if side == "sql" and base is not None and deletes:
        return PullDecision(sql="delete", pair="forget")
    return PullDecision()


_IN_SQL: dict[str, Action] = {"insert": "sql.create", "patch": "sql.update", "delete": "sql.delete"}


def action_of(decision: PullDecision, *, has_record: bool, has_row: bool) -> Action:
    """Return in a word what *decision* does; where it writes to both sides, what it does in SQL."""
    if decision.conflict and decision.outcome is None:
        return "conflict"
    if decision.sql != "none":
        return _IN_SQL[decision.sql]
    if not decision.owes_lark:
        return ""
    if not has_record:
        return "lark.create"
    return "lark.update" if has_row else "lark.delete"
