"""Sequences of columns that were given a value: they are moved on, so that they do not generate it again.

MySQL and SQLite move their counters on by themselves. PostgreSQL does not, nor does a sequence of MariaDB that is a
column's default: after a key that a person typed in Lark, the application's own next INSERT would meet it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.database.quoting import quoted_name
from airflow_provider_lark.core.database.refusals import concerns_a_row, reason
from airflow_provider_lark.core.database.savepoints import guarded

STEPS_MAX = 1000
"""So many numbers are drawn one by one, which no other session can undo; a greater gap is set."""

_NEXTVAL = re.compile(r"nextval\((?P<name>.+)\)", re.IGNORECASE | re.DOTALL)

# the sequence that a column's default names, or that belongs to an identity column
_SEQUENCES = text("""
SELECT a.attname AS column_name, c.oid::regclass::text AS name, s.seqincrement AS step, s.seqstart AS start,
       s.seqmin AS least, s.seqmax AS greatest,
       has_sequence_privilege(c.oid, 'USAGE, UPDATE') AS draws, has_sequence_privilege(c.oid, 'UPDATE') AS sets,
       CASE WHEN has_sequence_privilege(c.oid, 'USAGE, SELECT') THEN pg_sequence_last_value(c.oid) END AS last,
       has_sequence_privilege(c.oid, 'USAGE, SELECT') AS reads
FROM pg_attribute a JOIN pg_class c ON c.relkind = 'S' JOIN pg_sequence s ON s.seqrelid = c.oid
WHERE a.attrelid = CAST(:table AS regclass) AND a.attname = ANY(:names) AND (
  EXISTS (SELECT 1 FROM pg_attrdef f JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
          WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum
            AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
  OR EXISTS (SELECT 1 FROM pg_depend d
             WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i'
               AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum))
""").bindparams(bindparam("names", type_=ARRAY(TEXT)))


def advance(conn: Connection, table: Table, given: Mapping[str, Sequence[int]]) -> list[str]:
    """Move the sequences on behind the numbers that columns were *given*; return what a person should do about it.

    A sequence is no part of the transaction: it stays advanced when that is undone, which leaves a gap.
    """
    if not any(given.values()):
        return []
    if is_mysql(conn.dialect):
        return [warning for name in given if (warning := _advance_mariadb(conn, table, name, given[name]))]
    if conn.dialect.name != "postgresql":
        return []
    name = quoted_name(conn.dialect, table)
    try:
        with guarded(conn):
            found = conn.execute(_SEQUENCES, {"table": name, "names": list(given)}).all()
            told = [_advance_one(conn, table, each, given[each.column_name]) for each in found]
    except DBAPIError as exc:
        if not concerns_a_row(exc):
            raise
        return [f"table {table.fullname!r}: cannot check whether its sequences are behind: {reason(exc)}"]
    return [warning for warning in told if warning]


def _advance_mariadb(conn: Connection, table: Table, column: str, given: Sequence[int]) -> str:
    default: Any = table.c[column].server_default
    found = _NEXTVAL.fullmatch(str(getattr(default, "arg", "")).replace("\\:", ":"))
    if found is None or not given:
        return ""
    # one that is behind the next number is overlooked
    statement = f"SELECT SETVAL({found['name']}, {max(given)})"
    try:
        with guarded(conn):
            # as it is written: a name may hold per cent signs
            conn.exec_driver_sql(statement, execution_options={"no_parameters": True}).all()
    except DBAPIError as exc:
        if not concerns_a_row(exc):
            raise
        return (
            f"table {table.fullname!r}: {max(given)} was written to column {column}, and its sequence {found['name']} "
            f"may generate that value again: {reason(exc)}; have its owner run {statement}"
        )
    return ""


def _advance_one(conn: Connection, table: Table, each: Row[Any], given: Sequence[int]) -> str:
    last = each.start - each.step if each.last is None else each.last
    farthest = max(given) if each.step > 0 else min(given)
    # rounded up, so that the numbers keep their rhythm
    steps = -((last - farthest) // each.step) if each.reads else 1
    if steps <= 0:
        return ""
    target = last + steps * each.step
    where = (
        f"table {table.fullname!r}: {farthest} was written to column {each.column_name}, and its sequence {each.name}"
    )
    if not each.reads or not (each.draws if steps <= STEPS_MAX else each.sets):
        return (
            f"{where} may generate that value again, which this user is not allowed to prevent: GRANT USAGE, SELECT, "
            f"UPDATE ON SEQUENCE {each.name}, or SELECT setval('{each.name}', {farthest})"
        )
    if not each.least <= target + each.step <= each.greatest:
        return f"{where} has no higher value left; give the record another key"
    if steps <= STEPS_MAX:
        conn.execute(text("SELECT count(nextval(:name)) FROM generate_series(1, :n)"), {"name": each.name, "n": steps})
    else:
        conn.execute(text("SELECT setval(:name, :value)"), {"name": each.name, "value": target})
    return ""
