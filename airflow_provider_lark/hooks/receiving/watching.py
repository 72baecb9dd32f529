"""A task that waits for the answer to its question: one look after the other, and what people see kept in step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.hooks.lark import LarkHook
from airflow_provider_lark.hooks.receiving.questions import QuestionDesk

if TYPE_CHECKING:
    from airflow_provider_lark.core.api.client import LarkClient
    from airflow_provider_lark.core.api.stop import StopFlag
    from airflow_provider_lark.core.questions.rules import State

log = logging.getLogger(__name__)

RECONCILE_SECONDS = 60.0
"""So often the approval centre is asked what it has: for a push that it lost, or a decision whose callback did."""


class Watch:
    """Looks at a question as often as it is asked to, from one thread at a time.

    :param subjects: see :attr:`.Question.subjects`.
    :param calls: how calls go, where otherwise than the connection says: the parameters of a hook by name.
    """

    def __init__(
        self,
        lark_conn_id: str,
        question_id: str,
        subjects: Sequence[str],
        *,
        calls: Mapping[str, Any] | None = None,
        stop: StopFlag | None = None,
    ) -> None:
        self._hook = LarkHook(lark_conn_id, **(calls or {}))
        self._options = {} if stop is None else {"stop": stop}
        self._desk = QuestionDesk.of(self._hook)
        self._question_id = question_id
        self._subjects = list(subjects)
        self._votes = 0
        self._show_at = 0.0
        self._reconciled_at = self._hook.clock.monotonic()
        terms = self._desk.questions.read(question_id).terms
        self._is_in_centre = terms.centre is not None
        # of others, the first answer is the last
        self._has_parts = terms.needed > 1 or terms.rejections_needed > 1

    def look(self) -> tuple[State, int]:
        """Return how the question stands, and the database's time in milliseconds.

        While it is open, its cards and the approval centre are told of answers; that Lark does not answer is only said.
        """
        state, now_ms = self._desk.look(self._question_id, self._subjects)
        if state != "open" or not (self._has_parts or self._is_in_centre):
            return state, now_ms
        votes = self._desk.questions.count_votes(self._question_id) if self._has_parts else 0
        clock = self._hook.clock.monotonic()
        if votes != self._votes and clock >= self._show_at:
            # what Lark did not take is sent again, and not as often as is looked
            self._votes = votes if self._try(self._show) else self._votes
            self._show_at = clock + RECONCILE_SECONDS if self._votes != votes else clock
        if self._is_in_centre and clock - self._reconciled_at >= RECONCILE_SECONDS:
            self._reconciled_at = clock
            self._try(self._reconcile)
            # the centre may have told of a decision whose callback was lost
            state, now_ms = self._desk.look(self._question_id, ())
        return state, now_ms

    def close(self, *, show: bool) -> None:
        """Close the question, whose task no longer waits.

        :param show: whether its cards, which were sent for it, and the approval centre say so.
        """
        self._desk.close(self._hook, self._question_id, show=show)

    def _try(self, act: Callable[[LarkClient], bool]) -> bool:
        try:
            with self._hook.client(**self._options) as client:
                return act(client)
        except LarkError as exc:
            log.warning("question %s: what people see could not be brought up to date: %s", self._question_id, exc)
            return False

    def _show(self, client: LarkClient) -> bool:
        return self._desk.show(client, self._desk.questions.read(self._question_id))

    def _reconcile(self, client: LarkClient) -> bool:
        from airflow_provider_lark.core.questions.centre import Centre

        Centre(client, self._desk.questions).reconcile(self._question_id)
        return True
