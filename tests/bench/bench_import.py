"""What importing the provider adds to a task that has imported Airflow's base classes.

Run ``python tests/bench/bench_import.py``; the numbers are medians over fresh interpreters.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

RUNS = 7
LIMIT_MS = 50.0
LIMIT_MB = 10.0
MODULES = (
    "airflow_provider_lark.operators.sync",
    "airflow_provider_lark.operators.bitable_records",
    "airflow_provider_lark.operators.bitable_tables",
    "airflow_provider_lark.sensors.bitable",
    "airflow_provider_lark.sensors.sync_queue",
    "airflow_provider_lark.hooks.lark",
    "airflow_provider_lark.notifications.lark",
)
PROBE = """
import os, sys, time
from airflow.sdk import BaseHook, BaseNotifier, BaseOperator, BaseSensorOperator

def resident_mb():
    with open("/proc/self/statm") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

before_mb, before_s, known = resident_mb(), time.perf_counter(), set(sys.modules)
import {module}
seconds = time.perf_counter() - before_s
print(seconds * 1000, resident_mb() - before_mb, len(set(sys.modules) - known))
"""


def measure(module: str) -> tuple[float, float, int]:
    """Return milliseconds, megabytes and modules that importing *module* adds: medians."""
    runs = []
    for _ in range(RUNS):
        done = subprocess.run(
            [sys.executable, "-c", PROBE.format(module=module)], capture_output=True, text=True, check=True
        )
        runs.append([float(number) for number in done.stdout.split()])
    milliseconds, megabytes, modules = (statistics.median(column) for column in zip(*runs, strict=True))
    return milliseconds, megabytes, int(modules)


def main() -> int:
    """Print one line a module; the answer is 1 when a limit is passed."""
    passed = True
    for module in MODULES:
        milliseconds, megabytes, modules = measure(module)
        kept = milliseconds <= LIMIT_MS and megabytes <= LIMIT_MB
        passed &= kept
        print(
            f"{module}: +{milliseconds:.1f} ms (limit {LIMIT_MS:g}), +{megabytes:.1f} MB (limit {LIMIT_MB:g}), "
            f"{modules} more modules: {'ok' if kept else 'TOO MUCH'}"
        )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
