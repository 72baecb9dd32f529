"""Effects: what a call asks its driver for.  A call is a generator of effects, so it knows neither sockets nor time.

A driver answers :class:`Send` with an :class:`HttpResponse` or by throwing :class:`.Unreachable` or
:class:`.OutcomeUnknown` into the generator, and :class:`Wait` with ``None`` once the time has passed.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from airflow_provider_lark.core.api.secret import Secret
from airflow_provider_lark.core.errors import BadRequest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as the API knows it.

    :param path: from ``/open-apis`` on, ids filled in and quoted.
    :param json: the body, not shown in a repr: it holds cells, or the App Secret.
    :param endpoint: method and route without ids, for errors and counts.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = field(default=None, repr=False)
    endpoint: str = ""

    def encode(self) -> bytes | None:
        """Return the body as UTF-8 JSON.

        :raises BadRequest: the body holds what JSON cannot say.
        """
        if self.json is None:
            return None
        try:
            return json.dumps(self.json, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError) as exc:
            # without the cause: its text may quote the cell
            raise BadRequest(
                f"the request cannot be written as JSON ({type(exc).__name__}): pass text of valid characters, "
                "finite numbers, booleans, lists and dicts",
                endpoint=self.endpoint,
            ) from None


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer. *headers* are looked up in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Send:
    """Send *request*, with *bearer* as its token where there is one."""

    request: HttpRequest
    bearer: Secret | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for *seconds*."""

    seconds: float


Flow: TypeAlias = Generator[Send | Wait, HttpResponse | None, T]
"""A call: yields effects, returns its result."""

Pages: TypeAlias = Generator[Flow[T], T, None]
"""A stream of results: yields the call for the next one and is sent what that call returned."""


def send(request: HttpRequest, bearer: Secret | None = None) -> Flow[HttpResponse]:
    """Send *request* and return the answer."""
    answer = yield Send(request, bearer)
    if answer is None:
        raise RuntimeError("a driver answers Send with a response")
    return answer
