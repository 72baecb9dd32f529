"""From effects to httpx and back; with the drivers the only modules that know it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx

from airflow_provider_lark import __version__
from airflow_provider_lark.core.api.flow import HttpResponse, Send
from airflow_provider_lark.core.api.host import is_local
from airflow_provider_lark.core.errors import ConfigError, LarkError, OutcomeUnknown, Unreachable

_CONNECT_SECONDS = 10.0

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


class Transport:
    """How to reach one host."""

    def __init__(self, host: str, *, timeout_seconds: float, proxy: str | None, verify: bool | str) -> None:
        self._host = host
        self._timeout = httpx.Timeout(timeout_seconds, connect=min(_CONNECT_SECONDS, timeout_seconds))
        self._proxy = _read_proxy(proxy)
        self._verify = _ssl_context(verify)

    def options(self) -> dict[str, Any]:
        """Return the arguments of ``httpx.Client`` and ``httpx.AsyncClient``."""
        return {
            "timeout": self._timeout,
            "proxy": self._proxy,
            "verify": self._verify,
            # a proxy of the environment cannot reach this machine's emulator
            "trust_env": not is_local(self._host),
            "follow_redirects": False,
            "headers": {"User-Agent": f"airflow-provider-lark/{__version__}"},
        }

    def arguments(self, effect: Send) -> dict[str, Any]:
        """Return the arguments of ``client.request``."""
        request = effect.request
        headers = dict(request.headers)
        if effect.bearer is not None:
            headers["Authorization"] = f"Bearer {effect.bearer.reveal()}"
        arguments: dict[str, Any] = {
            "method": request.method,
            "url": self._host + request.path,
            "params": dict(request.query) or None,
            "headers": headers,
        }
        content = request.encode()
        if content is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
            arguments["content"] = content
        if request.multipart is not None:
            # a file object is read in small chunks, bytes would be copied whole; its name is a member, not a header
            file = ("file", BytesIO(request.multipart.content), "application/octet-stream")
            arguments |= {"data": dict(request.multipart.members), "files": {"file": file}}
        return arguments

    def read(self, response: httpx.Response) -> HttpResponse:
        """Return the answer as a value."""
        return HttpResponse(response.status_code, response.headers, response.content)

    def explain(self, exc: httpx.HTTPError, effect: Send) -> LarkError:
        """Return what a failed sending means: whether Lark can have got the request."""
        endpoint = effect.request.endpoint
        for cause in _causes(exc):
            # frames of the HTTP library hold the token in their locals, and say nothing that helps
            cause.__traceback__ = None
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(exc)):
            return ConfigError(
                f"{self._host} shows a certificate that this machine does not trust; "
                "check the host, or give the CA bundle as `verify`",
                endpoint=endpoint,
            )
        kind = type(exc).__name__
        if isinstance(exc, _NEVER_SENT):
            return Unreachable(
                f"cannot connect to {self._host} ({kind}); check the host, the network and the proxy",
                endpoint=endpoint,
            )
        return OutcomeUnknown(
            f"no answer from {self._host} ({kind}); the request may have been carried out", endpoint=endpoint
        )


def _causes(exc: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = exc
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _read_proxy(proxy: str | None) -> httpx.Proxy | None:
    if not proxy:
        return None
    try:
        return httpx.Proxy(proxy)
    except (ValueError, httpx.InvalidURL):
        # without the cause: it quotes the address, and with it a password
        raise ConfigError("the proxy is no valid address: write http://host:port") from None


@lru_cache(maxsize=8)
def _ssl_context(verify: bool | str) -> ssl.SSLContext:
    # reading the CA bundle takes longer than a request; all clients of a process share it
    if isinstance(verify, bool):
        return httpx.create_ssl_context(verify=verify)
    path = Path(verify)
    try:
        if path.is_dir():
            return ssl.create_default_context(capath=str(path))
        return ssl.create_default_context(cafile=str(path))
    except OSError as exc:
        raise ConfigError(f"the CA bundle {verify} cannot be read: give the path of a PEM file as `verify`") from exc
