"""Every SQL statement of the documentation runs on the databases that it is meant for."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, inspect, text

from airflow_provider_lark.core import accounts
from tests.docs.pages import page

LABELS = {"MySQL, MariaDB": "mysql", "PostgreSQL": "postgresql", "SQLite": "sqlite"}


def statements(name: str, dialect: str) -> Iterator[tuple[str, str]]:
    """Yield place and text of the statements for *dialect*; a comment in front of one may name another."""
    for block in page(name).blocks("sql"):
        for statement in re.split(r";\s*(?:\n|$)", block.text):
            label = re.match(r"\s*-- (.+)", statement)
            meant = LABELS.get(label[1]) if label else None
            if statement.strip() and meant in (None, dialect):
                yield block.id, statement


@pytest.fixture
def ready(engine: Engine) -> Engine:
    """Give a database with the quickstart's table and an entry of each kind in the ledger."""
    with engine.begin() as conn:
        for _, statement in statements("docs/quickstart.md", engine.dialect.name):
            if "CREATE TABLE" in statement:
                conn.execute(text(statement))
        for status in ("pending", "failed", "completed"):
            conn.execute(
                text("INSERT INTO sync_queue (table_name, record_id, status) VALUES ('users', '42', :status)"),
                {"status": status},
            )
        policy = "INSERT INTO sync_conflict (table_name, record_id, policy) VALUES ('users', '42', 'manual')"
        conn.execute(text(policy))
    return engine


@pytest.mark.parametrize("name", ["docs/quickstart.md", "docs/operations.md"])
def test_sql_of_the_page_runs(ready: Engine, name: str) -> None:
    with ready.connect() as conn:
        ran = 0
        for _, statement in statements(name, ready.dialect.name):
            if "CREATE TABLE" not in statement:
                conn.exec_driver_sql(statement, execution_options={"no_parameters": True})
                ran += 1
        assert ran >= 2
        conn.rollback()
    assert inspect(ready).has_table("users")


def test_sql_of_the_tokens_page_runs(engine: Engine) -> None:
    accounts.upgrade(engine)
    with engine.begin() as conn:
        ran = [conn.exec_driver_sql(sql) for _, sql in statements("docs/tokens.md", engine.dialect.name)]
    # the two queries, and the one of three deletes that is meant for this database
    assert len(ran) == 3


def test_retry_makes_failed_entries_wait_again(ready: Engine) -> None:
    (retry,) = [sql for _, sql in statements("docs/operations.md", ready.dialect.name) if "retry_count = 0" in sql]
    with ready.begin() as conn:
        conn.execute(text(retry))
        left = conn.execute(text("SELECT count(*) FROM sync_queue WHERE status = 'failed'")).scalar_one()
    assert left == 0


def test_figures_count_what_succeeded_and_failed(ready: Engine) -> None:
    with ready.begin() as conn:
        conn.execute(text("UPDATE sync_queue SET processed_at = created_at WHERE status = 'completed'"))
    (rates,) = [sql for _, sql in statements("docs/operations.md", ready.dialect.name) if "AS failed" in sql]
    with ready.connect() as conn:
        row = conn.exec_driver_sql(rates, execution_options={"no_parameters": True}).one()
    assert (row[0], row[1]) == (1, 1)
