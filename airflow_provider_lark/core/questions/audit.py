"""The audit table, read: every click on a question, those that were refused too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from airflow_provider_lark.core.accounts.tables import answers
from airflow_provider_lark.core.database.dbtime import epoch_ms
from airflow_provider_lark.core.questions.question import Sealer


def audit(sealer: Sealer, id_: str, conn: Connection) -> list[Mapping[str, Any]]:
    """Return every click on a question, the oldest first."""
    found = select(answers, epoch_ms(answers.c.answered_at).label("at_ms")).where(answers.c.question_id == id_)
    return [
        {
            "open_id": row.open_id,
            "message_id": row.message_id,
            "event_id": row.event_id,
            "clicked_ms": row.clicked_ms,
            "answered_ms": int(row.at_ms),
            "outcome": row.outcome,
            "reason": row.reason,
            **sealer.unseal(row.body, row.key_id),
        }
        for row in conn.execute(found.order_by(answers.c.id))
    ]
