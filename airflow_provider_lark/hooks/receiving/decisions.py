"""What a sync leaves to people, decided on a card in a chat: told after a run, and carried out by the next one.

Nothing of it fails a run: without Lark or the token store, everything waits as it does without a card.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from airflow_provider_lark.core.errors import LarkError, SafetyStop
from airflow_provider_lark.hooks.receiving.allowed import find_allowed
from airflow_provider_lark.hooks.receiving.board_messages import (
    CALLS,
    BoardMessages,
    LeftCards,
    open_boards,
    table_mark,
)
from airflow_provider_lark.hooks.receiving.questions import QuestionDesk, content_mark
from airflow_provider_lark.hooks.table_place import TablePlace

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient, SyncEngine
    from airflow_provider_lark.core.questions.board.state import Board
    from airflow_provider_lark.core.questions.board.store import BoardStore, Decided
    from airflow_provider_lark.core.questions.rules import Vote
    from airflow_provider_lark.core.sync.report import SyncReport
    from airflow_provider_lark.core.sync.verdicts import OpenDecisions, Verdict
    from airflow_provider_lark.hooks.lark import LarkHook

log = logging.getLogger(__name__)

R = TypeVar("R", bound="SyncReport")

_EARLIER_NAMED = 3


@dataclass
class DecisionCard:
    """The card of one mapping in one chat.

    :param hook: of the app that sends the card and hears of clicks.
    :param receive_id: chat or person.
    :param allowed: who may decide: ids, addresses, numbers, or a chat; None: everybody who sees the card.
    :param hidden: columns whose values are not shown.
    :param sql_conn_id: of the mapping's database, which tells tables of one name apart.
    :param owner: names the task, which closes cards that it had and has no more.
    """

    hook: LarkHook
    receive_id: str
    allowed: Sequence[str] | None
    hidden: frozenset[str]
    sql_conn_id: str
    owner: str

    def around(self, engine: SyncEngine, run: Callable[[], R]) -> R:
        """Run with what people decided, and tell what is left to them, also where deletes that are held end the run.

        :raises Exception: whatever *run* raises.
        """
        from airflow_provider_lark.core.questions.board.card import ITEMS_MAX
        from airflow_provider_lark.core.sync.verdicts import Verdicts

        token = uuid4().hex
        engine.verdicts = Verdicts((), partial(self._take, engine, token), ITEMS_MAX, self.hidden)
        try:
            report = run()
        except SafetyStop:
            self._tell(engine)
            raise
        finally:
            self._give_back(engine, token)
            self._others.close(engine, self._place(engine))
        self._tell(engine)
        return report

    def _take(self, engine: SyncEngine, token: str) -> list[Verdict]:
        try:
            return self._taken(engine, token)
        except LarkError as exc:
            log.warning("%s: what people decided cannot be read, and waits for the next run: %s", *_named(engine, exc))
            return []

    def _give_back(self, engine: SyncEngine, token: str) -> None:
        """Let people change again what the run has not carried out."""
        untouched = engine.verdicts.untouched
        if not untouched:
            return
        try:
            self._boards.give_back(untouched, token)
        except LarkError as exc:
            log.warning(
                "%s: what was not carried out cannot be taken back until the next run has ended: %s",
                *_named(engine, exc),
            )

    def _taken(self, engine: SyncEngine, token: str) -> list[Verdict]:
        from airflow_provider_lark.core.questions.desk import decide_waiting

        known = self._boards.find(self._place(engine))
        if known is None:
            return []
        self._boards.note_looked(known, self.owner, table_mark(engine))
        if known.message_id is not None:
            decide_waiting(self._desk.inbox, self._desk.questions, [known.message_id])
        return [_verdict(each) for each in self._boards.take(known.board, token)]

    def _tell(self, engine: SyncEngine) -> None:
        if engine.verdicts.left is None:
            return
        try:
            self._update(engine, engine.verdicts.left)
        except LarkError as exc:
            log.warning(
                "%s: the card for decisions is not up to date; the next run tries again: %s", *_named(engine, exc)
            )

    def _update(self, engine: SyncEngine, left: OpenDecisions) -> None:
        place, board = self._place(engine), self._board(engine, left)
        known = self._boards.find(place)
        was_open = known is not None and known.board.is_open
        if not board.is_open and not was_open and (known is None or (known.is_shown and not known.board.left)):
            return
        with self.hook.client(**CALLS) as client:
            board_id = self._boards.update(
                place,
                board,
                allowed=lambda: self._people(client),
                key_of=lambda about: content_mark([place, about]),
                fates={id_: fate for id_, fate in engine.verdicts.fates.items() if fate != "waiting"},
            )
            if (made := self._boards.find(place)) is not None:
                self._boards.note_looked(made, self.owner, table_mark(engine))
            messages = BoardMessages(client, self._boards)
            messages.show(board_id, self.receive_id)
            messages.close_left(board_id)

    def _people(self, client: LarkClient) -> dict[str, str] | None:
        return None if self.allowed is None else find_allowed(self.hook, client, self.allowed, "decision_allowed")

    def _board(self, engine: SyncEngine, left: OpenDecisions) -> Board:
        from airflow_provider_lark.core.questions.board.state import Board, Item, Shown

        held = [Item(each.kind, "", each.seen, count=each.count, keys=each.keys) for each in left.held]
        conflicts = [
            Item(
                "conflict",
                each.key,
                each.seen,
                gone=each.gone,
                columns=tuple(Shown(one.column, one.lark, one.sql, one.is_hidden) for one in each.differences),
            )
            for each in left.conflicts
        ]
        to_lark, to_sql = left.written
        app_token, table_id = engine.table or ("", "")
        return Board(
            engine.mapping.name,
            (*held, *conflicts),
            left.conflict_count,
            left.failed,
            left.failed_rows,
            TablePlace(self.hook.settings.host, app_token, table_id).url if app_token else None,
            receiver=self.receive_id,
            rule=content_mark([self.receive_id, self.allowed])[:32],
            written=(
                f"{to_lark:,} to Lark, {to_sql:,} to the database",
                f"写入飞书 {to_lark:,}，写入数据库 {to_sql:,}",
            ),
        )

    def _place(self, engine: SyncEngine) -> str:
        sql = engine.mapping.sql
        return content_mark([self.sql_conn_id, sql.schema, sql.table])

    @cached_property
    def _desk(self) -> QuestionDesk:
        return QuestionDesk.of(self.hook)

    @cached_property
    def _boards(self) -> BoardStore:
        return open_boards(self.hook, self._desk.questions)

    @cached_property
    def _others(self) -> LeftCards:
        return LeftCards(self.hook, self.owner)


def _verdict(decided: Decided) -> Verdict:
    from airflow_provider_lark.core.sync.verdicts import Verdict

    item, vote = decided.item, decided.vote
    choice: Any = vote.choice
    after = ", ".join(f"{_person(each)}: {each.choice}" for each in decided.earlier[-_EARLIER_NAMED:])
    return Verdict(item.question_id, item.kind, item.key, item.seen, choice, _person(vote), after)


def _person(vote: Vote) -> str:
    return f"{vote.name} ({vote.open_id})" if vote.name else vote.open_id


def _named(engine: SyncEngine, exc: LarkError) -> tuple[str, LarkError]:
    return engine.mapping.name, exc
