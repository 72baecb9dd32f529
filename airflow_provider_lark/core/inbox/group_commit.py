"""Many deliveries in one transaction: what comes while the last ones are being written goes into the next.

A commit costs the same for one row as for a hundred, and so do the statements around it. Each caller hears of its own
delivery after the commit that holds it, and only then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from airflow_provider_lark.core.errors import LarkError, Unreachable
from airflow_provider_lark.core.inbox.inbox import DeliveryStore, Outcome, Receipt
from airflow_provider_lark.core.receiving.envelope import Delivery

TOGETHER_MAX = 100
"""So many deliveries go into one transaction."""

GATHER_SECONDS = 0.05
"""A batch begins so long after the last one at the earliest. What comes after a pause is written at once."""

PATIENCE_SECONDS = 0.25
"""A batch that takes longer may hang, on a lock or a connection; the next one no longer waits for it.

A store that has failed is tried so often.
"""

WRITERS = 4
"""So many batches are written at once where they hang; usually it is one."""

WAITING_MAX = 2000
"""So many deliveries wait; more come only where nothing is written, and Lark sends them again."""

_Waiting = tuple[Delivery, "asyncio.Future[Receipt]"]


class GroupCommit:
    """Stands before what keeps deliveries, and brings it several at once; belongs to one event loop.

    A caller that is cancelled while it waits for its turn leaves nothing behind. One that is cancelled later does not
    know what became of its delivery. Its threads end when it is let go of, and a write that hangs with its database.

    While the store fails, one event in :data:`PATIENCE_SECONDS` tries it, and the others are refused at once: Lark
    sends them again. What a person waits for is always tried.
    """

    def __init__(self, store: DeliveryStore) -> None:
        self.store = store
        self._waiting: deque[_Waiting] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._pool = ThreadPoolExecutor(WRITERS, thread_name_prefix="lark-inbox")
        self._free = asyncio.Semaphore(WRITERS)
        self._failure: LarkError | None = None
        self._try_again_at = 0.0

    async def put(self, delivery: Delivery, *, seconds: float) -> Receipt:
        """Store *delivery* durably; see :meth:`.AsyncDeliveryStore.put`."""
        if len(self._waiting) >= WAITING_MAX:
            raise Unreachable(f"{WAITING_MAX} deliveries wait for the inbox already, so no more are taken")
        loop = asyncio.get_running_loop()
        if self._failure is not None and delivery.kind == "event":
            if loop.time() < self._try_again_at:
                raise Unreachable(self._failure.message)
            self._try_again_at = loop.time() + PATIENCE_SECONDS
        kept: asyncio.Future[Receipt] = loop.create_future()
        self._waiting.append((delivery, kept))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await kept

    async def _write(self) -> None:
        """Write batch after batch, until nothing waits."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._free.acquire()
                batch = self._take()
                if not batch:
                    self._free.release()
                    return
                began = loop.time()
                job = loop.run_in_executor(self._pool, self.store.put_all, [delivery for delivery, _ in batch])
                job.add_done_callback(partial(self._settle, batch))
                await asyncio.wait({job}, timeout=PATIENCE_SECONDS)
                # a store that is down is not asked fifty times a second: that costs more than writing does
                has_failed = job.done() and job.exception() is not None
                gathering = PATIENCE_SECONDS if has_failed else GATHER_SECONDS
                await asyncio.sleep(began + gathering - loop.time())
        finally:
            self._writing = None

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < TOGETHER_MAX:
            delivery, kept = self._waiting.popleft()
            if not kept.done():
                batch.append((delivery, kept))
        return batch

    def _settle(self, batch: Sequence[_Waiting], job: asyncio.Future[list[Outcome]]) -> None:
        self._free.release()
        error = job.exception()
        self._failure = error if isinstance(error, LarkError) else None
        self._try_again_at = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        outcomes: Sequence[Receipt | BaseException] = [error] * len(batch) if error is not None else job.result()
        for (_, kept), outcome in zip(batch, outcomes, strict=True):
            if kept.done():
                # nobody waits any more, and what its caller told has been told
                continue
            if isinstance(outcome, Receipt):
                kept.set_result(outcome)
            else:
                kept.set_exception(outcome)
