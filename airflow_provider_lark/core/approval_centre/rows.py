"""The rows of questions and of the audit, read and written within a transaction that the caller holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from airflow_provider_lark.core.accounts.tables import approval_log, approval_questions
from airflow_provider_lark.core.approval_centre.ask import Ask
from airflow_provider_lark.core.approval_centre.rules import Outcome, Status, Vote
from airflow_provider_lark.core.database.dbtime import Now
from airflow_provider_lark.core.receiving.approval_door import Decision

ERROR_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it stands in the database.

    :param pushed_ms: the time of the newest push that was given out; 0 before the first.
    :param closed_ms: when it was decided, withdrawn or expired.
    """

    instance_id: str
    ask: Ask
    status: Status
    votes: tuple[Vote, ...]
    opened_ms: int
    pushed_ms: int
    closed_ms: int | None


def find(conn: Connection, *where: Any, for_update: bool = False) -> Question | None:
    """Return the question of which *where* holds."""
    query = select(approval_questions).where(*where)
    row = conn.execute(query.with_for_update() if for_update else query).first()
    return None if row is None else read(row)


def read(row: Any) -> Question:
    """Return a row as a question."""
    return Question(
        row.instance_id,
        Ask.from_plain(json.loads(row.ask)),
        row.status,
        tuple(Vote(**each) for each in json.loads(row.votes)),
        row.opened_ms,
        row.pushed_ms,
        row.closed_ms,
    )


def change(conn: Connection, instance_id: str, values: Mapping[str, Any]) -> None:
    """Write some columns of a question."""
    mine = approval_questions.c.instance_id == instance_id
    conn.execute(update(approval_questions).where(mine).values({**values, "updated_at": Now()}))


def note(
    conn: Connection, app_id: str, decision: Decision, outcome: Outcome, *, name: str = "", open_id: str = ""
) -> None:
    """Write a line of the audit."""
    row = {
        "app_id": app_id,
        "instance_id": decision.instance_id[:64],
        "user_id": decision.user_id[:64],
        "open_id": open_id,
        "name": name,
        "action": decision.action,
        "outcome": outcome,
        "reason": decision.reason or None,
    }
    conn.execute(insert(approval_log).values(row))
