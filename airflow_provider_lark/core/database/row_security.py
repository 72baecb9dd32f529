"""PostgreSQL's row-level security: which policies hide rows from the user of a session."""

from __future__ import annotations

from sqlalchemy import Connection, text

_ACTIVE = """
SELECT format('%I.%I', n.nspname, c.relname), p.polname
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid
WHERE c.relrowsecurity AND pg_catalog.row_security_active(c.oid)
  AND (CAST(:name AS text) IS NULL OR c.oid = to_regclass(:name))
ORDER BY 1, 2
"""


def hiding_policies(conn: Connection, name: str | None = None) -> str:
    """Return which tables show this user a part of their rows, and by which policies; an empty text for none.

    :param name: the one table to look at, as SQL writes it.
    """
    if conn.dialect.name != "postgresql":
        return ""
    found: dict[str, list[str]] = {}
    for table, policy in conn.execute(text(_ACTIVE), {"name": name}):
        found.setdefault(table, []).extend([policy] if policy else [])
    told = [
        f"{table} ({'policy ' + ', '.join(map(repr, policies)) if policies else 'no policy allows any row'})"
        for table, policies in found.items()
    ]
    return ", ".join(told)


def explain_hidden(told: str) -> str:
    """Return what to do about tables that :func:`hiding_policies` names."""
    return (
        f"row-level security hides rows from this database user: {told or 'of a table that it reads'}. Hidden rows "
        "would be treated as deleted, so nothing is read; let the user see all rows (ALTER ROLE … BYPASSRLS), or "
        "disable row-level security on the table"
    )
