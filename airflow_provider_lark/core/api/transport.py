"""From effects to httpx and back; with the drivers the only modules that know it."""

from __future__ import annotations

import ssl
from functools import lru_cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from airflow_provider_lark import __version__
from airflow_provider_lark.core.api.failures import explain_failure
from airflow_provider_lark.core.api.flow import HttpResponse, Send
from airflow_provider_lark.core.api.host import is_local
from airflow_provider_lark.core.errors import ConfigError, LarkError

_CONNECT_SECONDS = 10.0


class Transport:
    """How to reach one host."""

    def __init__(self, host: str, *, timeout_seconds: float, proxy: str | None, verify: bool | str) -> None:
        self._host = host
        self._timeout = httpx.Timeout(timeout_seconds, connect=min(_CONNECT_SECONDS, timeout_seconds))
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
        content = response.content
        # response and stream hold each other, and with them both bodies, until the garbage collector comes by
        del response.stream
        return HttpResponse(response.status_code, response.headers, content)

    def explain(self, exc: httpx.HTTPError, effect: Send) -> LarkError:
        """Return what a failed sending means: whether Lark can have got the request."""
        return explain_failure(exc, host=self._host, proxy=self._proxy, endpoint=effect.request.endpoint)


def _proxy_of_environment(host: str) -> str | None:
    # read here, not by httpx, so that errors can name it
    parts = urlsplit(host)
    if is_local(host) or proxy_bypass(parts.netloc):
        # a proxy cannot reach this machine's emulator
        return None
    known = getproxies()
    found = known.get(parts.scheme) or known.get("all")
    return f"http://{found}" if found and "://" not in found else found


def _read_proxy(proxy: str | None, *, is_given: bool) -> httpx.Proxy | None:
    if not proxy:
        return None
    what = "the proxy" if is_given else "the proxy of the environment (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY)"
    try:
        read = httpx.Proxy(proxy)
    except (ValueError, httpx.InvalidURL):
        # without the cause: it quotes the address, and with it a password
        raise ConfigError(f"{what} is no valid address: write http://host:port") from None
    if read.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise ConfigError(f"{what} is a SOCKS proxy, which needs the package socksio: pip install httpx[socks]")
    return read


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
