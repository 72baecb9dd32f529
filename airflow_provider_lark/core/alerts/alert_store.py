"""The cards that stand for failures, in the accounts' database: each step in a transaction of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine, delete, select

from airflow_provider_lark.core.accounts.database import AccountsDatabase
from airflow_provider_lark.core.accounts.tables import alert_cards, alert_tasks
from airflow_provider_lark.core.accounts.transactions import transact
from airflow_provider_lark.core.alerts import claims, noting
from airflow_provider_lark.core.alerts.news import Alert, CardPlace, RunNews, TaskNews
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.dbtime import now_plus

CLAIM_SECONDS = 7.0
"""How long a process that died keeps others from its card: longer than one call to Lark with a new token takes."""

KEPT_SECONDS = 60 * 86_400.0
"""How long cards are kept after their last news: Lark changes none that is older than 14 days."""


class AlertStore:
    """Keeps what cards have to show, and which process has claimed it; safe to share between threads.

    The tables are made at the first use. Its methods raise :class:`.ConfigError`, :class:`.SchemaMismatch` or
    :class:`.Unreachable` where the database cannot be used.

    :param claim: names this process, never the same twice.
    """

    def __init__(self, engine: Engine, *, clock: Clock | None = None, claim: str | None = None) -> None:
        self._database = AccountsDatabase(engine, alert_cards, clock=clock)
        self._claim = claim or uuid4().hex

    def note_task(self, place: CardPlace, news: TaskNews, facts: Mapping[str, Any]) -> int | None:
        """Write down *news*; see :func:`.noting.note_task`."""
        self._make_card(place)
        return self._database.transact(partial(noting.note_task, place, news, facts))

    def note_run(self, place: CardPlace, news: RunNews, facts: Mapping[str, Any]) -> int | None:
        """Write down *news*; see :func:`.noting.note_run`."""
        if news.state == "failed":
            self._make_card(place)
        return self._database.transact(partial(noting.note_run, place, news, facts))

    def claim(self, card_id: str, version: int) -> claims.ClaimState:
        """Claim the card, unless it shows *version* or another process has claimed it."""
        seen = self._look_at_claim(card_id, version)
        if seen != "mine":
            return seen
        return self._database.transact(partial(claims.claim_card, card_id, version, self._claim, CLAIM_SECONDS))

    def is_shown(self, card_id: str, version: int) -> bool:
        """Tell whether the card shows *version*."""
        return self._look_at_claim(card_id, version) == "shown"

    def begin(self, card_id: str) -> Alert | None:
        """Return the card as it has to look now; None where another process has claimed it."""
        return self._database.transact(partial(claims.begin, card_id, self._claim, uuid4().hex, CLAIM_SECONDS))

    def note_shown(self, card_id: str, version: int | None, message_id: str) -> int | None:
        """Write down what is shown, and return what is to be shown next; see :func:`.claims.note_shown`."""
        return self._database.transact(partial(claims.note_shown, card_id, self._claim, version, message_id))

    def forget_message(self, card_id: str) -> None:
        """Let the next card be a new one."""
        self._database.transact(partial(claims.forget_message, card_id, self._claim))

    def release(self, card_id: str) -> None:
        """Give the claim up."""
        self._database.transact(partial(claims.release, card_id, self._claim))

    def find_unfinished(self, host: str, app_id: str, *, limit: int) -> list[tuple[str, int]]:
        """Return cards that were left with news that they do not show."""
        return self._database.look(partial(claims.find_unfinished, host, app_id, limit))

    def _look_at_claim(self, card_id: str, version: int) -> claims.ClaimState:
        return self._database.look(partial(claims.look_at_claim, card_id, version))

    def _make_card(self, place: CardPlace) -> None:
        if not self._database.look(partial(noting.has_card, place)):
            self._database.transact(partial(noting.make_card, place))


def purge(engine: Engine, *, clock: Clock | None = None) -> int:
    """Delete cards whose last news is 60 days old, and return how many."""
    old = select(alert_cards.c.card_id).where(alert_cards.c.updated_at < now_plus(-KEPT_SECONDS))

    def work(conn: Connection) -> int:
        ids = list(conn.scalars(old))
        for card_id in ids:
            conn.execute(delete(alert_tasks).where(alert_tasks.c.card_id == card_id))
            conn.execute(delete(alert_cards).where(alert_cards.c.card_id == card_id))
        return len(ids)

    return transact(engine, work, table=alert_cards.name, clock=clock or SystemClock())
