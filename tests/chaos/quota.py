"""Many processes, one app: is Lark ever asked more often than its documents allow, and how much of that is used.

Run ``python -m tests.chaos.quota [--tasks 8] [--seconds 20] [--stores sqlite,postgresql,mysql,redis,outage]``. The
emulator enforces the documented limits in a process of its own; each task is a process too, and calls one API as often
as it may. ``redis`` is a Redis beside SQLite; ``outage`` is the same for twice as long and more, with the Redis killed
in mid-run and started again, empty, after 20 seconds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import httpx
from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

from airflow_provider_lark.core import LarkClient
from airflow_provider_lark.core.accounts import upgrade
from airflow_provider_lark.core.accounts.database import AccountsDatabase
from airflow_provider_lark.core.accounts.rate_store import SqlRateStore
from airflow_provider_lark.core.accounts.redis_rate_store import RedisRateStore
from airflow_provider_lark.core.accounts.tables import rate_limits
from airflow_provider_lark.core.api.calls.budget.change import ChangingStore
from airflow_provider_lark.core.api.calls.budget.store import RateStore
from airflow_provider_lark.core.clock import SystemClock
from tests.bench.emulator_process import running_emulator
from tests.databases import EngineOf, databases
from tests.redis_server import free_port, start_redis

LIMIT = 20
"""Calls a second that the documents allow for the API that is called, lists of tables."""

SETTLED_SECONDS = 3.0
"""The first seconds, in which everybody finds its part, are not measured."""

CHANGE_SECONDS = 10.0
"""A Redis that is used for the first time gives nothing for so long, at most."""

OUTAGE_SECONDS = 20.0

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the emulator saw, and what it cost.

    :param most_in_a_second: in any second, not only in whole ones.
    :param per_second: calls a second once everybody had found its part.
    :param questions: transactions of all tasks.
    :param fewest: calls of the task that was served least; *most*: of the one that was served best.
    """

    calls: int
    refused: int
    most_in_a_second: int
    per_second: float
    questions: int
    fewest: int
    most: int
    cpu_ms_per_call: float


def run_task(given: dict[str, Any]) -> None:
    """Call as often as it may, once told to begin, and print what came of it."""
    clock, commits, calls = SystemClock(), [0], 0
    engine = create_engine(given["store"], poolclass=NullPool)
    event.listen(engine, "commit", lambda _: commits.__setitem__(0, commits[0] + 1))
    store: RateStore = SqlRateStore(AccountsDatabase(engine, rate_limits), given["host"], given["app_id"])
    if given["redis"]:
        first = RedisRateStore({"host": "127.0.0.1", "port": given["redis"]}, given["host"], given["app_id"])
        store = ChangingStore(first, store, called="Redis", name="app", clock=clock)
    with LarkClient(given["app_id"], given["app_secret"], given["host"], rate_store=store) as client:
        print("ready", flush=True)
        sys.stdin.readline()
        end, cpu = clock.monotonic() + given["seconds"], process_time()
        while clock.monotonic() < end:
            client.bitable.list_tables(app_token=given["app_token"])
            calls += 1
    print(json.dumps({"calls": calls, "questions": commits[0], "cpu": process_time() - cpu}))


def measure(
    store: str, *, tasks: int, seconds: float, redis: int = 0, meanwhile: Callable[[], None] = lambda: None
) -> Outcome:
    """Let *tasks* processes call for *seconds*.

    :param store: address of a database.
    :param redis: port of a Redis that is to be used first.
    :param meanwhile: what else happens.
    """
    upgrade(create_engine(store, poolclass=NullPool))
    with running_emulator("--rate-limits") as app, _emulated(app["host"]) as emulated:
        base = emulated.post("bases", json={"name": "quota"}).json()["result"]["app_token"]
        given = json.dumps({**app, "app_token": base, "store": store, "redis": redis, "seconds": seconds})
        command = [sys.executable, "-m", "tests.chaos.quota", "--task", given]
        running = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
            for _ in range(tasks)
        ]
        for each in running:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        for each in running:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        meanwhile()
        told = [json.loads(each.communicate(timeout=seconds + 120)[0]) for each in running]
        log = [each for each in emulated.get("log").json()["result"] if each["template"].endswith("/tables")]
    times = sorted(each["at_ms"] for each in log if each["method"] == "GET")
    settled = [at for at in times if at >= times[0] + SETTLED_SECONDS * 1000]
    return Outcome(
        calls=len(times),
        refused=sum(each["code"] != 0 for each in log),
        most_in_a_second=most_in_a_second(times),
        per_second=(len(settled) - 1) / (settled[-1] - settled[0]) * 1000,
        questions=sum(each["questions"] for each in told),
        fewest=min(each["calls"] for each in told),
        most=max(each["calls"] for each in told),
        cpu_ms_per_call=sum(each["cpu"] for each in told) / len(times) * 1000,
    )


def most_in_a_second(times_ms: list[int]) -> int:
    """Return the most of the sorted *times_ms* that lie in one second, wherever it begins."""
    first, most = 0, 0
    for n, at in enumerate(times_ms):
        while times_ms[first] <= at - 1000:
            first += 1
        most = max(most, n - first + 1)
    return most


@contextmanager
def _emulated(host: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{host}/_emulator/", timeout=60.0, trust_env=False) as client:
        yield client


def measure_kind(kind: str, new_database: EngineOf, *, tasks: int, seconds: float) -> Outcome:
    """Measure one of the stores; see the module."""
    if kind not in ("redis", "outage"):
        return measure(new_database(kind).url.render_as_string(hide_password=False), tasks=tasks, seconds=seconds)
    database = new_database("sqlite").url.render_as_string()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        port = free_port()
        server = start_redis(Path(folder), port)
        stack.callback(lambda: server.kill())

        def fail() -> None:
            nonlocal server
            clock = SystemClock()
            clock.sleep(CHANGE_SECONDS + 5)
            server.kill()
            server.wait()
            clock.sleep(OUTAGE_SECONDS)
            server = start_redis(Path(folder), port)

        if kind == "redis":
            return measure(database, tasks=tasks, seconds=seconds + CHANGE_SECONDS, redis=port)
        seconds = 2 * seconds + OUTAGE_SECONDS + CHANGE_SECONDS
        return measure(database, tasks=tasks, seconds=seconds, redis=port, meanwhile=fail)


def main(options: argparse.Namespace) -> int:
    """Print a line for each store; return 1 where a call was refused, or too little of the limit was used."""
    print(f"{options.tasks} tasks, one app, {options.seconds:g} s; the limit is {LIMIT} calls a second")
    print(f"{'':12}{'calls':>6}{'refused':>9}{'most in 1 s':>13}{'calls/s':>9}{'of the limit':>14}", end="")
    print(f"{'each task':>11}{'questions':>11}{'CPU ms/call':>13}")
    is_bad = False
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as new_database:
        for kind in options.stores.split(","):
            found = measure_kind(kind, new_database, tasks=options.tasks, seconds=options.seconds)
            share, each = found.per_second / LIMIT, f"{found.fewest}-{found.most}"
            print(
                f"{kind:12}{found.calls:>6}{found.refused:>9}{found.most_in_a_second:>13}{found.per_second:>9.1f}"
                f"{share:>14.0%}{each:>11}{found.questions:>11}{found.cpu_ms_per_call:>13.1f}"
            )
            # an outage has its pauses: 9 seconds each way in which nobody may go on
            least = 0.5 if kind == "outage" else 0.8
            is_bad |= found.refused > 0 or found.most_in_a_second > LIMIT or share < least
    return int(is_bad)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--stores", default="sqlite,postgresql,mysql,redis,outage")
    parser.add_argument("--task", type=json.loads)
    chosen = parser.parse_args()
    sys.exit(main(chosen) if chosen.task is None else run_task(chosen.task))
