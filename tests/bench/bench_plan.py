"""CPU and memory of a plan, and of its run, beside the number of changes: ``python tests/bench/bench_plan.py``.

Nothing is asserted. The optimum is flat memory: a plan lies in a file. Each size runs in a process of its own, the
emulator in another.
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

from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parents[2]))

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.sync.plan.stored import read_plans
from tests.bench.emulator_process import running_emulator
from tests.databases import open_sqlite

SIZES = (1_000, 200_000)
FIELDS = [{"field_name": "code", "type": 1}, {"field_name": "name", "type": 1}, {"field_name": "qty", "type": 2}]


def measure(rows: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, running_emulator() as emulator:
        engine = open_sqlite(Path(folder) / "shop.db")
        with engine.begin() as conn:
            conn.execute(text("CREATE TABLE goods (code INTEGER PRIMARY KEY, name VARCHAR(80), qty INTEGER)"))
            some = ({"code": number, "name": f"海淀区 {number}", "qty": number} for number in range(rows))
            while part := [row for _, row in zip(range(5_000), some, strict=False)]:
                conn.execute(text("INSERT INTO goods VALUES (:code, :name, :qty)"), part)
        with LarkClient(emulator["app_id"], emulator["app_secret"], emulator["host"], rate_share=None) as client:
            app_token = client.bitable.create_app(name="Shop").app_token
            table_id = client.bitable.create_table(app_token=app_token, name="goods", fields=FIELDS)
            mapping = TableMapping.from_dict(
                {
                    "lark": {"app_token": app_token, "table_id": table_id},
                    "sql": {"table": "goods"},
                    "fields": {"code": "code", "name": "name", "qty": "qty"},
                }
            )
            before, began = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
            file = Path(folder) / "goods.plan"
            sync = SyncEngine(client, engine, mapping)
            with sync.plan() as plan:
                made = time.process_time() - began
                deque(plan.actions(), maxlen=0)
                read = time.process_time() - began - made
                told = len(json.dumps(plan.to_dict()))
                counts = plan.counts
                plan.save(file)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            began = time.process_time()
            for stored in read_plans(file):
                with stored:
                    report = sync.apply(stored)
            applied = time.process_time() - began
            size = file.stat().st_size
        engine.dispose()
    assert (report.to_lark.created, report.changed) == (rows, 0), report
    assert counts["lark", "create"] == rows, counts
    return {
        "us_a_row": made / rows * 1e6,
        "us_read": read / rows * 1e6,
        "peak_mb": peak,
        "before_mb": before.ru_maxrss / 1024,
        "bytes_told": told,
        "us_applied": applied / rows * 1e6,
        "peak_applied_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "bytes_saved": size / rows,
    }


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]))))
        return
    print("a first plan of so many rows, none of which has a record; SQLite")
    print(
        f"{'rows':>9}{'plan, us CPU a row':>20}{'reading it':>12}{'peak MB':>9}{'before':>8}{'task returns, bytes':>21}"
        f"{'saved, bytes a row':>20}{'applying, us CPU':>18}{'peak MB':>9}"
    )
    for rows in SIZES:
        done = subprocess.run([sys.executable, __file__, str(rows)], check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        print(
            f"{rows:>9}{found['us_a_row']:>20.0f}{found['us_read']:>12.0f}{found['peak_mb']:>9.0f}"
            f"{found['before_mb']:>8.0f}{found['bytes_told']:>21}"
            f"{found['bytes_saved']:>20.0f}{found['us_applied']:>18.0f}{found['peak_applied_mb']:>9.0f}"
        )


if __name__ == "__main__":
    main()
