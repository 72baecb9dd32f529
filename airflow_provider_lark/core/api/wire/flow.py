"""Commands: what a call asks its driver for.  A call is a generator of them, so it knows neither sockets nor time.

A driver answers :class:`Send` with an :class:`HttpResponse` or by throwing :class:`.Unreachable` or
:class:`.OutcomeUnknown` into the generator, :class:`Wait` with ``None`` once the time has passed, and
:class:`Blocking` with what its function returned.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, TypeAlias, TypeVar, cast

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import BadRequest

T = TypeVar("T")

# an escaped NUL, not the six characters after an escaped backslash
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def holds_nul(text: str) -> bool:
    """Tell whether a JSON text holds an escaped NUL, which no text of Lark may hold."""
    # the plain search first: it costs next to nothing, and hits almost never
    return "\\u0000" in text and _ESCAPED_NUL.search(text) is not None


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file of a body.

    :param content: all of it, or what gives its bytes from the first on each time it is sent.
    :param name: its name in the part's header; where an API has a member for it, that one counts.
    :param kind: its MIME type.
    """

    content: bytes | IO[bytes] = field(repr=False)
    name: str = "file"
    kind: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Multipart:
    """A body of members and files, as uploads want it; *files* by the names of their parts."""

    members: Mapping[str, str] = field(repr=False)
    files: Mapping[str, FilePart]

    @classmethod
    def of(cls, members: Mapping[str, str], content: bytes, part: str = "file") -> Multipart:
        """Return a body with one file, or a block of one."""
        return cls(members, {part: FilePart(content)})


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as the API knows it.

    :param path: from ``/open-apis`` on, ids filled in and quoted.
    :param query: a list is sent as a repeated parameter.
    :param json: the body, not shown in a repr: it holds cells, or the App Secret.
    :param endpoint: method and route without ids, for errors and counts.
    :param headers: beside those that every request has.
    :param multipart: the body of an upload, in place of *json*.
    """

    method: str
    path: str
    query: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    json: Any = field(default=None, repr=False)
    endpoint: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    multipart: Multipart | None = field(default=None, repr=False)

    def encode(self) -> bytes | None:
        """Return the body as UTF-8 JSON.

        :raises BadRequest: the body holds what JSON cannot say.
        """
        if self.json is None:
            return None
        text = ""
        try:
            text = json.dumps(self.json, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            if not holds_nul(text):
                return text.encode()
            what = "a NUL character"
        except (TypeError, ValueError, RecursionError) as exc:
            what = type(exc).__name__
        # without the cause, whose text may quote the cell, and the text, which may hold the App Secret
        del text
        raise BadRequest(
            f"the request cannot be encoded as JSON ({what}): use valid text without NUL characters, finite numbers, "
            "booleans, lists and dicts",
            endpoint=self.endpoint,
        )

    def words(self) -> bytes:
        """Return what of the request no error may quote, files apart; the names of members are Lark's own."""
        members = [value for text in self.query.values() for value in ([text] if isinstance(text, str) else text)]
        members += [] if self.multipart is None else self.multipart.members.values()
        body = list(self.json.values()) if isinstance(self.json, dict) else self.json
        return "\n".join([json.dumps(body, ensure_ascii=False), *members]).encode()


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


@dataclass(frozen=True, slots=True)
class Blocking:
    """Call *function*, which may block: it asks a database, say."""

    function: Callable[[], Any]


Command: TypeAlias = Send | Wait | Blocking

Flow: TypeAlias = Generator[Command, Any, T]
"""A call: yields commands, returns its result."""

Pages: TypeAlias = Generator[Flow[T], T, None]
"""A stream of results: yields the call for the next one and is sent what that call returned."""


def send(request: HttpRequest, bearer: Secret | None = None) -> Flow[HttpResponse]:
    """Send *request* and return the answer."""
    answer = yield Send(request, bearer)
    if not isinstance(answer, HttpResponse):
        raise RuntimeError("a driver answers Send with a response")
    return answer


def blocking(function: Callable[[], T]) -> Flow[T]:
    """Call *function* where blocking is allowed, and return what it returns."""
    return cast("T", (yield Blocking(function)))
