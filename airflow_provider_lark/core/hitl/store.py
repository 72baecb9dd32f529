"""The requests of one app, in the database of accounts, beside the questions that ask them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, func, insert, not_, or_, select, update

from airflow_provider_lark.core.accounts.database import AccountsDatabase
from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.hitl_requests import hitl_requests
from airflow_provider_lark.core.accounts.tables import questions
from airflow_provider_lark.core.accounts.transactions import transact
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.dbtime import Now, NowMs, now_plus, now_plus_ms
from airflow_provider_lark.core.hitl.endings import Ending
from airflow_provider_lark.core.hitl.progress import Progress
from airflow_provider_lark.core.hitl.request import Request
from airflow_provider_lark.core.questions import rows
from airflow_provider_lark.core.questions.question import Question, Sealer
from airflow_provider_lark.core.questions.rules import State
from airflow_provider_lark.core.questions.store import ANSWERS_KEPT_SECONDS
from airflow_provider_lark.core.questions.terms import Terms

NOW = NowMs()
_AT_ONCE = 200


class RequestStore:
    """Requests and how far they have come; safe to share between threads. The tables are made at the first use.

    Its methods raise :class:`.ConfigError`, :class:`.SchemaMismatch` or :class:`.Unreachable` where the database cannot
    be used.
    """

    def __init__(self, engine: Engine, keyring: Keyring, app_id: str, *, clock: Clock | None = None) -> None:
        self._database = AccountsDatabase(engine, hitl_requests, clock=clock)
        self._sealer = Sealer(keyring, app_id)

    def ask(
        self, key: str, request: Request, terms: Terms, *, seconds: float, mark: str, id_: str
    ) -> tuple[Question, Question | None]:
        """Keep a new request with its question, in one transaction; return that, and the one that it replaces.

        :param key: the same for all tries of a task.
        :param mark: what tells this asking from every other one.
        :param id_: of the new question.
        """

        def work(conn: Connection) -> tuple[Question, Question | None]:
            asked, replaced = rows.ask(self._sealer, key, terms, seconds, mark, id_, conn)
            if asked.is_new:
                conn.execute(insert(hitl_requests).values(self._row(request, id_)))
            if replaced is not None:
                # whoever carries answers over looks at it at once
                self._note(replaced.id, {"look_at_ms": 0}, conn)
            return asked, replaced

        return self._database.transact(work)

    def due(self) -> list[Progress]:
        """Return the requests to look at: whose time has come, or whose question was closed since the last look.

        Those that none of our keys decrypts are left to others: one must not keep the rest from their answers.
        """

        def work(conn: Connection) -> list[Progress]:
            live = (*self._live, self._is_readable)
            found = (
                select(hitl_requests)
                .join(questions, questions.c.id == hitl_requests.c.question_id)
                .where(
                    *live,
                    or_(hitl_requests.c.look_at_ms <= NOW, questions.c.closed_at_ms >= hitl_requests.c.looked_ms),
                )
                .order_by(hitl_requests.c.look_at_ms)
                .limit(_AT_ONCE)
            )
            return [self._read(row) for row in conn.execute(found)]

        return self._database.look(work)

    def live(self) -> int:
        """Return how many requests are not finished."""
        return self._count(*self._live)

    def unreadable(self) -> int:
        """Return how many of those none of our keys decrypts."""
        return self._count(*self._live, not_(self._is_readable))

    def _count(self, *conditions: ColumnElement[bool]) -> int:
        counted = select(func.count()).select_from(hitl_requests).where(*conditions)
        return int(self._database.look(lambda conn: conn.scalar(counted)) or 0)

    @property
    def _live(self) -> tuple[ColumnElement[bool], ...]:
        return hitl_requests.c.app_id == self._sealer.app_id, hitl_requests.c.finished_ms.is_(None)

    @property
    def _is_readable(self) -> ColumnElement[bool]:
        key_id = hitl_requests.c.key_id
        return or_(key_id.is_(None), key_id.in_(self._sealer.keyring.key_ids))

    def read(self, question_id: str) -> Progress | None:
        """Return the request of a question; None where it is none of a task that waits in Airflow."""
        found = select(hitl_requests).where(hitl_requests.c.question_id == question_id)
        row = self._database.look(lambda conn: conn.execute(found).one_or_none())
        return None if row is None else self._read(row)

    def note_seen(self, progress: Progress, *, created_at: str | None, is_awaiting_input: bool) -> Progress:
        """Note since when Airflow asks, and since when the task is seen to wait.

        :param is_awaiting_input: whether it waits at this look; one that does not has to be seen anew.
        """
        changes: dict[str, Any] = {}
        if progress.created_at is None and created_at is not None:
            changes["created_at"] = created_at
        if is_awaiting_input != (progress.awaiting_since_ms is not None):
            changes["awaiting_since_ms"] = NOW if is_awaiting_input else None
        if not changes:
            return progress

        def work(conn: Connection) -> Progress:
            self._note(progress.question_id, changes, conn)
            found = select(hitl_requests).where(hitl_requests.c.question_id == progress.question_id)
            return self._read(conn.execute(found).one())

        return self._database.transact(work)

    def note_passed(self, question_id: str) -> None:
        """Note that an answer is about to be passed on."""
        first = update(hitl_requests).where(
            hitl_requests.c.question_id == question_id, hitl_requests.c.passed_ms.is_(None)
        )
        self._database.transact(lambda conn: conn.execute(first.values(passed_ms=NOW, updated_at=Now())))

    def note_looked(self, question_id: str, *, again_in_seconds: float, attempts: int = 0) -> None:
        """Note when to look again."""
        values = {"looked_ms": NOW, "look_at_ms": now_plus_ms(again_in_seconds), "attempts": attempts}
        self._database.transact(partial(self._note, question_id, values))

    def end(self, question_id: str, ending: Ending) -> Question:
        """Close a question as it ended in Airflow, and return it; its cards do not say so yet."""

        def work(conn: Connection) -> Question:
            question = rows.read(self._sealer, question_id, conn, lock=True)
            terms = replace(
                question.terms,
                ending=ending.texts,
                ended_at_ms=ending.at_ms,
                is_void=ending.is_void,
                is_asked_elsewhere=ending.is_open_there,
            )
            rows.set_values(question_id, self._sealer.seal("terms", terms.to_plain()), conn)
            closed: State = "replaced" if ending.outcome == "replaced" else "withdrawn"
            self._note(question_id, {"outcome": ending.outcome}, conn)
            return rows.close(self._sealer, question_id, closed, conn, only_when_due=False)

        return self._database.transact(work)

    def finish(self, question_id: str) -> None:
        """Note that its cards say how it ended: there is nothing else to do."""

        def work(conn: Connection) -> None:
            self._note(question_id, {"finished_ms": NOW}, conn)
            rows.set_values(question_id, {"shown_at_ms": NOW, "collected_at_ms": NOW}, conn)

        self._database.transact(work)

    def _row(self, request: Request, id_: str) -> dict[str, Any]:
        place = request.place
        return {
            "question_id": id_,
            "app_id": self._sealer.app_id,
            "dag_id": place.dag_id,
            "run_id": place.run_id,
            "task_id": place.task_id,
            "map_index": place.map_index,
            "looked_ms": 0,
            "look_at_ms": 0,
            "attempts": 0,
            **self._sealer.seal("request", request.to_plain()),
        }

    def _read(self, row: Row[Any]) -> Progress:
        return Progress(
            row.question_id,
            Request.from_plain(self._sealer.unseal(row.request, row.key_id)),
            row.created_at,
            row.awaiting_since_ms,
            row.passed_ms,
            row.attempts,
            row.outcome,
        )

    @staticmethod
    def _note(question_id: str, values: Mapping[str, Any], conn: Connection) -> None:
        mine = hitl_requests.c.question_id == question_id
        conn.execute(update(hitl_requests).where(mine).values(updated_at=Now(), **values))


def purge(engine: Engine, *, clock: Clock | None = None) -> int:
    """Delete requests that were finished as long ago as the audit table keeps answers, and return how many."""
    old = delete(hitl_requests).where(
        hitl_requests.c.finished_ms.is_not(None), hitl_requests.c.updated_at < now_plus(-ANSWERS_KEPT_SECONDS)
    )
    return transact(
        engine, lambda conn: conn.execute(old).rowcount, table=hitl_requests.name, clock=clock or SystemClock()
    )
