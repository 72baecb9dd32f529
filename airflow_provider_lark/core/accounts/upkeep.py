"""Maintenance of the table ``tokens``: inspect it, rotate keys, delete what has expired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, or_, select, update

from airflow_provider_lark.core.accounts.encryption import VARIABLE, Keyring
from airflow_provider_lark.core.accounts.sealing import PlainToken, SealedColumn, key_of, row_of, seal, unseal
from airflow_provider_lark.core.accounts.tables import tokens
from airflow_provider_lark.core.accounts.transactions import look, transact
from airflow_provider_lark.core.api.tokens.token_store import TokenKey
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.dbtime import now_plus
from airflow_provider_lark.core.errors import ConfigError

T = TypeVar("T")

_COLUMNS: tuple[SealedColumn, ...] = ("token", "refresh_token")
WEEK_SECONDS = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Survey:
    """The rows of the table by what the keys can do with them.

    :param current: encrypted under the first key.
    :param older: encrypted under one of the others: :func:`reencrypt` moves them.
    :param unreadable: whose token it is, where no key opens it.
    """

    current: int
    older: int
    unreadable: tuple[TokenKey, ...]


@dataclass(frozen=True, slots=True)
class Reencryption:
    """What :func:`reencrypt` did.

    :param moved: rows that are under the first key now.
    :param current: rows that were under it before.
    :param unreadable: whose token it is, where no key opens it.
    :param dropped: how many of the unreadable rows were deleted.
    """

    moved: int
    current: int
    unreadable: tuple[TokenKey, ...]
    dropped: int


def survey(engine: Engine, keyring: Keyring) -> Survey:
    """Look at every row; changes nothing."""
    current, older, unreadable = 0, 0, []
    for row in _rows(engine):
        if _open(keyring, row) is None:
            unreadable.append(key_of(row))
        elif row.key_id == keyring.current_id:
            current += 1
        else:
            older += 1
    return Survey(current, older, tuple(unreadable))


def reencrypt(
    engine: Engine, keyring: Keyring, *, drop_unreadable: bool = False, clock: Clock | None = None
) -> Reencryption:
    """Encrypt every row under the first key of *keyring*; workers may go on meanwhile.

    :param drop_unreadable: delete rows that no key opens: their tokens are asked for again, their users sign in again.
    :raises ConfigError: there are rows and no key opens any of them; nothing was changed.
    """
    rows = list(_rows(engine))
    opened = {key_of(row): _open(keyring, row) for row in rows}
    if rows and not drop_unreadable and not any(opened.values()):
        raise ConfigError(
            f"wrong encryption key: none of the keys in {VARIABLE} ({', '.join(keyring.key_ids)}) decrypts any of the "
            f"rows in {tokens.name} ({len(rows)}), which are encrypted with {_ids(rows)}; add the old key after the "
            "new one"
        )
    moved = current = dropped = 0
    for row in rows:
        parts = opened[key_of(row)]
        if parts is None:
            dropped += drop_unreadable and _run(engine, partial(_delete, row), clock)
        elif row.key_id == keyring.current_id:
            current += 1
        else:
            moved += _run(engine, partial(_move, keyring, row, parts), clock)
    return Reencryption(moved, current, tuple(key for key, parts in opened.items() if parts is None), dropped)


def purge(engine: Engine, *, clock: Clock | None = None) -> int:
    """Delete rows that have been of no use for a week, and return how many."""
    old = delete(tokens).where(tokens.c.expires_at < now_plus(-WEEK_SECONDS))
    return _run(engine, lambda conn: conn.execute(old).rowcount, clock)


def _rows(engine: Engine) -> list[Row[Any]]:
    filled = select(tokens).where(or_(tokens.c.token.is_not(None), tokens.c.refresh_token.is_not(None)))
    return look(engine, lambda conn: list(conn.execute(filled)), table=tokens.name, clock=SystemClock())


def _open(keyring: Keyring, row: Row[Any]) -> dict[SealedColumn, PlainToken] | None:
    """Return what the row holds, or None when no key opens a column of it."""
    opened: dict[SealedColumn, PlainToken] = {}
    for column in _COLUMNS:
        sealed = getattr(row, column)
        if sealed is not None:
            found = unseal(keyring, key_of(row), column, sealed, key_id=row.key_id)
            if found is None:
                return None
            opened[column] = found
    return opened


def _move(keyring: Keyring, row: Row[Any], plain: dict[SealedColumn, PlainToken], conn: Connection) -> bool:
    sealed = {column: seal(keyring, key_of(row), column, each) for column, each in plain.items()}
    return (
        conn.execute(update(tokens).where(*_unchanged(row)).values(key_id=keyring.current_id, **sealed)).rowcount == 1
    )


def _delete(row: Row[Any], conn: Connection) -> bool:
    return conn.execute(delete(tokens).where(*_unchanged(row))).rowcount == 1


def _unchanged(row: Row[Any]) -> list[ColumnElement[bool]]:
    """Return the condition that nobody has saved another token since *row* was read."""
    same = [tokens.c[column].is_not_distinct_from(getattr(row, column)) for column in _COLUMNS]
    return [row_of(key_of(row)), *same]


def _ids(rows: list[Row[Any]]) -> str:
    return ", ".join(sorted({str(row.key_id) for row in rows}))


def _run(engine: Engine, work: Callable[[Connection], T], clock: Clock | None) -> T:
    return transact(engine, work, table=tokens.name, clock=clock or SystemClock())
