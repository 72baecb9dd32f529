"""Transactions of others that have changed a table and not ended yet, as far as the server tells this user.

SQLite has one writer at a time and tells of none; there is none to wait for.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError

from airflow_provider_lark.core.database.blockers import who
from airflow_provider_lark.core.database.error_codes import lacks_right
from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.database.quoting import quoted_name
from airflow_provider_lark.core.database.savepoints import guarded

# whoever writes to the table, or straight to a part of it, keeps such a lock on it to the end
_POSTGRES = """
SELECT a.pid, a.usename, a.application_name, host(a.client_addr),
       CAST(EXTRACT(EPOCH FROM clock_timestamp() - a.xact_start) * 1000 AS bigint)
FROM pg_catalog.pg_stat_activity a
WHERE a.xact_start IS NOT NULL AND a.pid <> pg_catalog.pg_backend_pid() AND EXISTS (
    SELECT 1 FROM pg_catalog.pg_locks l
    WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation'
      AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
      AND l.relation IN (
        SELECT CAST(CAST(:name AS regclass) AS oid)
        UNION ALL SELECT CAST(relid AS oid) FROM pg_catalog.pg_partition_tree(CAST(:name AS regclass))))
ORDER BY a.xact_start
LIMIT 1
"""

# InnoDB tells who has changed rows, but not of which table; and it may tell what was so before, until nobody has asked
# it for a tenth of a second: what is missed then, the overlap finds
_MYSQL = """
SELECT t.trx_mysql_thread_id, p.user, '', p.host, 1000 * TIMESTAMPDIFF(SECOND, t.trx_started, NOW())
FROM information_schema.INNODB_TRX t
LEFT JOIN information_schema.PROCESSLIST p ON p.id = t.trx_mysql_thread_id
WHERE t.trx_rows_modified > 0 AND t.trx_mysql_thread_id <> CONNECTION_ID()
  AND (p.db IS NULL OR p.db = COALESCE(:name, DATABASE()))
ORDER BY t.trx_started
LIMIT 1
"""


class Writer(NamedTuple):
    """A transaction that is open.

    :param name: the process and who has it open, for a message; no statement and no value.
    :param open_ms: for how long.
    """

    name: str
    open_ms: int


def oldest_writer(conn: Connection, table: Table) -> Writer | None:
    """Return the one that has been open for longest; None where there is none, or the server does not tell.

    PostgreSQL tells members of ``pg_read_all_stats``, MySQL users with the right ``PROCESS``; both tell everybody of
    their own sessions, PostgreSQL also of those of the same user.
    """
    if conn.dialect.name == "sqlite":
        return None
    name = table.schema if is_mysql(conn.dialect) else quoted_name(conn.dialect, table)
    row: Any = None
    try:
        with guarded(conn):
            row = conn.execute(text(_MYSQL if is_mysql(conn.dialect) else _POSTGRES), {"name": name}).one_or_none()
    except DBAPIError as exc:
        if not lacks_right(exc):
            raise
    if row is None:
        return None
    pid, user, program, host, open_ms = row
    kind = "connection" if is_mysql(conn.dialect) else "process"
    return Writer(f"{kind} {pid} ({who(user, host, program)})", int(open_ms))
