"""What the page Lark sync asks of a database, at 50 mappings: ``python tests/bench/bench_sync_page.py``.

Nothing is asserted. 200,000 changes wait and 100,000 rows have failed; the optimum is seconds at most, and flat memory.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.ledger import Ledger, migrate
from airflow_provider_lark.core.sync.status import read_statuses
from airflow_provider_lark.plugins.sync_page import reading
from tests.databases import KINDS, databases
from tests.skin.sync_page.scene import add_entries, add_failed, add_runs

TABLES = [f"t{number}" for number in range(50)]


def fill(engine):
    migrate.upgrade(engine)
    with engine.begin() as conn:
        for table in TABLES:
            # one of them has half of all that failed
            add_entries(conn, table, 4_000)
            add_failed(conn, table, 51_000 if table == "t7" else 1_000)
            add_runs(conn, table, 40)


def look(engine):
    asked = {
        "all states": lambda conn: read_statuses(conn, TABLES, runs=30),
        "failed, newest": lambda conn: reading.failed(Ledger(conn, "t7"), "", None, None),
        "failed, oldest": lambda conn: reading.failed(Ledger(conn, "t7"), "", None, 0),
        "failed, filter": lambda conn: reading.failed(Ledger(conn, "t7"), "23505", None, None),
        "runs": lambda conn: reading.runs(Ledger(conn, "t7"), None),
    }
    for name, ask in asked.items():
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with open_session(engine) as conn:
            ask(conn)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(f"{engine.dialect.name:12}{name:16}{time.perf_counter() - began:8.3f} s  {grown:6.1f} MB more")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as make:
        for kind in KINDS:
            database = make(kind)
            fill(database)
            look(database)
