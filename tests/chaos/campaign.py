"""``make chaos``: many seeds on every database, in processes beside each other.

A seed that fails is written to ``.chaos/``, with the command that replays it.
"""

from __future__ import annotations

import argparse
import faulthandler
import multiprocessing
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.arena import Arena
from tests.chaos.executioner import Executioner
from tests.chaos.gale import Gale, Places
from tests.chaos.weather import forecast
from tests.clocks import JumpingClock
from tests.databases import KINDS, databases

FAILURES = Path(".chaos")


@dataclass
class Result:
    """What one seed did."""

    kind: str
    seed: int
    seconds: float
    error: str | None = None
    counts: dict[str, int] = field(default_factory=dict)


Job = tuple[str, int]


def work(jobs: list[Job], results: multiprocessing.SimpleQueue[Result]) -> None:
    """Carry out *jobs* in this process, with an emulator and databases of its own."""
    faulthandler.enable()
    clock = JumpingClock()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="chaos-")))
        places = Places(stack.enter_context(databases(directory)))
        arena = stack.enter_context(Arena(clock=clock))
        executioner = stack.enter_context(Executioner.at_work())
        for kind, seed in jobs:
            results.put(blow(places, arena, clock, executioner, kind, seed))


def blow(places: Places, arena: Arena, clock: JumpingClock, executioner: Executioner, kind: str, seed: int) -> Result:
    """Let one seed's gale blow."""
    began = time.monotonic()
    outlook = forecast(kind, seed)
    counts: dict[str, int] = {}
    error, story = None, list[str]()
    try:
        with places.find(kind, outlook.session).world(arena, clock, outlook.variant) as world:
            gale = Gale(world, seed, outlook.policy, executioner=executioner, variant=outlook.variant)
            counts, story = gale.counts, gale.story
            gale.blow()
    except Exception:  # noqa: BLE001  # a storm's end, whatever it is, is its result
        error = "\n".join([str(outlook), *story, traceback.format_exc()])
    return Result(kind, seed, time.monotonic() - began, error, dict(counts))


def numbers(text: str) -> list[int]:
    """Read ``7``, ``0-99`` or ``1,5,20-29``."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seeds", type=numbers, default=numbers("0-99"), help="such as 17, 0-999 or 1,5,20-29")
    parser.add_argument("--databases", default=",".join(KINDS), help="which of " + ", ".join(KINDS))
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    jobs = [(kind, seed) for seed in options.seeds for kind in options.databases.split(",")]
    began = time.monotonic()
    results = [*run(jobs, min(options.processes, len(jobs)))]
    return summarise(results, time.monotonic() - began, len(jobs))


def run(jobs: list[Job], processes: int) -> Iterator[Result]:
    """Share *jobs* out, and yield each result as it comes."""
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.SimpleQueue[Result] = context.SimpleQueue()
    workers = [context.Process(target=work, args=(jobs[at::processes], queue)) for at in range(processes)]
    for worker in workers:
        worker.start()
    done = failed = 0
    while done < len(jobs):
        if queue.empty():
            if not any(worker.is_alive() for worker in workers) and queue.empty():
                break
            time.sleep(0.05)  # noqa: TID251  # a person waits for the real end
            continue
        result = queue.get()
        done += 1
        if result.error is not None:
            failed += 1
            report(result)
        if done % 25 == 0 or done == len(jobs):
            print(f"{done} of {len(jobs)} storms, {failed} failed", flush=True)
        yield result
    for worker in workers:
        worker.join()


def report(result: Result) -> None:
    """Write down a failed seed's story, and say how to see it again."""
    FAILURES.mkdir(exist_ok=True)
    path = FAILURES / f"{result.kind}-{result.seed}.txt"
    path.write_text(str(result.error), encoding="utf-8")
    last = str(result.error).strip().splitlines()[-1][:200]
    print(f"FAILED {result.kind} {result.seed}: {last}")
    print(f"  story: {path}; again: make chaos SEEDS={result.seed} DATABASES={result.kind}", flush=True)


def summarise(results: list[Result], seconds: float, wanted: int) -> int:
    """Print what happened; return the exit code."""
    counts: Counter[str] = Counter()
    for result in results:
        counts.update(result.counts)
    for kind in sorted({result.kind for result in results}):
        of_kind = [result for result in results if result.kind == kind]
        failed = sum(result.error is not None for result in of_kind)
        mean = sum(result.seconds for result in of_kind) / len(of_kind)
        print(f"{kind}: {len(of_kind)} storms, {failed} failed, {mean:.2f} s each")
    print(", ".join(f"{what} {count}" for what, count in sorted(counts.items())))
    lost = wanted - len(results)
    if lost:
        print(f"{lost} storms were not carried out: a process died")
    failed = sum(result.error is not None for result in results)
    print(f"{len(results) - failed} passed, {failed + lost} failed ({seconds:.0f} s)")
    return 1 if failed or lost else 0


if __name__ == "__main__":
    sys.exit(main())
