"""Claims: which process may update a card. Each function works within the caller's transaction."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import Connection, func, select, update

from airflow_provider_lark.core.accounts.tables import alert_cards, alert_tasks
from airflow_provider_lark.core.alerts.news import Alert, CardPlace, Group, TaskNews, read_facts
from airflow_provider_lark.core.alerts.noting import CardRow, lock_card
from airflow_provider_lark.core.database.dbtime import NowMs, now_plus, now_plus_ms

UPDATABLE_SECONDS = 14 * 86_400.0 - 3600.0
"""How old a card may be to be changed: Lark's 14 days, with a margin."""

UUID_SECONDS = 3600.0 - 120.0
"""How long Lark knows a message by its uuid, with a margin."""

ATTEMPTS_MAX = 5
"""So often a card is tried anew in vain before only news of its own lets it be tried again."""

UNFINISHED_SECONDS = 86_400.0
"""How long after its last news a card that was left is looked for."""

ClaimState = Literal["shown", "taken", "mine"]

_TASKS_NAMED = 10
_INDEXES_NAMED = 3


def look_at_claim(card_id: str, version: int, conn: Connection) -> ClaimState:
    """Return what :func:`claim_card` would, without waiting for anybody: ``mine`` is only a chance."""
    columns = (*alert_cards.c, NowMs().label("now_ms"))
    return _state_of(conn.execute(select(*columns).where(alert_cards.c.card_id == card_id)).one_or_none(), version)


def claim_card(card_id: str, version: int, claim: str, seconds: float, conn: Connection) -> ClaimState:
    """Claim the card for *seconds*, to bring it to *version*, unless it is there or another has claimed it."""
    card = lock_card(conn, card_id)
    state = _state_of(card, version)
    if card is None or state != "mine":
        return state
    _set(conn, card_id, claim_token=claim, claim_until_ms=now_plus_ms(seconds), attempts=card.attempts + 1)
    return "mine"


def begin(card_id: str, claim: str, uuid: str, seconds: float, conn: Connection) -> Alert | None:
    """Return the card as it has to look now, and keep the claim for *seconds*; None where another has it.

    What was begun is known before it is sent: who comes after a crash sends under the same uuid.

    :param uuid: a new one, for the case that a card has to be sent.
    """
    card = lock_card(conn, card_id)
    if card is None or card.claim_token != claim:
        return None
    values: dict[str, Any] = {"claim_until_ms": now_plus_ms(seconds)}
    is_old = card.sent_at_ms is not None and card.now_ms - card.sent_at_ms > UPDATABLE_SECONDS * 1000
    message_id = None if is_old else card.message_id
    is_begun = card.begun_at_ms is not None and card.now_ms - card.begun_at_ms <= UUID_SECONDS * 1000
    is_in_doubt = message_id is None and card.uuid is not None and is_begun and not is_old
    if message_id is None and not is_in_doubt:
        values |= {"uuid": uuid, "begun_at_ms": card.now_ms, "message_id": None, "sent_at_ms": None}
    _set(conn, card_id, **values)
    return _read(conn, card, message_id, card.uuid if is_in_doubt else uuid, is_in_doubt=is_in_doubt)


def note_shown(card_id: str, claim: str, version: int | None, message_id: str, conn: Connection) -> int | None:
    """Write down that *message_id* shows *version*, and return the one that is to be shown next; None ends the claim.

    Where another has claimed the card meanwhile, what stands there may be the older of two: it is to be shown again.

    :param version: None: it shows something older, of which that is all that is known.
    """
    card = lock_card(conn, card_id)
    if card is None:
        return None
    values: dict[str, Any] = {}
    if card.message_id is None:
        values |= {"message_id": message_id, "sent_at_ms": card.now_ms}
    if card.claim_token != claim:
        _set(conn, card_id, **values, version=card.version + 1)
        return int(card.version) + 1
    shown = card.shown_version if version is None else version
    has_news = bool(card.version > shown)
    values |= {"shown_version": shown, "attempts": 0}
    _set(conn, card_id, **values, **({} if has_news else _NOBODY))
    return int(card.version) if has_news else None


def forget_message(card_id: str, claim: str, conn: Connection) -> None:
    """Write down that the card is gone, or can no longer be changed: the next one is sent."""
    mine = (alert_cards.c.card_id == card_id, alert_cards.c.claim_token == claim)
    gone = dict.fromkeys(("message_id", "sent_at_ms", "uuid", "begun_at_ms"))
    conn.execute(update(alert_cards).where(*mine).values(**gone))


def release(card_id: str, claim: str, conn: Connection) -> None:
    """Give the claim up without having shown anything."""
    mine = (alert_cards.c.card_id == card_id, alert_cards.c.claim_token == claim)
    conn.execute(update(alert_cards).where(*mine).values(**_NOBODY))


def find_unfinished(host: str, app_id: str, limit: int, conn: Connection) -> list[tuple[str, int]]:
    """Return cards of the app, with their version, that do not show their news and that nobody has claimed."""
    columns = alert_cards.c
    found = conn.execute(
        select(columns.card_id, columns.version)
        .where(
            columns.updated_at > now_plus(-UNFINISHED_SECONDS),
            columns.shown_version < columns.version,
            columns.host == host,
            columns.app_id == app_id,
            columns.attempts < ATTEMPTS_MAX,
            (columns.claim_until_ms.is_(None)) | (columns.claim_until_ms <= NowMs()),
        )
        .order_by(columns.updated_at)
        .limit(limit)
    )
    return [(row.card_id, row.version) for row in found]


def _state_of(card: CardRow | None, version: int) -> ClaimState:
    if card is None or card.shown_version >= version:
        return "shown"
    return "taken" if card.claim_token is not None and card.claim_until_ms > card.now_ms else "mine"


_NOBODY: dict[str, Any] = {"claim_token": None, "claim_until_ms": None}


def _set(conn: Connection, card_id: str, **values: Any) -> None:
    conn.execute(update(alert_cards).where(alert_cards.c.card_id == card_id).values(**values))


def _read(conn: Connection, card: CardRow, message_id: str | None, uuid: str, *, is_in_doubt: bool) -> Alert:
    facts = read_facts(card.facts)
    place = CardPlace(
        *(card.host, card.app_id, card.receiver, card.receiver_type, card.dag_id, card.run_id, card.task_id)
    )
    is_over = card.green_at_ms is not None and card.red_since_ms is not None
    return Alert(
        place=place,
        version=card.version,
        facts=facts,
        run_state=card.run_state,
        groups=tuple(_groups(conn, card.card_id)),
        leading=_leading(conn, card.card_id),
        totals=facts.get("totals", {}),
        red_seconds=max(0.0, (card.green_at_ms - card.red_since_ms) / 1000) if is_over else None,
        message_id=message_id,
        uuid=uuid,
        is_in_doubt=is_in_doubt,
    )


def _groups(conn: Connection, card_id: str) -> list[Group]:
    columns = alert_tasks.c
    counted = select(columns.task_id, columns.state, func.count().label("found"), func.min(columns.version))
    rows = conn.execute(
        counted.where(columns.card_id == card_id)
        .group_by(columns.task_id, columns.state)
        .order_by(func.min(columns.version), columns.task_id)
    ).all()
    named = [row for row in rows if row.state != "recovered"][: 2 * _TASKS_NAMED]
    return [
        Group(row.task_id, row.state, row.found, _indexes(conn, card_id, row) if row in named else ()) for row in rows
    ]


def _indexes(conn: Connection, card_id: str, row: Any) -> tuple[int, ...]:
    columns = alert_tasks.c
    mine = (columns.card_id == card_id, columns.task_id == row.task_id, columns.state == row.state)
    first = select(columns.map_index).where(*mine, columns.map_index >= 0).order_by(columns.map_index)
    return tuple(conn.scalars(first.limit(_INDEXES_NAMED)))


def _leading(conn: Connection, card_id: str) -> TaskNews | None:
    columns = alert_tasks.c
    of_card = select(alert_tasks).where(columns.card_id == card_id)
    for state, order in (
        # what was noted by the task itself says more than what the run's end says of it
        ("failed", (columns.try_number == 0, columns.version, columns.map_index)),
        ("retrying", (columns.version.desc(), columns.map_index)),
        ("recovered", (columns.version.desc(), columns.map_index)),
    ):
        row = conn.execute(of_card.where(columns.state == state).order_by(*order).limit(1)).one_or_none()
        if row is not None:
            return TaskNews(row.task_id, row.map_index, row.state, row.try_number, read_facts(row.facts))
    return None
