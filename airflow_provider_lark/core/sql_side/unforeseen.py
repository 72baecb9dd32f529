"""What may reject or change a row that is written, and cannot be told from its columns: read from the catalog, by name.

Constraints that only the database can check, other tables' foreign keys, triggers, rules of PostgreSQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Inspector, Table, inspect, text

from airflow_provider_lark.core.database.mysql_options import is_mysql
from airflow_provider_lark.core.database.quoting import as_named, quoted_name
from airflow_provider_lark.core.hints import list_names

# triggers and rules, also of partitions; exclusion constraints, checks of domains, foreign keys of other tables
_POSTGRES = """
WITH here AS (
    SELECT CAST(:table AS regclass) AS id
    UNION SELECT relid FROM pg_catalog.pg_partition_tree(CAST(:table AS regclass))
)
SELECT 'trigger', tgname, tgtype & 4 > 0 OR tgtype & 16 > 0, tgtype & 8 > 0 FROM pg_catalog.pg_trigger, here
WHERE tgrelid = here.id AND NOT tgisinternal AND tgenabled IN ('O', 'A')
UNION SELECT 'rule', rulename, ev_type IN ('2', '3'), ev_type = '4' FROM pg_catalog.pg_rewrite, here
WHERE ev_class = here.id AND rulename <> '_RETURN' AND ev_enabled IN ('O', 'A')
UNION SELECT 'EXCLUDE', conname, true, false FROM pg_catalog.pg_constraint, here
WHERE conrelid = here.id AND contype = 'x'
UNION SELECT 'CHECK', c.conname, true, false FROM pg_catalog.pg_constraint c
JOIN pg_catalog.pg_attribute a ON a.atttypid = c.contypid AND NOT a.attisdropped JOIN here ON a.attrelid = here.id
WHERE c.contype = 'c' AND c.contypid <> 0
UNION SELECT 'foreign key', conname || ' of ' || CAST(CAST(conrelid AS regclass) AS text), false, true
FROM pg_catalog.pg_constraint, here
WHERE confrelid = here.id AND contype = 'f' AND conparentid = 0
"""
_MYSQL = """
SELECT 'trigger', trigger_name, event_manipulation <> 'DELETE', event_manipulation = 'DELETE'
FROM information_schema.triggers
WHERE event_object_schema = COALESCE(:schema, DATABASE()) AND event_object_table = :name
UNION SELECT 'foreign key', CONCAT(constraint_name, ' of ', table_name), 0, 1
FROM information_schema.referential_constraints
WHERE unique_constraint_schema = COALESCE(:schema, DATABASE()) AND referenced_table_name = :name
"""
# checks behind a column's type too, which SHOW CREATE TABLE has among the columns
_MARIADB_CHECKS = """
SELECT constraint_name, check_clause FROM information_schema.check_constraints
WHERE constraint_schema = COALESCE(:schema, DATABASE()) AND table_name = :name
"""
_SQLITE_TRIGGERS = """
SELECT name, sql FROM {schema}sqlite_master WHERE type = 'trigger' AND tbl_name = :name COLLATE NOCASE
"""
_SQLITE_REFERENCES = """
SELECT DISTINCT m.name FROM {schema}sqlite_master m, pragma_foreign_key_list(m.name) f
WHERE m.type = 'table' AND f."table" = :name COLLATE NOCASE
"""
_EVENT = re.compile(r"\b(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_VALID_JSON = re.compile(r"^\W*json_valid\W", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Found:
    """One of them; *writes*: at inserts or updates; *deletes*: at deletes."""

    kind: str
    name: str
    writes: bool = True
    deletes: bool = False


def tell_unforeseen(
    conn: Connection,
    table: Table,
    *,
    writes: bool,
    deletes: bool,
    is_ours: Callable[[str], bool],
    key: Collection[str],
    links: Collection[str] = (),
) -> str:
    """Return the constraints, triggers and rules that a plan cannot judge, by name; empty where there are none.

    :param writes: rows are inserted or updated; *deletes*: rows are deleted.
    :param is_ours: tells the triggers that capture changes by their names.
    :param key: the columns that tell rows apart, whose uniqueness is foreseen.
    :param links: the columns whose foreign keys are foreseen.
    """
    found: dict[str, list[str]] = {}
    for each in _all(conn, table, key, links):
        captures = each.kind == "trigger" and is_ours(each.name)
        if not captures and ((writes and each.writes) or (deletes and each.deletes)):
            found.setdefault(each.kind, []).append(each.name)
    return "; ".join(f"{kind} {list_names(sorted(set(names)))}" for kind, names in found.items())


def _all(conn: Connection, table: Table, key: Collection[str], links: Collection[str]) -> Iterator[_Found]:
    inspector = inspect(conn)
    name, schema = table.name, table.schema
    for check, clause in _checks(conn, inspector, table):
        # what makes a column JSON on MariaDB; the codecs write nothing else
        if not _VALID_JSON.match(clause):
            yield _Found("CHECK", check or f"({clause})")
    yield from _uniques(inspector, table, key)
    for reference in inspector.get_foreign_keys(name, schema=schema):
        columns = reference["constrained_columns"]
        if not set(columns) <= set(links):
            yield _Found("foreign key", reference["name"] or f"({', '.join(columns)})")
    if conn.dialect.name == "postgresql":
        found = conn.execute(text(_POSTGRES), {"table": quoted_name(conn.dialect, table)})
    elif is_mysql(conn.dialect):
        found = conn.execute(text(_MYSQL), {"name": name, "schema": schema})
    else:
        yield from _of_sqlite(conn, table)
        return
    for kind, named, at_writes, at_deletes in found:
        yield _Found(kind, named, bool(at_writes), bool(at_deletes))


def _checks(conn: Connection, inspector: Inspector, table: Table) -> Iterator[tuple[str | None, str]]:
    if getattr(conn.dialect, "is_mariadb", False):
        found = conn.execute(text(_MARIADB_CHECKS), {"name": table.name, "schema": table.schema})
        yield from ((name, clause) for name, clause in found)
        return
    for check in inspector.get_check_constraints(table.name, schema=table.schema):
        yield check["name"], check["sqltext"]


def _uniques(inspector: Inspector, table: Table, key: Collection[str]) -> Iterator[_Found]:
    names = set[str]()
    for index in inspector.get_indexes(table.name, schema=table.schema):
        partial = any(name.endswith("_where") for name in index.get("dialect_options", {}))
        if index["unique"] and (partial or not _are(inspector, index["column_names"], key)):
            names.add(index["name"] or "")
    for constraint in inspector.get_unique_constraints(table.name, schema=table.schema):
        if not _are(inspector, constraint["column_names"], key):
            names.add(constraint["name"] or f"({', '.join(constraint['column_names'])})")
    yield from (_Found("unique", name) for name in names)


def _are(inspector: Inspector, names: Collection[str | None], key: Collection[str]) -> bool:
    return {name and as_named(inspector.dialect, name) for name in names} == set(key)


def _of_sqlite(conn: Connection, table: Table) -> Iterator[_Found]:
    schema = f"{conn.dialect.identifier_preparer.quote(table.schema)}." if table.schema else ""
    for name, ddl in conn.execute(text(_SQLITE_TRIGGERS.format(schema=schema)), {"name": table.name}):
        event = _EVENT.search(ddl)
        at_delete = event is not None and event[1].upper() == "DELETE"
        yield _Found("trigger", name, writes=not at_delete, deletes=at_delete)
    for (name,) in conn.execute(text(_SQLITE_REFERENCES.format(schema=schema)), {"name": table.name}):
        yield _Found("foreign key", f"of {name}", writes=False, deletes=True)
