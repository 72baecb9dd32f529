"""What a table of PostgreSQL is put together from: partitions, which come and go, and tables that inherit from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, text

from airflow_provider_lark.core.database.quoting import quote
from airflow_provider_lark.core.errors import SchemaMismatch

_PARTS = """
WITH RECURSIVE part AS (
    SELECT inhrelid, inhparent, xmin FROM pg_catalog.pg_inherits WHERE inhparent = to_regclass(:name)
    UNION ALL
    SELECT deeper.inhrelid, deeper.inhparent, deeper.xmin
    FROM pg_catalog.pg_inherits deeper JOIN part ON deeper.inhparent = part.inhrelid
)
SELECT part.inhrelid::regclass::text AS name,
       part.inhrelid::regclass::text || ' ' || part.inhrelid || ' ' || part.xmin AS id,
       own.relispartition AS is_partition
FROM part
JOIN pg_catalog.pg_class own ON own.oid = part.inhrelid
ORDER BY id
"""


def parts_of(conn: Connection, name: str, schema: str | None) -> dict[str, str] | None:
    """Return the partitions of a table: their names, as SQL takes them, by an id that no two of them ever share.

    One that was detached and attached again has another id. None: it has none, or the database knows none.

    :raises SchemaMismatch: other tables inherit from it: their rows show in it, and their triggers and keys are theirs.
    """
    if conn.dialect.name != "postgresql":
        return None
    qualified = ".".join(quote(conn.dialect, part) for part in (schema, name) if part)
    rows = conn.execute(text(_PARTS), {"name": qualified}).all()
    heirs = [row.name for row in rows if not row.is_partition]
    if heirs:
        raise SchemaMismatch(
            f"table {name!r}: {', '.join(heirs)} inherit from it, so it includes their rows, which its key does not "
            "keep unique and its triggers do not see; map those tables, or use partitioning (PARTITION BY)"
        )
    return {row.id: row.name for row in rows} or None


def changed_parts(conn: Connection, parts: Mapping[str, str], known: Collection[str]) -> list[str]:
    """Return the names of partitions that may have brought rows along since *known*, or that took theirs away."""
    # one that was made empty, as most are, has told of its rows since; one that has some may have had them before
    came = [name for id_, name in parts.items() if id_ not in known and _has_rows(conn, name)]
    went = [id_.rsplit(" ", 2)[0] for id_ in known if id_ not in parts]
    return list(dict.fromkeys([*came, *went]))


def _has_rows(conn: Connection, name: str) -> bool:
    # as it is written: names may hold per cent signs and colons
    asked = conn.exec_driver_sql(f"SELECT EXISTS (SELECT FROM {name})", execution_options={"no_parameters": True})
    return bool(asked.scalar_one())
