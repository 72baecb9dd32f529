"""What a run would do: one line for each row it would write, hold back or leave to a person."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from airflow_provider_lark.core.dry_run import cut_key
from airflow_provider_lark.core.fields.canonical import Canonical, dump_values, load_values

ActionSide = Literal["lark", "sql", "both", "setup"]
Kind = Literal["make", "create", "update", "link", "delete", "hold", "wait", "conflict", "refuse"]


MadeBy = Literal["", "database", "lark"]

MADE_KEY = "(made by the database)"
"""What a plan shows for the key of a row that the database would number by itself."""


class Change(NamedTuple):
    """One field of a row: what the side holds, and what it would hold.

    :param made_by: who will make the new value, which nobody knows yet; *new* is None then.
    """

    column: str
    old: Canonical
    new: Canonical
    made_by: MadeBy = ""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a run would do, or that waits for a person.

    ============  ==============================================================================
    ``make``      part of the setup: ledger, triggers, a field
    ``create``    a record (*side* ``lark``) or a row (``sql``); *changes* hold its values
    ``update``    the changed fields only
    ``link``      a row's record id is noted in its column, nothing else
    ``delete``    a record, or a row
    ``hold``      a delete that the guard against mass deletes holds back
    ``wait``      a change that this run does not write: of a link to a row without a record, or before its next attempt
    ``conflict``  both sides changed the row; *why* tells who wins, or that it waits for a person
    ``refuse``    a row that cannot be synced as it is
    ============  ==============================================================================

    :param key: the SQL key, or Lark's record id where no key is known; of ``make`` what is made.
    :param record_id: Lark's record; empty for one that is not there yet.
    """

    side: ActionSide
    kind: Kind
    key: str
    record_id: str = ""
    changes: tuple[Change, ...] = ()
    why: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data with the values of both sides; texts, numbers, lists and None.

        ``new_made_by`` is ``database`` or ``lark`` where that makes the new value, which is not known yet.
        """
        changes = [
            {
                "column": change.column,
                "old": plain(change.old),
                "new": plain(change.new),
                "new_made_by": change.made_by or None,
            }
            for change in self.changes
        ]
        told = {"side": self.side, "kind": self.kind, "key": self.key, "record_id": self.record_id}
        return {**told, "changes": changes, "why": self.why}


class Refusals(NamedTuple):
    """Rows that cannot be synced for one reason.

    :param why: of one row, its reason; of several, what their reasons have in common.
    :param keys: of the first of them, at most :data:`EXAMPLES`.
    """

    side: ActionSide
    why: str
    rows: int
    keys: tuple[str, ...]

    def __str__(self) -> str:
        keys = ", ".join(map(cut_key, self.keys))
        return f"{self.rows} rows: {self.why} (such as {keys})" if self.rows > 1 else f"{keys}: {self.why}"


EXAMPLES = 3
"""How many rows are named of those that cannot be synced for one reason."""

_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_OWN_NAME = re.compile(rf"^(?:row|record) (?:{_QUOTED}|rec\w+): ")
_NAME = re.compile(rf"\b(row|record) ({_QUOTED}|rec\w+)")


def cause_of(why: str) -> str:
    """Return what the reasons of many rows have in common: *why* without the names of rows and records.

    >>> cause_of("row 'A1': field 'Buyer' links to record recA1b2C3d4, which is not in table 'people' yet")
    "field 'Buyer' links to a record, which is not in table 'people' yet"
    """
    return _NAME.sub(r"a \1", _OWN_NAME.sub("", why))


def without_own_name(why: str) -> str:
    """Return a reason without the name of its own row, which stands beside it."""
    return _OWN_NAME.sub("", why)


def names_in(why: str) -> list[str]:
    """Return the names of rows and records that a reason holds."""
    found = [name for _, name in _NAME.findall(why)]
    return [name[1:-1] if name[0] in "'\"" else name for name in found]


def plain(value: Canonical) -> Any:
    """Return a canonical value as JSON has it."""
    return json.loads(dump_values({"": value}))[""]


def dump_changes(changes: tuple[Change, ...]) -> str:
    """Write *changes* as text."""
    return json.dumps(
        [[each.column, dump_values({"old": each.old, "new": each.new}), each.made_by] for each in changes],
        ensure_ascii=False,
    )


def load_changes(text: str) -> tuple[Change, ...]:
    """Read what :func:`dump_changes` wrote."""
    found = []
    for column, values, made_by in json.loads(text):
        both = load_values(values)
        found.append(Change(column, both["old"], both["new"], made_by))
    return tuple(found)


def differences(old: Mapping[str, Canonical], new: Mapping[str, Canonical]) -> tuple[Change, ...]:
    """Return the columns of *new* in which it says something else than *old*."""
    return tuple(
        Change(name, old.get(name), value) for name, value in new.items() if name not in old or old[name] != value
    )


def cut_keys(actions: Iterator[Action]) -> list[str]:
    """Return the keys of *actions*, cut where they are long."""
    return [cut_key(each.key) for each in actions]
