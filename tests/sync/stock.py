"""A table whose column ``changed`` the database keeps up by itself, and the hands of a program on it."""

from __future__ import annotations

from typing import Any

from airflow_provider_lark.core import SyncEngine
from airflow_provider_lark.core.ledger.checkpoint import CaptureState
from airflow_provider_lark.core.sync.binding.setup import load_state
from tests.sync.plain import Plain

BY_COLUMN = "column:changed"
LONG_AGO = "2026-01-01 00:00:00.000"

#: the column, with fractions of a second
CLOCKS = {
    "sqlite": "TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))",
    "postgresql": "timestamptz NOT NULL DEFAULT clock_timestamp()",
    "mysql": "datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)",
}
_TOUCH = {
    "sqlite": (
        """CREATE TRIGGER own_touch AFTER UPDATE OF name ON stock WHEN NEW.changed = OLD.changed BEGIN
        UPDATE stock SET changed = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE rowid = NEW.rowid; END""",
    ),
    "postgresql": (
        """CREATE OR REPLACE FUNCTION own_touch() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN IF NEW.changed = OLD.changed THEN NEW.changed := clock_timestamp(); END IF; RETURN NEW; END'""",
        "CREATE TRIGGER own_touch BEFORE UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION own_touch()",
    ),
    "mysql": (),
}


def keep_up(stock: Plain) -> Plain:
    """Let the database write ``changed`` with each update that does not, as MySQL's ON UPDATE does."""
    stock.run(*_TOUCH[stock.sql.dialect.name])
    return stock


def ddl(kind: str) -> str:
    """Return the table of one kind of database, and its index."""
    return (
        f"CREATE TABLE stock (id integer PRIMARY KEY, name varchar(40), changed {CLOCKS[kind]}); "
        "CREATE INDEX stock_changed ON stock (changed)"
    )


def filled(stock: Plain, rows: int, **options: Any) -> SyncEngine:
    """Put rows into the table that are old by now, and bring both sides in step."""
    if rows:
        some = ", ".join(f"({n}, 'n{n}', '{LONG_AGO}')" for n in range(1, rows + 1))
        stock.run(f"INSERT INTO stock (id, name, changed) VALUES {some}")
    engine = stock.engine(**{"capture": BY_COLUMN, **options})
    engine.full()
    return engine


def waiting(stock: Plain) -> list[Any]:
    """Return what waits in the queue, or was given up."""
    return list(stock.ask("SELECT record_id, operation, status FROM sync_queue WHERE status <> 'completed'"))


def entries(stock: Plain) -> int:
    """Count what was ever put into the queue."""
    return int(stock.ask("SELECT count(*) FROM sync_queue")[0][0])


def read_so_far(stock: Plain) -> CaptureState:
    """Return how far changes were read."""
    state = load_state(stock.sql, "stock")
    assert state is not None
    assert state.capture is not None
    return state.capture


def names(stock: Plain) -> dict[Any, str]:
    """Return what Lark shows, by key."""
    return {key: cells.get("name", "") for key, cells in stock.cells().items()}
