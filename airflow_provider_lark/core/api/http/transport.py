"""From effects to httpx and back; with the drivers the only modules that know it."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from functools import lru_cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from airflow_provider_lark import __version__
from airflow_provider_lark.core.api.http.failures import Failure, explain_failure
from airflow_provider_lark.core.api.http.host import is_local
from airflow_provider_lark.core.api.wire.flow import FilePart, HttpResponse, Send
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError, LarkError

_CONNECT_SECONDS = 10.0


class Transport:
    """How to reach one host.

    :param proxy: its address, which may hold a password.
    """

    def __init__(self, host: str, *, timeout_seconds: float, proxy: Secret | None, verify: bool | str) -> None:
        self._host = host
        self._timeout = httpx.Timeout(timeout_seconds, connect=min(_CONNECT_SECONDS, timeout_seconds))
        self._given_proxy = proxy
        self._proxy = _read_proxy(proxy or _proxy_of_environment(host), is_given=bool(proxy))
        self._verify = _ssl_context(verify)

    def options(self) -> dict[str, Any]:
        """Return the arguments of ``httpx.Client`` and ``httpx.AsyncClient``."""
        return {
            "timeout": self._timeout,
            "proxy": self._proxy,
            "verify": self._verify,
            "trust_env": False,
            "follow_redirects": False,
            "headers": {"User-Agent": f"airflow-provider-lark/{__version__}"},
        }

    def websocket_options(self, url: Secret) -> dict[str, Any]:
        """Return the arguments of ``websockets.connect`` for *url*, which may be at another host than the API.

        :raises ConfigError: the proxy speaks SOCKS, and ``python-socks`` is not installed.
        """
        parts = urlsplit(url.reveal())
        address = f"{parts.scheme.replace('ws', 'http', 1)}://{parts.netloc}"
        proxy = self._given_proxy or _proxy_of_environment(address)
        if proxy is not None and proxy.reveal().startswith("socks") and find_spec("python_socks") is None:
            raise ConfigError(
                "the proxy is a SOCKS proxy, which requires the package python-socks: pip install python-socks[asyncio]"
            )
        ssl_context = self._verify if parts.scheme == "wss" else None
        return {"proxy": None if proxy is None else proxy.reveal(), "ssl": ssl_context}

    def arguments(self, effect: Send) -> dict[str, Any]:
        """Return the arguments of ``client.request``."""
        request = effect.request
        headers = dict(request.headers)
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
            files = {part: (file.name, _reader(file), file.kind) for part, file in request.multipart.files.items()}
            arguments |= {"data": dict(request.multipart.members), "files": files}
        # last: an error above would show it in a traceback with locals
        if effect.bearer is not None:
            headers["Authorization"] = f"Bearer {effect.bearer.reveal()}"
        return arguments

    def read(self, response: httpx.Response) -> HttpResponse:
        """Return the answer as a value."""
        content = response.content
        # response and stream hold each other, and with them both bodies, until the garbage collector comes by
        del response.stream
        return HttpResponse(response.status_code, response.headers, content)

    def explain(self, exc: Failure, effect: Send) -> LarkError:
        """Return what a failed sending means, to be raised outside the except block."""
        return explain_failure(exc, host=self._host, proxy=self._proxy, endpoint=effect.request.endpoint)


def _reader(file: FilePart) -> IO[bytes]:
    # a file object is read in small chunks, bytes would be copied whole
    return BytesIO(file.content) if isinstance(file.content, bytes) else file.content


class LoopBody(httpx.AsyncByteStream):
    """A body of files for an event loop, which must not wait for them: each chunk is read in a thread."""

    def __init__(self, request: httpx.Request) -> None:
        self._stream = cast("httpx.SyncByteStream", request.stream)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self._stream)
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            yield chunk


def _proxy_of_environment(host: str) -> Secret | None:
    # read here, not by httpx, so that errors can name it
    parts = urlsplit(host)
    if is_local(host) or proxy_bypass(parts.netloc):
        # a proxy cannot reach this machine's emulator
        return None
    known = getproxies()
    found = known.get(parts.scheme) or known.get("all")
    if not found:
        return None
    return Secret(found if "://" in found else f"http://{found}")


def _read_proxy(proxy: Secret | None, *, is_given: bool) -> httpx.Proxy | None:
    if proxy is None:
        return None
    what = "the proxy" if is_given else "the proxy of the environment (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY)"
    read = _parse_proxy(proxy)
    if read is None:
        raise ConfigError(f"{what} is not a valid URL; use http://host:port")
    if read.url.scheme.startswith("socks"):
        if find_spec("socksio") is None:
            raise ConfigError(f"{what} is a SOCKS proxy, which requires the package socksio: pip install httpx[socks]")
        # at DEBUG it would log user and password
        logging.getLogger("httpcore.socks").addFilter(_shows_no_password)
    return read


def _shows_no_password(record: logging.LogRecord) -> bool:
    return "auth=(" not in record.getMessage()


def _parse_proxy(proxy: Secret) -> httpx.Proxy | None:
    # None instead of an error: what httpx raises quotes the address, and with it a password
    try:
        return httpx.Proxy(proxy.reveal())
    except (ValueError, httpx.InvalidURL):
        return None


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
