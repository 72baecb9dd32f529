"""A thread that sends for processes that must not block, such as the scheduler."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from queue import Empty, Full, Queue
from threading import Thread

from airflow_provider_lark.core.clock import SYSTEM_CLOCK

log = logging.getLogger(__name__)

Job = Callable[[], None]

ROOM = 200
"""Messages that wait; what comes while all of it is taken is not told."""

DRAIN_SECONDS = 5.0
"""How long a process that ends waits for what is still to be told."""


class Outbox:
    """Carries out jobs one after the other, in a thread that begins with the first; none of it holds who puts them."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._owner = 0
        self._lost = 0
        self._jobs: Queue[Job] = Queue(room)
        self._thread: Thread | None = None

    def put(self, job: Job) -> bool:
        """Let *job* be carried out; False where too many wait, which is told once until there is room again."""
        self._begin()
        try:
            self._jobs.put_nowait(job)
        except Full:
            self._lost += 1
            if self._lost == 1:
                log.warning(
                    "%d notifications are already waiting; new ones are dropped until the queue has room", self._room
                )
            return False
        if self._lost:
            log.warning("notifications dropped because the queue was full: %d", self._lost)
            self._lost = 0
        return True

    def drain(self, seconds: float = DRAIN_SECONDS) -> bool:
        """Wait until all is done, for *seconds* at most, and return whether it is."""
        # what is waited for is another thread
        until = SYSTEM_CLOCK.monotonic() + seconds
        while self._owner == os.getpid() and self._jobs.unfinished_tasks:
            if SYSTEM_CLOCK.monotonic() >= until:
                log.warning("notifications not sent before the process ended: %d", self._jobs.unfinished_tasks)
                return False
            SYSTEM_CLOCK.sleep(0.05)
        return True

    def _begin(self) -> None:
        # a forked process has neither the thread nor what waits for it, and maybe a lock that nobody gives back
        if self._owner != os.getpid():
            self._owner, self._jobs, self._thread, self._lost = os.getpid(), Queue(self._room), None, 0
        if self._thread is None or not self._thread.is_alive():
            self._thread = Thread(target=self._run, args=(self._jobs,), name="lark-outbox", daemon=True)
            self._thread.start()

    @staticmethod
    def _run(jobs: Queue[Job]) -> None:
        while True:
            try:
                job = jobs.get(timeout=60)
            except Empty:
                continue
            try:
                job()
            except Exception as exc:  # noqa: BLE001 - the next one is due all the same
                log.warning("a notification could not be sent: %s", type(exc).__name__)
            finally:
                jobs.task_done()
