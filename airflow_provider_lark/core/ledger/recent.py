"""The newest rows of a growing table, found by their ids: an index of times would cost each write.

PostgreSQL would not read by it either, since its clock tells the time while the statement runs.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Table, and_, func, select

from airflow_provider_lark.core.database.dbtime import now_plus

_STEP = 1_000


def came_within(conn: Connection, table: Table, seconds: float) -> ColumnElement[bool]:
    """Return the condition that a row came within the last *seconds*, by the database's clock.

    Some hundred older rows are read as well, at most as many as there are of those. To know where they begin takes a
    few statements, each of which looks up one row: ids grow with ``created_at``.

    :param table: has ``id`` and ``created_at``.
    """
    is_recent = table.c.created_at > now_plus(-seconds)
    # as two queries in one: of both in one select SQLite would read the whole table
    ends = (select(end(table.c.id)).scalar_subquery() for end in (func.max, func.min))
    newest, oldest = (int(each or 0) for each in conn.execute(select(*ends)).one())
    start, step = newest, _STEP
    while start > oldest:
        start -= step
        step *= 2
        first = select(is_recent.label("is_recent")).where(table.c.id >= start).order_by(table.c.id).limit(1)
        if not conn.scalars(first).one():
            break
    # with both ends PostgreSQL takes it for a few rows, also where it has no statistics
    return and_(table.c.id.between(start, newest), is_recent)
