"""The doors as a web application: for each app that is served ``POST /{name}`` and ``POST /approval/{name}``.

What is accepted stands in the inbox before the answer goes out; Lark waits three seconds for an answer, one for the
check of the address. Needs Starlette, which Airflow brings along.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.doors.intake import ANSWER_SECONDS, Counts, Intake, Reply
from airflow_provider_lark.core.inbox.inbox import AsyncDeliveryStore
from airflow_provider_lark.core.receiving.approval_door import ApprovalDoor
from airflow_provider_lark.core.receiving.door import Challenge, Door
from airflow_provider_lark.core.receiving.refusal import Refused

BODY_BYTES_MAX = 4 * 1024 * 1024
"""Far above what Lark sends: an event names at most the records of one write."""

READ_SECONDS = 10.0
"""Lark sends a delivery in one go; who sends it drop by drop holds a connection."""


@dataclass(frozen=True, slots=True)
class Served:
    """An app that is served."""

    door: Door
    inbox: AsyncDeliveryStore
    approval_door: ApprovalDoor | None = None


class Receiver:
    """Answers Lark for some apps; its methods belong to one event loop.

    :param apps: by the name that stands in the address.
    :param answer_seconds: after so long Lark is told that a delivery is not stored.
    """

    def __init__(
        self, apps: Mapping[str, Served], *, answer_seconds: float = ANSWER_SECONDS, clock: Clock | None = None
    ) -> None:
        self._apps = dict(apps)
        self._clock = clock or SystemClock()
        self._intake = Intake(answer_seconds=answer_seconds)

    @property
    def counts(self) -> Counts:
        """What has come since the start."""
        return self._intake.counts

    async def answer(self, request: Request) -> Response:
        """Answer one request of Lark."""
        served = self._apps.get(request.path_params["name"])
        return not_served() if served is None else await self.answer_for(served, request)

    async def answer_approval(self, request: Request) -> Response:
        """Answer one callback of the approval centre."""
        served = self._apps.get(request.path_params["name"])
        return not_served() if served is None else await self.answer_approval_for(served, request)

    async def answer_approval_for(self, served: Served, request: Request, *, seconds: float | None = None) -> Response:
        """Answer a callback of the approval centre for an app that has been found, as :meth:`answer_for`."""
        if served.approval_door is None:
            return not_served()
        return await self._answer(served.approval_door, served.inbox, request, seconds)

    async def answer_for(self, served: Served, request: Request, *, seconds: float | None = None) -> Response:
        """Answer a request for an app that has been found.

        :param seconds: after so long Lark is told that the delivery is not stored; default: *answer_seconds*.
        """
        return await self._answer(served.door, served.inbox, request, seconds)

    async def _answer(
        self, door: Door | ApprovalDoor, inbox: AsyncDeliveryStore, request: Request, seconds: float | None
    ) -> Response:
        try:
            async with asyncio.timeout(READ_SECONDS):
                body = await _read_body(request)
            taken = door.receive(body, request.headers, now_ms=int(self._clock.now() * 1000))
        except _Unreadable as unread:
            self.counts.note(unread.outcome, unread.message)
            # the rest of the body is not read either
            return _say(unread.status, unread.message, headers={"Connection": "close"})
        except TimeoutError:
            self.counts.note("slow", f"the body of a request took longer than {READ_SECONDS:g} s to arrive")
            return _say(408, "the body took too long", headers={"Connection": "close"})
        except ClientDisconnect:
            self.counts.note("cut_off", "a request ended before its body was complete")
            return _say(400, "the body is not complete")
        except Refused as refused:
            self.counts.note(refused.reason, refused.message)
            # no reason: whoever forges learns nothing
            return _say(refused.status, "refused")
        if isinstance(taken, Challenge):
            return JSONResponse(taken.answer)
        return _tell(await self._intake.store(inbox, taken, seconds=seconds))


def make_app(receiver: Receiver, *, prefix: str = "") -> Starlette:
    """Return the application; mount it, or serve it with uvicorn."""
    routes = {f"{prefix}/{{name}}": receiver.answer, f"{prefix}/approval/{{name}}": receiver.answer_approval}
    return Starlette(routes=[Route(path, answer, methods=["POST"]) for path, answer in routes.items()])


def not_served() -> Response:
    """Return the answer for an app that is not served here."""
    return _say(404, "no such app is served here")


def not_ready() -> Response:
    """Return the answer for an app that is served, but not now: Lark sends an event again."""
    return _say(503, "not stored; send it again")


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


def _tell(reply: Reply) -> Response:
    if reply.body is not None:
        return JSONResponse(reply.body, status_code=reply.status)
    return JSONResponse({"msg": "success"}) if reply.is_stored else not_ready()


def _say(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"msg": message}, status_code=status, headers=headers)
