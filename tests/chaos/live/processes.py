"""The processes of a running Airflow: each can be killed with SIGKILL, and started again as it was."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

sys.path.insert(0, str(Path(__file__).parents[3] / "dags" / "demo"))

from components import Components

WORKERS: Final = ("task", "supervisor", "worker")
"""What :meth:`Processes.kill_worker` kills: the process of the task, the one that watches over it, or both."""


class Processes(Components):
    """Airflow's components, and what runs beside them.

    The log of each life of a component is kept: ``<name>.log`` is that of the last, ``<name>.1.log`` of the first.
    """

    def __init__(self, logs: Path) -> None:
        super().__init__(logs)
        self._arguments: dict[str, tuple[str, ...]] = {}
        self._lives: dict[str, int] = {}
        self._killed: list[int] = []
        """The sessions of those that were killed: what they had started may live on."""

    def start(self, name: str, *arguments: str) -> None:
        """Start a component; without *arguments*, as it was started before."""
        self._arguments[name] = arguments or self._arguments[name]
        life = self._lives[name] = self._lives.get(name, 0) + 1
        if life > 1:
            (self.logs / f"{name}.log").replace(self.logs / f"{name}.{life - 1}.log")
        super().start(name, *self._arguments[name])

    def has(self, name: str) -> bool:
        """Tell whether a component of this name was ever started."""
        return name in self._arguments

    def kill(self, name: str, *, alone: bool = False) -> None:
        """Kill a component and all that it has started; or *alone*, and leave those to themselves, as a machine does
        that runs out of memory."""
        child = self._running.pop(name)
        self._killed.append(child.pid)
        child.kill()
        if not alone:
            _kill_session(child.pid)
        child.wait()

    def kill_worker(self, what: str, tasks: Collection[int]) -> bool:
        """Kill a worker of the LocalExecutor amid a task, or that task; False: none is amid one now.

        :param what: one of :data:`WORKERS`.
        :param tasks: the processes of tasks that run by Airflow's word. One whose worker dies before that stays queued,
            as the LocalExecutor of Airflow 3.3 cannot take it back, until the scheduler begins anew.
        """
        for worker in psutil.Process(self._running["scheduler"].pid).children():
            with suppress(psutil.NoSuchProcess):
                mine = worker.children(recursive=True)
                if not any(each.pid in tasks for each in mine):
                    continue
                # the worker first: it must not report what became of its task
                for each in {"task": mine, "supervisor": [worker], "worker": [worker, *mine]}[what]:
                    each.kill()
                return True
        return False

    def stop(self) -> None:
        """End every component, and all that they have started: a task outlives its worker, with keys of this run."""
        sessions = [*self._killed, *(child.pid for child in self._running.values())]
        super().stop()
        for session in sessions:
            _kill_session(session)
        self._killed.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _kill_session(session: int) -> None:
    # Airflow gives each task a process group of its own
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getsid(process.pid) == session:
                process.kill()
