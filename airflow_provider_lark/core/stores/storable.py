"""Texts for the ledger that the connection can carry, whatever people called their fields."""

from __future__ import annotations

import codecs
from typing import Any

from sqlalchemy import Connection


def storable(conn: Connection, text: str) -> str:
    r"""Return *text* with the characters escaped that the connection, or its database, has no room for.

    ``字段`` becomes ``\u5b57\u6bb5`` in a database of LATIN1; half a surrogate pair is escaped everywhere.
    """
    for codec in _codecs(conn.connection.dbapi_connection):
        text = text.encode(codec, "backslashreplace").decode(codec)
    return text


def _codecs(raw: Any) -> list[str]:
    info = getattr(raw, "info", None)
    # psycopg tells Python's name of the client's encoding; the database may have a smaller one. MySQL's drivers and
    # psycopg2 have one attribute, SQLite none
    named = [getattr(info, "encoding", None) or getattr(raw, "encoding", None) or "utf-8"]
    ask = getattr(info, "parameter_status", None)
    if callable(ask):
        named.append(ask("server_encoding") or "utf-8")
    return [_python_name(name) for name in named]


def _python_name(name: Any) -> str:
    try:
        return codecs.lookup(str(name)).name
    except LookupError:
        return "ascii"
