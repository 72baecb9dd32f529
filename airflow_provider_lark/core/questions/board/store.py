"""The boards of one app, in the database of accounts: each step in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from uuid import uuid4

from sqlalchemy import Engine

from airflow_provider_lark.core.accounts.database import AccountsDatabase
from airflow_provider_lark.core.accounts.decision_tables import decision_cards
from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.cards.component import Json
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.questions.board import rows
from airflow_provider_lark.core.questions.board.card import PAST_MAX, fit_board, left_card
from airflow_provider_lark.core.questions.board.state import Board, Item, Past, Tally
from airflow_provider_lark.core.questions.board.words import CHOICES, LEFT, MOVED
from airflow_provider_lark.core.questions.question import Sealer
from airflow_provider_lark.core.questions.rules import Vote
from airflow_provider_lark.core.questions.store import QuestionStore
from airflow_provider_lark.core.questions.terms import Choice, Terms

LOOKS_MS = 3_600_000
"""So often a look at a board is noted."""

CLAIM_SECONDS = 20.0
"""How long a process that died keeps others from a board: longer than one call to Lark takes."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Something that somebody decided, which no run has carried out yet.

    :param earlier: what was decided about it before, the oldest first.
    """

    item: Item
    vote: Vote
    earlier: tuple[Vote, ...] = ()


def past_of(decided: Decided, fate: str) -> Past:
    """Return what a card says of a decision that has been dealt with."""
    item, vote = decided.item, decided.vote
    return Past(item.kind, item.key, vote.choice, vote.open_id, vote.name, vote.at_ms, fate)


def _decided(board: Board, tallies: Mapping[str, Tally]) -> list[Decided]:
    found = [(each, tallies[each.question_id]) for each in board.items if each.question_id in tallies]
    return [Decided(item, tally.vote, tally.votes[:-1]) for item, tally in found if tally.vote is not None]


class BoardStore:
    """Boards, and the questions on them; safe to share between threads. The tables are made at the first use.

    Its methods raise :class:`.ConfigError`, :class:`.SchemaMismatch` or :class:`.Unreachable` where the database cannot
    be used.

    :param zone: the time zone in which people are told when somebody decided.
    :param claim: names this process, never the same twice.
    """

    def __init__(
        self,
        engine: Engine,
        keyring: Keyring,
        app_id: str,
        questions: QuestionStore,
        *,
        zone: str = "UTC",
        clock: Clock | None = None,
        claim: str | None = None,
    ) -> None:
        self._database = AccountsDatabase(engine, decision_cards, clock=clock)
        self._sealer = Sealer(keyring, app_id)
        self._questions = questions
        self._zone = zone
        self._claim = claim or uuid4().hex

    def find(self, place: str) -> rows.Standing | None:
        """Return the board of a place; None while there is none."""
        return self._database.look(partial(rows.find, self._sealer, place))

    def decided(self, board: Board) -> list[Decided]:
        """Return what somebody decided on a board, and no run has dealt with."""
        ids = [each.question_id for each in board.items]
        tallies = self._database.look(partial(rows.tallies_of, self._sealer, ids))
        closed = self._database.look(partial(rows.collected_among, ids))
        return _decided(board, {id_: tally for id_, tally in tallies.items() if id_ not in closed})

    def take(self, board: Board, token: str) -> list[Decided]:
        """Return what somebody decided on a board, for a run to carry out; until it is given back, nobody changes it.

        :param token: names the run.
        """
        ids = [each.item.question_id for each in self.decided(board)]
        return _decided(board, self._database.transact(partial(rows.take, self._sealer, ids, token))) if ids else []

    def give_back(self, question_ids: Sequence[str], token: str) -> None:
        """Let people change what the run has not carried out."""
        self._database.transact(partial(rows.give_back, question_ids, token))

    def update(
        self,
        place: str,
        board: Board,
        *,
        allowed: Callable[[], Mapping[str, str] | None],
        key_of: Callable[[str], str],
        fates: Mapping[str, str],
    ) -> str:
        """Let the board of a place show *board*, as much of it as a card takes, and return its id.

        A thing that was asked as it is now goes on, with what was decided about it; one that has changed, or that
        others may decide by now, is asked anew.

        :param allowed: tells who may decide: ids, and what they are called; None: everybody who sees the card. Asked
            where something is new.
        :param key_of: makes the key of a question from what it is about; 64 characters at most.
        :param fates: what a run made of decisions, by question.
        """
        known = self.find(place)
        if known is None:
            self._database.transact(partial(rows.make, self._sealer, place, uuid4().hex, Board(board.mapping)))
            known = self.find(place)
        if known is None:
            raise RuntimeError("the board has just been made")
        before, fitting = known.board, fit_board(board)
        closed = self._database.look(partial(rows.collected_among, [each.question_id for each in before.items]))
        ids = {each.subject: each.question_id for each in before.items if each.question_id not in closed}
        if board.rule == before.rule and all(each.subject in ids for each in fitting.items):
            asked = [replace(each, question_id=ids[each.subject]) for each in fitting.items]
            people = before.allowed
        else:
            who = allowed()
            asked = [
                self._ask(known, each, key_of(f"{each.kind} {each.key}"), who, board.rule) for each in fitting.items
            ]
            people = None if who is None else tuple(who)
        past = (*self._let_go(before, asked, fates), *before.past)[:PAST_MAX]
        fresh = replace(fitting, items=tuple(asked), allowed=people, past=past)
        self._database.transact(partial(rows.change, self._sealer, known.id, fresh))
        return known.id

    def note_looked(self, known: rows.Standing, owner: str, lark_table: str) -> None:
        """Note that a task looks at a board, where that is news: an idle run writes nothing."""
        is_recent = known.looked_ms_ago is not None and known.looked_ms_ago < LOOKS_MS
        if not is_recent or known.looked != (owner, lark_table):
            self._database.transact(partial(rows.note_looked, known.id, owner, lark_table))

    def left_by(self, owner: str, lark_table: str, place: str | None) -> list[rows.Standing]:
        """Return the boards that a task looks at no more; see :func:`.rows.left_by`."""
        return self._database.look(partial(rows.left_by, self._sealer, owner, lark_table, place))

    def leave(self, known: rows.Standing) -> None:
        """Let a board ask no more, and whoever presses it be told so."""
        board = known.board
        done = [past_of(each, "left") for each in self.decided(board)]
        for item in board.items:
            question = self._questions.withdraw(item.question_id)
            terms = replace(question.terms, ending={str(name): text for name, text in LEFT.texts})
            self._questions.change_terms(question.id, terms)
            self._questions.collect(question.id)
        past = (*done, *board.past)[:PAST_MAX]
        left = Board(board.mapping, table_url=board.table_url, receiver=board.receiver, past=past, is_left=True)
        self._database.transact(partial(rows.change, self._sealer, known.id, left))

    def left_messages(self, id_: str) -> list[tuple[str, Json]]:
        """Return the messages that stand where a board was shown before, and what they are to show."""
        board = self._database.look(partial(rows.read, self._sealer, id_)).board
        return [(message_id, left_card(board, MOVED)) for message_id in board.left]

    def note_closed(self, id_: str, message_id: str) -> None:
        """Note that such a message shows it."""
        self._database.transact(partial(rows.note_closed, self._sealer, id_, message_id))

    def _let_go(self, before: Board, asked: Sequence[Item], fates: Mapping[str, str]) -> list[Past]:
        """Close the questions that are asked no more, and return what became of the decisions about them."""
        left = {each.question_id for each in before.items} - {each.question_id for each in asked}
        still = {(each.kind, each.key) for each in asked}
        done = [each for each in self.decided(before) if each.item.question_id in left]
        for question_id in sorted(left):
            self._questions.withdraw(question_id)
            self._questions.collect(question_id)
        # of what was decided in the last moment no run knows
        return [
            past_of(
                each,
                fates.get(each.item.question_id)
                or ("changed" if (each.item.kind, each.item.key) in still else "settled"),
            )
            for each in done
        ]

    def begin(self, id_: str) -> rows.Showing | None:
        """Claim a board, and return what is to be shown; see :func:`.rows.begin`."""
        return self._database.transact(partial(rows.begin, self._sealer, id_, self._claim, uuid4().hex, CLAIM_SECONDS))

    def note_shown(self, id_: str, showing: rows.Showing, message_id: str, chat_id: str) -> bool:
        """Write down what is shown, and tell whether there is something newer by now."""
        for item in showing.board.items:
            self._note_card(item.question_id, message_id, chat_id)
        return self._database.transact(partial(rows.note_shown, id_, self._claim, showing.version, message_id, chat_id))

    def forget_message(self, id_: str) -> None:
        """Let the next message be a new one."""
        self._database.transact(partial(rows.forget_message, id_, self._claim))

    def release(self, id_: str) -> None:
        """Give the claim up."""
        self._database.transact(partial(rows.release, id_, self._claim))

    def _ask(self, known: rows.Standing, item: Item, key: str, allowed: Mapping[str, str] | None, rule: str) -> Item:
        kinds: Sequence[str] = ("lark", "sql") if item.kind == "conflict" else ("release", "keep")
        labels = [dict(CHOICES[kind].texts)["en_us"] for kind in kinds]
        terms = Terms(
            choices=tuple(Choice(kind, label) for kind, label in zip(kinds, labels, strict=True)),
            allowed=allowed,
            time_zone=self._zone,
            board=known.id,
        )
        question, _ = self._questions.ask(key, terms, seconds=None, mark=f"{item.seen[:32]}{rule[:32]}")
        if known.message_id is not None:
            self._note_card(question.id, known.message_id, known.chat_id)
        return replace(item, question_id=question.id)

    def _note_card(self, question_id: str, message_id: str, chat_id: str) -> None:
        self._questions.note_card(question_id, message_id, chat_id)
        self._questions.note_sent(question_id)
