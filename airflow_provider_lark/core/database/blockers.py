"""Who holds what another waits for: asked after the wait, for the server tells nobody during it."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

_SHOWN = 3

# transactions of others in this database that hold locks on its tables, the oldest first
_POSTGRES = """
SELECT a.pid, a.usename, a.application_name, host(a.client_addr), a.state,
       CAST(EXTRACT(EPOCH FROM clock_timestamp() - a.xact_start) AS integer),
       array_agg(DISTINCT c.relname::text)
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'pg_toast')
JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.granted AND a.pid <> pg_catalog.pg_backend_pid() AND a.datname = pg_catalog.current_database()
GROUP BY a.pid, a.usename, a.application_name, a.client_addr, a.state, a.xact_start
ORDER BY a.xact_start NULLS LAST
"""

_MYSQL = """
SELECT t.trx_mysql_thread_id, p.user, p.host, p.command, TIMESTAMPDIFF(SECOND, t.trx_started, NOW())
FROM information_schema.INNODB_TRX t
LEFT JOIN information_schema.PROCESSLIST p ON p.id = t.trx_mysql_thread_id
WHERE t.trx_mysql_thread_id <> CONNECTION_ID() AND (p.db IS NULL OR p.db = DATABASE())
ORDER BY t.trx_started
"""


def describe_blockers(engine: Engine, statement: str) -> str:
    """Return a text that names the open transactions of others, those on the tables of *statement* first.

    It shows users, machines and programs, and never a statement or a value of theirs.
    """
    if engine.dialect.name == "sqlite":
        return (
            "SQLite does not report which one; end the transaction of the program that has the file open (see fuser, "
            "lsof)"
        )
    try:
        with engine.connect() as conn:
            found = _postgres(conn, statement) if engine.dialect.name == "postgresql" else _mysql(conn)
    except SQLAlchemyError:
        right = "pg_read_all_stats" if engine.dialect.name == "postgresql" else "PROCESS"
        return f"the server does not report by whom; grant this user {right}, or ask its administrator"
    if not found:
        return "the transaction that held the lock has since ended"
    return f"check {'; '.join(found[:_SHOWN])}; end transactions that were left open"


def _postgres(conn: Connection, statement: str) -> list[str]:
    rows = conn.execute(text(_POSTGRES)).all()
    # sorting is stable: of those on the statement's tables the oldest stays first
    rows = sorted(rows, key=lambda row: not any(name in statement for name in row[-1]))
    told = []
    for pid, user, program, host, state, seconds, tables in rows:
        since = "" if seconds is None else f", transaction open for {seconds} s"
        words = f"{who(user, host, program)}, {state or 'state not visible to this user'}{since}"
        told.append(f"process {pid} ({words}) on {', '.join(tables[:_SHOWN])}")
    return told


def _mysql(conn: Connection) -> list[str]:
    told = []
    for thread, user, host, command, seconds in conn.execute(text(_MYSQL)):
        doing = f"{who(user, host, '')}, {str(command or '').lower()}"
        told.append(f"connection {thread} ({doing}, transaction open for {seconds} s)")
    return told


def who(user: str | None, host: str | None, program: str | None) -> str:
    """Return who has a session, for a message."""
    place = f"{user or 'an unknown user'}{f'@{host}' if host else ''}"
    return f"{place}, {program}" if program else place
