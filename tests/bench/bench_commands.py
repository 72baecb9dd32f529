"""Seconds, CPU and memory of what a person asks for, beside the number of rows of which half were just changed.

Run ``python tests/bench/bench_commands.py [sqlite|postgresql|mysql] [rows …]``. Nothing is asserted. The optimum is
memory that does not grow with the rows. Each question is asked in a process of its own, the emulator runs in another.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

sys.path.insert(0, str(Path(__file__).parents[2]))

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.ledger import Ledger
from airflow_provider_lark.core.sync.status import read_status
from airflow_provider_lark.core.sync.undo.plan import plan_undo
from airflow_provider_lark.plugins.sync_page import reading
from tests.bench.emulator_process import running_emulator
from tests.databases import databases

SIZES = (20_000, 200_000)
FIELDS = [{"field_name": "code", "type": 1}, {"field_name": "name", "type": 1}, {"field_name": "qty", "type": 2}]
DONE, UNDONE = "bench-changes", "bench-nothing"


def ask_plan(sync: SyncEngine) -> None:
    with sync.plan() as plan:
        deque(plan.actions(), maxlen=0)


def ask_undo(sync: SyncEngine) -> None:
    plan = plan_undo(sync, DONE, allow_mass_deletes=True)
    assert plan is not None
    deque(plan.steps, maxlen=0)


def ask_status(sync: SyncEngine) -> None:
    with open_session(sync.sql_engine) as conn:
        read_status(Ledger(conn, "goods"))


def ask_page(sync: SyncEngine) -> None:
    with open_session(sync.sql_engine) as conn:
        ledger = Ledger(conn, "goods")
        reading.runs(ledger, None)
        reading.failed(ledger, "", None, None)
        reading.conflicts(ledger, 0, values=True)
        reading.history(ledger, "42", values=True)


ASKED = {
    "nothing": lambda sync: None,
    "plan": ask_plan,
    "run": SyncEngine.incremental,
    "undo, its plan": ask_undo,
    "check": SyncEngine.check,
    "status": ask_status,
    "page": ask_page,
}


def ask(given: dict[str, Any]) -> dict[str, float]:
    """Ask one thing, in this process."""
    engine = create_engine(given["url"])
    with LarkClient(given["app_id"], given["app_secret"], given["host"], rate_share=None) as client:
        sync = SyncEngine(client, engine, TableMapping.from_dict(given["mapping"]), run_id=given["run_id"])
        began, cpu = time.perf_counter(), time.process_time()
        ASKED[given["what"]](sync)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    engine.dispose()
    return {"seconds": seconds, "cpu": cpu, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def fill(engine: Engine, rows: int) -> None:
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE goods (code INTEGER PRIMARY KEY, name VARCHAR(80), qty INTEGER)"))
        for start in range(0, rows, 5_000):
            part = range(start, min(start + 5_000, rows))
            given = [{"code": number, "name": f"海淀区 {number}", "qty": number} for number in part]
            conn.execute(text("INSERT INTO goods VALUES (:code, :name, :qty)"), given)


def measure(kind: str, rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as make, running_emulator() as emulator:
        engine = make(kind)
        fill(engine, rows)
        with LarkClient(emulator["app_id"], emulator["app_secret"], emulator["host"], rate_share=None) as client:
            app_token = client.bitable.create_app(name="Shop").app_token
            table_id = client.bitable.create_table(app_token=app_token, name="goods", fields=FIELDS)
            place = {"app_token": app_token, "table_id": table_id}
            mapping = {"lark": place, "sql": {"table": "goods"}, "fields": {f: f for f in ("code", "name", "qty")}}
            sync = SyncEngine(client, engine, TableMapping.from_dict(mapping))
            sync.full()
            sync.incremental()
        with engine.begin() as conn:
            conn.execute(text("UPDATE goods SET name = 'changed', qty = qty + 1 WHERE code % 2 = 0"))
        url = engine.url.render_as_string(hide_password=False)
        for what in ASKED:
            run_id = DONE if what == "run" else UNDONE
            given = {**emulator, "url": url, "mapping": mapping, "what": what, "run_id": run_id}
            command = [sys.executable, __file__, "--ask", json.dumps(given)]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            took = f"{found['seconds']:8.2f} s{found['cpu']:8.2f} s CPU{found['mb']:7.0f} MB"
            print(f"{kind:12}{rows:>9,}  {what:16}{took}", flush=True)


def main(kinds: list[str], sizes: list[int]) -> None:
    for kind in kinds or ["sqlite", "postgresql"]:
        for rows in sizes or SIZES:
            measure(kind, rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ask"]:
        print(json.dumps(ask(json.loads(sys.argv[2]))))
    else:
        main(
            [each for each in sys.argv[1:] if not each.isdigit()],
            [int(each) for each in sys.argv[1:] if each.isdigit()],
        )
