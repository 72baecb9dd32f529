"""The table of boards, read and written within the caller's transaction.

A click locks its question first and the board after that; whoever changes the board locks no question meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from airflow_provider_lark.core.accounts.decision_tables import decision_cards as table
from airflow_provider_lark.core.accounts.tables import answers, questions
from airflow_provider_lark.core.cards.component import Json
from airflow_provider_lark.core.database.dbtime import Now, NowMs, now_plus_ms
from airflow_provider_lark.core.database.insert import insert_if_new
from airflow_provider_lark.core.questions.board import words
from airflow_provider_lark.core.questions.board.card import board_card, left_card
from airflow_provider_lark.core.questions.board.state import Board, Tally
from airflow_provider_lark.core.questions.question import Sealer
from airflow_provider_lark.core.questions.rules import Vote

UPDATABLE_MS = 14 * 86_400_000 - 3_600_000
"""How old a message may be to be changed: Lark's 14 days, with a margin."""

UUID_MS = 3_600_000 - 120_000
"""How long Lark knows a message by its uuid, with a margin."""

REOPEN_MS = 3_600_000
"""So long after a board was closed it goes on in the same message; later in a new one, which people notice."""


ABANDONED_MS = 8 * 86_400_000
"""So long after the last look of a run nothing is decided on a board: longer than a week, as some syncs run weekly."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A board as it stands.

    :param message_id: of the message that shows it; None before there is one.
    :param is_shown: whether the message shows all of it.
    :param looked: the task that looked at it last, and the table of Lark that it syncs.
    :param looked_ms_ago: how long ago that was; None: no task has.
    """

    id: str
    board: Board
    message_id: str | None
    chat_id: str
    is_shown: bool
    looked: tuple[str | None, str | None] = (None, None)
    looked_ms_ago: int | None = None


@dataclass(frozen=True, slots=True)
class Showing:
    """What is to be shown, by whoever has claimed the board.

    :param message_id: of the message to change; None: send a new one, under *uuid*.
    """

    board: Board
    version: int
    card: Json = field(repr=False)
    message_id: str | None
    uuid: str


_ROW: Select[Any] = select(*table.c, NowMs().label("now_ms"))


def find(sealer: Sealer, place: str, conn: Connection) -> Standing | None:
    """Return the board of a place; None while there is none."""
    mine = (table.c.app_id == sealer.app_id, table.c.place == place)
    row = conn.execute(_ROW.where(*mine)).one_or_none()
    return None if row is None else _read(sealer, row)


def read(sealer: Sealer, id_: str, conn: Connection) -> Standing:
    """Return a board."""
    return _read(sealer, conn.execute(_ROW.where(table.c.id == id_)).one())


def make(sealer: Sealer, place: str, id_: str, board: Board, conn: Connection) -> None:
    """Make the board of a place, unless there is one."""
    first = {"id": id_, "app_id": sealer.app_id, "place": place, "version": 0, "shown_version": 0}
    insert_if_new(conn, table, {**first, **sealer.seal("content", board.to_plain())})


def change(sealer: Sealer, id_: str, board: Board, conn: Connection) -> None:
    """Let a board show *board* from now on; a state that looks like the last one changes nothing."""
    row = _lock(conn, id_)
    known = _read(sealer, row).board
    values: dict[str, Any] = {}
    moves = known.receiver not in ("", board.receiver)
    board = replace(board, left=(*known.left, row.message_id) if moves and row.message_id else known.left)
    if known.digest != board.digest:
        values = {**sealer.seal("content", board.to_plain()), "version": row.version + 1}
    if board.is_open and row.closed_at_ms is not None:
        values |= {"closed_at_ms": None}
        if row.now_ms - row.closed_at_ms > REOPEN_MS:
            values |= _NO_MESSAGE
    elif not board.is_open and row.closed_at_ms is None:
        values["closed_at_ms"] = row.now_ms
    if moves:
        values |= _NO_MESSAGE
    if values:
        _set(conn, id_, **values)


def begin(sealer: Sealer, id_: str, claim: str, uuid: str, seconds: float, conn: Connection) -> Showing | None:
    """Claim the board for *seconds*, and return what is to be shown; None where nothing is, or another is about it.

    What was begun is known before it is sent: who comes after a crash sends under the same uuid.
    """
    row = _lock(conn, id_)
    is_taken = row.claim_token not in (None, claim) and row.claim_until_ms > row.now_ms
    if row.version == row.shown_version or is_taken:
        return None
    is_old = row.sent_at_ms is not None and row.now_ms - row.sent_at_ms > UPDATABLE_MS
    message_id = None if is_old else row.message_id
    board = _read(sealer, row).board
    if board.is_left and message_id is None:
        # where nobody is asked any more, nobody is told so with a new message
        _set(conn, id_, shown_version=row.version)
        return None
    values: dict[str, Any] = {"claim_token": claim, "claim_until_ms": now_plus_ms(seconds)}
    is_begun = row.uuid is not None and row.begun_at_ms is not None and row.now_ms - row.begun_at_ms <= UUID_MS
    if message_id is None and (is_old or not is_begun):
        values |= {**_NO_MESSAGE, "uuid": uuid, "begun_at_ms": row.now_ms}
    else:
        uuid = row.uuid or uuid
    _set(conn, id_, **values)
    return Showing(board, int(row.version), _draw(sealer, board, conn), message_id, uuid)


def note_shown(id_: str, claim: str, version: int, message_id: str, chat_id: str, conn: Connection) -> bool:
    """Write down that *message_id* shows *version*; tell whether there is something newer to show by now."""
    row = _lock(conn, id_)
    values: dict[str, Any] = {}
    if row.message_id is None:
        values = {"message_id": message_id, "chat_id": chat_id, "sent_at_ms": row.now_ms}
    if row.claim_token != claim:
        # another took over meanwhile, and what stands there may be the older of two
        _set(conn, id_, **values, version=row.version + 1)
        return False
    has_news = bool(row.version > version)
    _set(conn, id_, **values, shown_version=version, **({} if has_news else _NOBODY))
    return has_news


def forget_message(id_: str, claim: str, conn: Connection) -> None:
    """Write down that the message is gone, or can no longer be changed: the next one is sent."""
    conn.execute(update(table).where(table.c.id == id_, table.c.claim_token == claim).values(**_NO_MESSAGE))


def release(id_: str, claim: str, conn: Connection) -> None:
    """Give the claim up without having shown anything."""
    conn.execute(update(table).where(table.c.id == id_, table.c.claim_token == claim).values(**_NOBODY))


def has_no_runs(id_: str, conn: Connection) -> bool:
    """Tell whether no run has looked at a board for so long that none may come."""
    found = select(table.c.looked_at_ms, NowMs().label("now_ms")).where(table.c.id == id_)
    row = conn.execute(found).one_or_none()
    return row is not None and row.looked_at_ms is not None and row.now_ms - row.looked_at_ms > ABANDONED_MS


def note_looked(id_: str, owner: str, lark_table: str, conn: Connection) -> None:
    """Note that a task looks at a board."""
    looked = {"owner": owner, "lark_table": lark_table, "looked_at_ms": NowMs()}
    conn.execute(update(table).where(table.c.id == id_).values(looked))


def left_by(sealer: Sealer, owner: str, lark_table: str, place: str | None, conn: Connection) -> list[Standing]:
    """Return the boards about *lark_table* that *owner* looked at last, but for that of *place*, and not yet closed."""
    mine = (table.c.app_id == sealer.app_id, table.c.owner == owner, table.c.lark_table == lark_table)
    found = [_read(sealer, row) for row in conn.execute(_ROW.where(*mine, table.c.place != (place or "")))]
    return [each for each in found if not (each.board.is_left and each.is_shown)]


def note_closed(sealer: Sealer, id_: str, message_id: str, conn: Connection) -> None:
    """Note that a message that shows the board no more says so."""
    board = _read(sealer, _lock(conn, id_)).board
    left = tuple(each for each in board.left if each != message_id)
    _set(conn, id_, **sealer.seal("content", replace(board, left=left).to_plain()))


def redraw(
    sealer: Sealer, id_: str, message_id: str, conn: Connection, *, is_news: bool, is_own: bool, is_abandoned: bool
) -> Json | None:
    """Return the card for the answer to a click on it; None where the message is none of the board's.

    :param is_news: something was decided: the next run shows it again in any case.
    :param is_own: whether the message has shown the board, now or before.
    :param is_abandoned: whether nothing is decided there until a run comes.
    """
    row = _lock_if_there(conn, id_)
    if row is None:
        return None
    if is_news or is_abandoned:
        # the answer may not arrive, or arrive after that to another click
        _set(conn, id_, version=row.version + 1)
    if not message_id or row.message_id not in (None, message_id):
        return left_card(_read(sealer, row).board, words.MOVED) if is_own and message_id else None
    board = _read(sealer, row).board
    return left_card(board, words.ABANDONED) if is_abandoned else _draw(sealer, board, conn)


def tallies_of(sealer: Sealer, question_ids: Sequence[str], conn: Connection) -> dict[str, Tally]:
    """Return what people have decided, by question."""
    if not question_ids:
        return {}
    given = select(answers).where(answers.c.question_id.in_(question_ids), answers.c.outcome == "accepted")
    found = conn.execute(given.order_by(answers.c.id)).all()
    votes: dict[str, list[Vote]] = {}
    for each in found:
        votes.setdefault(each.question_id, []).append(Vote.from_plain(sealer.unseal(each.body, each.key_id)["vote"]))
    return {question_id: Tally(tuple(given)) for question_id, given in votes.items()}


def take(sealer: Sealer, question_ids: Sequence[str], token: str, conn: Connection) -> dict[str, Tally]:
    """Take what was decided for a run, and return it: until it is given back, nobody changes it.

    What another run had taken is taken over: only one at a time has the lease on the tables.
    """
    if not question_ids:
        return {}
    decided = (questions.c.id.in_(question_ids), questions.c.state == "answered", questions.c.collected_at_ms.is_(None))
    conn.execute(update(questions).where(*decided).values(taken_token=token))
    mine = (questions.c.id.in_(question_ids), questions.c.taken_token == token)
    return tallies_of(sealer, list(conn.scalars(select(questions.c.id).where(*mine))), conn)


def give_back(question_ids: Sequence[str], token: str, conn: Connection) -> None:
    """Let people change again what a run has taken, and not carried out."""
    mine = (questions.c.id.in_(question_ids), questions.c.taken_token == token)
    conn.execute(update(questions).where(*mine).values(taken_token=None))


def collected_among(question_ids: Sequence[str], conn: Connection) -> set[str]:
    """Return those of *question_ids* whose answer has been dealt with."""
    if not question_ids:
        return set()
    done = (questions.c.id.in_(question_ids), questions.c.collected_at_ms.is_not(None))
    return set(conn.scalars(select(questions.c.id).where(*done)))


def _draw(sealer: Sealer, board: Board, conn: Connection) -> Json:
    return board_card(board, tallies_of(sealer, [each.question_id for each in board.items], conn))


_NOBODY: dict[str, Any] = {"claim_token": None, "claim_until_ms": None}
_NO_MESSAGE: dict[str, Any] = dict.fromkeys(("message_id", "sent_at_ms", "uuid", "begun_at_ms"))


def _read(sealer: Sealer, row: Row[Any]) -> Standing:
    board = Board.from_plain(sealer.unseal(row.content, row.key_id))
    is_shown, looked = row.version == row.shown_version, (row.owner, row.lark_table)
    ms_ago = None if row.looked_at_ms is None else row.now_ms - row.looked_at_ms
    return Standing(row.id, board, row.message_id, row.chat_id or "", is_shown, looked, ms_ago)


def _lock(conn: Connection, id_: str) -> Row[Any]:
    return conn.execute(_locking(id_)).one()


def _lock_if_there(conn: Connection, id_: str) -> Row[Any] | None:
    return conn.execute(_locking(id_)).one_or_none()


def _locking(id_: str) -> Any:
    return _ROW.where(table.c.id == id_).with_for_update()


def _set(conn: Connection, id_: str, **values: Any) -> None:
    conn.execute(update(table).where(table.c.id == id_).values(updated_at=Now(), **values))
