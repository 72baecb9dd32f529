"""The questions of one app, in the database of accounts: each step in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, and_, delete, func, or_, select

from airflow_provider_lark.core.accounts.database import AccountsDatabase
from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.tables import answers, question_cards, questions
from airflow_provider_lark.core.accounts.transactions import transact
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.dbtime import now_plus, now_plus_ms
from airflow_provider_lark.core.questions import rows
from airflow_provider_lark.core.questions.audit import audit
from airflow_provider_lark.core.questions.click import Click
from airflow_provider_lark.core.questions.question import Answered, Question, Sealer
from airflow_provider_lark.core.questions.rules import State
from airflow_provider_lark.core.questions.terms import Terms

QUESTIONS_KEPT_SECONDS = 60 * 86_400.0
"""How long a closed question is kept: its card can be pressed for 14 days, one of JSON 1.0 for 30."""

ANSWERS_KEPT_SECONDS = 400 * 86_400.0
"""How long the audit table keeps an answer."""


class QuestionStore:
    """Questions, their cards and their answers; safe to share between threads. The tables are made at the first use.

    Its methods raise :class:`.ConfigError`, :class:`.SchemaMismatch` or :class:`.Unreachable` where the database cannot
    be used.
    """

    def __init__(self, engine: Engine, keyring: Keyring, app_id: str, *, clock: Clock | None = None) -> None:
        self._database = AccountsDatabase(engine, questions, clock=clock)
        self._sealer = Sealer(keyring, app_id)

    def ask(
        self, key: str, terms: Terms | Callable[[str], Terms], *, seconds: float | None, mark: str = ""
    ) -> tuple[Question, Question | None]:
        """Return the question of *key*, and the one that it replaces.

        An open one that is asked in the same way goes on, and so does one that was closed and never collected: a task
        that is tried again takes up what its last try left. What is asked otherwise replaces what is open.

        :param terms: the terms, or what makes them for the id of a new question, which the buttons of its card name.
        :param key: the same for all tries of a task; 64 characters at most.
        :param seconds: how long it stays open; None: for ever.
        :param mark: what tells this asking from another one under the same key.
        """
        id_ = uuid4().hex
        made = terms if isinstance(terms, Terms) else terms(id_)
        return self._database.transact(partial(rows.ask, self._sealer, key, made, seconds, mark, id_))

    def find(self, key: str, *, mark: str = "") -> Question | None:
        """Return the question that :meth:`ask` would go on with; None: it would ask anew."""
        return self._database.look(partial(rows.find, self._sealer, key, mark))

    def note_card(self, id_: str, message_id: str, chat_id: str) -> None:
        """Note a card that asks the question."""
        self._database.transact(partial(rows.note_card, self._sealer.app_id, id_, message_id, chat_id))

    def note_sent(self, id_: str) -> None:
        """Note that all its cards are known: what is pressed on others does not count from now on."""
        self._set(id_, sent_at_ms=rows.NOW)

    def answer(self, click: Click) -> Answered | None:
        """Decide about a click, and keep it; None where it is on no card of a question."""
        return self._database.transact(partial(rows.answer, self._sealer, click))

    def read(self, id_: str) -> Question:
        """Return a question.

        :raises NotFound: there is none.
        """
        return self._database.look(partial(rows.read, self._sealer, id_))

    def last(self, key: str) -> Question:
        """Return the newest question of *key*.

        :raises NotFound: there is none.
        """
        return self._database.transact(partial(rows.read_last, self._sealer, key))

    def state_of(self, id_: str) -> tuple[State, bool, int]:
        """Return how a question stands, whether its time is over, and the database's time in milliseconds."""
        return self._database.look(partial(rows.state_of, id_))

    def expire(self, id_: str) -> Question:
        """Close a question whose time is over; an answer that stands there wins over the time."""
        return self._database.transact(partial(rows.close, self._sealer, id_, "expired", only_when_due=True))

    def withdraw(self, id_: str, state: State = "withdrawn") -> Question:
        """Close a question without an answer; one that is closed stays as it is."""
        return self._database.transact(partial(rows.close, self._sealer, id_, state, only_when_due=False))

    def stamp(self, id_: str, *, above_ms: int = 0) -> Question:
        """Return a question with a *pushed_ms* that is later than all before: the time to push this state with.

        State and time are read under one lock, so a later time never carries an earlier state.

        :param above_ms: what the approval centre has, where it is later than our clock.
        """
        return self._database.transact(partial(rows.stamp, self._sealer, id_, above_ms))

    def count_votes(self, id_: str) -> int:
        """Return how many answers have counted so far."""
        mine = (answers.c.question_id == id_, answers.c.outcome == "accepted")
        counted = select(func.count()).select_from(answers).where(*mine)
        return int(self._database.look(lambda conn: conn.scalar(counted)) or 0)

    def change_terms(self, id_: str, terms: Terms) -> None:
        """Let an open question go on under other terms, such as more people who may answer."""
        self._set(id_, **self._sealer.seal("terms", terms.to_plain()))

    def note_reminded(self, id_: str, count: int) -> None:
        """Note how many reminders and escalations have been made."""
        self._set(id_, reminders=count)

    def note_shown(self, id_: str) -> None:
        """Note that the cards show how it ended."""
        self._set(id_, shown_at_ms=rows.NOW)

    def collect(self, id_: str) -> None:
        """Note that the task has its answer: the next time the same is asked, it is a new question."""
        self._set(id_, collected_at_ms=rows.NOW)

    def audit(self, id_: str) -> list[Mapping[str, Any]]:
        """Return every click on a question, the oldest first, those that were refused too."""
        return self._database.look(partial(audit, self._sealer, id_))

    def has_clicks(self) -> bool:
        """Tell whether any click on a question of this app has ever come."""
        found = select(answers.c.id).where(answers.c.app_id == self._sealer.app_id).limit(1)
        return self._database.look(lambda conn: conn.scalar(found) is not None)

    def _set(self, id_: str, **values: Any) -> None:
        self._database.transact(partial(rows.set_values, id_, values))


def purge(engine: Engine, *, clock: Clock | None = None) -> int:
    """Delete questions that ended 60 days ago, if only because their time was over, and answers of 400 days ago.

    Returns how many.
    """

    def work(conn: Connection) -> int:
        closed = and_(questions.c.state != "open", questions.c.updated_at < now_plus(-QUESTIONS_KEPT_SECONDS))
        # nobody closes the question of a task that was killed
        left = and_(questions.c.state == "open", questions.c.expires_at_ms < now_plus_ms(-QUESTIONS_KEPT_SECONDS))
        ids = list(conn.scalars(select(questions.c.id).where(or_(closed, left))))
        for id_ in ids:
            conn.execute(delete(question_cards).where(question_cards.c.question_id == id_))
            conn.execute(delete(questions).where(questions.c.id == id_))
        gone = conn.execute(delete(answers).where(answers.c.answered_at < now_plus(-ANSWERS_KEPT_SECONDS))).rowcount
        return len(ids) + gone

    return transact(engine, work, table=questions.name, clock=clock or SystemClock())
