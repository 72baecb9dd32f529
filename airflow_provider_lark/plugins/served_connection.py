"""A connection that is served inside the api-server: opened at the first request, and read anew every minute."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from threading import Thread

from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.doors.web_app import Served
from airflow_provider_lark.core.errors import ConfigError, LarkError

log = logging.getLogger(__name__)

FRESH_SECONDS = 60.0
"""So long a change of the connection, a new Encrypt Key for example, may take to be seen."""

RETRY_SECONDS = 5.0
"""So long a connection that could not be opened is not tried again, however many requests come."""


class ServedConnection:
    """Opens a connection without holding up the event loop, which its methods belong to.

    :param open_: opens it; it may block.
    """

    def __init__(self, conn_id: str, open_: Callable[[str], Served], *, clock: Clock | None = None) -> None:
        self._conn_id = conn_id
        self._open = open_
        self._clock = clock or SystemClock()
        self._served: Served | None = None
        self._error: LarkError | None = None
        self._due = 0.0
        self._opening: asyncio.Task[None] | None = None

    async def get(self, seconds: float) -> Served:
        """Return door and inbox, waiting for them *seconds* at most.

        :raises LarkError: it cannot be served now; the log has said why.
        :raises TimeoutError: it is still being opened.
        """
        if self._opening is None and self._clock.monotonic() >= self._due:
            self._opening = asyncio.create_task(self._renew())
        if self._served is None and self._opening is not None:
            # it goes on being opened when this request has given up
            await asyncio.wait_for(asyncio.shield(self._opening), seconds)
        if self._served is None:
            raise self._error or ConfigError(f"connection {self._conn_id!r}: it is not served")
        return self._served

    async def _renew(self) -> None:
        try:
            self._served = await _in_a_thread(self._open, self._conn_id)
        except LarkError as exc:
            self._note(exc)
            if isinstance(exc, ConfigError):
                # it was deleted, or lost its keys; anything else may pass, and what was read before still holds
                self._served = None
        except Exception as exc:  # noqa: BLE001 - Airflow's own database may be down, in any driver's words
            self._note(LarkError(f"connection {self._conn_id!r}: cannot be read ({type(exc).__name__})"))
        else:
            if self._error is not None:
                log.info("connection %r: receives what Lark sends again", self._conn_id)
            self._error, self._due = None, self._clock.monotonic() + FRESH_SECONDS
        finally:
            self._opening = None

    def _note(self, error: LarkError) -> None:
        if self._error is None or str(self._error) != str(error):
            log.warning("Lark's events and clicks for connection %r are not received: %s", self._conn_id, error)
        self._error, self._due = error, self._clock.monotonic() + RETRY_SECONDS


async def _in_a_thread(function: Callable[[str], Served], argument: str) -> Served:
    """Run *function* in a thread that the end of the process does not wait for."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Served] = loop.create_future()

    def tell(set_: Callable[..., None], value: object) -> None:
        if not done.done():
            set_(value)

    def work() -> None:
        try:
            result = function(argument)
        except BaseException as exc:  # noqa: BLE001 - raised again where it is waited for
            outcome: tuple[Callable[..., None], object] = (done.set_exception, exc)
        else:
            outcome = (done.set_result, result)
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, *outcome)

    Thread(target=work, name="lark-receiver-open", daemon=True).start()
    return await done
