"""What a click on a question means: decided from values alone, without a clock, a database or a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from airflow_provider_lark.core.questions.click import Click
from airflow_provider_lark.core.questions.stored import members_of
from airflow_provider_lark.core.questions.terms import Terms
from airflow_provider_lark.core.questions.values import Problem, read_form

State = Literal["open", "answered", "expired", "replaced", "withdrawn"]
Reason = Literal[
    "accepted", "taken_back", "repeated", "other_message", "answered", "expired", "replaced", "withdrawn",
    "not_allowed", "voted", "no_choice", "invalid", "outdated", "under_way", "abandoned",
]  # fmt: skip
"""Why a click counts, or does not; the word stands in the audit table."""

UNDO = "take_back"
"""The choice, on a board, that takes back what was decided."""


@dataclass(frozen=True, slots=True)
class Vote:
    """An answer that counted.

    :param name: what the person is called, where that is known.
    :param values: of the form.
    :param via: where: on a ``card``, or in the approval ``centre``.
    :param action: what was pressed, as Lark told it, where the question has no choices.
    """

    open_id: str
    at_ms: int
    choice: str = ""
    name: str = ""
    user_id: str = ""
    union_id: str = ""
    message_id: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    action: Mapping[str, Any] = field(default_factory=dict)
    token: str = field(default="", repr=False)
    via: str = "card"

    def to_plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Vote:
        """Read what :meth:`to_plain` wrote."""
        return cls(**members_of(cls, plain))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a question stands when somebody clicks.

    :param message_ids: the cards that ask it.
    :param is_sent: False while its cards are being sent, and not all of them are known.
    :param closed_ms: when it was decided or closed.
    :param is_taken: whether a run is carrying out what was decided on a board.
    :param is_collected: whether the answer has been dealt with.
    :param is_abandoned: whether no run has looked at the board for long.
    """

    state: State
    expires_at_ms: int | None
    message_ids: frozenset[str]
    is_sent: bool
    votes: tuple[Vote, ...]
    now_ms: int
    closed_ms: int | None = None
    is_taken: bool = False
    is_collected: bool = False
    is_abandoned: bool = False

    @property
    def last(self) -> Vote | None:
        """The last answer that counted."""
        return self.votes[-1] if self.votes else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a click means.

    :param vote: the answer that it is; None where it does not count.
    :param decision: the choice that is decided with it; None while more answers are needed.
    """

    reason: Reason
    vote: Vote | None = None
    decision: str | None = None
    problems: tuple[Problem, ...] = ()


def judge(terms: Terms, standing: Standing, click: Click) -> Verdict:
    """Return what *click* means for a question."""
    reason = (_refusal_on_board if terms.board else _refusal)(terms, standing, click)
    if reason is not None:
        return Verdict(reason)
    choice = terms.choice(click.choice)
    fields = terms.fields
    if choice is not None and choice.is_rejection:
        # who rejects need not fill in what an approval asks for
        fields = tuple(replace(each, is_required=each.is_required_to_reject) for each in fields)
    values, problems = read_form(fields, click.form) if fields else ({}, [])
    if problems:
        return Verdict("invalid", problems=tuple(problems))
    vote = Vote(
        click.open_id,
        standing.now_ms,
        choice.value if choice is not None else click.choice,
        _name_of(terms, click),
        click.user_id,
        click.union_id,
        click.message_id,
        values,
        {} if terms.choices else click.action,
        click.token,
        click.via,
    )
    if terms.board:
        if vote.choice == UNDO:
            return Verdict("taken_back", vote)
        return Verdict("accepted", vote, vote.choice)
    return Verdict("accepted", vote, decide(terms, (*standing.votes, vote)))


def _is_elsewhere(standing: Standing, click: Click) -> bool:
    return bool(click.message_id and standing.is_sent and click.message_id not in standing.message_ids)


def _refusal_on_board(terms: Terms, standing: Standing, click: Click) -> Reason | None:
    """Return why a click does not count on a board, where an answer can be taken back until a run carries it out."""
    last, count = standing.last, len(standing.votes)
    if _is_elsewhere(standing, click):
        return "other_message"
    if standing.state != "open" and standing.state != "answered":
        return standing.state
    is_same = last is not None and (last.open_id, last.choice) == (click.open_id, click.choice)
    if is_same and click.seen >= count - 1:
        return "repeated"
    if standing.is_collected:
        return "answered"
    if terms.allowed is not None and click.ids.isdisjoint(terms.allowed):
        return "not_allowed"
    if standing.is_abandoned:
        return "abandoned"
    if standing.is_taken:
        return "under_way"
    if click.seen != count:
        # of two who press the same card the first wins: the other has not seen what he would change
        return "outdated"
    if (click.choice == UNDO) is (standing.state == "open"):
        # what is decided is taken back before it is decided otherwise
        return "outdated"
    return None if click.choice == UNDO or terms.choice(click.choice) is not None else "no_choice"


def _refusal(terms: Terms, standing: Standing, click: Click) -> Reason | None:
    if _is_elsewhere(standing, click):
        return "other_message"
    mine = [each for each in standing.votes if each.open_id == click.open_id]
    if mine and mine[-1].choice == click.choice and standing.state in ("open", "answered"):
        return "repeated"
    if standing.state != "open":
        return standing.state
    if standing.expires_at_ms is not None and standing.now_ms >= standing.expires_at_ms:
        return "expired"
    if terms.allowed is not None and click.ids.isdisjoint(terms.allowed):
        return "not_allowed"
    if mine:
        return "voted"
    if terms.choices and terms.choice(click.choice) is None:
        return "no_choice"
    return None


def decide(terms: Terms, votes: Sequence[Vote]) -> str | None:
    """Return the choice that *votes* decide, or None while they do not.

    Without choices the first answer decides. Else the choice that enough people made; or the rejection, when enough
    people rejected.
    """
    if not terms.choices:
        return votes[0].choice if votes else None
    counts = Counter(each.choice for each in votes)
    for choice in terms.choices:
        enough = terms.rejections_needed if choice.is_rejection else terms.needed
        if counts[choice.value] >= enough:
            return choice.value
    return None


def _name_of(terms: Terms, click: Click) -> str:
    known = terms.allowed or {}
    return next((known[each] for each in (click.open_id, click.user_id, click.union_id) if known.get(each)), "")
