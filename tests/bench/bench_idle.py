"""What keeping two tables in step costs, at 2,978 rows and at ten times as many, beside the optimum of the design.

Run ``python tests/bench/bench_idle.py [rows …]``. The emulator runs in a process of its own, so that CPU and memory are
the client's alone; each size is measured in a fresh process.
"""

from __future__ import annotations

import csv
import json
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import httpx
from sqlalchemy import Engine, create_engine, text

from airflow_provider_lark.core import LarkClient, SyncEngine, TableMapping

AREAS = Path(__file__).parents[2] / "dags" / "demo" / "data" / "divisions" / "areas.csv"
SIZES = (2_978, 29_780)
CHANGES = 1_000
PAGE, WRITE = 500, 1000
READS, WRITES = ("search", "batch_get"), ("create", "update", "delete")
FIELDS = {"代码": "code", "名称": "name", "城市代码": "city_code", "省份代码": "province_code"}
TABLE = "CREATE TABLE areas (code VARCHAR(12) PRIMARY KEY, name VARCHAR(80), city_code VARCHAR(12), province_code TEXT)"


def read_areas(count: int) -> Iterator[list[dict[str, str]]]:
    """Yield *count* rows in batches: the real areas, and again with longer codes."""
    with AREAS.open(encoding="utf-8", newline="") as lines:
        areas = list(csv.DictReader(lines))
    for turn in range(ceil(count / len(areas))):
        suffix = f"{turn:04}" if turn else ""
        yield [
            {"c": area["code"] + suffix, "n": area["name"], "t": area["cityCode"], "p": area["provinceCode"]}
            for area in areas[: count - turn * len(areas)]
        ]


class Emulated:
    """The emulator of another process, by its control routes."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=f"{url}/_emulator/", timeout=60.0, trust_env=False)

    def post(self, path: str, **body: Any) -> Any:
        answer = self.http.post(path, json=body)
        answer.raise_for_status()
        return answer.json()["result"]


class Bench:
    """One table of *rows* rows on both sides, and a line for each thing that is measured."""

    def __init__(self, url: str, engine: Engine, rows: int) -> None:
        self.rows, self.engine, self.url, self.emulated = rows, engine, url, Emulated(url)
        self.app_token = self.emulated.post("bases", name="bench")["app_token"]
        fields = [{"field_name": name, "type": 1} for name in FIELDS]
        table = self.emulated.post("tables", app_token=self.app_token, name="areas", fields=fields)
        self.place = {"app_token": self.app_token, "table_id": table["table_id"]}
        self.client = LarkClient("cli_emulator", "emulator-secret", host=url)
        self.mapping = TableMapping.from_dict({"lark": self.place, "sql": {"table": "areas"}, "fields": FIELDS})
        self.lines: list[dict[str, Any]] = []

    def measure(self, work: str, run: Callable[[SyncEngine], Any], *, least: tuple[int, int], records: int) -> None:
        """Run once and keep calls, seconds, CPU and the highest memory so far."""
        sync = SyncEngine(self.client, self.engine, self.mapping)
        began, cpu_began = perf_counter(), process_time()
        calls = run(sync).to_dict()["api_calls"]
        seconds, cpu = perf_counter() - began, process_time() - cpu_began
        reads, writes = (sum(calls.get(kind, 0) for kind in kinds) for kinds in (READS, WRITES))
        self.lines.append(
            {
                "work": work,
                "reads": f"{reads} / {least[0]}",
                "writes": f"{writes} / {least[1]}",
                "other": calls["total"] - reads - writes,
                "seconds": seconds,
                "cpu_ms": cpu * 1000,
                "records": records,
                "peak_mb": peak_mb(),
            }
        )

    def run(self) -> None:
        """Measure everything, in an order in which each starts from rest."""
        pages, changes = ceil(self.rows / PAGE), CHANGES
        with self.engine.begin() as conn:
            conn.execute(text(TABLE))
            for some in read_areas(self.rows):
                conn.execute(text("INSERT INTO areas VALUES (:c, :n, :t, :p)"), some)
        SyncEngine(self.client, self.engine, self.mapping).setup()
        self.lines.append({"work": "(before)", "peak_mb": peak_mb()})
        self.measure("full load", SyncEngine.full, least=(1, ceil(self.rows / WRITE)), records=self.rows)
        self.measure("idle", SyncEngine.incremental, least=(1, 0), records=0)
        self.measure("idle again", SyncEngine.incremental, least=(1, 0), records=0)
        self.edit_sql(1)
        self.measure("1 row changed in SQL", SyncEngine.incremental, least=(1, 1), records=1)
        self.edit_lark(1)
        self.measure("1 record edited in Lark", SyncEngine.incremental, least=(1, 0), records=1)
        self.edit_sql(changes)
        least = (1, ceil(changes / WRITE))
        self.measure(f"{changes} rows changed in SQL", SyncEngine.incremental, least=least, records=changes)
        self.measure("the run after, with its echoes", SyncEngine.incremental, least=(1, 0), records=0)
        self.edit_lark(changes)
        least = (ceil(changes / PAGE), 0)
        self.measure(f"{changes} records edited in Lark", SyncEngine.incremental, least=least, records=changes)
        self.measure("idle at last", SyncEngine.incremental, least=(1, 0), records=0)
        self.measure("check", SyncEngine.check, least=(pages, 0), records=self.rows)
        self.measure("full, nothing to do", SyncEngine.full, least=(pages, 0), records=self.rows)

    def edit_sql(self, count: int) -> None:
        with self.engine.begin() as conn:
            chosen = "SELECT code FROM areas ORDER BY code LIMIT :count"
            conn.execute(text(f"UPDATE areas SET name = name || '+' WHERE code IN ({chosen})"), {"count": count})

    def edit_lark(self, count: int) -> None:
        # in another process: the list of all records must not show up in our memory
        given = json.dumps({"url": self.url, "place": self.place, "count": count, "name": f"edit {len(self.lines)}"})
        subprocess.run([sys.executable, __file__, "--edit", given], check=True)


def edit_records(*, url: str, place: dict[str, str], count: int, name: str) -> None:
    """Edit records as a person."""
    emulated = Emulated(url)
    for record in emulated.post("person/records", **place)[-count:]:
        emulated.post("person/edit_record", **place, record_id=record["record_id"], fields={"名称": name})


def peak_mb() -> float:
    """Return the most memory that this process has ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def running_emulator() -> Iterator[str]:
    """Run the emulator in another process and yield its address."""
    command = [sys.executable, "-m", "airflow_provider_lark.emulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGTERM)


def measure_one(url: str, rows: int) -> None:
    """Measure one size in this process, and print the lines as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/bench.db")
        bench = Bench(url, engine, rows)
        bench.run()
        engine.dispose()
        bench.client.close()
    print(json.dumps(bench.lines))


def show(rows: int, lines: list[dict[str, Any]]) -> None:
    """Print the lines of one size."""
    before, *measured = lines
    print(f"\n{rows} rows; {before['peak_mb']:.0f} MB before the first run")
    print(f"{'':32}{'reads/least':>12}{'writes/least':>13}{'other':>6}{'s':>8}{'CPU ms':>9}{'ms/record':>10}{'MB':>6}")
    for line in measured:
        each = f"{line['cpu_ms'] / line['records']:.3f}" if line["records"] >= CHANGES else ""
        print(
            f"{line['work']:32}{line['reads']:>12}{line['writes']:>13}{line['other']:>6}{line['seconds']:>8.2f}"
            f"{line['cpu_ms']:>9.0f}{each:>10}{line['peak_mb'] - before['peak_mb']:>+6.0f}"
        )


def main(sizes: tuple[int, ...]) -> None:
    """Print what each size costs."""
    print("reads, writes: requests beside the fewest possible (pages of 500, batches of 1000; ours are of 500)")
    print("other: requests for the token and the field list. Optimum of the design: 0.1 ms of CPU a changed record,")
    print("memory of one page and one batch, flat in the number of rows (MB: growth of the peak).")
    for rows in sizes:
        with running_emulator() as url:
            command = [sys.executable, __file__, "--one", url, str(rows)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        show(rows, json.loads(done.stdout))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure_one(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1:2] == ["--edit"]:
        edit_records(**json.loads(sys.argv[2]))
    else:
        main(tuple(map(int, sys.argv[1:])) or SIZES)
