"""What tables have to observe that are created here: names that the database takes, and texts that are exact."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Dialect
from sqlalchemy.dialects import mysql

from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.fields.column import SqlType

TABLE_OPTIONS: dict[str, Any] = {f"{dialect}_charset": "utf8mb4" for dialect in ("mysql", "mariadb")}


def exact_text(dialect: Dialect, sql_type: SqlType) -> SqlType:
    """Return a text type that tells upper from lower case, as Lark's ids and keys do."""
    if is_mysql(dialect) and isinstance(sql_type, sa.String):
        return mysql.VARCHAR(sql_type.length, collation="utf8mb4_bin")
    return sql_type


def refuse_name(dialect: Dialect, name: str) -> str:
    """Return why a table or a column cannot have this name here; an empty text where it can."""
    mysql_rules = is_mysql(dialect)
    limit, unit = (64, "characters") if mysql_rules else (dialect.max_identifier_length, "bytes")
    size = len(name) if mysql_rules else len(name.encode())
    if size > limit or name != name.strip() or not name:
        return f"at most {limit} {unit}, no leading or trailing spaces"
    if mysql_rules and max(name) > "\uffff":
        return "no emoji or other characters outside the BMP"
    if mysql_rules and "`" in name:
        # SQLAlchemy reads it back doubled
        return "no backtick"
    return "" if "\0" not in name else "no NUL"


def name_fold(conn: Connection) -> Callable[[str], str]:
    """Return what makes one text of two names of tables that are the same here; blanks around a name never count."""
    if conn.dialect.name == "postgresql":
        limit = conn.dialect.max_identifier_length
        return lambda name: name.strip().encode()[:limit].decode(errors="ignore")
    if is_mysql(conn.dialect) and not conn.exec_driver_sql("SELECT @@lower_case_table_names").scalar_one():
        return str.strip
    if is_mysql(conn.dialect):
        return lambda name: name.strip().lower()
    # SQLite knows upper and lower case of ASCII only
    return lambda name: "".join(each.lower() if each.isascii() else each for each in name.strip())


def find_namesakes(names: Iterable[str]) -> dict[str, str]:
    """Return each of the *names* that would be the same column as an earlier one, and that one."""
    seen: dict[str, str] = {}
    found: dict[str, str] = {}
    for name in names:
        if (other := seen.setdefault(name.casefold(), name)) != name:
            found[name] = other
    return found
