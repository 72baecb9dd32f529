"""The questions that tasks ask people, on cards and in the approval centre, in the database of the token store."""

from __future__ import annotations

import hashlib
import json
import logging
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import ConfigError, LarkError
from airflow_provider_lark.hooks.accounts import read_keyring
from airflow_provider_lark.hooks.database import sql_engine

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.inbox.inbox import Inbox
    from airflow_provider_lark.core.questions.question import Question
    from airflow_provider_lark.core.questions.rules import State, Vote
    from airflow_provider_lark.core.questions.store import QuestionStore
    from airflow_provider_lark.hooks.lark import LarkHook

log = logging.getLogger(__name__)


def open_questions(hook: LarkHook, *, kept_open: int = 0) -> QuestionStore:
    """Return the questions that are asked with the app; the database is not asked yet.

    :param kept_open: as for :func:`.sql_engine`.
    :raises ConfigError: the connection names no token store, or ``LARK_CONFIG_ENCRYPTION_KEY`` holds no key.
    """
    from airflow_provider_lark.core.questions.store import QuestionStore

    settings = hook.settings
    if settings.token_store_conn_id is None:
        raise ConfigError(
            f"connection {hook.lark_conn_id!r}: has no token store, which also holds questions and their answers; set "
            "store_conn_id to a SQL connection"
        )
    engine = sql_engine(settings.token_store_conn_id, kept_open=kept_open)
    store = QuestionStore(engine, read_keyring(), settings.app_id)
    # as of the inbox: a receiver reads its connection anew every minute, and lets go of what it had
    weakref.finalize(store, engine.dispose)
    return store


@dataclass(frozen=True)
class QuestionDesk:
    """The questions of an app, and the inbox in which clicks on them may wait."""

    questions: QuestionStore
    inbox: Inbox

    @classmethod
    def open(cls, lark_conn_id: str) -> QuestionDesk:
        """Return those of a connection; the database is not asked yet."""
        from airflow_provider_lark.hooks.lark import LarkHook

        return cls.of(LarkHook(lark_conn_id))

    @classmethod
    def of(cls, hook: LarkHook) -> QuestionDesk:
        """Return those of a hook's app."""
        from airflow_provider_lark.hooks.receiving.inbox import open_inbox

        return cls(open_questions(hook), open_inbox(hook))

    def look(self, question_id: str, subjects: Sequence[str]) -> tuple[State, int]:
        """Return how a question stands, and the database's time; the last look comes before its time is over.

        :param subjects: its cards, and its instance in the approval centre: answers that wait in the inbox for them
            are decided first.
        """
        from airflow_provider_lark.core.questions.desk import decide_waiting

        decide_waiting(self.inbox, self.questions, subjects)
        state, is_over, now_ms = self.questions.state_of(question_id)
        if state == "open" and is_over:
            state = self.questions.expire(question_id).state
        return state, now_ms

    def show(self, client: LarkClient, question: Question) -> bool:
        """Let every card of a question, and the approval centre, say how it stands, and return whether all do.

        What Lark does not change is left, with a warning: whoever presses such a card is told, and then it is changed
        with the answer to that click.
        """
        card = question.shown()
        shown = [self.show_in_centre(client, question)]
        if card is not None:
            shown += [self._show_on_card(client, question, message_id, card) for message_id, _ in question.cards]
        if question.state != "open":
            self.questions.note_shown(question.id)
        return all(shown)

    def close(self, hook: LarkHook, question_id: str, *, show: bool, is_over: bool = False) -> None:
        """Close a question, whose task no longer waits; one that is closed stays as it is.

        :param show: whether its cards, which were sent for it, and the approval centre say so.
        :param is_over: whether that is because its time is over.
        """
        state: State = "expired" if is_over else "withdrawn"
        question = self.questions.withdraw(question_id, state)
        if is_over and not question.votes:
            # who clears the task wants to wait anew
            self.questions.collect(question_id)
        if show and question.state == state and not question.is_shown:
            with hook.client() as client:
                self.show(client, question)

    def _show_on_card(self, client: LarkClient, question: Question, message_id: str, card: Mapping[str, Any]) -> bool:
        try:
            client.messaging.update_card(message_id=message_id, card=card)
        except LarkError as exc:
            if self._show_by_token(client, question, message_id, card):
                return True
            log.warning("card %s could not be updated, and is updated when somebody presses it: %s", message_id, exc)
            return False
        return True

    def show_in_centre(self, client: LarkClient, question: Question) -> bool:
        """Let the approval centre show a question as it stands; return whether it does, or need not."""
        from airflow_provider_lark.core.questions.centre import Centre

        if question.terms.centre is None:
            return True
        try:
            Centre(client, self.questions).show(question.id)
        except LarkError as exc:
            log.warning("the approval centre could not be updated for question %s: %s", question.id, exc)
            return False
        return True

    def _show_by_token(self, client: LarkClient, question: Question, message_id: str, card: Mapping[str, Any]) -> bool:
        tokens = [each.token for each in question.votes if each.message_id == message_id and each.token]
        if not tokens:
            return False
        try:
            client.messaging.update_clicked_card(token=tokens[-1], card=card)
        except LarkError:
            return False
        return True


def tell_vote(vote: Vote) -> dict[str, Any]:
    """Return an answer as a task returns it."""
    return {
        "open_id": vote.open_id,
        "user_id": vote.user_id or None,
        "union_id": vote.union_id or None,
        "name": vote.name or None,
        "answered_at": tell_moment(vote.at_ms),
        "choice": vote.choice or None,
        "values": dict(vote.values),
        "message_id": vote.message_id,
        "via": vote.via,
    }


def tell_moment(at_ms: int) -> str:
    """Return a moment as ISO text in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def question_key(context: Any, purpose: str) -> str:
    """Return the key under which all tries of a task ask, and no other task or run."""
    ti = context["ti"]
    parts = (ti.dag_id, context["run_id"], ti.task_id, ti.map_index, purpose)
    return content_mark([str(part) for part in parts])


def asking_mark(context: Any, given: Any) -> str:
    """Return what tells this asking, with what was *given*, from every other one under the same key.

    All tries ask the same: one that dies after it has taken its answer leaves it to the next. A clearing asks anew, and
    moves ``max_tries``; so does a run that was deleted and made again, which begins at another time.
    """
    begun = getattr(context.get("dag_run"), "start_date", None)
    return content_mark([given, getattr(context["ti"], "max_tries", 0), begun])


def content_mark(given: Any) -> str:
    """Return what tells plain data from other data."""
    text = json.dumps(given, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def default_zone() -> str:
    """Return Airflow's own time zone, in which people are told when somebody answered."""
    from airflow.sdk import conf

    name = str(conf.get("core", "default_timezone", fallback="UTC"))
    return "UTC" if name.lower() in ("utc", "system") else name
