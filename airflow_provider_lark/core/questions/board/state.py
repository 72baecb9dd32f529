"""What a board shows, as it is kept: plain data, and what tells one state of it from another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from airflow_provider_lark.core.questions.rules import UNDO, Vote
from airflow_provider_lark.core.questions.stored import members_of

ItemKind = Literal["conflict", "held_records", "held_rows"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A column in which both sides differ; None: empty.

    :param is_hidden: its values are not to be shown.
    """

    column: str
    lark: str | None
    sql: str | None
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to decide.

    :param key: of a conflict's row; empty for held deletes.
    :param seen: the fingerprint of what is shown, to which a decision is bound.
    :param question_id: of the question that its buttons answer; empty before it is asked.
    :param gone: the side on which a conflict's row was deleted.
    :param count: how many deletes are held, and *keys* are some of theirs.
    """

    kind: ItemKind
    key: str
    seen: str
    question_id: str = ""
    gone: Literal["lark", "sql"] | None = None
    columns: tuple[Shown, ...] = ()
    count: int = 1
    keys: tuple[str, ...] = ()

    @property
    def subject(self) -> tuple[str, str, str]:
        """What it is about, and as what that is shown."""
        return self.kind, self.key, self.seen


@dataclass(frozen=True, slots=True)
class Tally:
    """What people have decided about one thing, one after the other; the last of them holds.

    :param votes: the oldest first; taking back is one, too.
    """

    votes: tuple[Vote, ...] = ()

    @property
    def count(self) -> int:
        """How many there are: buttons that were drawn for another number are out of date."""
        return len(self.votes)

    @property
    def vote(self) -> Vote | None:
        """The decision; None where there is none, or it was taken back."""
        return self.votes[-1] if self.votes and self.votes[-1].choice != UNDO else None

    @property
    def before(self) -> Vote | None:
        """The decision that was taken back; None where none was, or there is another by now."""
        return self.votes[-2] if self.count > 1 and self.vote is None else None


@dataclass(frozen=True, slots=True)
class Past:
    """A decision that a run has carried out, or could not.

    :param fate: what became of it: ``applied``, ``settled``, ``changed`` or ``left``.
    """

    kind: ItemKind
    key: str
    choice: str
    open_id: str
    name: str
    at_ms: int
    fate: str


@dataclass(frozen=True, slots=True)
class Board:
    """What of a mapping waits for people.

    :param conflicts: how many there are, of which the *items* are the first.
    :param failed_rows: what is said of some of the rows that failed.
    :param allowed: the ids of those who may decide; None: everybody who sees the card.
    :param receiver: who gets the card; another one gets a new card.
    :param rule: what tells *allowed*, as it was given, from another one.
    :param written: what the run has written, in two languages; it alone is no reason to change the card.
    :param past: the last decisions, the newest first.
    :param is_left: whether its sync asks there no more.
    :param left: messages that stand where it was shown before, and are still to be closed.
    """

    mapping: str
    items: tuple[Item, ...] = ()
    conflicts: int = 0
    failed: int = 0
    failed_rows: tuple[str, ...] = ()
    table_url: str | None = None
    allowed: tuple[str, ...] | None = None
    receiver: str = ""
    rule: str = ""
    written: tuple[str, str] = ("", "")
    past: tuple[Past, ...] = ()
    is_left: bool = False
    left: tuple[str, ...] = ()

    @property
    def held(self) -> int:
        """How many deletes are held."""
        return sum(each.count for each in self.items if each.kind != "conflict")

    @property
    def is_open(self) -> bool:
        """Whether anything waits for people."""
        return bool(self.items or self.conflicts or self.failed)

    @property
    def digest(self) -> str:
        """What tells it from a state that has to be shown otherwise."""
        plain = replace(self, written=("", ""), left=()).to_plain()
        text = json.dumps(plain, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def to_plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Board:
        """Read what :meth:`to_plain` wrote."""
        items = tuple(
            Item(
                **{
                    **each,
                    "columns": tuple(Shown(**one) for one in each["columns"]),
                    "keys": tuple(each["keys"]),
                }
            )
            for each in plain["items"]
        )
        return cls(
            **{
                **members_of(cls, plain),
                "items": items,
                "failed_rows": tuple(plain["failed_rows"]),
                "allowed": None if plain["allowed"] is None else tuple(plain["allowed"]),
                "written": tuple(plain["written"]),
                "past": tuple(Past(**each) for each in plain["past"]),
                "left": tuple(plain.get("left", ())),
            }
        )
