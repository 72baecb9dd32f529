"""Threads of the page's own: what waits for a database takes none of those that Airflow's pages share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import Final, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

P = ParamSpec("P")
T = TypeVar("T")

THREADS: Final = 32
"""So many requests of the page are worked on at once; Airflow's own have 40 threads, which stay theirs."""


def own_threads() -> Callable[[Callable[P, T]], Callable[P, Awaitable[T]]]:
    """Return what makes a route run in a thread of a new set; one that all of these are busy for waits without one."""
    limiter = CapacityLimiter(THREADS)

    def apart(route: Callable[P, T]) -> Callable[P, Awaitable[T]]:
        @wraps(route)
        async def run(*args: P.args, **kwargs: P.kwargs) -> T:
            return await to_thread.run_sync(partial(route, *args, **kwargs), limiter=limiter)

        return run

    return apart
