"""Encryption of a row of tokens: only the keyring decrypts it, and only in the row that it was encrypted for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, and_

from airflow_provider_lark.core.accounts.encryption import Keyring
from airflow_provider_lark.core.accounts.tables import tokens
from airflow_provider_lark.core.api.tokens.token_store import TokenKey
from airflow_provider_lark.core.api.wire.secret import Secret

SealedColumn = Literal["token", "refresh_token"]
"""The columns that hold sealed text."""


@dataclass(frozen=True, slots=True)
class PlainToken:
    """What was sealed.

    :param secret_mark: with which App Secret the token was got, see :class:`.StoredToken`.
    """

    text: Secret
    secret_mark: str


def seal(keyring: Keyring, key: TokenKey, column: SealedColumn, plain: PlainToken) -> str:
    """Return *plain* as it stands in the row of *key*."""
    place = [key.host, key.app_id, key.kind, key.subject, column]
    return keyring.encrypt(Secret(json.dumps([place, plain.secret_mark, plain.text.reveal()])))


def unseal(
    keyring: Keyring, key: TokenKey, column: SealedColumn, sealed: str, *, key_id: str | None
) -> PlainToken | None:
    """Return what *sealed* holds, or None when no key opens it or it belongs to another row."""
    plain = keyring.decrypt(sealed, key_id=key_id)
    if plain is None:
        return None
    try:
        place, secret_mark, text = json.loads(plain.reveal())
    except ValueError:
        return None
    is_here = place == [key.host, key.app_id, key.kind, key.subject, column]
    return PlainToken(Secret(text), secret_mark) if is_here else None


def key_of(row: Row[Any]) -> TokenKey:
    """Return whose token a row holds."""
    return TokenKey(row.host, row.app_id, row.token_type, row.subject)


def columns_of(key: TokenKey) -> dict[str, str]:
    """Return the columns that say whose token it is."""
    return {"host": key.host, "app_id": key.app_id, "token_type": key.kind, "subject": key.subject}


def row_of(key: TokenKey) -> ColumnElement[bool]:
    """Return the condition for the row of *key*."""
    return and_(*(tokens.c[name] == value for name, value in columns_of(key).items()))
