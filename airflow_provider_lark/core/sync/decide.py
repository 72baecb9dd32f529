"""Pure decisions: what Lark holds, what SQL holds and the base between them become actions.

The base of a pair is what Lark is known to hold. So ``lark != base`` means that somebody edited in Lark,
``sql != base`` means that a program wrote in SQL, and an echo of our own write is neither.

Two moments decide. :func:`decide_pull` sees all three and may write to SQL; what it owes to Lark it leaves to
:func:`decide_push`, which runs later, from the queue, and sees base and SQL only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.side import Side, Values
from airflow_provider_lark.core.sync.comparing import compare, settle
from airflow_provider_lark.core.sync.newest import UNKNOWN, Tie, Times, side_by_rule, tell_tie
from airflow_provider_lark.core.sync.rules import Rules


@dataclass(frozen=True, slots=True)
class PullDecision:
    """What to do in SQL, now, in one transaction with the pair.

    :param sql: ``none``, ``insert`` or ``patch`` with *values*, or ``delete``.
    :param base: the base from now on; None leaves it.
    :param pair: what becomes of the pair itself; ``reserve`` leaves nothing but the record's claim to its key.
    :param rests: with ``save``: the pair rests outside the mapping's filters; see :mod:`.belonging`.
    :param near: with *base*: what SQL holds where Lark made something else of it, and neither was changed since.
    :param owes_lark: Lark must be written later; a queue entry keeps that promise.
    :param conflict: both sides had changed the row; *outcome* says who won, None waits for a person.
    :param tie: why ``newest`` could not tell who was later, and Lark won: the edits are too ``close``, or the time of
        one is ``unknown``.
    """

    sql: Literal["none", "insert", "patch", "delete"] = "none"
    values: Values = field(default_factory=dict)
    base: Values | None = None
    near: Values = field(default_factory=dict)
    pair: Literal["keep", "save", "forget", "tombstone", "reserve"] = "keep"
    rests: bool = False
    owes_lark: bool = False
    conflict: bool = False
    outcome: Side | None = None
    tie: Tie = ""


@dataclass(frozen=True, slots=True)
class PushDecision:
    """What to do in Lark, from base and SQL row.

    :param rests: the pair rests outside the mapping's filters from now on.
    :param puts_back: SQL changed what Lark owns; the record is read again, and the row gets its values back.
    """

    lark: Literal["none", "create", "patch", "delete"] = "none"
    values: Values = field(default_factory=dict)
    pair: Literal["keep", "forget", "tombstone"] = "keep"
    puts_back: bool = False
    rests: bool = False


def decide_pull(
    rules: Rules,
    *,
    base: Values | None,
    lark: Values | None,
    sql: Values | None,
    times: Times = UNKNOWN,
    resolution: Side | None = None,
    near: Values | None = None,
) -> PullDecision:
    """Decide about one row of which Lark's side was just read.

    :param base: None when the two rows were not paired before.
    :param near: what SQL held when the base was taken, where Lark held something else.
    :param lark: None when the record is gone for certain.
    :param sql: None when the row does not exist, or is marked as deleted.
    :param resolution: what a person decided about an open conflict, or the side of a held delete that is kept.
    """
    if lark is None:
        return _decide_lark_gone(rules, _held_by_sql(base, near), sql, resolution)
    if sql is None:
        return _decide_sql_missing(rules, base, lark, times, resolution)
    return _decide_both(rules, base, lark, sql, times, resolution, near or {})


def decide_push(
    rules: Rules, *, base: Values | None, sql: Values | None, is_tombstone: bool = False, near: Values | None = None
) -> PushDecision:
    """Decide what SQL's row makes of the record, when Lark is known to hold *base*.

    :param base: None when there is no pair.
    :param sql: None when the row does not exist, or is marked as deleted.
    :param is_tombstone: the pair was ended by a delete that the policy ignores.
    :param near: see :func:`decide_pull`.
    """
    if rules.direction == "to_sql":
        # Lark rules; what SQL changed is put right by the next full sync
        return PushDecision()
    if base is None:
        return PushDecision() if sql is None else PushDecision("create", only(sql, rules.to_lark))
    if sql is None:
        if is_tombstone:
            return PushDecision()
        return (
            PushDecision(pair="tombstone") if rules.deletes.mode == "ignore" else PushDecision("delete", pair="forget")
        )
    held = _held_by_sql(base, near) or {}
    changed = [name for name in rules.all_columns if name in rules.to_lark and _differs(name, sql, held)]
    patch = {name: sql[name] for name in changed if rules.owners.get(name) != "lark"}
    if len(patch) < len(changed):
        return PushDecision("patch" if patch else "none", patch, puts_back=True)
    return PushDecision("patch", patch) if patch else PushDecision()


def _decide_both(
    rules: Rules, base: Values | None, lark: Values, sql: Values, times: Times, resolution: Side | None, near: Values
) -> PullDecision:
    apart = agreed_apart(base, lark, sql, near)
    settled = settle(rules, compare(rules, base, lark, sql, near), times, resolution, is_first=base is None)
    conflict, outcome, tie = settled.conflict, settled.outcome, settled.tie
    if settled.waits:
        # paired without a base: neither side may write, and the rows are not taken for new ones
        return PullDecision(conflict=True) if base is not None else PullDecision(conflict=True, base={}, pair="save")
    by_lark = settled.by_lark
    if not conflict and _key_edited(rules, base, lark, sql):
        conflict, outcome = True, "sql"
    # what an undo has taken back in SQL stays so until Lark is edited
    one_way = {n for n in rules.columns if n in rules.to_sql and n not in rules.to_lark and n not in apart}
    take = (by_lark | one_way) & rules.to_sql
    patch = {name: lark[name] for name in rules.columns if name in take and lark[name] != sql[name]}
    merged = {**sql, **patch}
    # every value that Lark should not keep: SQL's edits, the key, and what a one-way mapping overrules
    owes = any(name in rules.to_lark and lark[name] != merged[name] and name not in apart for name in rules.all_columns)
    return PullDecision(
        sql="patch" if patch else "none",
        values=patch,
        base=only(lark, rules.all_columns),
        near=apart,
        pair="save",
        owes_lark=owes,
        conflict=conflict,
        outcome=outcome,
        tie=tie,
    )


def _key_edited(rules: Rules, base: Values | None, lark: Values, sql: Values) -> bool:
    """Tell whether a person changed the key of a pair; programs hold on to it, so SQL's stays."""
    return base is not None and any(
        name in rules.to_lark and base.get(name) == sql[name] != lark[name] for name in rules.key_columns
    )


def _held_by_sql(base: Values | None, near: Values | None) -> Values | None:
    """Return what SQL held when both last agreed."""
    return base if base is None or not near else {**base, **near}


def agreed_apart(base: Values | None, lark: Values, sql: Values, near: Values) -> dict[str, Canonical]:
    """Return the columns in which each side still holds what it did when Lark made something else of a write."""
    return {
        name: value
        for name, value in near.items()
        if base is not None and name in lark and name in sql and sql[name] == value and lark[name] == base.get(name)
    }


def _decide_lark_gone(rules: Rules, base: Values | None, sql: Values | None, resolution: Side | None) -> PullDecision:
    """Handle a record that is gone for certain."""
    if sql is None:
        return PullDecision(pair="forget")
    if base is None:
        # the two never agreed; now that the record is gone, the row may have one of its own
        return PullDecision(pair="forget", owes_lark=rules.direction != "to_sql")
    if rules.direction == "to_lark":
        return PullDecision(pair="forget", owes_lark=True)
    if rules.deletes.mode == "ignore":
        return PullDecision(pair="tombstone")
    edited = rules.direction == "both" and any(
        _differs(name, sql, base)
        for name in rules.columns
        if name in rules.to_lark and name in rules.to_sql and rules.owners.get(name) != "lark"
    )
    if not edited and resolution != "sql":
        return PullDecision(sql="delete", pair="forget")
    # nobody tells when a record was deleted, so only a policy that names Lark lets the delete win
    outcome: Side | None = resolution or ("lark" if rules.conflict.winner == "lark" else "sql")
    if rules.conflict.mode == "manual" and resolution is None:
        return PullDecision(conflict=True)
    if outcome == "lark":
        return PullDecision(sql="delete", pair="forget", conflict=True, outcome="lark")
    return PullDecision(pair="forget", owes_lark=rules.direction != "to_sql", conflict=True, outcome="sql")


def _decide_sql_missing(
    rules: Rules, base: Values | None, lark: Values, times: Times, resolution: Side | None
) -> PullDecision:
    """Handle a record whose SQL row does not exist."""
    now = only(lark, rules.all_columns)
    if rules.direction == "to_lark":
        # a record that people added is theirs; one whose row was deleted goes with the row, unless a person keeps it
        if resolution == "lark":
            return PullDecision(pair="forget")
        return PullDecision() if base is None else PullDecision(base=now, pair="save", owes_lark=True)
    if base is None or rules.direction == "to_sql":
        return PullDecision("insert", only(lark, rules.to_sql), base=now, pair="save")
    mine = [name for name in rules.columns if name in rules.to_sql and rules.owners.get(name) != "sql"]
    edited = any(_differs(name, lark, base) for name in mine)
    if rules.deletes.mode == "ignore":
        return PullDecision(base=now, pair="tombstone")
    if not edited and resolution != "lark":
        return PullDecision(owes_lark=True)
    # nobody tells whether the row was deleted before the edit, and it is not made again without being asked for
    is_untold = not rules.tells_deletes and rules.conflict.mode == "row" and rules.conflict.winner == "newest"
    if (rules.conflict.mode == "manual" or is_untold) and resolution is None:
        return PullDecision(conflict=True)
    outcome = resolution or (
        "lark" if rules.conflict.mode == "merge" else side_by_rule(rules.conflict.winner, times, rules.skew_ms)
    )
    if outcome == "lark":
        tie = (
            ""
            if resolution or rules.conflict.mode == "merge"
            else tell_tie(rules.conflict.winner, times, rules.skew_ms)
        )
        values = only(lark, rules.to_sql)
        return PullDecision("insert", values, base=now, pair="save", conflict=True, outcome="lark", tie=tie)
    return PullDecision(base=now, pair="save", owes_lark=True, conflict=True, outcome="sql")


def _differs(name: str, values: Values, base: Values) -> bool:
    return name not in base or values[name] != base[name]


def only(values: Values, names: frozenset[str] | tuple[str, ...]) -> dict[str, Canonical]:
    """Return those of *values* that *names* name."""
    return {name: value for name, value in values.items() if name in names}
