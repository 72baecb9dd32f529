"""The tables of questions, read and written within the caller's transaction."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from airflow_provider_lark.core.accounts.tables import EVENT_LENGTH, ID_LENGTH, answers, question_cards, questions
from airflow_provider_lark.core.database.dbtime import Now, NowMs, now_plus_ms
from airflow_provider_lark.core.database.insert import insert_if_new
from airflow_provider_lark.core.errors import ConfigError, NotFound
from airflow_provider_lark.core.questions.board.rows import has_no_runs, redraw
from airflow_provider_lark.core.questions.click import Click, as_answer
from airflow_provider_lark.core.questions.question import Answered, Question, Sealer
from airflow_provider_lark.core.questions.rules import State, Verdict, Vote, judge
from airflow_provider_lark.core.questions.terms import Terms
from airflow_provider_lark.core.questions.toasts import toast_for

log = logging.getLogger(__name__)

NOW = NowMs()
_SAME_CLICK_MS = 1999
"""Both kinds of callback of one click are this near to each other at most; see :func:`.envelope.read_delivery`."""


def ask(
    sealer: Sealer, key: str, terms: Terms, seconds: float | None, mark: str, id_: str, conn: Connection
) -> tuple[Question, Question | None]:
    """Return the question of *key*, and the one that it replaces; see :meth:`.QuestionStore.ask`."""
    last = conn.execute(_last_of(sealer.app_id, key).with_for_update()).one_or_none()
    replaced: Question | None = None
    if last is not None:
        if _goes_on(last, mark):
            return _read(sealer, last, conn), None
        if last.state == "open":
            replaced = _replace(sealer, last.id, conn)
    row = {
        "id": id_,
        "app_id": sealer.app_id,
        "question_key": key,
        "round": 1 if last is None else last.round + 1,
        "mark": mark,
        "state": "open",
        "expires_at_ms": None if seconds is None else now_plus_ms(seconds),
        "asked_at_ms": NOW,
        "reminders": 0,
        **sealer.seal("terms", terms.to_plain()),
    }
    if not insert_if_new(conn, questions, row):
        # another process asked at this moment: its question is ours
        return read_last(sealer, key, conn), replaced
    return replace(read(sealer, id_, conn), is_new=True), replaced


def _replace(sealer: Sealer, id_: str, conn: Connection) -> Question | None:
    """Close a question that is asked anew, and return it; None where its key is lost, and its cards stay."""
    try:
        return close(sealer, id_, "replaced", conn, only_when_due=False)
    except ConfigError as exc:
        log.warning("question %s is asked anew, and its cards stay as they are: %s", id_, exc)
        set_values(id_, {"state": "replaced", "closed_at_ms": NOW}, conn)
        return None


def find(sealer: Sealer, key: str, mark: str, conn: Connection) -> Question | None:
    """Return the question that :func:`ask` would return without asking anew."""
    last = conn.execute(_last_of(sealer.app_id, key)).one_or_none()
    return _read(sealer, last, conn) if last is not None and _goes_on(last, mark) else None


def _goes_on(last: Row[Any], mark: str) -> bool:
    return last.collected_at_ms is None and last.mark == mark and last.state in ("open", "answered", "expired")


def read_last(sealer: Sealer, key: str, conn: Connection) -> Question:
    """Return the newest question of *key*.

    :raises NotFound: there is none.
    """
    # locked, which also reads what was committed since this transaction began
    row = conn.execute(_last_of(sealer.app_id, key).with_for_update()).one_or_none()
    if row is None:
        raise NotFound(f"no question was asked under the key {key}")
    return _read(sealer, row, conn)


def _last_of(app_id: str, key: str) -> Select[Any]:
    mine = (questions.c.app_id == app_id, questions.c.question_key == key)
    return select(questions).where(*mine).order_by(questions.c.round.desc()).limit(1)


def read(sealer: Sealer, id_: str, conn: Connection, *, lock: bool = False) -> Question:
    """Return a question.

    :raises NotFound: there is none.
    """
    wanted = select(questions).where(questions.c.id == id_, questions.c.app_id == sealer.app_id)
    row = conn.execute(wanted.with_for_update() if lock else wanted).one_or_none()
    if row is None:
        raise NotFound(f"there is no question {id_} of app {sealer.app_id}; it may have been purged")
    return _read(sealer, row, conn)


def _read(sealer: Sealer, row: Row[Any], conn: Connection) -> Question:
    cards = conn.execute(
        select(question_cards.c.message_id, question_cards.c.chat_id)
        .where(question_cards.c.question_id == row.id)
        .order_by(question_cards.c.noted_at_ms, question_cards.c.message_id)
    ).all()
    given = conn.execute(
        select(answers).where(answers.c.question_id == row.id, answers.c.outcome == "accepted").order_by(answers.c.id)
    ).all()
    votes = tuple(Vote.from_plain(sealer.unseal(each.body, each.key_id)["vote"]) for each in given)
    return Question(
        row.id,
        row.question_key,
        row.state,
        Terms.from_plain(sealer.unseal(row.terms, row.key_id)),
        tuple((each.message_id, each.chat_id) for each in cards),
        votes,
        row.decision,
        int(row.asked_at_ms),
        row.expires_at_ms,
        row.closed_at_ms,
        int(conn.scalar(select(NOW)) or 0),
        row.sent_at_ms is not None,
        row.shown_at_ms is not None,
        row.reminders,
        pushed_ms=row.pushed_ms or 0,
        is_taken=row.taken_token is not None,
        is_collected=row.collected_at_ms is not None,
    )


def note_card(app_id: str, id_: str, message_id: str, chat_id: str, conn: Connection) -> None:
    """Note a card that asks the question, unless it is known."""
    row = {"app_id": app_id, "message_id": message_id, "chat_id": chat_id, "question_id": id_, "noted_at_ms": NOW}
    insert_if_new(conn, question_cards, row)


def set_values(id_: str, values: Mapping[str, Any], conn: Connection) -> None:
    """Change columns of a question."""
    conn.execute(update(questions).where(questions.c.id == id_).values(updated_at=Now(), **values))


def state_of(id_: str, conn: Connection) -> tuple[State, bool, int]:
    """Return how a question stands, whether its time is over, and the database's time.

    :raises NotFound: there is none.
    """
    found = select(questions.c.state, questions.c.expires_at_ms, NOW.label("now_ms")).where(questions.c.id == id_)
    row = conn.execute(found).one_or_none()
    if row is None:
        raise NotFound(f"there is no question {id_}; it may have been purged")
    return row.state, row.expires_at_ms is not None and row.now_ms >= row.expires_at_ms, int(row.now_ms)


def stamp(sealer: Sealer, id_: str, above_ms: int, conn: Connection) -> Question:
    """Give out the time of a push; see :meth:`.QuestionStore.stamp`."""
    question = read(sealer, id_, conn, lock=True)
    at_ms = max(question.now_ms, question.pushed_ms + 1, above_ms + 1)
    set_values(id_, {"pushed_ms": at_ms}, conn)
    return replace(question, pushed_ms=at_ms)


def close(sealer: Sealer, id_: str, state: State, conn: Connection, *, only_when_due: bool) -> Question:
    """Close an open question, and return it; one that is closed stays as it is.

    :param only_when_due: only when its time is over.
    """
    question = read(sealer, id_, conn, lock=True)
    is_due = question.expires_at_ms is not None and question.now_ms >= question.expires_at_ms
    if question.state != "open" or (only_when_due and not is_due):
        return question
    set_values(id_, {"state": state, "closed_at_ms": NOW}, conn)
    return read(sealer, id_, conn)


def answer(sealer: Sealer, click: Click, conn: Connection) -> Answered | None:
    """Decide about a click under a lock on its question, and keep it; None where no question is asked there."""
    id_ = _question_of(sealer.app_id, click, conn)
    if id_ is None:
        return None
    question = read(sealer, id_, conn, lock=True)
    click = as_answer(question.terms, click)
    if click.at_ms is None:
        # the older callback does not say when it happened
        click = replace(click, at_ms=question.now_ms)
        if question.terms.fields and not click.form and click.via == "card":
            # nor what was filled in: the callback of today does
            return Answered(question, Verdict("repeated"), {}, is_repeated=True)
    standing = question.standing
    if question.terms.board:
        standing = replace(standing, is_abandoned=has_no_runs(question.terms.board, conn))
    verdict = judge(question.terms, standing, click)
    # one that was refused a moment ago and counts now is no repetition: the person is told that it is recorded
    is_repeated = verdict.vote is None and _was_here(question, click, conn)
    if not is_repeated and verdict.reason != "repeated":
        _keep(sealer, question, click, verdict, conn)
    said = _first_verdict(question, verdict, click) if is_repeated else verdict
    toast = toast_for(question.terms, question.standing, said, click.open_id)
    after = read(sealer, id_, conn)
    card = _card_of(sealer, after, click, verdict, conn, is_news=verdict.vote is not None and not is_repeated)
    shown = {} if card is None else {"card": {"type": "raw", "data": card}}
    return Answered(after, verdict, {"toast": toast, **shown}, is_repeated)


def _card_of(
    sealer: Sealer, after: Question, click: Click, verdict: Verdict, conn: Connection, *, is_news: bool
) -> Mapping[str, Any] | None:
    """Return the card as whoever pressed it has to see it from now on; None where it stays as it is."""
    has_changed = verdict.vote is not None or after.state != "open"
    is_own = click.message_id in after.standing.message_ids
    if not after.terms.board:
        # whoever presses a card that has been left as it was sees it as it is
        return after.shown() if has_changed and is_own else None
    is_abandoned = verdict.reason == "abandoned"
    if not (has_changed or is_abandoned or verdict.reason == "outdated"):
        return None
    return redraw(
        sealer,
        after.terms.board,
        click.message_id,
        conn,
        is_news=is_news,
        is_own=is_own,
        is_abandoned=is_abandoned,
    )


def _first_verdict(question: Question, verdict: Verdict, click: Click) -> Verdict:
    """Return what the first of two callbacks of one click was told: only one of the two answers is shown."""
    mine = [each for each in question.votes if each.open_id == click.open_id]
    return Verdict("accepted", mine[-1], question.decision) if verdict.reason == "repeated" and mine else verdict


def _question_of(app_id: str, click: Click, conn: Connection) -> str | None:
    if click.question_id:
        found = select(questions.c.id).where(questions.c.id == click.question_id, questions.c.app_id == app_id)
        return conn.scalar(found)
    if not click.message_id:
        return None
    asked = (
        select(questions.c.id)
        .join(question_cards, question_cards.c.question_id == questions.c.id)
        .where(question_cards.c.message_id == click.message_id, questions.c.app_id == app_id)
        # of several that were asked with one card, the last
        .order_by(question_cards.c.noted_at_ms.desc(), questions.c.round.desc())
        .limit(1)
    )
    return conn.scalar(asked)


def _was_here(question: Question, click: Click, conn: Connection) -> bool:
    """Tell whether the same click has been kept: an app with both kinds of callback gets each twice."""
    at = click.at_ms or 0
    same = (
        answers.c.question_id == question.id,
        answers.c.open_id == (click.open_id or click.user_id),
        answers.c.content_hash == click.digest,
        answers.c.clicked_ms.between(at - _SAME_CLICK_MS, at + _SAME_CLICK_MS),
    )
    return conn.scalar(select(answers.c.id).where(*same).limit(1)) is not None


def _keep(sealer: Sealer, question: Question, click: Click, verdict: Verdict, conn: Connection) -> None:
    vote = verdict.vote
    body = {"click": asdict(replace(click, token="")), "vote": vote.to_plain() if vote is not None else None}
    row = {
        "app_id": sealer.app_id,
        "question_id": question.id,
        "message_id": click.message_id[:EVENT_LENGTH],
        "event_id": click.event_id[:EVENT_LENGTH],
        # of somebody whom the approval centre names, and nobody has allowed, there is no other
        "open_id": (click.open_id or click.user_id)[:EVENT_LENGTH],
        "content_hash": click.digest,
        "clicked_ms": click.at_ms,
        "outcome": "accepted" if vote is not None else "refused",
        "reason": verdict.reason,
        **sealer.seal("body", body),
    }
    conn.execute(insert(answers).values(row))
    if verdict.reason == "taken_back":
        set_values(question.id, {"state": "open", "decision": None, "closed_at_ms": None}, conn)
    if vote is not None and verdict.decision is not None:
        # what a card of somebody else's calls its button can be of any length; the whole stands in the answer
        closed = {"state": "answered", "decision": verdict.decision[:ID_LENGTH], "closed_at_ms": NOW}
        set_values(question.id, closed, conn)
