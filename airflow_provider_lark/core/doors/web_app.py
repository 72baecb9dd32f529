"""The doors as a web application: for each app ``POST /{name}``, ``POST /approval/{name}``, ``POST /feed/{name}``.

What is accepted stands in the inbox before the answer goes out; Lark waits three seconds for an answer, one for the
check of the address. Needs Starlette, which Airflow brings along.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from airflow_provider_lark.core.clock import Clock, SystemClock
from airflow_provider_lark.core.doors.intake import ANSWER_SECONDS, Counts, Intake, Reply, not_stored
from airflow_provider_lark.core.doors.overload import Pace, Rush
from airflow_provider_lark.core.inbox.inbox import AsyncDeliveryStore
from airflow_provider_lark.core.receiving.approval_door import ApprovalDoor
from airflow_provider_lark.core.receiving.door import Challenge, Door
from airflow_provider_lark.core.receiving.envelope import Delivery, Kind
from airflow_provider_lark.core.receiving.feed_door import FEED_BYTES_MAX, FeedDoor
from airflow_provider_lark.core.receiving.refusal import Refused

BODY_BYTES_MAX = 4 * 1024 * 1024
"""Far above what Lark sends: an event names at most the records of one write."""

READ_SECONDS = 10.0
"""Lark sends a delivery in one go; who sends it drop by drop holds a connection."""


Way = Literal["events", "approval", "feed"]
"""What comes: Lark's events and clicks, decisions of the approval centre, posts of a base's automations."""


@dataclass(frozen=True, slots=True)
class Served:
    """An app that is served."""

    door: Door
    inbox: AsyncDeliveryStore
    approval_door: ApprovalDoor | None = None
    feed_door: FeedDoor | None = None

    def door_of(self, way: Way) -> Door | ApprovalDoor | FeedDoor | None:
        """Return what lets in what comes this way; None: it is not served."""
        return {"events": self.door, "approval": self.approval_door, "feed": self.feed_door}[way]


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
        self._rush = Rush()

    @property
    def counts(self) -> Counts:
        """What has come since the start."""
        return self._intake.counts

    async def answer(self, request: Request, way: Way = "events") -> Response:
        """Answer one request of Lark."""
        served = self._apps.get(name_in(request))
        return not_served() if served is None else await self.answer_for(served, request, way)

    async def answer_for(
        self, served: Served, request: Request, way: Way = "events", *, seconds: float | None = None
    ) -> Response:
        """Answer a request for an app that has been found.

        :param seconds: after so long Lark is told that the delivery is not stored; default: *answer_seconds*.
        """
        door = served.door_of(way)
        if door is None:
            return not_served()
        loop = asyncio.get_running_loop()
        end = loop.time() + (self._intake.answer_seconds if seconds is None else seconds)
        with self._rush.entered():
            pace = await self._rush.pace()
            if pace is Pace.NOTHING:
                return self._refuse_rush("approval" if way == "approval" else "event")
            taken = await self._receive(door, request, FEED_BYTES_MAX if way == "feed" else BODY_BYTES_MAX)
            if isinstance(taken, Response):
                return taken
            if pace is Pace.CLICKS and taken.kind == "event":
                return self._refuse_rush("event")
            return _tell(await self._intake.store(served.inbox, taken, seconds=end - loop.time()))

    def _refuse_rush(self, kind: Kind) -> Response:
        self.counts.note("overloaded", "more comes than this process can answer in time, so it is refused at once")
        return _tell(not_stored(kind))

    async def _receive(
        self, door: Door | ApprovalDoor | FeedDoor, request: Request, bytes_max: int
    ) -> Delivery | Response:
        """Return what a request carries, or its answer where that is no delivery."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                body = await _read_body(request, bytes_max)
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
        return JSONResponse(taken.answer) if isinstance(taken, Challenge) else taken


def make_app(receiver: Receiver, *, prefix: str = "") -> Starlette:
    """Return the application; mount it, or serve it with uvicorn."""
    # the first that fits answers
    ways: dict[str, Way] = {"/approval": "approval", "/feed": "feed", "": "events"}
    return make_routes({f"{prefix}{below}": partial(receiver.answer, way=way) for below, way in ways.items()})


def make_routes(answers: Mapping[str, Callable[[Request], Awaitable[Response]]]) -> Starlette:
    """Return an application that answers ``POST`` below each path, of which the rest is a name: see :func:`name_in`."""
    app = Starlette(routes=[Route(f"{path}/{{name:path}}", take, methods=["POST"]) for path, take in answers.items()])
    # a path without a name is nothing, and leads nowhere
    app.router.redirect_slashes = False
    return app


def name_in(request: Request) -> str:
    """Return the name in the address; it may hold slashes. Those around it do not count: Lark follows no redirect."""
    return str(request.path_params["name"]).strip("/")


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


async def _read_body(request: Request, bytes_max: int) -> bytes:
    """Return the body; one that is too long is left unread."""
    if request.headers.get("content-encoding", "").lower() not in ("", "identity"):
        raise _Unreadable(415, "compressed", "compressed bodies are not taken: Lark sends none")
    told = request.headers.get("content-length", "0")
    if not told.isdigit() or int(told) > bytes_max:
        raise _Unreadable(413, "too_long", f"bodies of more than {bytes_max} bytes are not taken")
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size > bytes_max:
            raise _Unreadable(413, "too_long", f"bodies of more than {bytes_max} bytes are not taken")
        parts.append(part)
    return b"".join(parts)


def _tell(reply: Reply) -> Response:
    if reply.body is not None:
        return JSONResponse(reply.body, status_code=reply.status)
    return JSONResponse({"msg": "success"}) if reply.is_stored else not_ready()


def _say(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"msg": message}, status_code=status, headers=headers)
