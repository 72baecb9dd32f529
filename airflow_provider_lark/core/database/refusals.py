"""What an error of the database, or of its driver, says: about a row, which constraint and column, or about no row.

A driver's own text may quote the row's values. So only names are taken from it, each from the place where that error
of that database has them.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from sqlalchemy import ForeignKeyConstraint, Table, UniqueConstraint
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from airflow_provider_lark.core.database.error_codes import NO_DEFINER, error_code, is_hidden, is_transient, was_cut
from airflow_provider_lark.core.errors import LarkError, NotFound, RowError, RowRefused, RowWaits, TransactionLost

# SQLite: out of memory, read-only, interrupted, I/O, corrupt, full, cannot open, schema changed
_SQLITE_STATE = frozenset({7, 8, 9, 10, 11, 13, 14, 17})
# MySQL: the disk or a table is full, engine trouble, shut down, killed, read-only, out of locks or of time, no definer
_MYSQL_STATE = frozenset(
    {1021, 1030, 1037, 1038, 1041, 1053, 1114, 1206, 1290, 1317, NO_DEFINER, 1792, 1836, 1969, 3024}
)
# PostgreSQL: no resources, stopped or cancelled, system error, internal error; and two single ones: a transaction
# that has failed before, and one that is read-only
_POSTGRES_STATE = ("53", "57", "58", "XX", "25P02", "25006")

_CLASHES = frozenset(
    {"23503", "23505", "23P01", 1022, 1062, 1169, 1216, 1217, 1451, 1452, 1557, 1586, 1761, 1762, 787, 1555, 2067, 2579}
)

_OF_THE_PROGRAM = (AssertionError, AttributeError, ImportError, MemoryError, NameError, OSError)

_AT_ROW = re.compile(r"^.* for column (?P<column>.+) at row \d+$", re.DOTALL)
_KEY = re.compile(r"^.* for key '(?P<constraint>.+)'$", re.DOTALL)
_FOREIGN_KEY = re.compile(r"CONSTRAINT `(?P<constraint>(?:[^`]|``)+)` FOREIGN KEY \((?P<column>[^)]+)\) REFERENCES")
_MYSQL_NAMES = {
    1048: re.compile(r"^Column '(?P<column>.+)' cannot be null$"),
    1364: re.compile(r"^Field '(?P<column>.+)' doesn't have a default value$"),
    3819: re.compile(r"^Check constraint '(?P<constraint>.+)' is violated\.$"),
    4025: re.compile(r"^CONSTRAINT `(?P<constraint>.+)` failed for "),
    **dict.fromkeys((1062, 1586), _KEY),
    **dict.fromkeys((1451, 1452), _FOREIGN_KEY),
    **dict.fromkeys((1264, 1265, 1292, 1366, 1406), _AT_ROW),
}
_SQLITE_NAMES = {
    275: re.compile(r"^CHECK constraint failed: (?P<constraint>.+)$", re.DOTALL),
    1299: re.compile(r"^NOT NULL constraint failed: (?P<column>.+)$"),
    1555: re.compile(r"^UNIQUE constraint failed: (?P<column>.+)$"),
    2067: re.compile(r"^UNIQUE constraint failed: (?:index '(?P<constraint>.+)'|(?P<column>.+))$"),
    3091: re.compile(r"^cannot store \w+ value in \w+ column (?P<column>.+)$"),
}

_MAX_CHARACTERS = 500


class Place(NamedTuple):
    """What refused: a constraint by its name, and its columns; both may be unknown."""

    constraint: str = ""
    column: str = ""


def concerns_a_row(exc: BaseException) -> bool:
    """Tell whether another row may do better: false for what is said of the transaction, the server or the tables."""
    if isinstance(exc, TransactionLost):
        return exc.__cause__ is not None and concerns_a_row(exc.__cause__)
    if isinstance(exc, LarkError):
        return isinstance(exc, (RowError, NotFound))
    if isinstance(exc, DBAPIError):
        return not (is_transient(exc) or was_cut(exc) or _is_of_the_server(exc))
    if isinstance(exc, SQLAlchemyError):
        # a value that a type of SQLAlchemy's does not take; the others are of how it is used
        return isinstance(exc, StatementError)
    # what a driver raises while it converts: UnicodeEncodeError, OverflowError, TypeError, struct.error, …
    return isinstance(exc, Exception) and not isinstance(exc, _OF_THE_PROGRAM)


def _is_of_the_server(exc: DBAPIError) -> bool:
    code = error_code(exc)
    if isinstance(code, str):
        return code.startswith(_POSTGRES_STATE) or is_hidden(exc)
    if hasattr(exc.orig, "sqlite_errorcode"):
        return code is not None and (code & 0xFF) in _SQLITE_STATE
    return code in _MYSQL_STATE


def is_clash(exc: BaseException) -> bool:
    """Tell whether a row was refused for another row's sake: it holds a unique value, or is needed and not there."""
    return isinstance(exc, DBAPIError) and error_code(exc) in _CLASHES


def refusal(exc: BaseException, table: Table | None = None, *, subject: str = "the row") -> RowError:
    """Return what is told of a row that was refused: constraint, columns and code, but no value.

    :param table: to find the columns of a constraint that the database calls by its name only.
    """
    if isinstance(exc, TransactionLost) and exc.__cause__ is not None:
        exc = exc.__cause__
    if isinstance(exc, RowError):
        return exc
    if isinstance(exc, LarkError):
        return RowRefused(exc.message)
    kind = RowWaits if is_clash(exc) else RowRefused
    return kind(f"the database rejected {subject}: {reason(exc, table)}")


def reason(exc: BaseException, table: Table | None = None) -> str:
    """Return why a row was refused, for a sentence: ``constraint one_name, column name (IntegrityError, 23505)``."""
    place = _place(exc)
    columns = place.column or (_columns_of(table, place.constraint) if table is not None else "")
    named = [f"constraint {place.constraint}"] if place.constraint else []
    named += [f"column {columns}"] if columns else []
    kind = ", ".join(map(str, filter(None, (type(_original(exc)).__name__, _code(exc)))))
    return f"{', '.join(named)} ({kind})" if named else kind


def _original(exc: BaseException) -> BaseException:
    return exc.orig if isinstance(exc, StatementError) and exc.orig is not None else exc


def _code(exc: BaseException) -> str:
    if not isinstance(exc, DBAPIError):
        return ""
    return str(getattr(exc.orig, "sqlite_errorname", None) or error_code(exc) or "")


def _place(exc: BaseException) -> Place:
    if not isinstance(exc, DBAPIError) or exc.orig is None:
        return Place()
    told = getattr(exc.orig, "diag", None)
    if told is not None:
        return Place(told.constraint_name or "", told.column_name or "")
    return _read_place(exc.orig, error_code(exc))


def _read_place(orig: BaseException, code: int | str | None) -> Place:
    patterns: dict[Any, re.Pattern[str]] = _SQLITE_NAMES if hasattr(orig, "sqlite_errorcode") else _MYSQL_NAMES
    pattern, text = patterns.get(code), orig.args[-1] if orig.args else ""
    found = pattern.search(text) if pattern is not None and isinstance(text, str) else None
    if found is None:
        return Place()
    names = found.groupdict()
    return Place(names.get("constraint") or "", _without_table(names.get("column") or ""))


def _without_table(columns: str) -> str:
    parts = [part.strip().rpartition(".")[2] for part in columns.split(",")]
    return ", ".join(part.strip("`'\"") for part in parts)


def _columns_of(table: Table, constraint: str) -> str:
    # MySQL 8 says `table.key`
    name = constraint.rpartition(".")[2]
    for each in table.constraints:
        if each.name == name and isinstance(each, (ForeignKeyConstraint, UniqueConstraint)):
            return ", ".join(column.name for column in each.columns)
    for index in table.indexes:
        if index.name == name:
            return ", ".join(column.name for column in index.columns)
    return ", ".join(column.name for column in table.primary_key) if name in ("PRIMARY", table.primary_key.name) else ""


def words_of(exc: StatementError) -> str:
    """Return the first line of the database's own message.

    PostgreSQL's further lines show the place in the statement, and the values of the row.
    """
    orig = exc.orig
    told: object = orig or exc
    match getattr(orig, "args", ()):
        case (int(), words, *_):
            # MySQL's drivers put a number first
            told = words
    lines = str(told).strip().splitlines() or [type(orig).__name__]
    return lines[0].strip().removesuffix(".")[:_MAX_CHARACTERS]
