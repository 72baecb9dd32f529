"""Reading records beside ``lark-oapi``: CPU per record, memory, import; each client in a process of its own.

Run ``python tests/bench/bench_read.py [records]``.  Both read the same table of the emulator, which runs in another
process, page by page of 500, and look at every cell of every record.  Numbers are medians of five runs, taken in turn.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

RECORDS, RUNS, PAGE = 20_000, 5, 500
FIELDS: list[dict[str, Any]] = [
    {"field_name": "Title", "type": 1},
    {"field_name": "Amount", "type": 2},
    {"field_name": "State", "type": 3, "property": {"options": [{"name": "open"}, {"name": "done"}]}},
    {"field_name": "Tags", "type": 4, "property": {"options": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}},
    {"field_name": "Due", "type": 5},
    {"field_name": "Paid", "type": 7},
    {"field_name": "Link", "type": 15},
    {"field_name": "Note", "type": 1},
]


class Usage:
    """What this process has used since it was made."""

    def __init__(self) -> None:
        self._seconds, self._cpu, self._modules = time.perf_counter(), time.process_time(), len(sys.modules)

    def told(self) -> dict[str, float]:
        return {
            "seconds": time.perf_counter() - self._seconds,
            "cpu": time.process_time() - self._cpu,
            "modules": len(sys.modules) - self._modules,
            # the most it ever held
            "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def read_with_ours(url: str, place: dict[str, str]) -> tuple[dict[str, float], int]:
    """Import, then read; return what importing used, and the number of cells seen."""
    usage = Usage()
    from airflow_provider_lark.core import LarkClient

    client = LarkClient("cli_emulator", "emulator-secret", url, rate_share=None)
    imported, cells = usage.told(), 0
    for page in client.bitable.search_pages(**place, automatic_fields=True):
        for record in page.items:
            cells += sum(value is not None for value in record["fields"].values()) + bool(record["last_modified_time"])
    client.close()
    return imported, cells


def read_with_lark_oapi(url: str, place: dict[str, str]) -> tuple[dict[str, float], int]:
    """The same with the official client, as its documentation shows it."""
    usage = Usage()
    import lark_oapi
    from lark_oapi.api.bitable.v1 import SearchAppTableRecordRequest, SearchAppTableRecordRequestBody

    client = lark_oapi.Client.builder().app_id("cli_emulator").app_secret("emulator-secret").domain(url).build()
    imported, cells, page_token = usage.told(), 0, None
    body = SearchAppTableRecordRequestBody.builder().automatic_fields(True).build()
    while True:
        builder = SearchAppTableRecordRequest.builder().app_token(place["app_token"]).table_id(place["table_id"])
        builder = builder.page_size(PAGE).request_body(body)
        if page_token:
            builder = builder.page_token(page_token)
        answer = client.bitable.v1.app_table_record.search(builder.build())
        if not answer.success():
            raise SystemExit(f"lark-oapi: {answer.code} {answer.msg}")
        for record in answer.data.items:
            cells += sum(value is not None for value in record.fields.values()) + bool(record.last_modified_time)
        if not answer.data.has_more:
            return imported, cells
        page_token = answer.data.page_token


READERS = {"ours": read_with_ours, "lark-oapi": read_with_lark_oapi}


def measure_one(name: str, url: str, place: dict[str, str]) -> None:
    """Read in this process and print what it used as JSON."""
    usage = Usage()
    imported, cells = READERS[name](url, place)
    whole = usage.told()
    told = {
        "import s": imported["seconds"],
        "import MB": imported["mb"],
        "modules": imported["modules"],
        "read s": whole["seconds"] - imported["seconds"],
        "read CPU s": whole["cpu"] - imported["cpu"],
        "peak MB": whole["mb"],
        "cells": cells,
    }
    print(json.dumps(told))


class Emulated:
    """The emulator behind its control routes."""

    def __init__(self, url: str) -> None:
        self.url = url

    def post(self, action: str, **given: Any) -> Any:
        request = urllib.request.Request(f"{self.url}/_emulator/{action}", json.dumps(given).encode(), method="POST")
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["result"]

    def fill(self, count: int) -> dict[str, str]:
        """Make a table of *count* records and return where it is."""
        app_token = self.post("state/create_base", name="Bench")["app_token"]
        place = {"app_token": app_token}
        place["table_id"] = self.post("state/create_table", **place, name="tasks", fields=FIELDS)["table_id"]
        for start in range(0, count, 1000):
            some = [_cells(n) for n in range(start, min(count, start + 1000))]
            self.post("person/add_records", **place, rows=some)
        return place


def _cells(n: int) -> dict[str, Any]:
    return {
        "Title": f"任务 {n}",
        "Amount": n * 1.25,
        "State": "done" if n % 3 else "open",
        "Tags": ["a", "b"] if n % 2 else ["c"],
        "Due": 1_700_000_000_000 + n * 60_000,
        "Paid": n % 5 == 0,
        "Link": {"text": f"page {n}", "link": f"https://example.com/{n}"},
        "Note": "a note of some words that somebody has written here",
    }


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


def show(count: int, medians: dict[str, dict[str, float]]) -> bool:
    """Print the table; tell whether we are ahead on each line."""
    ours, theirs = medians["ours"], medians["lark-oapi"]
    lines = [
        ("import, s", ours["import s"], theirs["import s"]),
        ("modules imported", ours["modules"], theirs["modules"]),
        ("memory after import, MB", ours["import MB"], theirs["import MB"]),
        ("reading, CPU us per record", *(each["read CPU s"] / count * 1e6 for each in (ours, theirs))),
        ("reading, s (the emulator's time in it)", ours["read s"], theirs["read s"]),
        ("peak memory, MB", ours["peak MB"], theirs["peak MB"]),
    ]
    print(f"{count} records of {len(FIELDS)} fields, pages of {PAGE}; medians of {RUNS} runs")
    print(f"{'':40}{'ours':>10}{'lark-oapi':>12}{'ratio':>8}")
    for name, mine, other in lines:
        print(f"{name:40}{mine:>10.2f}{other:>12.2f}{other / mine:>7.1f}x")
    # the whole time is mostly the emulator's, so it does not count
    return all(mine < other for name, mine, other in lines if not name.startswith("reading, s"))


def main(count: int) -> int:
    """Measure both in turn; the answer is 1 when we are behind anywhere."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in READERS}
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    with running_emulator() as url:
        place = Emulated(url).fill(count)
        for _ in range(RUNS):
            for name, told in runs.items():
                command = [sys.executable, __file__, "--one", name, url, json.dumps(place)]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
                told.append(json.loads(done.stdout.splitlines()[-1]))
    seen = {run["cells"] for told in runs.values() for run in told}
    if len(seen) != 1:
        print(f"the clients saw different numbers of cells: {sorted(seen)}")
        return 1
    medians = {
        name: {key: statistics.median(run[key] for run in told) for key in told[0]} for name, told in runs.items()
    }
    return 0 if show(count, medians) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure_one(sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
    else:
        sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else RECORDS))
