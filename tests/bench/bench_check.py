"""A consistency check of a large table of which half differs: seconds, calls, memory.

Run ``python tests/bench/bench_check.py [records …]``. The emulator runs in another process, the rows lie in SQLite. The
optimum is a call for each 500 records and one for each 100 that differ, and memory that does not grow with either.
"""

from __future__ import annotations

import resource
import sys
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from sqlalchemy import create_engine, text

sys.path.insert(0, str(Path(__file__).parents[2]))

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping
from airflow_provider_lark.core.sync.consistency.files import write_reports
from airflow_provider_lark.core.sync.consistency.options import CheckOptions
from tests.bench.emulator_process import running_emulator


def measure(client: LarkClient, records: int, folder: str) -> None:
    base = client.bitable.create_app(name="Bench").app_token
    fields = [{"field_name": "code", "type": 2}, {"field_name": "name", "type": 1}]
    table_id = client.bitable.create_table(app_token=base, name="goods", fields=fields)
    for start in range(0, records, 1000):
        rows = [{"code": n, "name": f"name {n}"} for n in range(start, min(start + 1000, records))]
        client.bitable.batch_create(app_token=base, table_id=table_id, records=rows, client_token=str(uuid4()))
    sql = create_engine(f"sqlite:///{folder}/{records}.db")
    with sql.begin() as conn:
        conn.execute(text("CREATE TABLE goods (code INTEGER NOT NULL PRIMARY KEY, name VARCHAR(40))"))
        cells = [{"code": n, "name": f"name {n}" if n % 2 else "other"} for n in range(records)]
        conn.execute(text("INSERT INTO goods VALUES (:code, :name)"), cells)
    del cells
    lark = {"app_token": base, "table_id": table_id}
    engine = SyncEngine(client, sql, TableMapping.from_dict({"lark": lark, "sql": {"table": "goods"}}))
    engine.setup()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report = engine.check(CheckOptions(rows=1000))
    write_reports([f"{folder}/check.html", f"{folder}/check.json"], [report], now=0)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    calls = report.api_calls.get("search", 0) + report.api_calls.get("batch_get", 0)
    optimum = ceil(records / 500) + ceil(report.different / 100)
    print(
        f"{records:>9,} records, {report.different:,} differ: {report.seconds:.1f} s, {calls:,} reads "
        f"(optimum {optimum:,}), most memory {before:.0f} -> {most:.0f} MB",
        flush=True,
    )
    sql.dispose()


def main() -> None:
    counts = [int(each) for each in sys.argv[1:]] or [20_000]
    with (
        running_emulator() as told,
        TemporaryDirectory() as folder,
        LarkClient(told["app_id"], told["app_secret"], told["host"]) as client,
    ):
        for count in counts:
            measure(client, count, folder)


if __name__ == "__main__":
    main()
