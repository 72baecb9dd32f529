"""The messages that show what a sync leaves to people: sent, changed, and closed where nobody is asked any more."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_lark.core.api.codes.messages import UNCHANGEABLE_CARD
from airflow_provider_lark.core.errors import BadRequest, LarkError, NotFound
from airflow_provider_lark.hooks.accounts import read_keyring
from airflow_provider_lark.hooks.database import sql_engine
from airflow_provider_lark.hooks.receiving.questions import content_mark, default_zone, open_questions

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient, SyncEngine
    from airflow_provider_lark.core.questions.board.rows import Showing
    from airflow_provider_lark.core.questions.board.store import BoardStore
    from airflow_provider_lark.core.questions.store import QuestionStore
    from airflow_provider_lark.hooks.lark import LarkHook

log = logging.getLogger(__name__)

R = TypeVar("R")

CALLS: dict[str, Any] = {"timeout_seconds": 10.0, "max_attempts": 2, "max_elapsed_seconds": 20.0}
"""How calls for a card go: a run does not wait long for them."""

_CHANGES_IN_A_ROW = 5


def open_boards(hook: LarkHook, questions: QuestionStore) -> BoardStore:
    """Return the boards of the hook's app; the database is not asked yet."""
    from airflow_provider_lark.core.questions.board.store import BoardStore

    # the questions have been opened, so that there is a store is known
    conn_id = str(hook.settings.token_store_conn_id)
    return BoardStore(sql_engine(conn_id), read_keyring(), hook.settings.app_id, questions, zone=default_zone())


@dataclass(frozen=True)
class BoardMessages:
    """The messages of an app's boards."""

    client: LarkClient
    boards: BoardStore

    def show(self, board_id: str, receive_id: str) -> None:
        """Let the message of a board show it as it is now, also what has changed meanwhile.

        :param receive_id: who gets a new one.
        :raises LarkError: Lark did not take it; the next run tries again.
        """
        for _ in range(_CHANGES_IN_A_ROW):
            showing = self.boards.begin(board_id)
            if showing is None:
                return
            try:
                message_id, chat_id = self._put(showing, receive_id)
            except (BadRequest, NotFound) as exc:
                if showing.message_id is None or exc.code not in UNCHANGEABLE_CARD:
                    self.boards.release(board_id)
                    raise
                # the next turn sends a new one
                self.boards.forget_message(board_id)
                continue
            except LarkError:
                self.boards.release(board_id)
                raise
            if not self.boards.note_shown(board_id, showing, message_id, chat_id):
                return

    def close_left(self, board_id: str) -> None:
        """Close the messages that stand where the board did before.

        :raises LarkError: Lark did not take it; the next run tries again.
        """
        from airflow_provider_lark.core.api.services.messaging import content

        for message_id, card in self.boards.left_messages(board_id):
            try:
                self.client.messaging.update_card(message_id=message_id, card=content.card(card), sent_form="2.0")
            except (BadRequest, NotFound) as exc:
                if exc.code not in UNCHANGEABLE_CARD:
                    raise
            self.boards.note_closed(board_id, message_id)

    def _put(self, showing: Showing, receive_id: str) -> tuple[str, str]:
        from airflow_provider_lark.core.api.services.messaging import content

        said = content.card(showing.card)
        if showing.message_id is not None:
            self.client.messaging.update_card(message_id=showing.message_id, card=said, sent_form="2.0")
            return showing.message_id, ""
        sent = self.client.messaging.send(receiver_id=receive_id, content=said, uuid=showing.uuid)
        return sent.message_id, sent.chat_id


@dataclass
class LeftCards:
    """The cards on which a task asked before, and asks no more: its mapping or its parameters have changed.

    :param owner: names the task; a card belongs to the one that looked at it last.
    """

    hook: LarkHook
    owner: str
    is_done: bool = False

    def after(self, engine: SyncEngine, run: Callable[[], R]) -> R:
        """Run, where nobody is asked, and close the cards of before."""
        try:
            return run()
        finally:
            self.close(engine, None)

    def close(self, engine: SyncEngine, place: str | None) -> None:
        """Close the cards about the run's Lark table that belong to this task, but for the one of *place*; once."""
        if self.is_done or engine.table is None:
            return
        try:
            boards = open_boards(self.hook, open_questions(self.hook))
            found = boards.left_by(self.owner, table_mark(engine), place)
            if found:
                with self.hook.client(**CALLS) as client:
                    for known in found:
                        boards.leave(known)
                        BoardMessages(client, boards).show(known.id, known.board.receiver)
                        log.info("%s: its card for decisions of before is closed", known.board.mapping)
            self.is_done = True
        except LarkError as exc:
            log.warning(
                "%s: whether a card of before is still open is not known; the next run looks again: %s",
                *(engine.mapping.name, exc),
            )


def table_mark(engine: SyncEngine) -> str:
    """Return what tells the Lark table of a run from others."""
    return content_mark(list(engine.table or ()))
