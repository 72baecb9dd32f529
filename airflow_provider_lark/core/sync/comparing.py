"""Which side changed which field, and who wins where both did."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_lark.core.side import Side, Values
from airflow_provider_lark.core.sync.mapping.targets import FieldWinner
from airflow_provider_lark.core.sync.newest import Tie, Times, side_by_rule, tell_tie
from airflow_provider_lark.core.sync.rules import Rules

_None = frozenset[str]()


@dataclass(frozen=True, slots=True)
class Differences:
    """The two-way columns in which the sides differ, by who changed them; *clashing*: both did, differently."""

    by_lark: frozenset[str] = _None
    by_sql: frozenset[str] = _None
    clashing: frozenset[str] = _None


@dataclass(frozen=True, slots=True)
class Settled:
    """Differences after the policies.

    :param by_lark: columns that SQL takes from Lark; the others go the other way.
    :param waits: a person has to decide.
    """

    by_lark: frozenset[str]
    conflict: bool = False
    outcome: Side | None = None
    tie: Tie = ""
    waits: bool = False


def compare(rules: Rules, base: Values | None, lark: Values, sql: Values, near: Values) -> Differences:
    """Find out which side changed which two-way column; an owner's side is the one that did."""
    by_lark, by_sql, clashing = set[str](), set[str](), set[str]()
    for name in rules.columns:
        if name not in rules.to_sql or name not in rules.to_lark or lark[name] == sql[name]:
            continue
        if base is None or name not in base:
            # first contact: an empty cell is a gap to fill, not an edit that empties the other side
            gaps = (None, rules.empty.get(name))
            lark_says, sql_says = lark[name] not in gaps, sql[name] not in gaps
        else:
            lark_says, sql_says = lark[name] != base[name], sql[name] != near.get(name, base[name])
            if not lark_says and not sql_says:
                continue
            lark_says, sql_says = _by_owner(rules, name, lark_says, sql_says)
        if lark_says and sql_says:
            (by_lark if _owns(rules, name, "lark") else by_sql if _owns(rules, name, "sql") else clashing).add(name)
        elif lark_says:
            by_lark.add(name)
        else:
            by_sql.add(name)
    return Differences(frozenset(by_lark), frozenset(by_sql), frozenset(clashing))


def _owns(rules: Rules, name: str, side: Side) -> bool:
    return rules.owners.get(name) == side


def _by_owner(rules: Rules, name: str, lark_says: bool, sql_says: bool) -> tuple[bool, bool]:
    """Let only the owner of a column have changed it, whoever did: the other side's edit is put back."""
    owner = rules.owners.get(name)
    return (lark_says, sql_says) if owner is None else (owner == "lark", owner == "sql")


def settle(rules: Rules, found: Differences, times: Times, resolution: Side | None, *, is_first: bool) -> Settled:
    """Decide what both sides changed: the fields with a policy of their own each alone, the others by the mapping's.

    :param resolution: what a person decided.
    :param is_first: the two rows were not paired before, so that no row as a whole was changed.
    """
    own = frozenset(rules.winners) | frozenset(rules.owners)
    special, clashing = found.clashing & own, found.clashing - own
    by_row = rules.conflict.mode == "row" and not is_first
    row_conflict = bool(clashing) or (by_row and bool(found.by_lark - own and found.by_sql - own))
    by_lark = found.by_lark
    outcomes: list[tuple[Side | None, Tie]] = []
    if row_conflict:
        winner: FieldWinner = "manual" if rules.conflict.mode == "manual" else rules.conflict.winner
        outcomes.append(_decide(winner, rules, times, resolution))
        taken = (clashing | found.by_lark | found.by_sql) - own if by_row else clashing
        by_lark = by_lark | taken if outcomes[0][0] == "lark" else by_lark - taken
    for name in sorted(special):
        outcome = _decide(rules.winners[name], rules, times, resolution)
        outcomes.append(outcome)
        by_lark = by_lark | {name} if outcome[0] == "lark" else by_lark - {name}
    if not outcomes:
        return Settled(by_lark)
    if any(side is None for side, _ in outcomes):
        return Settled(by_lark, conflict=True, waits=True)
    return Settled(by_lark, conflict=True, outcome=outcomes[0][0], tie=outcomes[0][1])


def _decide(winner: FieldWinner, rules: Rules, times: Times, resolution: Side | None) -> tuple[Side | None, Tie]:
    if resolution is not None or winner == "manual":
        return resolution, ""
    return side_by_rule(winner, times, rules.skew_ms), tell_tie(winner, times, rules.skew_ms)
