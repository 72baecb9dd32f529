"""The questions of one app in the accounts' database: each step in a transaction of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import count
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import Connection, Engine, delete, select

from airflow_provider_lark.core.accounts.migrate import upgrade
from airflow_provider_lark.core.accounts.tables import approval_log, approval_questions
from airflow_provider_lark.core.accounts.transactions import look, transact
from airflow_provider_lark.core.approval_centre import rows
from airflow_provider_lark.core.approval_centre.ask import Ask
from airflow_provider_lark.core.approval_centre.rows import Question
from airflow_provider_lark.core.approval_centre.rules import Status, Verdict, judge
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.dbtime import now_plus
from airflow_provider_lark.core.database.insert import insert_if_new
from airflow_provider_lark.core.errors import NotFound
from airflow_provider_lark.core.receiving.approval_door import Decision

T = TypeVar("T")

KEPT_SECONDS = 180 * 86_400.0
"""How long closed questions and the audit are kept."""

_questions = approval_questions.c


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks.

    :param place: names the task, the same over its tries and clearings.
    :param turn: another one for each time that the task is to ask anew; its tries share one.
    """

    place: str
    turn: str


class ApprovalStore:
    """Keeps questions, their votes and the audit; safe to share between threads. The tables are made at the first use.

    Its methods raise :class:`.ConfigError`, :class:`.SchemaMismatch` or :class:`.Unreachable` where the database cannot
    be used.
    """

    def __init__(self, engine: Engine, app_id: str, *, clock: Clock | None = None) -> None:
        self._engine = engine
        self._app_id = app_id
        self._clock = clock or SystemClock()

    def open(self, asker: Asker, ask: Ask) -> Question:
        """Return the question of *asker*, which is written first if it is not there; what is there is not changed."""
        mine = (_questions.app_id == self._app_id, _questions.place == asker.place, _questions.turn == asker.turn)
        known = self._look(lambda conn: rows.find(conn, *mine))
        if known is not None:
            return known
        row = {
            "app_id": self._app_id,
            "place": asker.place,
            "turn": asker.turn,
            # no second Airflow with this app can have it, whatever its DAGs are called
            "instance_id": f"airflow-{uuid4().hex}",
            "ask": json.dumps(ask.to_plain(), ensure_ascii=False),
            "status": "PENDING",
            "votes": "[]",
            "opened_ms": self._now_ms,
            "pushed_ms": 0,
        }
        self._run(lambda conn: insert_if_new(conn, approval_questions, row))
        made = self._look(lambda conn: rows.find(conn, *mine))
        if made is None:
            raise NotFound("the question that was just written is not in the database")
        return made

    def open_live(self, asker: Asker, ask: Ask) -> Question:
        """Return the question of *asker* as :meth:`open` does; one that was taken back is followed by a new one."""
        for number in count():
            question = self.open(Asker(asker.place, f"{asker.turn}.{number}"), ask)
            if question.status != "CANCELED":
                return question
        raise AssertionError("counting does not end")

    def get(self, instance_id: str) -> Question:
        """Return a question.

        :raises NotFound: there is none.
        """
        found = self._look(lambda conn: rows.find(conn, *self._mine(instance_id)))
        if found is None:
            raise NotFound(f"approval instance {instance_id}: not in the database; its row was deleted")
        return found

    def find_others(self, asker: Asker) -> list[str]:
        """Return the instances of open questions that the task asked in other turns than *asker*'s."""
        others = select(_questions.instance_id).where(
            _questions.app_id == self._app_id,
            _questions.place == asker.place,
            _questions.turn.not_like(f"{asker.turn}.%"),
            _questions.status == "PENDING",
        )
        return self._look(lambda conn: list(conn.scalars(others)))

    def record(self, decision: Decision) -> Verdict:
        """Judge a decision against its question, keep what counts, and note in the audit what it was."""
        return self._run(partial(self._record, decision))

    def _record(self, decision: Decision, conn: Connection) -> Verdict:
        question = rows.find(conn, *self._mine(decision.instance_id), for_update=True)
        if question is None:
            rows.note(conn, self._app_id, decision, "unknown")
            return Verdict("unknown", "CANCELED")
        now_ms = max(self._now_ms, question.opened_ms)
        verdict = judge(question.ask, question.status, question.votes, decision, now_ms=now_ms)
        person = question.ask.approver(decision.user_id)
        rows.note(
            conn,
            self._app_id,
            decision,
            verdict.outcome,
            name="" if person is None else person.name,
            open_id="" if person is None else person.open_id,
        )
        if verdict.vote is not None:
            votes = [each.to_plain() for each in (*question.votes, verdict.vote)]
            closed = {} if verdict.status == "PENDING" else {"closed_ms": now_ms}
            told = json.dumps(votes, ensure_ascii=False)
            rows.change(conn, question.instance_id, {"votes": told, "status": verdict.status, **closed})
        return verdict

    def close(self, instance_id: str, status: Status) -> Question:
        """Withdraw a question, or let it expire, unless it is decided; return how it stands now."""

        def work(conn: Connection) -> Question:
            question = rows.find(conn, *self._mine(instance_id), for_update=True)
            if question is None:
                raise NotFound(f"approval instance {instance_id}: not in the database; its row was deleted")
            if question.status == "PENDING":
                now_ms = max(self._now_ms, question.opened_ms)
                rows.change(conn, instance_id, {"status": status, "closed_ms": now_ms})
            return rows.find(conn, *self._mine(instance_id)) or question

        return self._run(work)

    def stamp(self, instance_id: str, *, above_ms: int = 0) -> Question:
        """Return a question with a *pushed_ms* that is later than all before: the time to push this state with.

        State and time are read under one lock, so a later time never carries an earlier state.

        :param above_ms: what the centre has, where it is later than our clock.
        """

        def work(conn: Connection) -> Question:
            question = rows.find(conn, *self._mine(instance_id), for_update=True)
            if question is None:
                raise NotFound(f"approval instance {instance_id}: not in the database; its row was deleted")
            at_ms = max(self._now_ms, question.pushed_ms + 1, above_ms + 1)
            rows.change(conn, instance_id, {"pushed_ms": at_ms})
            return rows.find(conn, *self._mine(instance_id)) or question

        return self._run(work)

    def _mine(self, instance_id: str) -> Sequence[object]:
        return (_questions.app_id == self._app_id, _questions.instance_id == instance_id)

    @property
    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)

    @cached_property
    def _ready(self) -> Engine:
        upgrade(self._engine)
        return self._engine

    def _look(self, work: Callable[[Connection], T]) -> T:
        return look(self._ready, work, table=approval_questions.name, clock=self._clock)

    def _run(self, work: Callable[[Connection], T]) -> T:
        return transact(self._ready, work, table=approval_questions.name, clock=self._clock)


def purge(engine: Engine, *, clock: Clock | None = None) -> int:
    """Delete questions that were closed half a year ago, and as old lines of the audit; return how many."""

    def work(conn: Connection) -> int:
        old = now_plus(-KEPT_SECONDS)
        closed = (_questions.status != "PENDING", _questions.updated_at < old)
        gone = conn.execute(delete(approval_questions).where(*closed)).rowcount
        return gone + conn.execute(delete(approval_log).where(approval_log.c.at < old)).rowcount

    return transact(engine, work, table=approval_questions.name, clock=clock or SystemClock())
