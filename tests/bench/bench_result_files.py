"""Measure files of a query's rows: ``python tests/bench/bench_result_files.py [rows]``.

A million rows (or so many) of a SQLite table go into a file of each form. Each file is written in a process of its
own, so that its memory is its own. Prints seconds, rows a second, the file's size, and the peak of memory beside what
it was before the first row.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from airflow_provider_lark.core.database.connections import open_session
from airflow_provider_lark.core.transfer.to_bitable.sql_source import SqlSource
from airflow_provider_lark.core.transfer.to_message.csv_file import csv_form
from airflow_provider_lark.core.transfer.to_message.excel_file import write_excel
from airflow_provider_lark.core.transfer.to_message.html_file import html_form
from airflow_provider_lark.core.transfer.to_message.json_file import json_form
from airflow_provider_lark.core.transfer.to_message.packing import Packing
from airflow_provider_lark.core.transfer.to_message.text_file import TextFormat, write_text_file

ROWS = 1_000_000
# far beyond what Lark takes, which is not what is measured
MAX_BYTES = 1 << 30
QUERY = """
WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < {rows})
SELECT id, '街道' || id AS name, id % 3000 + 110000 AS area, id / 7.0 AS amount, '2026-11-01' AS day FROM n
"""


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_text(make: Callable[[Sequence[str]], TextFormat], packing: Packing | None = None) -> Callable[..., Any]:
    def write(path: Path, names: Sequence[str], parts: Any, **options: Any) -> Any:
        return write_text_file(path, make(names), parts, packing=packing, inner_name="result", **options)

    return write


WRITERS: dict[str, Callable[..., Any]] = {
    "csv": in_text(csv_form),
    "csv.gz": in_text(csv_form, "gzip"),
    "csv.zip": in_text(csv_form, "zip"),
    "json": in_text(json_form),
    "html": in_text(html_form),
    "excel": write_excel,
}


def measure(form: str, rows: int) -> None:
    write = WRITERS[form]
    with tempfile.TemporaryDirectory() as folder, open_session(create_engine("sqlite://")) as conn:
        path = Path(folder) / "result"
        with closing(SqlSource(QUERY.format(rows=rows)).open(conn)) as opened:
            write(Path(folder) / "first", opened.columns, [])
            before, began = peak_mb(), time.perf_counter()
            written = write(path, opened.columns, opened.rows(opened.columns), max_bytes=MAX_BYTES)
        seconds, size = time.perf_counter() - began, path.stat().st_size / 2**20
    rate = written.rows / seconds
    print(
        f"{form:8} {written.rows:>9,} rows {seconds:7.1f} s {rate:>9,.0f} rows/s {size:6.1f} MB"
        f"   memory {before:.0f} MB + {peak_mb() - before:.0f}"
    )


def main() -> None:
    if len(sys.argv) == 3:
        measure(sys.argv[1], int(sys.argv[2]))
        return
    most = int(sys.argv[1]) if len(sys.argv) == 2 else ROWS
    for form in WRITERS:
        for rows in (most // 100, most):
            subprocess.run([sys.executable, __file__, form, str(rows)], check=True)


if __name__ == "__main__":
    main()
