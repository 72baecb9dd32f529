"""Measure the transfers both ways: ``python tests/bench/bench_transfers.py [streets.csv]``.

1,000 rows, every row of the file (default: ``$LARK_DATA/streets.csv``, or ``../shared/data/divisions/streets.csv``
beside the repository) and 100,000 made-up rows go from each database into a new table of the emulator, which runs in a
process of its own, and back. Each transfer is a process of its own too, so that its memory is its own. Prints calls
beside the optimum, rows a second, processor time a row, and the peak of memory beside what it was before; says
whether what came back equals what went.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from math import ceil
from pathlib import Path
from typing import Any

from emulator_process import running_emulator
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.api.address import TableAddress
from airflow_provider_lark.core.transfer.to_bitable.load import LoadOptions, copy_to_bitable
from airflow_provider_lark.core.transfer.to_bitable.sql_source import SqlSource
from airflow_provider_lark.core.transfer.to_sql.dump import DumpOptions, copy_to_sql
from airflow_provider_lark.core.transfer.to_sql.sql_target import TargetPlace

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("LARK_DATA", ROOT.parent / "shared" / "data" / "divisions"))
SMALL, LARGE = 1000, 100_000
COLUMNS = ("code", "name", "area_code", "province_code", "city_code")

databases = runpy.run_path(str(ROOT / "tests" / "databases.py"))
Row = tuple[int, str, int, int, int]


def read_rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            (int(row["code"]), row["name"], int(row["areaCode"]), int(row["provinceCode"]), int(row["cityCode"]))
            for row in csv.DictReader(file)
        ]


def made_up(count: int) -> list[Row]:
    return [(10**8 + at, f"街道{at}", 110_101 + at % 3000, 11 + at % 30, 1101 + at % 300) for at in range(count)]


def fill(engine: Engine, rows: list[Row]) -> None:
    with engine.begin() as conn:
        conn.execute(text("DROP TABLE IF EXISTS streets"))
        conn.execute(
            text(
                "CREATE TABLE streets (code INTEGER NOT NULL PRIMARY KEY, name VARCHAR(80), area_code INTEGER, "
                "province_code INTEGER, city_code INTEGER)"
            )
        )
        names = ", ".join(f":{name}" for name in COLUMNS)
        statement = text(f"INSERT INTO streets VALUES ({names})")
        for start in range(0, len(rows), 5000):
            conn.execute(statement, [dict(zip(COLUMNS, row, strict=True)) for row in rows[start : start + 5000]])


def digest(engine: Engine, table: str) -> str:
    found = hashlib.sha256()
    with engine.connect() as conn:
        for row in conn.execute(text(f"SELECT {', '.join(COLUMNS)} FROM {table} ORDER BY code")):
            found.update(repr([row[1], *(int(cell) for cell in (row[0], *row[2:]))]).encode())
    return found.hexdigest()


def work(job: dict[str, Any]) -> dict[str, Any]:
    """Run one transfer and return its report with what it cost this process."""
    address = TableAddress(app_token=job["app_token"], table=job["table"])
    engine = create_engine(job["database"])
    with LarkClient(job["app_id"], job["app_secret"], job["host"], rate_share=None) as client:
        before_kb, cpu, started = _peak_kb(), time.process_time(), time.perf_counter()
        if job["way"] == "to Lark":
            options = LoadOptions(mode=job["mode"], key_fields=job["keys"], create_table=True)
            report = copy_to_bitable(client, engine, SqlSource(table="streets"), address, options)
        else:
            place = TargetPlace("streets_back")
            report = copy_to_sql(client, engine, address, place, DumpOptions(mode=job["mode"], create_table=True))
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    engine.dispose()
    peak_kb = _peak_kb()
    costs = {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": peak_kb / 1024, "before_mb": before_kb / 1024}
    return {**report.to_dict(), **costs}


def _peak_kb() -> int:
    # not getrusage(): what it tells outlives exec(), so it would be the parent's peak
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise RuntimeError("needs Linux: /proc/self/status tells no VmHWM")


def measure(job: dict[str, Any], count: int) -> None:
    done = subprocess.run(
        [sys.executable, __file__, "--job", json.dumps(job)], check=True, capture_output=True, text=True, cwd=ROOT
    )
    report = json.loads(done.stdout)
    calls = report["api_calls"]
    reads, writes = calls.get("search", 0), calls.get("create", 0) + calls.get("update", 0) + calls.get("delete", 0)
    least_reads = ceil(count / 500) if job["way"] == "to SQL" or job["mode"] != "append" else 0
    least_writes = ceil((report["created"] + report["updated"]) / 1000) if job["way"] == "to Lark" else 0
    name = f"{job['way']}, {job['mode']}"
    print(
        f"  {count:7,} {name:17} {reads:4} reads ({least_reads}), {writes:4} writes ({least_writes}), "
        f"{calls['total'] - reads - writes} other; {count / report['seconds']:7,.0f} rows/s, "
        f"{report['cpu_seconds'] / count * 1e6:5.1f} µs/row, "
        f"peak {report['peak_mb']:5.1f} MB ({report['before_mb']:.1f} before)",
        flush=True,
    )


def bench(kind: str, engine: Engine, lark: dict[str, str], streets: list[Row]) -> None:
    print(f"{kind}: calls beside the optimum in brackets")
    url = engine.url.render_as_string(hide_password=False)
    for rows in (streets[:SMALL], streets, made_up(LARGE)):
        fill(engine, rows)
        with engine.begin() as conn:
            conn.execute(text("DROP TABLE IF EXISTS streets_back"))
        with LarkClient(lark["app_id"], lark["app_secret"], lark["host"]) as client:
            app_token = client.bitable.create_app(name=f"{kind} {len(rows)}").app_token
        job: dict[str, Any] = {**lark, "database": url, "app_token": app_token, "table": "streets", "keys": []}
        measure({**job, "way": "to Lark", "mode": "append"}, len(rows))
        measure({**job, "way": "to Lark", "mode": "upsert", "keys": ["code"]}, len(rows))
        measure({**job, "way": "to SQL", "mode": "append"}, len(rows))
        measure({**job, "way": "to SQL", "mode": "upsert"}, len(rows))
        measure({**job, "way": "to SQL", "mode": "replace"}, len(rows))
        equal = digest(engine, "streets") == digest(engine, "streets_back")
        print(f"  {len(rows):7,} came back {'equal' if equal else 'DIFFERENT'}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DATA / "streets.csv")
    parser.add_argument("--kinds", nargs="*", default=list(databases["KINDS"]))
    parser.add_argument("--job", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        print(json.dumps(work(json.loads(options.job))))
        return 0
    if options.file.exists():
        streets = read_rows(options.file)
    else:
        print(f"{options.file} is not there; made-up rows instead")
        streets = made_up(41_352)
    with ExitStack() as stack:
        lark = stack.enter_context(running_emulator())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        for kind in options.kinds:
            name = f"lark_bench_{os.getpid()}"
            try:
                if kind == "sqlite":
                    engine = create_engine(f"sqlite:///{folder}/{name}.db")
                else:
                    engine = create_engine(stack.enter_context(databases["server_database"](kind, name)))
            except OperationalError as exc:
                print(f"{kind}: no server ({exc.orig})")
                continue
            bench(kind, engine, lark, streets)
            engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
