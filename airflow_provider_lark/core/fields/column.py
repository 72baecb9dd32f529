"""A SQL column: what its type can hold, told from SQLAlchemy's type classes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from typing import Any

import sqlalchemy
from sqlalchemy import types as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.exc import CompileError
from sqlalchemy.types import TypeEngine

from airflow_provider_lark.core.fields.exact_json import ExactJson

SqlType = TypeEngine[Any]

SESSION_ZONE = "lark_session_zone"
"""Where a reflected table keeps the time zone of MySQL's session."""
CHARSET = "lark_charset"
"""Under which name a reflected column's ``info`` has its character set."""
COLLATION = "lark_collation"
"""The same of the collation of a text: of MySQL's the column's or else the table's, of SQLite's that of unique keys."""
DECLARED = "lark_declared"
"""The same of the database's own name of a type that SQLAlchemy does not know, or knows by another."""


class ShortText(sa.String):
    """A text of which the database keeps so many bytes and silently drops the others: PostgreSQL's ``name``."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__()
        self.max_bytes = max_bytes


class ColumnKind(StrEnum):
    """The families of SQL types that a field can be mapped to."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    DATE_TIME = "datetime"
    TIME = "time"
    JSON = "json"
    UUID = "uuid"
    ARRAY = "array"


_DRIVER_KINDS = frozenset({ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.FLOAT, ColumnKind.BOOLEAN})


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a SQL table.

    :param dialect: SQLAlchemy's name of the database (``sqlite``, ``postgresql``, ``mysql``, ``mariadb``); it
        decides what one type name means: SQLite's INTEGER has 64 bits, MySQL's DATETIME whole seconds.
    :param session_zone: in which the database shows the instants of this column: MySQL's TIMESTAMP.
    :param charset: the character set of its texts, as the database calls it; empty where it is not known.
    :param declared: what the database calls the type, where SQLAlchemy's name would not tell.
    """

    name: str
    type: SqlType
    nullable: bool = True
    is_key: bool = False
    autoincrement: bool = False
    has_default: bool = False
    dialect: str = ""
    session_zone: tzinfo | None = None
    charset: str = ""
    declared: str = ""

    @classmethod
    def from_reflected(cls, column: sqlalchemy.Column[Any], dialect: str) -> Column:
        """Describe a column of a reflected table."""
        alone = column.primary_key and len(column.table.primary_key.columns) == 1
        return cls(
            name=column.name,
            type=column.type,
            nullable=bool(column.nullable),
            is_key=column.primary_key,
            autoincrement=column.autoincrement is True
            or column.identity is not None
            or (alone and column.table.autoincrement_column is column and _generates_keys(column, dialect)),
            has_default=column.server_default is not None or column.default is not None or column.computed is not None,
            dialect=dialect,
            session_zone=column.table.info.get(SESSION_ZONE) if isinstance(column.type, sa.TIMESTAMP) else None,
            charset=column.info.get(CHARSET, ""),
            declared=column.info.get(DECLARED, ""),
        )

    @property
    def kind(self) -> ColumnKind | None:
        """The family of the type, or None for a type that no field can be mapped to (binary, interval, …)."""
        return kind_of(self.type)

    @property
    def takes_driver_values(self) -> bool:
        """Whether a codec reads this column's values as the driver gives them, without SQLAlchemy's conversion.

        Better so for numbers and booleans: SQLAlchemy cuts a MySQL DOUBLE to 10 decimals and a SQLite NUMERIC to its
        scale, and takes any text in a SQLite BOOLEAN for true. Of a MySQL TIME of several days it drops the days.
        """
        return self.kind in _DRIVER_KINDS or (self.is_mysql and self.kind is ColumnKind.TIME)

    @property
    def is_mysql(self) -> bool:
        """Whether MySQL's or MariaDB's rules hold."""
        return self.dialect in ("mysql", "mariadb")

    @property
    def type_label(self) -> str:
        """The type as SQL spells it."""
        if self.declared:
            return self.declared
        try:
            return str(self.type)
        except (CompileError, NotImplementedError):
            return type(self.type).__name__

    def describe(self) -> str:
        """Name and type for a message: ``price (NUMERIC(10, 2))``."""
        return f"{self.name} ({self.type_label})"


def _generates_keys(column: sqlalchemy.Column[Any], dialect: str) -> bool:
    # an INTEGER PRIMARY KEY of SQLite is the row id; PostgreSQL's serial shows as a default of nextval()
    if dialect == "sqlite":
        return isinstance(column.type, sa.Integer) and not isinstance(column.type, (sa.BigInteger, sa.SmallInteger))
    return "nextval(" in str(getattr(column.server_default, "arg", ""))


# the first class that matches decides, so subclasses stand before their bases; None refuses
_KINDS: tuple[tuple[type[SqlType], ColumnKind | None], ...] = (
    (mysql.SET, None),
    (sa.Boolean, ColumnKind.BOOLEAN),
    (sa.String, ColumnKind.TEXT),
    (sa.Uuid, ColumnKind.UUID),
    (mysql.YEAR, ColumnKind.INTEGER),
    (sa.Integer, ColumnKind.INTEGER),
    (sa.Float, ColumnKind.FLOAT),
    (sa.Numeric, ColumnKind.DECIMAL),
    (sa.DateTime, ColumnKind.DATE_TIME),
    (sa.Date, ColumnKind.DATE),
    (sa.Time, ColumnKind.TIME),
    (sa.JSON, ColumnKind.JSON),
    (ExactJson, ColumnKind.JSON),
)


def kind_of(sql_type: SqlType) -> ColumnKind | None:
    """Return the family of *sql_type*, or None when no field can be mapped to it."""
    base = base_type(sql_type)
    if isinstance(base, sa.ARRAY):
        one_dimension = base.dimensions in (None, 1)
        return ColumnKind.ARRAY if one_dimension and kind_of(base.item_type) is ColumnKind.TEXT else None
    if isinstance(base, mysql.BIT):
        return ColumnKind.BOOLEAN if base.length in (None, 1) else None
    return next((kind for cls, kind in _KINDS if isinstance(base, cls)), None)


def base_type(sql_type: SqlType) -> SqlType:
    """Unwrap a PostgreSQL domain."""
    while isinstance(sql_type, postgresql.DOMAIN):
        sql_type = sql_type.data_type
    return sql_type


_INTEGER_BITS: tuple[tuple[type[SqlType], int], ...] = (
    (mysql.TINYINT, 8),
    (mysql.MEDIUMINT, 24),
    (sa.SmallInteger, 16),
    (sa.BigInteger, 64),
    (sa.Integer, 32),
)


def integer_range(column: Column) -> tuple[int, int]:
    """Return the least and the greatest whole number of an integer column."""
    base = base_type(column.type)
    if isinstance(base, mysql.YEAR):
        return 0, 2155
    bits = next(bits for cls, bits in _INTEGER_BITS if isinstance(base, cls))
    if column.dialect == "sqlite":
        bits = 64
    if getattr(base, "unsigned", False):
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def decimal_digits(column: Column) -> tuple[int | None, int | None]:
    """Return the digits before and after the point of an exact numeric column, None where it sets no limit."""
    base = base_type(column.type)
    precision, scale = getattr(base, "precision", None), getattr(base, "scale", None)
    if precision is None:
        return None, None
    return precision - (scale or 0), scale or 0


def is_single_precision(column: Column) -> bool:
    """Whether a float column keeps four bytes: PostgreSQL's real, MySQL's FLOAT."""
    base = base_type(column.type)
    if column.dialect == "sqlite":
        return False
    if column.is_mysql:
        # FLOAT(m, d) has four bytes, whatever m is
        has_scale = getattr(base, "scale", None) is not None
        return isinstance(base, sa.FLOAT) and (has_scale or base.precision is None or base.precision <= 24)
    return isinstance(base, sa.REAL)


def step_ms(column: Column) -> int:
    """Return the finest step of a datetime column in milliseconds, 1 to 1,000."""
    base = base_type(column.type)
    digits = getattr(base, "fsp", None)
    if digits is None:
        digits = getattr(base, "precision", None)
    if digits is None:
        digits = 0 if column.is_mysql or isinstance(base, (mysql.DATETIME, mysql.TIMESTAMP)) else 6
    return int(10 ** max(0, 3 - int(digits)))


def has_whole_seconds(column: Column) -> bool:
    """Whether a time column keeps no fraction of a second."""
    base = base_type(column.type)
    digits = getattr(base, "fsp", None)
    if digits is None:
        digits = getattr(base, "precision", None)
    if digits is None:
        return column.is_mysql or isinstance(base, mysql.TIME)
    return bool(digits == 0)


def is_aware(column: Column) -> bool:
    """Whether a datetime column carries a UTC offset; SQLite and MySQL have no such type."""
    base = base_type(column.type)
    return bool(getattr(base, "timezone", False)) and column.dialect not in ("sqlite", "mysql", "mariadb")


def is_offset_time(column: Column) -> bool:
    """Whether a time column keeps an offset from UTC beside the time of day: PostgreSQL's ``time with time zone``."""
    base = base_type(column.type)
    return isinstance(base, sa.Time) and bool(base.timezone) and column.dialect == "postgresql"


def is_unix_time(column: Column) -> bool:
    """Whether a datetime column counts seconds since 1970 in 32 bits: MySQL's TIMESTAMP."""
    return column.is_mysql and isinstance(base_type(column.type), sa.TIMESTAMP)


_MYSQL_TEXT_BYTES: tuple[tuple[type[SqlType], int], ...] = (
    (mysql.TINYTEXT, 2**8 - 1),
    (mysql.MEDIUMTEXT, 2**24 - 1),
    (mysql.LONGTEXT, 2**32 - 1),
    (mysql.TEXT, 2**16 - 1),
)


def text_limits(column: Column) -> tuple[int | None, int | None]:
    """Return the greatest length of a text column in characters and in UTF-8 bytes, None where it sets no limit."""
    base = base_type(column.type)
    for cls, limit in _MYSQL_TEXT_BYTES:
        if isinstance(base, cls):
            return None, limit
    if isinstance(base, ShortText):
        return None, base.max_bytes
    if column.is_mysql and isinstance(base, sa.Text):
        return None, 2**16 - 1
    if isinstance(base, sa.Enum):
        return None, None
    return getattr(base, "length", None), None


def may_check_json(column: Column) -> bool:
    """Whether a text column may refuse what is no JSON: MariaDB's JSON is a LONGTEXT of this collation with a check."""
    base = base_type(column.type)
    return isinstance(base, mysql.LONGTEXT) and base.collation == "utf8mb4_bin"


def is_padded(column: Column) -> bool:
    """Whether the database pads or strips trailing blanks: CHAR(n)."""
    return isinstance(base_type(column.type), (sa.CHAR, sa.NCHAR))


def choices(column: Column) -> frozenset[str] | None:
    """Return the values of an ENUM column, None for any other."""
    base = base_type(column.type)
    return frozenset(base.enums) if isinstance(base, sa.Enum) else None
