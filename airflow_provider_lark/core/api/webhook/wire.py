"""The way to a webhook bot: httpx is given an address without the secret, and the real path goes in below it.

So neither httpx's log lines nor the requests that its exceptions and answers carry show what follows ``/hook/``. What a
server sends back may repeat it, and httpcore logs that at DEBUG: there it is starred out.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Final

import httpx

from airflow_provider_lark.core.api.http.failures import Failure
from airflow_provider_lark.core.api.http.transport import Transport
from airflow_provider_lark.core.api.webhook.address import ENDPOINT, HookAddress
from airflow_provider_lark.core.api.webhook.answers import MAYBE_DELIVERED
from airflow_provider_lark.core.api.wire.flow import HttpResponse, Send
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import LarkError, OutcomeUnknown

_HEADER_LOGGERS: Final = ("httpcore.http11", "httpcore.http2", "httpcore.proxy")
_TOLD_HEADERS: Final = ("date", "x-tt-logid", "x-ogw-ratelimit-reset", "retry-after")
_hidden: set[Secret] = set()


class HookTransport(Transport):
    """How to reach one webhook bot."""

    def __init__(self, address: HookAddress, subject: str, **options: Any) -> None:
        super().__init__(address.host, **options)
        self._path = address.path
        self._subject = subject
        hide_from_logs(address.hook_id)

    def options_blocking(self) -> dict[str, Any]:
        """Return the arguments of ``httpx.Client``."""
        options, way = self._split_options()
        return {**options, "transport": _BlockingWay(self._path, **way)}

    def options_of_loop(self) -> dict[str, Any]:
        """Return the arguments of ``httpx.AsyncClient``."""
        options, way = self._split_options()
        return {**options, "transport": _LoopWay(self._path, **way)}

    def _split_options(self) -> tuple[dict[str, Any], dict[str, Any]]:
        options = self.options()
        way = {name: options.pop(name) for name in ("verify", "proxy", "trust_env")}
        return {**options, "trust_env": False}, way

    def read(self, response: httpx.Response) -> HttpResponse:
        """Return the answer as a value, without the headers that may repeat the address, as that of a redirect does."""
        answer = super().read(response)
        headers = {name: answer.headers[name] for name in _TOLD_HEADERS if name in answer.headers}
        return HttpResponse(answer.status, headers, answer.body)

    def explain(self, exc: Failure, effect: Send) -> LarkError:
        """Return what a failed sending means, without its cause, whose request has the address."""
        error = super().explain(exc, effect)
        error.__cause__ = None
        if isinstance(error, OutcomeUnknown):
            reason = type(exc).__name__
            told = f"{self._subject}: no response ({reason}); {MAYBE_DELIVERED}"
            return OutcomeUnknown(told, endpoint=ENDPOINT)
        error.message = f"{self._subject}: {error.message}"
        return error


class _BlockingWay(httpx.HTTPTransport):
    def __init__(self, path: Secret, **way: Any) -> None:
        super().__init__(**way)
        self._path = path

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return super().handle_request(_aim(request, self._path))


class _LoopWay(httpx.AsyncHTTPTransport):
    def __init__(self, path: Secret, **way: Any) -> None:
        super().__init__(**way)
        self._path = path

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await super().handle_async_request(_aim(request, self._path))


def _aim(request: httpx.Request, path: Secret) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url.copy_with(path=path.reveal()),
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions,
    )


def hide_from_logs(secret: Secret) -> None:
    """Star *secret* out of what httpcore logs of answers: a redirect repeats the address that was asked for."""
    _hidden.add(secret)
    for name in _HEADER_LOGGERS:
        # one and the same function is added once
        logging.getLogger(name).addFilter(_star_out)


def _star_out(record: logging.LogRecord) -> bool:
    told = record.getMessage()
    plain = told
    for secret in tuple(_hidden):
        plain = re.sub(re.escape(secret.reveal()), "***", plain, flags=re.IGNORECASE)
    if plain != told:
        record.msg, record.args = plain, ()
    return True
