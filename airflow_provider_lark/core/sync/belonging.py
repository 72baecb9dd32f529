"""What a filter makes of a decision: rows that leave it, rest outside it, and come back.

A pair *rests* when its row or its record is outside the filter of its side: neither side is written to, and the base
stays, so that whatever both sides did meanwhile is compared once both are inside again. Absence is not deletion, and
neither is leaving: only a mapping with ``leaving: delete`` makes a delete of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from airflow_provider_lark.core.conditions.matching import Truth
from airflow_provider_lark.core.side import Side, Values
from airflow_provider_lark.core.sync.decide import PullDecision, PushDecision
from airflow_provider_lark.core.sync.mapping.targets import Leaving
from airflow_provider_lark.core.sync.rules import Rules

RESERVE = PullDecision(pair="reserve")
"""The record holds its key, so that no second one is made of it; nothing is written."""
_END = PullDecision(pair="tombstone")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a row and its record stand to the filters.

    :param rests: the pair is known to be outside.
    :param leaving: what becomes of the other side of a row that leaves.
    """

    lark_outside: bool = False
    sql_outside: bool = False
    rests: bool = False
    leaving: Leaving = "keep"

    @property
    def is_outside(self) -> bool:
        """Whether one side is outside."""
        return self.lark_outside or self.sql_outside

    @property
    def is_usual(self) -> bool:
        """Whether no filter has a say."""
        return not (self.is_outside or self.rests)


def decide_standing(
    rules: Rules,
    standing: Standing,
    *,
    base: Values | None,
    lark: Values | None,
    sql: Values | None,
    resolution: Side | None,
    usual: Callable[[], PullDecision],
    would_belong: Callable[[Values], Truth],
) -> PullDecision:
    """Decide about one row of which Lark's side was just read, as :func:`.decide_pull` does, with the filters' say.

    :param base: what both sides last agreed on; None for rows that were not paired before.
    :param usual: the decision without filters.
    :param would_belong: whether a new row of these values would be inside SQL's filter.
    """
    if lark is None:
        return _decide_gone(standing, base, sql, usual)
    if sql is None:
        return _decide_without_row(rules, standing, base, lark, usual, would_belong)
    if standing.is_usual:
        return usual()
    if base is None:
        return RESERVE if standing.is_outside else usual()
    if standing.rests:
        return PullDecision() if standing.is_outside else usual()
    if standing.lark_outside:
        return _decide_record_left(rules, standing, base, sql, resolution, usual)
    return _decide_row_left(rules, lark, resolution, usual)


def decide_push_standing(standing: Standing, usual: PushDecision) -> PushDecision:
    """Decide about a row from its base, with the filters' say.

    :param usual: the decision without filters.
    """
    if not standing.sql_outside:
        return usual
    if usual.lark == "create":
        return PushDecision()
    if standing.leaving == "delete":
        return PushDecision("delete", pair="forget")
    # the change with which the row left is the last one that its record gets
    return replace(usual, rests=True)


def _decide_gone(
    standing: Standing, base: Values | None, sql: Values | None, usual: Callable[[], PullDecision]
) -> PullDecision:
    if base is None or sql is None or not (standing.rests or standing.sql_outside):
        return usual()
    # the row is none of this mapping's; once it is, it gets a record anew unless the pair has rested
    return _END if standing.rests else PullDecision(pair="forget")


def _decide_without_row(
    rules: Rules,
    standing: Standing,
    base: Values | None,
    lark: Values,
    usual: Callable[[], PullDecision],
    would_belong: Callable[[Values], Truth],
) -> PullDecision:
    if base is None:
        new = {name: value for name, value in lark.items() if name in rules.to_sql}
        stays = standing.lark_outside or (rules.direction != "to_lark" and would_belong(new) is False)
        return RESERVE if stays else usual()
    if standing.lark_outside and not standing.rests and standing.leaving == "delete":
        return RESERVE
    return _END if standing.lark_outside or standing.rests else usual()


def _decide_record_left(
    rules: Rules,
    standing: Standing,
    base: Values,
    sql: Values,
    resolution: Side | None,
    usual: Callable[[], PullDecision],
) -> PullDecision:
    two_way = rules.to_lark & rules.to_sql
    edited = any(sql.get(name) != base.get(name) for name in rules.columns if name in two_way)
    deletes = standing.leaving == "delete" and rules.direction != "to_lark" and not standing.sql_outside
    if deletes and not edited and resolution != "sql":
        return PullDecision(sql="delete", pair="reserve")
    decision = usual()
    # a conflict that waits for a person is settled first
    return decision if decision.conflict and decision.outcome is None else replace(decision, rests=True)


def _decide_row_left(
    rules: Rules, lark: Values, resolution: Side | None, usual: Callable[[], PullDecision]
) -> PullDecision:
    """Merge once more, and leave the rest to the push: it sends the row's last change, or deletes under the limit."""
    if rules.direction == "to_sql":
        return PullDecision(pair="save", rests=True)
    if resolution == "lark":
        now = {name: value for name, value in lark.items() if name in rules.all_columns}
        return PullDecision(base=now, pair="save", rests=True)
    decision = usual()
    return decision if decision.conflict and decision.outcome is None else replace(decision, owes_lark=True)
