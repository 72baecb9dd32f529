"""``kill -9`` of a real task process before and after each call of a send, again and again; each second try must do.

python -m tests.chaos.kill_sends --kills 200
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import perf_counter

import pytest

from tests.airflow_home import prepare

# what a task imports after its process was forked; here, that is once instead of each time
_SPARED = (
    "airflow.dag_processing.bundles.manager",
    "airflow.executors.workloads",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow_provider_lark.hooks.lark",
    "airflow_provider_lark.operators.message",
)


def kill(sender, sends, kills, say):
    """Kill at each boundary of each send in turn, *kills* times in all; returns how often at which place."""
    places, number = Counter(), 0
    while True:
        for send in sends:
            for boundary in range(1, 1000):
                if sum(places.values()) == kills:
                    return places
                number += 1
                place = sender.kill_once(send, number, lambda count, _, wanted=boundary: count == wanted)
                if not place:
                    break
                places[place] += 1
                say(f"{sum(places.values())}: {send}, killed {place}")


def main():
    """Return 1 when a message was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    kills = parser.parse_args().kills
    prepare()
    for name in _SPARED:
        importlib.import_module(name)
    from tests.chaos.arena import Arena
    from tests.skin.killed_sends import SENDS, Sender

    out = sys.stdout
    begun = perf_counter()
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder, Arena() as arena:
        sender = Sender(patch, Path(folder), arena)
        # Airflow's own lines about each task
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                places = kill(sender, SENDS, kills, lambda words: print(words, file=out, flush=True))
            except AssertionError as error:
                print(error, file=out)
                return 1
    for place, count in sorted(places.items(), key=lambda each: -each[1]):
        print(f"{count:5} {place}")
    print(f"killed {kills} times in {perf_counter() - begun:.0f} s: 0 lost, 0 doubled")
    return 0


if __name__ == "__main__":
    sys.exit(main())
