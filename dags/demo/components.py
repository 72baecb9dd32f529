"""Airflow's components as child processes: started one by one, watched, and ended one by one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE_SECONDS = 20.0


def free_port(preferred: int) -> int:
    """Return *preferred* where nobody listens there, else any free port."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            # a port whose last user has just ended counts as free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")


class Components:
    """Child processes by name; leaving the block ends them all and waits for each.

    :param logs: a folder; each component writes ``<name>.log`` there.
    """

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *arguments: str) -> None:
        """Start ``airflow`` with *arguments* in a process group of its own, which Ctrl-C does not reach."""
        with (self.logs / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 - our own arguments
                [sys.executable, "-m", "airflow", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def find_ended(self) -> str | None:
        """Return the name of a component that runs no longer."""
        return next((name for name, child in self._running.items() if child.poll() is not None), None)

    def stop(self) -> None:
        """End every component and wait for it; the ones that hang are killed with what they started."""
        for child in self._running.values():
            child.terminate()
        for child in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(PATIENCE_SECONDS)
            # whatever is left of its group: a hung component, or workers that outlived it
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        self._running.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
