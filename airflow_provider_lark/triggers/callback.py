"""The trigger that waits for the answer to a question, on cards and in the approval centre."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError, PermanentError, SchemaMismatch
from airflow_provider_lark.triggers.polling import Poll, PollingTrigger

if TYPE_CHECKING:
    from airflow_provider_lark.hooks.receiving.watching import Watch

_MISLED_SECONDS = 86_400.0
"""So long an approval outlasts a triggerer in which a setting is wrong."""


class LarkCardCallbackTrigger(PollingTrigger):
    """Looks at a question until it is answered or its time is over, one small query a look.

    Lark is called only for a question in the approval centre, once a minute, and when one of several answers has come.
    The success event is ``{"status": "success", "question_id", "state"}``: who answered, and what, the task reads from
    the database, because Airflow logs events. An answer stands in the database before the person is told that it was
    recorded, so no restart loses one; another triggerer that takes over goes on looking.

    :param lark_conn_id: connection of type ``lark``.
    :param question_id: of the table ``lark_questions``.
    :param message_ids: of the cards that ask, and the instance in the approval centre; answers to them that wait in the
        inbox are decided first.
    :param wake_at_ms: fire also, with the state ``open``, when the database's clock has come to this; None: never.
    :param owns_cards: whether the cards were sent for this question, and close with it.
    :param calls: how calls go, where otherwise than the connection says: the parameters of a hook by name.
    """

    def __init__(
        self,
        *,
        lark_conn_id: str,
        question_id: str,
        message_ids: list[str],
        wake_at_ms: int | None = None,
        owns_cards: bool = False,
        calls: dict[str, Any] | None = None,
        **polling: Any,
    ) -> None:
        super().__init__(**polling)
        self.lark_conn_id = lark_conn_id
        self.question_id = question_id
        self.message_ids = message_ids
        self.wake_at_ms = wake_at_ms
        self.owns_cards = owns_cards
        self.calls = calls

    def _settings(self) -> dict[str, Any]:
        names = ("lark_conn_id", "question_id", "message_ids", "wake_at_ms", "owns_cards", "calls")
        return {name: getattr(self, name) for name in names}

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Poll]:
        watch: Watch | None = None

        def look() -> tuple[str, int]:
            nonlocal watch
            # opened by the first look that can: a database that is down for a while ends nothing
            watch = watch or self._watch()
            return watch.look()

        async def poll() -> dict[str, Any] | None:
            # masking asks the supervisor, which must not be waited for on the event loop; and databases block
            state, now_ms = await asyncio.to_thread(look)
            is_due = self.wake_at_ms is not None and now_ms >= self.wake_at_ms
            return {"question_id": self.question_id, "state": state} if state != "open" or is_due else None

        yield poll

    def _outlasts(self, error: PermanentError, failing_seconds: float) -> bool:
        """Whether it goes on: the worker that asked could read what this process cannot, for want of a key for example.

        A triggerer that was set up wrongly, or is upgraded after the workers, must not end all approvals that are open.
        """
        is_of_this_process = isinstance(error, ConfigError | SchemaMismatch)
        return self.max_failures is None and is_of_this_process and failing_seconds < _MISLED_SECONDS

    async def on_kill(self) -> None:
        """Close the question: somebody has cleared the task, or set its state. Airflow 3.3 and newer call it.

        They call it also when another triggerer takes over, and then the task still waits.
        """
        from airflow_provider_lark.hooks.receiving.ended import is_waiting

        if not await asyncio.to_thread(is_waiting, self.task_instance, "deferred"):
            await asyncio.to_thread(lambda: self._watch().close(show=self.owns_cards))

    def _watch(self) -> Watch:
        from airflow_provider_lark.hooks.receiving.watching import Watch

        return Watch(self.lark_conn_id, self.question_id, self.message_ids, calls=self.calls)
