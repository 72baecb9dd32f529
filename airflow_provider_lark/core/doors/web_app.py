"""The door as a web application: ``POST /{name}`` for each app that is served, and nothing else.

What is accepted stands in the inbox before the answer goes out; Lark waits three seconds for an answer, one for the
check of the address. Needs Starlette, which Airflow brings along.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.inbox.inbox import Inbox, Receipt
from airflow_provider_lark.core.receiving.door import Challenge, Door
from airflow_provider_lark.core.receiving.envelope import Delivery
from airflow_provider_lark.core.receiving.refusal import Refused

log = logging.getLogger(__name__)

BODY_BYTES_MAX = 4 * 1024 * 1024
"""Far above what Lark sends: an event names at most the records of one write."""

ANSWER_SECONDS = 2.5
"""Lark hangs up after 3."""

WRITERS = 8
"""So many deliveries are written at once; the others wait, as long as they may."""

_COUNT_EVERY = 100


@dataclass(frozen=True, slots=True)
class Served:
    """An app that is served."""

    door: Door
    inbox: Inbox


@dataclass(slots=True)
class Counts:
    """What has come since the start, by what became of it: ``stored``, ``known``, ``not_stored`` or a reason."""

    by_outcome: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: str) -> int:
        """Count one more, and return how many there are now."""
        self.by_outcome[outcome] += 1
        return self.by_outcome[outcome]


class Receiver:
    """Answers Lark for some apps; its methods belong to one event loop.

    :param apps: by the name that stands in the address.
    :param answer_seconds: after so long Lark is told that a delivery is not stored.
    """

    def __init__(
        self, apps: Mapping[str, Served], *, answer_seconds: float = ANSWER_SECONDS, clock: Clock | None = None
    ) -> None:
        self._apps = dict(apps)
        self._answer_seconds = answer_seconds
        self._clock = clock or SystemClock()
        self._pool = ThreadPoolExecutor(WRITERS, thread_name_prefix="lark-inbox")
        self._free = asyncio.Semaphore(WRITERS)
        self.counts = Counts()

    def close(self) -> None:
        """Let go of the threads; a write that hangs ends with its database."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def answer(self, request: Request) -> Response:
        """Answer one request of Lark."""
        served = self._apps.get(request.path_params["name"])
        if served is None:
            return _say(404, "no such app is served here")
        try:
            body = await _read_body(request)
            taken = served.door.receive(body, request.headers, now_ms=int(self._clock.now() * 1000))
        except _Unreadable as unread:
            self._note(unread.outcome, unread.message)
            # the rest of the body is not read either
            return _say(unread.status, unread.message, headers={"Connection": "close"})
        except ClientDisconnect:
            self._note("cut_off", "a request ended before its body was complete")
            return _say(400, "the body is not complete")
        except Refused as refused:
            self._note(refused.reason, refused.message)
            # no reason: whoever forges learns nothing
            return _say(refused.status, "refused")
        if isinstance(taken, Challenge):
            return JSONResponse(taken.answer)
        return await self._store(served.inbox, taken)

    async def _store(self, inbox: Inbox, delivery: Delivery) -> Response:
        try:
            receipt = await asyncio.wait_for(self._put(inbox, delivery), self._answer_seconds)
        except TimeoutError:
            self._note("not_stored", f"the inbox took longer than {self._answer_seconds:g} s to keep a delivery")
            return _not_stored(delivery)
        except LarkError as exc:
            self._note("not_stored", exc.message)
            return _not_stored(delivery)
        self._note("stored" if receipt.is_new else "known")
        return _stored(delivery, receipt)

    async def _put(self, inbox: Inbox, delivery: Delivery) -> Receipt:
        await self._free.acquire()
        running = asyncio.get_running_loop().run_in_executor(self._pool, inbox.put, delivery)
        running.add_done_callback(self._let_next)
        # a write that is under way goes on when nobody waits any more; its place is taken until it ends
        return await asyncio.shield(running)

    def _let_next(self, done: asyncio.Future[Receipt]) -> None:
        self._free.release()
        if not done.cancelled():
            # of a write that nobody waits for any more, the outcome has been told already
            done.exception()

    def _note(self, outcome: str, message: str | None = None) -> None:
        number = self.counts.add(outcome)
        if message is not None and (number == 1 or number % _COUNT_EVERY == 0):
            log.warning("%s (%s: %d so far)", message, outcome, number)


def make_app(receiver: Receiver, *, prefix: str = "") -> Starlette:
    """Return the application; mount it, or serve it with uvicorn."""
    return Starlette(routes=[Route(f"{prefix}/{{name}}", receiver.answer, methods=["POST"])])


class _Unreadable(Exception):
    def __init__(self, status: int, outcome: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.outcome = outcome
        self.message = message


async def _read_body(request: Request) -> bytes:
    """Return the body; one that is too long is left unread."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _Unreadable(415, "compressed", "compressed bodies are not taken: Lark sends none")
    told = request.headers.get("content-length", "0")
    if not told.isdigit() or int(told) > BODY_BYTES_MAX:
        raise _Unreadable(413, "too_long", f"bodies of more than {BODY_BYTES_MAX} bytes are not taken")
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise _Unreadable(413, "too_long", f"bodies of more than {BODY_BYTES_MAX} bytes are not taken")
        parts.append(part)
    return b"".join(parts)


def _stored(delivery: Delivery, receipt: Receipt) -> Response:
    if delivery.kind == "event":
        return JSONResponse({"msg": "success"})
    if receipt.is_new:
        return _toast("info", "Received", "已收到")
    at = f"{datetime.fromtimestamp(receipt.at_ms / 1000, UTC):%H:%M:%S} UTC"
    return _toast("info", f"Already recorded at {at}", f"已于 {at} 记录")


def _not_stored(delivery: Delivery) -> Response:
    if delivery.kind == "event":
        # Lark sends it again, after 15 s, 5 min, 1 h and 6 h
        return _say(503, "not stored; send it again")
    return _toast("error", "Not recorded: please press again", "未能记录，请再按一次")


def _toast(kind: str, english: str, chinese: str) -> Response:
    return JSONResponse({"toast": {"type": kind, "content": english, "i18n": {"en_us": english, "zh_cn": chinese}}})


def _say(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"msg": message}, status_code=status, headers=headers)
