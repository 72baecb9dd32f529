"""The terms of a question: who may answer, with what, and how many must."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_lark.core.questions.centre_terms import CentreTerms
from airflow_provider_lark.core.questions.fields import Field
from airflow_provider_lark.core.questions.stored import members_of

CHOICE_LENGTH_MAX = 200
"""The most characters of a choice's value: the decision has a column of its own, which MySQL limits to 250."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer that a button stands for.

    :param value: what the task gets.
    :param label: what people read.
    :param is_rejection: of such an answer no field is required, and it counts towards *rejections_needed*.
    """

    value: str
    label: str
    is_rejection: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a question, fixed when it is asked.

    :param choices: the answers; none: whatever is pressed is an answer.
    :param fields: of the form, in its order.
    :param allowed: who may answer: any id of a person, and what they are called; None: everybody who sees the card.
    :param needed: so many equal answers decide.
    :param rejections_needed: so many rejections decide.
    :param card: the card's JSON, without status; None where it is not known, as of templates.
    :param time_zone: in which moments are told.
    :param board: the card that this question shares with others; empty: it has cards of its own.
    :param centre: how it stands in the approval centre; None: it does not.
    :param relay: to what an answer is passed on; until that has taken it, the card says so.
    :param ending: how it ended there, by language; None while that is not known.
    :param ended_at_ms: when that was; None where it is not known.
    :param is_void: whether *ending* is none that somebody decided here.
    :param is_asked_elsewhere: whether it can still be answered at *relay*, and only there.
    """

    choices: tuple[Choice, ...] = ()
    fields: tuple[Field, ...] = ()
    allowed: Mapping[str, str] | None = None
    needed: int = 1
    rejections_needed: int = 1
    card: Mapping[str, Any] | None = field(default=None, repr=False)
    time_zone: str = "UTC"
    board: str = ""
    centre: CentreTerms | None = None
    relay: str = ""
    ending: Mapping[str, str] | None = None
    ended_at_ms: int | None = None
    is_void: bool = False
    is_asked_elsewhere: bool = False

    def choice(self, value: str) -> Choice | None:
        """The choice of that value."""
        return next((each for each in self.choices if each.value == value), None)

    def rejects(self, value: str) -> bool:
        """Whether the choice of that value is a rejection."""
        choice = self.choice(value)
        return choice is not None and choice.is_rejection

    def to_plain(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "choices": [[each.value, each.label, each.is_rejection] for each in self.choices],
            "fields": [each.to_plain() for each in self.fields],
            "allowed": None if self.allowed is None else dict(self.allowed),
            "needed": self.needed,
            "rejections_needed": self.rejections_needed,
            "card": self.card,
            "time_zone": self.time_zone,
            "board": self.board,
            "centre": None if self.centre is None else self.centre.to_plain(),
            "relay": self.relay,
            "ending": None if self.ending is None else dict(self.ending),
            "ended_at_ms": self.ended_at_ms,
            "is_void": self.is_void,
            "is_asked_elsewhere": self.is_asked_elsewhere,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Terms:
        """Read what :meth:`to_plain` wrote."""
        centre = plain.get("centre")
        return cls(
            **{
                **members_of(cls, plain),
                "choices": tuple(Choice(*each) for each in plain["choices"]),
                "fields": tuple(Field.from_plain(each) for each in plain["fields"]),
                "centre": None if centre is None else CentreTerms.from_plain(centre),
            }
        )
