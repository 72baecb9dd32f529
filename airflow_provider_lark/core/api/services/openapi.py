"""Any API of Lark by its path: ``client.call`` and ``client.call_pages``, for APIs without a method of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from airflow_provider_lark.core.api.calls.namespace import ApiCall, ApiPages
from airflow_provider_lark.core.api.calls.session import Session
from airflow_provider_lark.core.api.codes.meaning import REPORT
from airflow_provider_lark.core.api.wire.answers import JsonObject, data_of, pick_list
from airflow_provider_lark.core.api.wire.flow import Flow, Pages
from airflow_provider_lark.core.api.wire.forms import UploadFile, read_body
from airflow_provider_lark.core.api.wire.paging import walk_pages
from airflow_provider_lark.core.api.wire.query import QueryValue, check_text
from airflow_provider_lark.core.api.wire.routes import (
    ENDPOINTS,
    KNOWING_TOKENS,
    CallKind,
    Effect,
    Route,
    find_route,
    find_similar_route,
)
from airflow_provider_lark.core.errors import BadRequest, UnexpectedAnswer

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ROOT = "/open-apis/"
_EXPECTED = "give the path starting with /open-apis/, such as /open-apis/contact/v3/users"

_NO_SUCH_API = (99991201, 99991301)

# an id holds a digit or a capital letter; the words of a route do not, versions apart
_ID = re.compile(r"(?!v\d+$)(?=.*[A-Z0-9]).{8,}")


class DataPage(dict[str, Any]):
    """The ``data`` of one page."""

    @property
    def has_more(self) -> bool:
        """Whether another page follows."""
        return bool(self.get("has_more"))

    @property
    def page_token(self) -> str | None:
        """What to ask for it with."""
        return self.get("page_token") or None


class OpenApi:
    """What both clients can call without a namespace."""

    _session: Session

    @ApiCall
    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, QueryValue] | None = None,
        json: Any = None,
        form: Mapping[str, Any] | None = None,
        files: Mapping[str, UploadFile] | None = None,
        subject: str | None = None,
        kind: CallKind | None = None,
    ) -> Flow[JsonObject]:
        """Call any API and return the whole answer, whose ``code`` is 0.

        An API that a namespace has is paced, repeated and counted as there. Of the others a GET is repeated when it
        gets no answer, and anything else only where Lark is known not to do it twice: with a ``client_token`` in
        *query*, or a ``uuid`` in *json* or *form*.

        :param path: from ``/open-apis/`` on, or the whole address on this client's host.
        :param query: text, whole numbers, true or false; a list is sent as a repeated parameter, None not at all.
        :param form: in place of *json*, the members of a multipart body, beside its files: text, numbers, true or
            false; a list or an object is sent as JSON.
        :param files: the files of a multipart body by the names of their parts; the caller opens and closes them.
        :param subject: on what the call works, for errors; default: the path.
        :param kind: under which the call is counted; default: its route's, or ``other``.
        :raises BadRequest: the path is not one of Lark's, or names another host; or the body cannot be sent.
        :raises TooLarge: a file is larger than this API takes.
        """
        method, path, query = self._read_target(method, path, query or {})
        route, ids = _route(method, path, kind)
        effect = _effect(route, query, json, form)
        if json is not None and (form or files):
            raise BadRequest("give either json, or form and files, not both", endpoint=route.endpoint)
        body = yield from read_body(form, files, most_bytes=route.file_bytes, endpoint=route.endpoint)
        with _advice(method, path):
            return (
                yield from self._session.call(
                    route,
                    ids,
                    path=path,
                    query=query,
                    json=json,
                    multipart=body,
                    effect=effect,
                    subject=subject or (None if ids else path),
                )
            )

    @ApiPages
    def call_pages(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, QueryValue] | None = None,
        json: Any = None,
        items: str = "items",
        subject: str | None = None,
        kind: CallKind | None = None,
    ) -> Pages[DataPage]:
        """Yield the ``data`` of each page, each read when it is asked for; the arguments are those of :meth:`call`.

        :param items: the list in a page; where Lark leaves it out, it is empty.
        :raises UnexpectedAnswer: the paging does not move on, so the read is incomplete.
        """
        method, path, query = self._read_target(method, path, query or {})
        route = replace(_route(method, path, kind)[0], effect="read")

        def fetch(page_token: str | None) -> Flow[DataPage]:
            asked = query if page_token is None else {**query, "page_token": page_token}
            with _advice(method, path):
                body = yield from self._session.call(route, path=path, query=asked, json=json, subject=subject or path)
            data = data_of(body)
            if not data.keys() & {"has_more", items}:
                raise UnexpectedAnswer(
                    f"{subject or path}: the response has neither has_more nor {items}, so it is not a page of "
                    "results and the read is incomplete; try again, and check that this API is paginated",
                    endpoint=route.endpoint,
                )
            return DataPage({**data, items: pick_list(data, items, endpoint=route.endpoint)})

        return walk_pages(fetch, subject=subject or path)

    def _read_target(
        self, method: str, path: str, query: Mapping[str, QueryValue]
    ) -> tuple[str, str, Mapping[str, QueryValue]]:
        if method.upper() not in _METHODS:
            raise BadRequest(f"method: expected one of {', '.join(_METHODS)}, got {method!r}")
        path, in_path = _split_path(path, self._session.settings.app.host)
        return method.upper(), path, {**in_path, **query}


def _split_path(address: str, host: str) -> tuple[str, dict[str, list[str]]]:
    """Return the quoted path and the query that stands in it."""
    text = check_text(address.strip(), "the path")
    if text.startswith(f"{host}/"):
        text = text.removeprefix(host)
    elif "://" in text.partition("?")[0]:
        raise BadRequest(f"the address is not on {host}, the host of this client; {_EXPECTED}")
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    is_path = parts.path.startswith(_ROOT) and not {".", ".."} & set(unquote(parts.path).split("/"))
    if parts.netloc or parts.fragment or not is_path:
        raise BadRequest(f"{parts.path[:60]!r} is not a Lark API path; {_EXPECTED}")
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    return quote(parts.path, safe="/%:@!$&'()*+,;=~"), query


def _route(method: str, path: str, kind: CallKind | None) -> tuple[Route, dict[str, str]]:
    known = find_route(method, path)
    if known is None:
        template = "/".join(":id" if _ID.fullmatch(part) else part for part in path.split("/"))
        return Route(method, template, kind or "other", None, "read" if method == "GET" else "once"), {}
    return (known[0] if kind is None else replace(known[0], kind=kind)), known[1]


@contextmanager
def _advice(method: str, path: str) -> Iterator[None]:
    """Say of a refused request what the one who wrote it can do, and which API its path is close to."""
    try:
        yield
    except BadRequest as error:
        error.message = error.message.replace(REPORT, "check query and json against Lark's documentation of this API")
        raise
    except UnexpectedAnswer as error:
        near = find_similar_route(method, path)
        if near is not None and (error.code in _NO_SUCH_API or "HTTP 404" in error.message):
            error.message += f"; did you mean {near.endpoint}?"
        raise


def call_effect(
    host: str, method: str, path: str, *, query: Mapping[str, QueryValue] | None = None, json: Any = None
) -> Effect:
    """Return what a second sending of a call does; see :data:`.Effect`.

    :param host: of the client that would make it.
    :raises BadRequest: the path is not one of Lark's, or names another host.
    """
    path, in_path = _split_path(path, host)
    return _effect(_route(method.upper(), path, None)[0], {**in_path, **(query or {})}, json, None)


def _effect(route: Route, query: Mapping[str, QueryValue], *bodies: Any) -> Effect:
    holders = [query, *(body for body in bodies if isinstance(body, Mapping))]
    is_marked = any(holder.get(name) for holder in holders for name in ("client_token", "uuid"))
    # of an API that no namespace has, whoever calls it knows whether it heeds them
    is_heeded = route.endpoint in KNOWING_TOKENS or route.endpoint not in ENDPOINTS
    return "replayable" if is_marked and is_heeded and route.effect == "once" else route.effect
