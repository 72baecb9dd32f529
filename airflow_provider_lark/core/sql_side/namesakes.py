"""Colliding keys: several texts in Lark, one key in the database, which ignores case, accents or outer spaces.

Only the database knows for certain, so it is asked; a coarse normal form tells which keys are worth asking about.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, cast, false, func, literal_column, select, union_all
from sqlalchemy.dialects.postgresql import CITEXT

from airflow_provider_lark.core.chunks import split
from airflow_provider_lark.core.database.driver_values import RAW
from airflow_provider_lark.core.database.refusals import concerns_a_row
from airflow_provider_lark.core.database.savepoints import guarded
from airflow_provider_lark.core.errors import ValueMismatch
from airflow_provider_lark.core.fields.column import ColumnKind, base_type
from airflow_provider_lark.core.side import Key
from airflow_provider_lark.core.sql_side.keys import KeyCodec, exact_sql
from airflow_provider_lark.core.sql_side.reflection import TableSpec

_TERMS = 200
"""Keys that a statement compares: SQLite takes 500 parts of a UNION."""

_SPELLINGS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "þ": "th", "ı": "i", "ŋ": "n"}
    | {chr(katakana): chr(katakana - 0x60) for katakana in range(0x30A1, 0x30F7)}
)


class Namesakes:
    """Tells which keys of one table its database takes for the same.

    :ivar are_possible: whether a key column's equality can be another than that of texts.
    """

    def __init__(self, conn: Connection, spec: TableSpec) -> None:
        self._conn = conn
        self._spec = spec
        self._codec = KeyCodec(spec.key)
        self._texts = [column.kind is ColumnKind.TEXT for column in spec.key]
        self.are_possible = any(exact_sql(conn.dialect, column, "t") is not None for column in spec.key)

    def fold(self, key: Key) -> str | None:
        """Return a text that namesakes of *key* have too, and some others; None where it can have none."""
        if not self.are_possible:
            return None
        try:
            values = self._codec.to_values(key)
        except ValueMismatch:
            return None
        return "\0".join(
            fold_text(str(value)) if is_text else str(value) for value, is_text in zip(values, self._texts, strict=True)
        )

    def first_of(self, keys: Sequence[Key]) -> dict[Key, Key]:
        """Return, of each of *keys* that has a namesake before it, the first one."""
        groups: dict[str, list[Key]] = defaultdict(list)
        for key in dict.fromkeys(keys):
            if (folded := self.fold(key)) is not None:
                groups[folded].append(key)
        doubtful = [group for group in groups.values() if len(group) > 1]
        found: dict[Key, Key] = {}
        part: list[Key] = []
        for group in doubtful:
            for some in split(group, _TERMS):
                if len(part) + len(some) > _TERMS:
                    found |= self._ask(part)
                    part = []
                part += some
        return found | self._ask(part)

    def _ask(self, keys: Sequence[Key]) -> dict[Key, Key]:
        if not keys:
            return {}
        columns = [self._spec.table.c[name] for name in self._spec.key_columns]
        # the first part, which has no row, lends the others its collation
        parts = [
            select(literal_column("-1").label("n"), *(c.label(f"k{i}") for i, c in enumerate(columns))).where(false())
        ]
        for number, key in enumerate(keys):
            values = zip(columns, self._codec.to_values(key), strict=True)
            parts.append(select(literal_column(str(number)), *(_bound(column, value) for column, value in values)))
        same = union_all(*parts).subquery("same")
        number_of = same.c.n
        first = func.min(number_of).over(partition_by=list(same.c)[1:])
        try:
            with guarded(self._conn):
                rows = self._conn.execute(select(number_of, first)).all()
        except Exception as exc:
            # a key that cannot even be asked for, in a column of another character set
            if not concerns_a_row(exc):
                raise
            return {}
        return {keys[own]: keys[first] for own, first in rows if own != first}


def fold_text(text: str) -> str:
    """Return *text* without whatever some collation overlooks: case, accents, width, blanks, punctuation.

    >>> fold_text("Straße ") == fold_text("STRASSE"), fold_text("é") == fold_text("E")
    (True, True)
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_SPELLINGS)
    return "".join(_fold_character(each) for each in plain if each.isalnum() and ord(each) <= 0xFFFF)


def _fold_character(character: str) -> str:
    digit = unicodedata.digit(character, None)
    return character if digit is None else str(digit)


def _bound(column: ColumnElement[Any], value: Any) -> ColumnElement[Any]:
    bound = bindparam(None, value, type_=RAW)
    # beside a text of no known type PostgreSQL forgets what kind of text the column holds
    return cast(bound, CITEXT()) if isinstance(base_type(column.type), CITEXT) else bound
