"""Pure: what a run made of a row on each side, from its writes in the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.ledger.history.changes import PastChange
from airflow_provider_lark.core.side import Key, Side

NetKind = Literal["created", "updated", "deleted", "marked", "remade"]
"""``marked``: deleted by a mark in a column of SQL; ``remade``: made anew, deleted or marked before."""


@dataclass(frozen=True, slots=True)
class Net:
    """What a run made of a row on one side.

    :param before: what the side held before; of an update the columns that were written. None: nothing.
    :param after: likewise what it held then.
    :param later: what other runs wrote to the row since.
    """

    key: Key
    record_id: str
    side: Side
    kind: NetKind
    before: dict[str, Canonical]
    after: dict[str, Canonical]
    later: tuple[PastChange, ...]

    def overwritten_by(self, column: str) -> str:
        """Return the run that wrote a column of this side again; empty for none."""
        for each in self.later:
            if each.side == self.side and (each.operation != "UPDATE" or column in (each.after or {})):
                return each.run_id
        return ""


def fold(changes: Sequence[PastChange], run_id: str) -> list[Net]:
    """Return what a run made of one row; a side on which nothing is left of it is left out.

    :param changes: the run's writes to the row and all that came after the first of them, the oldest first.
    """
    later = tuple(each for each in changes if each.run_id != run_id and each.side != "none")
    found = []
    sides: tuple[Side, Side] = ("sql", "lark")
    for side in sides:
        mine = [each for each in changes if each.run_id == run_id and each.side == side]
        kind = _kind_of(mine) if mine else None
        if kind is not None:
            found.append(_net(side, kind, mine, later))
    return found


def _kind_of(mine: Sequence[PastChange]) -> NetKind | None:
    gone = [each.operation == "DELETE" and each.after is None for each in mine]
    is_new, is_gone = mine[0].before is None, gone[-1]
    if any(gone[:-1]):
        return "remade"
    if is_new:
        return None if is_gone else "created"
    if is_gone:
        return "deleted"
    if mine[-1].operation == "DELETE":
        return "marked"
    return "remade" if any(each.operation != "UPDATE" for each in mine) else "updated"


def _net(side: Side, kind: NetKind, mine: Sequence[PastChange], later: tuple[PastChange, ...]) -> Net:
    before: dict[str, Canonical] = {}
    after: dict[str, Canonical] = {}
    for each in mine:
        before = {**(each.before or {}), **before}
        after |= each.after or {}
    return Net(mine[-1].key, mine[-1].record_id, side, kind, before, after, later)
