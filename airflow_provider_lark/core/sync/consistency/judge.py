"""Pure: what two looks at a row mean. Drift is what nothing known explains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from airflow_provider_lark.core.fields.canonical import Canonical, dump_values
from airflow_provider_lark.core.sync.mapping.targets import Direction

Kind = Literal["different", "only_lark", "only_sql"]
"""Both sides have the row, with other values; or one has it alone."""

Reason = Literal[
    "",
    "blacklisted",
    "conflict",
    "held",
    "found",
    "queued",
    "changed",
    "own",
    "outside",
    "failed",
    "hidden",
    "unreadable",
]
"""Why a row differs, as far as that is known.

On its way: ``queued`` (a change waits in the queue), ``found`` (likewise, but no trigger has noted when it was made:
a look at the table found it), ``changed`` (a side was changed between the two looks, or within the settle time). For a
person: ``conflict``, ``held`` (a delete). Left alone: ``blacklisted``, ``own`` (a one-way mapping does not touch it),
``outside`` (the other side of the row has left its filter). Drift all the same: ``failed`` (the queue has given it up),
``hidden`` and ``unreadable`` (Lark did not show the record again, or a value cannot be read).
"""

State = Literal["waits", "drift", "repaired", "changed", "held", "failed", "conflict", "left"]
"""``waits`` is no drift. From ``repaired`` on: what became of drift in a repair."""

UNKNOWN, ABSENT = "", "-"
"""In the place of a digest."""

_DRIFT = frozenset({"", "failed", "hidden", "unreadable"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What the ledger and the two looks say of a row that differs."""

    blacklisted: bool = False
    conflict: bool = False
    held: bool = False
    queued: bool = False
    found: bool = False
    changed: bool = False
    own: bool = False
    failed: bool = False
    hidden: bool = False
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look saw on either side, as digests."""

    lark: str = UNKNOWN
    sql: str = UNKNOWN

    def differs_from(self, other: Seen) -> bool:
        """Tell whether a side holds something else than in *other*; what a look did not see proves nothing."""
        sides = ((self.lark, other.lark), (self.sql, other.sql))
        return any(mine != theirs for mine, theirs in sides if UNKNOWN not in (mine, theirs))


NOTHING_SEEN = Seen()


def digest(values: Mapping[str, Canonical] | None) -> str:
    """Return what equal values have in common, in 32 digits; :data:`ABSENT` for a row that is not there."""
    if values is None:
        return ABSENT
    return blake2b(dump_values(values).encode(errors="surrogatepass"), digest_size=16).hexdigest()


def reason_of(facts: Facts) -> Reason:
    """Return why a row differs: the first reason that holds, what a person has said before what goes by itself."""
    if facts.own:
        return "own"
    if facts.blacklisted:
        return "blacklisted"
    if facts.conflict:
        return "conflict"
    if facts.held:
        return "held"
    if facts.queued:
        return "found" if facts.found else "queued"
    if facts.changed:
        return "changed"
    if facts.hidden:
        return "hidden"
    if facts.unreadable:
        return "unreadable"
    return "failed" if facts.failed else ""


def state_of(reason: Reason) -> State:
    """Return whether a row that differs for *reason* is drift."""
    return "drift" if reason in _DRIFT else "waits"


def is_own(kind: Kind, direction: Direction) -> bool:
    """Tell whether a one-way mapping leaves the row alone: the side that it writes to has it of its own."""
    return (kind == "only_lark" and direction == "to_lark") or (kind == "only_sql" and direction == "to_sql")
