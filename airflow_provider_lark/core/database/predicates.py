"""Conditions that select some hundred rows by their ids, written so that every database uses the index.

PostgreSQL is where that takes care. ``IN ($1, … $500)`` in a prepared statement, and ``IN (SELECT unnest($1))`` beside
other conditions of which there are no statistics yet, as right after a table was filled, it may answer by reading the
whole table and comparing each row with each of the 500 values, which takes seconds. An array that it computes while it
runs it takes for a few values, and looks each of them up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Dialect, and_, any_, bindparam, func, literal, or_, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeEngine

from airflow_provider_lark.core.fields.column import base_type


class _IsAmong(FunctionElement[bool]):
    """One condition in two spellings: a list, and an array."""

    inherit_cache = True
    type = Boolean()

    @property
    def spellings(self) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        as_list, from_array = self.clauses
        return as_list, from_array

    def self_group(self, against: OperatorType | None = None) -> _IsAmong:
        # where booleans are numbers, SQLAlchemy would write `… IN (…) = 1`, which SQLite and MySQL answer by
        # reading the whole table
        return self


def is_among(
    column: ColumnElement[Any], values: Sequence[Any], type_: TypeEngine[Any] | None = None
) -> ColumnElement[bool]:
    """Return the condition that *column* is one of *values*.

    :param type_: the values' SQL type (default: the column's).
    """
    kind = column.type if type_ is None else type_
    computed = func.array(select(_unnest(values, kind)).scalar_subquery(), type_=ARRAY(base_type(kind)))
    return _IsAmong(column.in_(values), column == any_(computed))


def are_among(
    columns: Sequence[ColumnElement[Any]], rows: Sequence[Sequence[Any]], dialect: Dialect
) -> ColumnElement[bool]:
    """Return the condition that *columns* together are one of *rows*, of which there is one at least.

    :param dialect: of the database that will read it.
    """
    if len(columns) == 1:
        return is_among(columns[0], [row[0] for row in rows])
    if dialect.name == "sqlite":
        # of a list of rows SQLite would use no index, and compare each row of the table with it
        return or_(*(and_(*(column == value for column, value in zip(columns, row, strict=True))) for row in rows))
    arrays = [_unnest(part, column.type) for column, part in zip(columns, zip(*rows, strict=True), strict=True)]
    return _IsAmong(tuple_(*columns).in_(rows), tuple_(*columns).in_(select(*arrays)))


def is_after(columns: Sequence[ColumnElement[Any]], bound: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
    """Return the condition that *columns* together come behind *bound*, in their order."""
    # spelled out, because MySQL reads no range of an index from a comparison of tuples
    after: ColumnElement[bool] = columns[-1] > bound[-1]
    for column, value in zip(columns[-2::-1], bound[-2::-1], strict=True):
        after = and_(column >= value, or_(column > value, after))
    return after


def unindexed(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return *condition*, spelt so that no index is read by it: for one beside ids by which the rows are to be found.

    With 100,000 entries pending, a planner without fresh statistics takes ``status = 'pending'`` for rarer than 500
    keys, reads the entries by their status, and compares each with the keys.
    """
    return condition.is_(true())


def is_missing(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that no row of another table meets *conditions*, looked up by index for each row.

    ``NOT EXISTS`` would leave the choice to the planner, and PostgreSQL, while it takes both tables for nearly empty,
    compares each row of one with each row of the other.
    """
    return select(literal(1)).where(*conditions).limit(1).scalar_subquery().is_(None)


def _unnest(values: Sequence[Any], kind: TypeEngine[Any]) -> ColumnElement[Any]:
    return func.unnest(bindparam(None, list(values), type_=ARRAY(base_type(kind))))


@compiles(_IsAmong)
def _as_list(element: _IsAmong, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.spellings[0], **kw)


@compiles(_IsAmong, "postgresql")
def _from_array(element: _IsAmong, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.spellings[1], **kw)
