"""Write statements on a business table, and how many rows they reached.

A database may take a write and store nothing: a ``BEFORE`` trigger that returns NULL, a rule, ``RAISE(IGNORE)``, a
trigger that sends the row elsewhere. So a write counts by the rows it reached, and where these are fewer than were
sent, the table itself is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Delete
from sqlalchemy.sql.dml import UpdateBase

from airflow_provider_lark.core.sql_side.reflection import GIVES_WAY

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


def write(conn: Connection, statement: UpdateBase, parameters: Parameters | None = None) -> int | None:
    """Execute *statement* and return how many rows it reached; None where the driver does not say.

    MySQL may count the rows that it changed, instead of those that it found.
    """
    result = conn.execute(or_abort(statement), parameters, execution_options={"preserve_rowcount": True})
    return _known(result.rowcount)


Statement = TypeVar("Statement", bound=UpdateBase)


def or_abort(statement: Statement) -> Statement:
    """Return *statement* such that SQLite refuses a row that clashes, where the table says ``ON CONFLICT REPLACE``.

    That would delete the other row, without a trigger to note it, and report nothing.
    """
    table = getattr(statement, "table", None)
    if isinstance(statement, Delete) or table is None or not table.info.get(GIVES_WAY):
        return statement
    return statement.prefix_with("OR ABORT", dialect="sqlite")


def write_as_written(conn: Connection, statement: str, parameters: tuple[Any, ...]) -> int | None:
    """Execute SQL in the driver's own words; see :func:`write`."""
    return _known(conn.exec_driver_sql(statement, parameters).rowcount)


def _known(count: int) -> int | None:
    return count if count >= 0 else None
