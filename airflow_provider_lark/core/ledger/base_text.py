"""A column of a pair's base, read by the database: a look-up among many pairs need not load them all."""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlalchemy import ColumnElement, Dialect, Text, cast, func
from sqlalchemy.dialects import postgresql

from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.ledger.tables import record_map

_PLAIN = re.compile(r'[^"\\\x00-\x1f]+')
_DIGITS_MAX = 15


def is_told(column: str, texts: Collection[str]) -> bool:
    """Tell whether every database can find *texts* in a *column* of the base.

    Names that JSON has to escape are paths of which each has another notion, and long numbers come as fractions.
    """
    return bool(_PLAIN.fullmatch(column)) and not any(
        len(text) > _DIGITS_MAX and text.lstrip("-").isdigit() for text in texts
    )


def base_text(dialect: Dialect, column: str) -> ColumnElement[str]:
    """Return the text of a value in the base, which is a text or a whole number; see :func:`is_told`."""
    if dialect.name == "postgresql":
        return func.json_extract_path_text(cast(record_map.c.base, postgresql.JSON), column)
    value = func.json_extract(record_map.c.base, f'$."{column}"')
    return func.json_unquote(value) if is_mysql(dialect) else cast(value, Text)
