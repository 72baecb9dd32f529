"""What a database's own catalogue says of the tables in it, for comparing two of them."""

from __future__ import annotations

from sqlalchemy import Engine, text

_QUESTIONS = {
    "sqlite": """
        SELECT m.name, p.name, p.type, p."notnull", p.dflt_value, p.pk
        FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%';
        SELECT m.name, l.name, l."unique", l.origin, i.seqno, i.name
        FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_info(l.name) i WHERE m.type = 'table'
    """,
    "postgresql": """
        SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default,
            collation_name, identity_generation FROM information_schema.columns WHERE table_schema = 'public';
        SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    """,
    "mysql": """
        SELECT table_name, column_name, column_type, is_nullable, column_default, collation_name, column_key, extra
        FROM information_schema.columns WHERE table_schema = DATABASE();
        SELECT table_name, index_name, non_unique, seq_in_index, column_name
        FROM information_schema.statistics WHERE table_schema = DATABASE();
        SELECT table_name, engine, table_collation FROM information_schema.tables WHERE table_schema = DATABASE()
    """,
}


def describe_schema(engine: Engine) -> list[str]:
    """Return a line for each column, index and table; two databases made alike give equal lists.

    The order of columns does not count: a migration can only append.
    """
    with engine.connect() as conn:
        questions = _QUESTIONS[conn.dialect.name].split(";")
        return sorted(str(tuple(row)) for asked in questions for row in conn.execute(text(asked)))
