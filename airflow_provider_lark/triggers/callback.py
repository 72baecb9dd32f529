"""The trigger that waits for the answer to a question on a card."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from airflow_provider_lark.triggers.polling import Poll, PollingTrigger


class LarkCardCallbackTrigger(PollingTrigger):
    """Looks at a question until it is answered or its time is over, one small query a look, and no call to Lark.

    The success event is ``{"status": "success", "question_id", "state"}``: who answered, and what, the task reads from
    the database, because Airflow logs events. An answer stands in the database before the person is told that it was
    recorded, so no restart loses one; another triggerer that takes over goes on looking.

    :param lark_conn_id: connection of type ``lark``.
    :param question_id: of the table ``lark_questions``.
    :param message_ids: of the cards that ask; clicks on them that wait in the inbox are decided first.
    :param wake_at_ms: fire also, with the state ``open``, when the database's clock has come to this; None: never.
    """

    def __init__(
        self,
        *,
        lark_conn_id: str,
        question_id: str,
        message_ids: list[str],
        wake_at_ms: int | None = None,
        **polling: Any,
    ) -> None:
        super().__init__(**polling)
        self.lark_conn_id = lark_conn_id
        self.question_id = question_id
        self.message_ids = message_ids
        self.wake_at_ms = wake_at_ms

    def _settings(self) -> dict[str, Any]:
        return {
            "lark_conn_id": self.lark_conn_id,
            "question_id": self.question_id,
            "message_ids": self.message_ids,
            "wake_at_ms": self.wake_at_ms,
        }

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Poll]:
        from airflow_provider_lark.hooks.receiving.questions import QuestionDesk

        # masking asks the supervisor, which must not be waited for on the event loop; and databases block
        desk = await asyncio.to_thread(QuestionDesk.open, self.lark_conn_id)

        async def poll() -> dict[str, Any] | None:
            state, now_ms = await asyncio.to_thread(desk.look, self.question_id, self.message_ids)
            is_due = self.wake_at_ms is not None and now_ms >= self.wake_at_ms
            return {"question_id": self.question_id, "state": state} if state != "open" or is_due else None

        yield poll
