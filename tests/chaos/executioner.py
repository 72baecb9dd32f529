"""Runs the engine in a process of its own, and kills that at a boundary."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from airflow_provider_lark.emulator.wire import Request
from tests.chaos.arena import Arena, ChaosWorld

Moment = Literal["before call", "after call", "after commit", "never"]
ROOT = Path(__file__).parents[2]
SURVIVED, REFUSED = 0, 2


class Executioner:
    """Runs the engine in a process of its own and kills it at a boundary."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.pid = 0
        self.known = threading.Event()

    @classmethod
    @contextmanager
    def at_work(cls) -> Iterator[Executioner]:
        """Give one with its process, which ends afterwards."""
        with subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.victim"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            yield cls(process)
            assert process.stdin is not None
            process.stdin.close()

    def execute(self, world: ChaosWorld, operation: str, moment: Moment, number: int) -> int:
        """Return the child's exit code: minus 9 when it was killed, REFUSED after an error that is a LarkError."""
        job = {
            "database": world.sql.url.render_as_string(hide_password=False),
            "host": world.emu.url,
            "app_id": world.emu.app_id,
            "app_secret": world.emu.app_secret,
            "mapping": world.mapping().to_dict(),
            "operation": operation,
            "commit": number if moment == "after commit" else 0,
            "session": list(world.session),
            "ahead_seconds": world.clock.ahead_seconds,
        }
        arena = world.emu
        assert isinstance(arena, Arena)
        self.known.clear()
        if moment == "before call":
            arena.before = self._strike(number)
        elif moment == "after call":
            arena.after = self._strike(number)
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        self.pid = self._read()
        self.known.set()
        status = self._read()
        if moment in ("before call", "after call"):
            arena.before = arena.after = None
        return status

    def _strike(self, number: int) -> Callable[[Request], bool]:
        count = 0

        def hook(request: Request) -> bool:
            nonlocal count
            count += 1
            if count == number:
                self.known.wait()
                os.kill(self.pid, signal.SIGKILL)
            # whoever is dead has sent nothing more
            return count >= number

        return hook

    def _read(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())
