"""What an undo does to one row, and what it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from airflow_provider_lark.core.fields.canonical import Canonical
from airflow_provider_lark.core.side import Key, Side
from airflow_provider_lark.core.sync.plan.actions import Change, plain

Name = tuple[str, str, str]
"""What tells a step from the others of its plan: key, side and kind."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is taken back.

    ===========  ==================================================================================
    ``update``   columns get back what they held; *held* is what the other side keeps in them
    ``delete``   a row or record that the run made goes again; the other side keeps its own
    ``restore``  a row that the run deleted comes back on both sides, with a new record
    ===========  ==================================================================================

    :param side: the side that the run had written to.
    :param changes: by column what stands there now, and what will.
    :param sql: of ``restore`` how the row comes back: a new one, without its mark of deletion, or not at all.
    :param lark: of ``restore`` what the new record gets; None: there is none.
    """

    side: Side
    kind: Literal["update", "delete", "restore"]
    key: Key
    record_id: str
    changes: tuple[Change, ...] = ()
    held: Mapping[str, Canonical] = field(default_factory=dict)
    sql: Literal["insert", "unmark", "none"] = "none"
    lark: Mapping[str, Canonical] | None = None
    note: str = ""

    @property
    def name(self) -> Name:
        """What tells it from the other steps of a plan."""
        return self.key, self.side, self.kind

    def to_dict(self) -> dict[str, Any]:
        """Return plain data with the values."""
        changes = [{"column": c.column, "old": plain(c.old), "new": plain(c.new)} for c in self.changes]
        told = {"side": self.side, "kind": self.kind, "key": self.key, "record_id": self.record_id}
        return {**told, "changes": changes, "why": self.note}


@dataclass(frozen=True, slots=True)
class Left:
    """What cannot be taken back.

    :param column: empty for the whole row.
    """

    side: Side
    key: Key
    record_id: str
    column: str
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; no values."""
        told = {"side": self.side, "kind": "left", "key": self.key, "record_id": self.record_id}
        return {**told, "column": self.column or None, "why": self.why}
