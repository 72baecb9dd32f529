"""Rotation of the keys of all that is sealed beside tokens: questions and answers, requests, cards, and the inbox.

Who takes the old key away loses what is still under it: people's answers to approvals that are open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Engine, Row, Select, func, or_, select, update

from airflow_provider_lark.core.accounts.decision_tables import decision_cards
from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.hitl_requests import hitl_requests
from airflow_provider_lark.core.accounts.tables import answers, inbox, questions
from airflow_provider_lark.core.accounts.transactions import look, transact
from airflow_provider_lark.core.clock import Clock, SystemClock

SEALED: tuple[tuple[Column[Any], Column[Any]], ...] = (
    (questions.c.id, questions.c.terms),
    (answers.c.id, answers.c.body),
    (hitl_requests.c.question_id, hitl_requests.c.request),
    (decision_cards.c.id, decision_cards.c.content),
    (inbox.c.id, inbox.c.body),
)
"""Key and sealed text of each table; the ids of the keys stand in its ``key_id``."""

_AT_ONCE = 20
"""Rows a transaction: an entry of the inbox may have some megabytes."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What :func:`reencrypt_rows` did.

    :param moved: rows that are under the first key now.
    :param unreadable: rows that no key opens; they are left as they are.
    """

    moved: int
    unreadable: int


def count_older(engine: Engine, keyring: Keyring, *, clock: Clock | None = None) -> int:
    """Return how many rows are not encrypted under the first key."""

    def count(key: Column[Any], conn: Connection) -> int:
        return int(conn.scalar(select(func.count()).select_from(key.table).where(_is_older(key, keyring))) or 0)

    return sum(
        look(engine, partial(count, key), table=key.table.name, clock=clock or SystemClock()) for key, _ in SEALED
    )


def reencrypt_rows(engine: Engine, keyring: Keyring, *, clock: Clock | None = None) -> Moved:
    """Encrypt every row under the first key of *keyring*; receivers and tasks may go on meanwhile."""
    moved = unreadable = 0
    for key, text in SEALED:
        last: Any = None
        while rows := _some(engine, key, text, keyring, last, clock):
            last = rows[-1].key
            opened = [(row, keyring.decrypt(row.text, key_id=row.key_id)) for row in rows]
            unreadable += sum(plain is None for _, plain in opened)
            changes = [(row, keyring.encrypt(plain)) for row, plain in opened if plain is not None]
            change = partial(_change, key, text, changes, keyring.current_id)
            moved += transact(engine, change, table=key.table.name, clock=clock or SystemClock())
    return Moved(moved, unreadable)


def _some(
    engine: Engine, key: Column[Any], text: Column[Any], keyring: Keyring, last: Any, clock: Clock | None
) -> Sequence[Row[Any]]:
    columns = (key.label("key"), text.label("text"), key.table.c.key_id)
    asked: Select[Any] = select(*columns).where(_is_older(key, keyring))
    asked = asked if last is None else asked.where(key > last)
    asked = asked.order_by(key).limit(_AT_ONCE)
    return look(engine, lambda conn: conn.execute(asked).all(), table=key.table.name, clock=clock or SystemClock())


def _change(
    key: Column[Any], text: Column[Any], changes: Sequence[tuple[Row[Any], str]], key_id: str, conn: Connection
) -> int:
    done = 0
    for row, sealed in changes:
        # unless somebody has written another text meanwhile, which is under the first key
        same = (key == row.key, text == row.text)
        done += conn.execute(update(key.table).where(*same).values({text.name: sealed, "key_id": key_id})).rowcount
    return done


def _is_older(key: Column[Any], keyring: Keyring) -> ColumnElement[bool]:
    key_id = key.table.c.key_id
    return or_(key_id.is_(None), key_id != keyring.current_id)
