"""Pure: what of a run's writes to a row can be taken back, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.ledger.pairs import Pair
from airflow_provider_lark.core.side import LarkRow, SqlRow, Values
from airflow_provider_lark.core.sync.plan.actions import Change
from airflow_provider_lark.core.sync.rules import Rules
from airflow_provider_lark.core.sync.undo.steps import Left, Step
from airflow_provider_lark.core.sync.undo.written import Net

_NAMES = {"lark": "Lark", "sql": "SQL"}

RESTORED = (
    "it gets a new record id; fields that are not mapped, links from tables that no mapping knows, comments and the "
    "record's history do not come back"
)


@dataclass(frozen=True, slots=True)
class Present:
    """What stands there now.

    :param row: the row as it stands, also where it is marked as deleted (*is_marked*).
    :param record: None where there is none, or *hidden* says why it is not to be seen.
    :param is_edited: somebody else than this app changed the record last.
    :param blocked: why the row is left alone altogether; empty where it is not.
    :param unlinked: by column why a value cannot be sent to Lark: the row that it names has no record.
    :param lasting: what a delete of the row did to rows that referred to it, and an undo leaves.
    """

    pair: Pair | None
    row: SqlRow | None
    record: LarkRow | None
    is_marked: bool = False
    hidden: str = ""
    is_edited: bool = False
    blocked: str = ""
    unlinked: Mapping[str, str] = field(default_factory=dict)
    lasting: tuple[str, ...] = ()

    @property
    def live_pair(self) -> Pair | None:
        """The pair, where both sides were in step."""
        return None if self.pair is None or self.pair.tombstone or self.pair.is_reserved else self.pair


@dataclass(frozen=True, slots=True)
class Names:
    """Columns that the engine writes for itself; empty where the mapping has none."""

    record_id: str = ""
    mark: str = ""


def plan_row(nets: Sequence[Net], now: Present, rules: Rules, names: Names) -> tuple[list[Step], list[Left]]:
    """Return what is taken back of one row, and what is left."""
    steps: list[Step] = []
    left: list[Left] = []
    deletes = [net for net in nets if net.kind in ("deleted", "marked")]
    for net in nets:
        if now.blocked or now.hidden:
            left.append(_left(net, "", now.blocked or f"its record is not to be seen: {now.hidden}"))
        elif net.kind == "remade":
            left.append(_left(net, "", "the run had deleted it and made it again"))
        elif net.kind == "updated" and any(each.kind == "created" for each in nets):
            step, kept = _take_back_with_row(net, now, rules, names, goes=bool(steps))
            steps += [] if step is None else [step]
            left += kept
        elif net.kind == "updated" and not deletes:
            step, kept = _take_back(net, now, rules, names)
            steps += [] if step is None else [step]
            left += kept
        elif net.kind == "created":
            why = _why_not_removed(net, now, names)
            steps += [] if why else [Step(net.side, "delete", net.key, net.record_id, _gone(net.after))]
            left += [_left(net, "", why)] if why else []
        elif net in deletes:
            found = _restore(net, now, rules, names)
            steps += [found] if isinstance(found, Step) else []
            left += [found] if isinstance(found, Left) else []
    return steps, left


def _left(net: Net, column: str, why: str) -> Left:
    return Left(net.side, net.key, net.record_id, column, why)


def _gone(values: Values) -> tuple[Change, ...]:
    return tuple(Change(name, value, None) for name, value in values.items() if value is not None)


def _take_back(net: Net, now: Present, rules: Rules, names: Names) -> tuple[Step | None, list[Left]]:
    """Take an update back, column by column."""
    whole = _why_not_at_all(net, now)
    if whole:
        return None, [_left(net, "", whole)]
    changes: list[Change] = []
    left: list[Left] = []
    for column, after in net.after.items():
        before = net.before.get(column)
        if before == after or column == names.record_id:
            continue
        why = _why_not(net, column, now, rules)
        if why:
            left.append(_left(net, column, why))
        else:
            changes.append(Change(column, _present(net, now, column), before))
    if not changes:
        return None, left
    held = _held(net, now, changes)
    return Step(net.side, "update", net.key, net.record_id, tuple(changes), held), left


def _take_back_with_row(
    net: Net, now: Present, rules: Rules, names: Names, *, goes: bool
) -> tuple[Step | None, list[Left]]:
    """Take back what was written beside a row or record that the run made, such as the key that the database made.

    :param goes: the row goes again.
    """
    if not goes:
        return None, [_left(net, column, "written beside a row or record that the run made") for column in net.after]
    step, kept = _take_back(net, now, rules, names)
    # the two do not agree to differ: they part
    return (None if step is None else replace(step, held={})), kept


def _why_not_at_all(net: Net, now: Present) -> str:
    pair = now.live_pair
    if now.row is None or now.is_marked:
        return "its row was deleted since"
    if now.record is None:
        return "its record was deleted since"
    if pair is None or pair.record_id != net.record_id:
        return "it is paired otherwise since"
    return "Lark leaves out what is sent to its record" if pair.is_given_up else ""


def _why_not(net: Net, column: str, now: Present, rules: Rules) -> str:
    if run := net.overwritten_by(column):
        return f"run {run} wrote it again"
    written = rules.to_sql if net.side == "sql" else rules.to_lark
    if column not in written and column not in rules.key_columns:
        return f"the mapping does not write it to {_NAMES[net.side]} any more"
    if net.side == "lark" and column in now.unlinked:
        return now.unlinked[column]
    if not _is_as_written(net, now, column):
        return "changed since"
    return ""


def _values(net: Net, now: Present) -> Values:
    side = now.row if net.side == "sql" else now.record
    return {} if side is None else side.values


def _present(net: Net, now: Present, column: str) -> Canonical:
    return _values(net, now).get(column)


def _is_as_written(net: Net, now: Present, column: str) -> bool:
    values = _values(net, now)
    if column not in values:
        return False
    if values[column] == net.after[column]:
        return True
    # what Lark made of the write, and nobody has changed since
    pair = now.live_pair
    near = {} if pair is None else pair.near or {}
    return (
        net.side == "lark"
        and pair is not None
        and column in near
        and near[column] == net.after[column]
        and values[column] == (pair.base or {}).get(column)
    )


def _held(net: Net, now: Present, changes: Sequence[Change]) -> dict[str, Canonical]:
    """Return what SQL is to be known to hold beside Lark, where the two will differ."""
    pair = now.live_pair
    base, near = ({}, {}) if pair is None else (pair.base or {}, pair.near or {})
    if net.side == "sql":
        return {each.column: each.new for each in changes if base.get(each.column) != each.new}
    # not what stands there: an edit that no run has met is still one
    known = {each.column: near.get(each.column, base.get(each.column)) for each in changes}
    return {each.column: known[each.column] for each in changes if known[each.column] != each.new}


def _why_not_removed(net: Net, now: Present, names: Names) -> str:
    if whole := _why_not_at_all(net, now):
        return whole
    for column in net.after:
        if run := net.overwritten_by(column):
            return f"run {run} wrote it again"
    odd = [name for name in net.after if name != names.record_id and not _is_as_written(net, now, name)]
    if odd:
        return f"changed since: {', '.join(odd)}"
    if net.side == "lark" and now.is_edited:
        return "somebody edited its record since"
    return ""


def _restore(net: Net, now: Present, rules: Rules, names: Names) -> Step | Left:
    why = _why_not_restored(net, now)
    if why:
        return _left(net, "", why)
    lark: Values | None
    back: tuple[Change, ...]
    if net.kind == "marked":
        values = {**(now.row.values if now.row is not None else {}), **net.before}
        back = (Change(names.mark, net.after.get(names.mark), net.before.get(names.mark)),)
        lark = _for_lark(values, rules, now)
        return Step(net.side, "restore", net.key, net.record_id, back, {}, "unmark", lark, RESTORED)
    back = tuple(Change(n, None, net.before[n]) for n in rules.all_columns if net.before.get(n) is not None)
    lark = None if net.side == "sql" and rules.direction == "to_sql" else _for_lark(net.before, rules, now)
    kept = {name: value for name, value in net.before.items() if name != names.record_id}
    return Step(net.side, "restore", net.key, net.record_id, back, kept, _row_comes(rules, now), lark, _note(now, lark))


def _row_comes(rules: Rules, now: Present) -> Literal["insert", "unmark", "none"]:
    if rules.direction == "to_lark":
        return "none"
    return "insert" if now.row is None else "unmark"


def _note(now: Present, lark: Values | None) -> str:
    lasting = "".join(f"; {told}" for told in now.lasting)
    if lark is None:
        return f"only its row comes back, because the mapping does not write to Lark{lasting}"
    missing = "".join(f"; {column} stays empty: {why}" for column, why in now.unlinked.items())
    return RESTORED + missing + lasting


def _for_lark(values: Values, rules: Rules, now: Present) -> dict[str, Canonical]:
    return {name: value for name, value in values.items() if name in rules.to_lark and name not in now.unlinked}


def _why_not_restored(net: Net, now: Present) -> str:
    for each in net.later:
        return f"run {each.run_id} wrote to it since"
    if now.live_pair is not None:
        return "there is a new record for it"
    if now.record is not None:
        return "its record is back"
    if net.kind == "marked":
        return "" if now.row is not None and now.is_marked else "its row is not marked as deleted any more"
    if now.row is not None and not now.is_marked:
        return "its row was inserted again since; the next run makes its record"
    if now.row is not None and net.side == "sql":
        return "its row is there again, marked as deleted"
    return ""
