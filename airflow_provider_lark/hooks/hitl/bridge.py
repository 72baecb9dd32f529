"""Carries answers from Lark to Airflow, and lets cards say how it ended there.

Whoever runs it may die at any moment, and several may run: what is to be done stands in the database, Airflow takes one
answer a question, and the second one to give it finds its own.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import (
    BadRequest,
    LarkError,
    NotAuthorized,
    PermanentError,
    RetriableError,
    Stopped,
)
from airflow_provider_lark.core.hints import counted
from airflow_provider_lark.core.hitl import endings
from airflow_provider_lark.core.hitl.step import AWAITING_INPUT, Finish, PassOn, Wait, next_step
from airflow_provider_lark.hooks.hitl.airflow_api import AirflowApi
from airflow_provider_lark.hooks.hitl.asking import RequestDesk, words_of

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.hitl.endings import Ending
    from airflow_provider_lark.core.hitl.progress import Progress
    from airflow_provider_lark.core.questions.question import Question
    from airflow_provider_lark.hooks.lark import LarkHook

log = logging.getLogger(__name__)

_SOON_SECONDS = 1.0
_NOTIFIER_SECONDS = 15.0
"""So long the notifier is left to send its card itself."""
_CALL_SECONDS = 10.0
_PATIENCE_SECONDS = 4.0
"""What a call to Lark fails for is tried again by a later look: the others must not wait for it."""
_LONGEST_PAUSE_SECONDS = 60.0
_TOLD_EACH = 10


class _CardNotSent(LarkError):
    """The card of one request cannot be sent."""


class HitlBridge:
    """Looks at each request in turn; close it, or use it in a ``with``.

    :param api: Airflow, with the account that gives the answers.
    :ivar counts: how many ended, by outcome.
    """

    def __init__(self, hook: LarkHook, api: AirflowApi) -> None:
        self._desk = RequestDesk.of(hook)
        self._api = api
        self._client: LarkClient = hook.client(**_client_options(hook))
        self.counts: Counter[str] = Counter()
        self._has_told = False

    @classmethod
    def open(cls, lark_conn_id: str, airflow_conn_id: str, calls: Mapping[str, Any] | None = None) -> HitlBridge:
        """Return one on two connections; neither is called yet.

        :param calls: how calls to Lark go: the parameters of a hook by name.
        """
        from airflow_provider_lark.hooks.lark import LarkHook

        return cls(LarkHook(lark_conn_id, **(calls or {})), AirflowApi(airflow_conn_id))

    def __enter__(self) -> HitlBridge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._api.close()

    def look(self) -> int:
        """Look at every request whose time has come, and return how many these were.

        What fails of one is logged and tried again, ever more seldom; the others go on.

        :raises ConfigError: the database cannot be used.
        :raises NotAuthorized: Airflow or Lark refuses the account.
        :raises Unreachable: the database does not answer.
        """
        self._tell_unreadable()
        due = self._desk.requests.due()
        for progress in due:
            try:
                again_in_seconds = self._handle(progress)
            except (NotAuthorized, Stopped):
                raise
            except Exception as exc:  # noqa: BLE001 - whatever is wrong with one, the others go on
                self._put_off(progress, exc)
            else:
                if again_in_seconds is not None:
                    self._desk.requests.note_looked(progress.question_id, again_in_seconds=again_in_seconds)
        return len(due)

    def _tell_unreadable(self) -> None:
        if self._has_told:
            return
        self._has_told = True
        if left := self._desk.requests.unreadable():
            log.warning(
                "%s of tasks that wait cannot be decrypted with the keys in LARK_CONFIG_ENCRYPTION_KEY: add the key "
                "they were encrypted with, or answer them in Airflow",
                counted(left, "request"),
            )

    def _put_off(self, progress: Progress, exc: Exception) -> None:
        attempts = progress.attempts + 1
        if attempts == 1 or attempts % _TOLD_EACH == 0:
            log.warning("%s: tried again later (%d failed): %s", progress.request.place.name, attempts, words_of(exc))
        pause = min(_LONGEST_PAUSE_SECONDS, 2.0 ** min(attempts, 10))
        self._desk.requests.note_looked(progress.question_id, again_in_seconds=pause, attempts=attempts)

    def _handle(self, progress: Progress) -> float | None:
        """Do what is next about a request; return in how many seconds to look again, None when it is finished."""
        desk, requests = self._desk.desk, self._desk.requests
        question = desk.questions.read(progress.question_id)
        if progress.outcome is not None:
            self._show(question)
            return None
        desk.look(question.id, [message_id for message_id, _ in question.cards])
        place = progress.request.place
        sight = self._api.look(place)
        if sight is not None:
            created_at = None if sight.detail is None else sight.detail.created_at
            is_awaiting_input = sight.state in AWAITING_INPUT
            progress = requests.note_seen(progress, created_at=created_at, is_awaiting_input=is_awaiting_input)
        question = desk.questions.read(progress.question_id)
        step = next_step(question, progress, sight, self._api.account)
        match step:
            case Finish(ending):
                self._end(progress, ending)
                return None
            case PassOn(answer):
                # before it is sent: whoever comes after a crash has to know that this answer may be ours
                requests.note_passed(question.id)
                try:
                    taken = self._api.answer(place, answer, created_at=progress.created_at)
                except BadRequest as exc:
                    self._end(progress, endings.refused(exc.message))
                    return None
                log.info("%s: the answer %s was given: %s", place.name, ", ".join(answer.chosen), taken)
                return _SOON_SECONDS
            case Wait(seconds):
                self._send_late(progress, question)
                return seconds

    def _send_late(self, progress: Progress, question: Question) -> None:
        """Send a card that could not be sent when the task asked."""
        is_late = question.now_ms - question.asked_ms >= _NOTIFIER_SECONDS * 1000
        if question.state == "open" and not question.is_sent and is_late:
            try:
                sent = self._desk.send(self._client, question, progress.request)
            except PermanentError as exc:
                # who was asked is this request's own: however wrong, the others must get their answers
                raise _CardNotSent(str(exc)) from exc
            log.info("%s: asked with %d cards, later than the task did", progress.request.place.name, len(sent.cards))

    def _end(self, progress: Progress, ending: Ending) -> None:
        self.counts[ending.outcome] += 1
        log.info("%s: %s", progress.request.place.name, ending.en_us)
        self._show(self._desk.requests.end(progress.question_id, ending))

    def _show(self, question: Question) -> None:
        """Let the cards say how it ended.

        :raises RetriableError: Lark did not take a card this time.
        """
        card = question.shown()
        failed: RetriableError | None = None
        for message_id, _ in question.cards if card is not None else ():
            try:
                self._client.messaging.update_card(message_id=message_id, card=card or {})
            except PermanentError as exc:
                # whoever presses it sees it as it is
                log.warning("card %s cannot be updated: %s", message_id, exc)
            except RetriableError as exc:
                failed = exc
        if failed is not None:
            raise failed
        self._desk.requests.finish(question.id)


def _client_options(hook: LarkHook) -> dict[str, Any]:
    from airflow_provider_lark.core.api.retry import RetryPolicy

    policy = hook.retry_policy(RetryPolicy(max_attempts=2, max_elapsed_seconds=_PATIENCE_SECONDS))
    return {"timeout_seconds": min(hook.calls.timeout_seconds or _CALL_SECONDS, _CALL_SECONDS), "retry": policy}
