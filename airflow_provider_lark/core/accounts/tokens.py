"""Tokens in a database, for all workers: the SQL store behind :mod:`airflow_provider_lark.core.api.tokens.token_store`.

Times are counted by the database's clock, so workers whose clocks differ agree on what has expired.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Engine, Row, or_, select, update

from airflow_provider_lark.core.accounts.encryption import VARIABLE, Keyring
from airflow_provider_lark.core.accounts.sealing import PlainToken, SealedColumn, columns_of, row_of, seal, unseal
from airflow_provider_lark.core.accounts.tables import tokens
from airflow_provider_lark.core.accounts.transactions import look, transact
from airflow_provider_lark.core.accounts.upkeep import (
    WEEK_SECONDS,
    Reencryption,
    Survey,
    purge,
    reencrypt,
    survey,
)
from airflow_provider_lark.core.api.tokens.token_store import StoredToken, TokenKey
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.database.dbtime import Now, NowMs, epoch_ms, now_plus, now_plus_ms
from airflow_provider_lark.core.database.insert import insert_if_new, upsert_many
from airflow_provider_lark.core.errors import ConfigError

__all__ = ["Reencryption", "SqlTokenStore", "Survey", "purge", "reencrypt", "survey"]

T = TypeVar("T")


class SqlTokenStore:
    """Keeps tokens in the table ``tokens``; safe to share between threads.

    :param engine: of a database with the tables of :mod:`.tables`; its errors do not show parameters from then on.
    :param keyring: the keys that encrypt, the same for all workers.
    :param new_claim: makes the name of a claim, never the same twice.
    """

    def __init__(
        self,
        engine: Engine,
        keyring: Keyring,
        *,
        clock: Clock | None = None,
        new_claim: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._engine = engine
        self._keyring = keyring
        self._clock = clock or SystemClock()
        self._new_claim = new_claim
        self._claims: dict[TokenKey, str] = {}

    def load(self, key: TokenKey) -> StoredToken | None:
        """Return what is kept, expired or not.

        :raises ConfigError: none of the keys opens it; what has expired counts as not there.
        """
        find = _find(key)
        row = look(self._engine, lambda conn: conn.execute(find).one_or_none(), table=tokens.name, clock=self._clock)
        if row is None or (row.token is None and row.refresh_token is None):
            return None
        sealed: dict[SealedColumn, str | None] = {"token": row.token, "refresh_token": row.refresh_token}
        opened = {
            column: unseal(self._keyring, key, column, text, key_id=row.key_id)
            for column, text in sealed.items()
            if text is not None
        }
        if None in opened.values():
            if row.left_ms <= 0:
                return None
            raise ConfigError(self._cannot_open(key, row))
        return self._read(row, opened.get("token"), opened.get("refresh_token"))

    def save(self, key: TokenKey, token: StoredToken) -> None:
        """Keep *token* in place of what was kept, and end the caller's claim."""
        values = {
            **columns_of(key),
            "token": seal(self._keyring, key, "token", PlainToken(token.text, token.secret_mark)),
            "token_expires_at": self._at(token.expires_at),
            "refresh_token": None,
            "refresh_expires_at": self._at(token.refresh_expires_at),
            "scopes": " ".join(token.scopes) or None,
            "key_id": self._keyring.current_id,
            "expires_at": self._at(_end_of(token)),
            "claim_token": None,
            "claim_until_ms": None,
            "updated_at": Now(),
        }
        if token.refresh is not None:
            values["refresh_token"] = seal(
                self._keyring, key, "refresh_token", PlainToken(token.refresh, token.secret_mark)
            )
        self._transact(lambda conn: conn.execute(upsert_many(conn, tokens, [values])))
        self._claims.pop(key, None)

    def drop(self, key: TokenKey, text: Secret) -> None:
        """Forget the token if it still is *text*; its refresh token stays."""
        self._transact(partial(self._drop, key, text))

    def claim(self, key: TokenKey, *, seconds: float) -> bool:
        """Take the right to renew for *seconds*; False while anybody holds it, in this process or another."""
        name = self._new_claim()
        is_mine = self._transact(partial(_claim, key, name, seconds))
        if is_mine:
            self._claims[key] = name
        return is_mine

    def release(self, key: TokenKey) -> None:
        """Give the right back without a new token."""
        name = self._claims.pop(key, None)
        if name is not None:
            mine = update(tokens).where(row_of(key), tokens.c.claim_token == name)
            self._transact(lambda conn: conn.execute(mine.values(claim_token=None, claim_until_ms=None)))

    def _drop(self, key: TokenKey, text: Secret, conn: Connection) -> None:
        row = conn.execute(_find(key)).one_or_none()
        if row is None or row.token is None:
            return
        opened = unseal(self._keyring, key, "token", row.token, key_id=row.key_id)
        if opened is None or opened.text != text:
            return
        # only if nobody has saved another one since the look
        same = update(tokens).where(row_of(key), tokens.c.token == row.token)
        conn.execute(same.values(token=None, token_expires_at=None, updated_at=Now()))

    def _read(self, row: Row[Any], token: PlainToken | None, refresh: PlainToken | None) -> StoredToken:
        now = self._clock.now()
        return StoredToken(
            text=Secret("") if token is None else token.text,
            expires_at=0.0 if token is None else now + row.token_left_ms / 1000,
            refresh=None if refresh is None else refresh.text,
            refresh_expires_at=None if row.refresh_left_ms is None else now + row.refresh_left_ms / 1000,
            scopes=tuple((row.scopes or "").split()),
            secret_mark="" if token is None else token.secret_mark,
        )

    def _at(self, seconds: float | None) -> ColumnElement[Any] | None:
        return None if seconds is None else now_plus(seconds - self._clock.now())

    def _cannot_open(self, key: TokenKey, row: Row[Any]) -> str:
        return (
            f"the {key} is encrypted with key {row.key_id}, which this worker does not have ({VARIABLE}: "
            f"{', '.join(self._keyring.key_ids)}); give all workers the same keys, with the old key after the new one, "
            "or delete the tokens that cannot be decrypted: `airflow lark tokens reencrypt --drop-unreadable`"
        )

    def _transact(self, work: Callable[[Connection], T]) -> T:
        return transact(self._engine, work, table=tokens.name, clock=self._clock)


def _end_of(token: StoredToken) -> float:
    if token.refresh is None:
        return token.expires_at
    # Lark's refresh tokens live for a week where it does not say
    return max(token.expires_at, token.refresh_expires_at or token.expires_at + WEEK_SECONDS)


def _find(key: TokenKey) -> Any:
    columns = tokens.c
    return select(
        columns.token,
        columns.refresh_token,
        columns.scopes,
        columns.key_id,
        (epoch_ms(columns.expires_at) - NowMs()).label("left_ms"),
        (epoch_ms(columns.token_expires_at) - NowMs()).label("token_left_ms"),
        (epoch_ms(columns.refresh_expires_at) - NowMs()).label("refresh_left_ms"),
    ).where(row_of(key))


def _claim(key: TokenKey, name: str, seconds: float, conn: Connection) -> bool:
    until = now_plus_ms(seconds)
    free = or_(tokens.c.claim_until_ms.is_(None), tokens.c.claim_until_ms <= NowMs())
    taken = update(tokens).where(row_of(key), free).values(claim_token=name, claim_until_ms=until)
    if conn.execute(taken).rowcount == 1:
        return True
    values = {**columns_of(key), "claim_token": name, "claim_until_ms": until, "expires_at": now_plus(seconds)}
    # without the option SQLAlchemy forgets the count of an INSERT where a driver drops it early
    return insert_if_new(conn, tokens, values)
