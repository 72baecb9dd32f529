"""Recording failures, retries and recoveries. Each function works within the caller's transaction.

:func:`make_card` comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from airflow_provider_lark.core.accounts.tables import LOOKUP_LENGTH, alert_cards, alert_tasks
from airflow_provider_lark.core.alerts.news import (
    OPEN_STATES,
    CardPlace,
    RunNews,
    TaskKey,
    TaskNews,
    TaskState,
    read_facts,
    write_facts,
)
from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.dbtime import Now, NowMs
from airflow_provider_lark.core.database.insert import insert_new, upsert_many
from airflow_provider_lark.core.errors import Unreachable

_FAILED = ("failed", "upstream_failed")
_ROWS_AT_ONCE = 200

_LONG_EXCEPTIONS = 20
_SHORT = 500
"""Characters of an exception beyond the first so many of a card: 10,000 instances of a task may fail."""

_SAME_START_SECONDS = 1.0
"""What two processes may differ in about the start of one try."""

CardRow = Row[Any]


def note_task(place: CardPlace, news: TaskNews, look: Mapping[str, Any], conn: Connection) -> int | None:
    """Write down *news*, and return the version that shows it; None where nothing has to be shown.

    A try that is told late changes nothing, nor does one that is told again. A recovery of what was never told is
    kept, so that its failure, told later, does not stand there for ever.

    :param look: how the card looks from now on, and what is known of the run.
    """
    card = _locked(place, conn)
    known = conn.execute(select(alert_tasks).where(*_key_of(place, news.key))).one_or_none()
    if known is not None and not _is_newer(known, news):
        return card.version if known.state == news.state and card.version > card.shown_version else None
    _put(conn, card, [_shortened(conn, card, news) if known is None else news])
    if news.state == "recovered" and (known is None or known.state == "recovered"):
        return None
    totals = {} if news.total is None else {news.task_id: news.total}
    return _raise_version(conn, card, look, totals=totals, run_state=card.run_state)


def note_run(place: CardPlace, news: RunNews, look: Mapping[str, Any], conn: Connection) -> int | None:
    """Write down what became of the run, and return the version that shows it; None where nothing has to be shown.

    A success is shown only where the card has shown something before.
    """
    card = lock_card(conn, place.card_id) if news.state == "succeeded" else _locked(place, conn)
    if card is None or (news.state == "succeeded" and card.version == 0):
        return None
    known = _states_of(conn, place)
    changed, added = _corrections(known, news), _additions(known, news)
    is_told = card.run_state == news.state or (card.run_state == "unexplained" and news.state == "failed")
    if not changed and not added and is_told:
        return card.version if card.version > card.shown_version else None
    for key, task_state in changed.items():
        conn.execute(update(alert_tasks).where(*_key_of(place, key)).values(state=task_state, version=card.version + 1))
    for some in split(added, _ROWS_AT_ONCE):
        _put(conn, card, some)
    state = "unexplained" if news.state == "failed" else news.state
    return _raise_version(conn, card, look, totals=_totals(news), run_state=state)


def lock_card(conn: Connection, card_id: str) -> CardRow | None:
    """Return the card's row, which nobody else changes until the transaction ends; None where there is none."""
    conn.execute(update(alert_cards).where(alert_cards.c.card_id == card_id).values(updated_at=Now()))
    columns = (*alert_cards.c, NowMs().label("now_ms"))
    return conn.execute(select(*columns).where(alert_cards.c.card_id == card_id)).one_or_none()


def make_card(place: CardPlace, conn: Connection) -> None:
    """Make the card's row, if there is none. In a transaction of its own: on MySQL two who find it there would hold
    locks that keep each other from changing it.
    """
    values = {
        "card_id": place.card_id,
        "host": place.host,
        "app_id": place.app_id,
        "receiver": place.receiver[:LOOKUP_LENGTH],
        "receiver_type": place.receiver_type,
        "dag_id": place.dag_id,
        "run_id": place.run_id,
        "task_id": place.task_id,
        "facts": "{}",
        **dict.fromkeys(("version", "shown_version", "attempts"), 0),
    }
    conn.execute(insert_new(conn, alert_cards).values(values))


def has_card(place: CardPlace, conn: Connection) -> bool:
    """Tell whether the card has a row."""
    found = select(alert_cards.c.card_id).where(alert_cards.c.card_id == place.card_id)
    return conn.scalar(found) is not None


def _locked(place: CardPlace, conn: Connection) -> CardRow:
    card = lock_card(conn, place.card_id)
    if card is None:
        raise Unreachable("the card's row was deleted at this moment; the next news makes it again")
    return card


def _key_of(place: CardPlace, key: TaskKey) -> list[Any]:
    columns = alert_tasks.c
    return [columns.card_id == place.card_id, columns.task_id == key[0], columns.map_index == key[1]]


def _is_newer(known: Row[Any], news: TaskNews) -> bool:
    began, known_began = (facts.get("started_at") for facts in (news.facts, read_facts(known.facts)))
    if began and known_began and (began - known_began).total_seconds() > _SAME_START_SECONDS:
        # a run that was deleted and made again counts its tries anew
        return True
    if news.try_number != known.try_number:
        return bool(news.try_number > known.try_number)
    # the same try, told again by another process; what has made it cannot fail any more
    return known.state not in (news.state, "recovered")


def _put(conn: Connection, card: CardRow, some: Iterable[TaskNews]) -> None:
    rows = [
        {
            "card_id": card.card_id,
            "task_id": news.task_id,
            "map_index": news.map_index,
            "state": news.state,
            "try_number": news.try_number,
            "facts": write_facts(news.facts),
            "version": card.version + 1,
        }
        for news in some
    ]
    conn.execute(upsert_many(conn, alert_tasks, rows))


def _shortened(conn: Connection, card: CardRow, news: TaskNews) -> TaskNews:
    """Return *news* with the beginning of its exception, where many stand on the card already: it shows one of them."""
    told = news.facts.get("exception")
    if told is None or len(told) <= _SHORT:
        return news
    rows = select(func.count()).select_from(alert_tasks).where(alert_tasks.c.card_id == card.card_id)
    if (conn.scalar(rows) or 0) < _LONG_EXCEPTIONS:
        return news
    return replace(news, facts={**news.facts, "exception": f"{told[:_SHORT]} …"})


def _states_of(conn: Connection, place: CardPlace) -> dict[TaskKey, str]:
    columns = alert_tasks.c
    found = select(columns.task_id, columns.map_index, columns.state).where(columns.card_id == place.card_id)
    return {(row.task_id, row.map_index): row.state for row in conn.execute(found)}


def _corrections(known: Mapping[TaskKey, str], news: RunNews) -> dict[TaskKey, TaskState]:
    """Return what the run's end says otherwise of its tasks than they said themselves."""
    if news.states is None and news.state == "failed":
        return {}
    changed: dict[TaskKey, TaskState] = {}
    for key, told in known.items():
        state: TaskState = "failed" if (news.states or {}).get(key) in _FAILED else "recovered"
        if state != told and (state == "failed" or told in OPEN_STATES):
            changed[key] = state
    return changed


def _additions(known: Mapping[TaskKey, str], news: RunNews) -> list[TaskNews]:
    """Return the tasks that failed without saying so; a try of its own may be told later, and says more."""
    states = (news.states or {}).items()
    return [TaskNews(*key, "failed", 0, {}) for key, real in states if real == "failed" and key not in known]


def _totals(news: RunNews) -> dict[str, int]:
    counts: dict[str, int] = {}
    for task_id, map_index in news.states or {}:
        if map_index >= 0:
            counts[task_id] = counts.get(task_id, 0) + 1
    return counts


def _raise_version(
    conn: Connection, card: CardRow, look: Mapping[str, Any], *, totals: Mapping[str, int], run_state: str | None
) -> int:
    facts = read_facts(card.facts)
    merged = {**facts, **look, "totals": {**facts.get("totals", {}), **totals}}
    open_ones = _count_open(conn, card.card_id)
    run_state = _settle(run_state, open_ones)
    since, until = card.red_since_ms, card.green_at_ms
    if open_ones or run_state == "unexplained":
        since, until = (card.now_ms if since is None or until is not None else since), None
    else:
        until = card.now_ms if until is None else until
    values = {
        "facts": write_facts(merged),
        "run_state": run_state,
        "version": card.version + 1,
        "red_since_ms": since,
        "green_at_ms": until,
    }
    conn.execute(update(alert_cards).where(alert_cards.c.card_id == card.card_id).values(values))
    return int(card.version) + 1


def _settle(run_state: str | None, open_ones: int) -> str | None:
    """Return what is to be said of the run: once the tasks that made it fail have recovered, it goes on."""
    if run_state in ("failed", "unexplained") and open_ones:
        return "failed"
    return None if run_state == "failed" else run_state


def _count_open(conn: Connection, card_id: str) -> int:
    mine = (alert_tasks.c.card_id == card_id, alert_tasks.c.state.in_(OPEN_STATES))
    return conn.scalar(select(func.count()).select_from(alert_tasks).where(*mine)) or 0
