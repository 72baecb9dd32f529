"""Error messages for requests without an answer: names, ports, proxies, certificates.

With :mod:`.transport` it knows httpx.

What a library says is never quoted, since it may hold a proxy's password; OpenSSL's word on a certificate is. Nor is it
kept as a cause where it quotes what was sent or came back.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from typing import TypeAlias

import httpx

from airflow_provider_lark.core.errors import BadRequest, ConfigError, LarkError, OutcomeUnknown, Unreachable

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
_CHECK = "check the host, the network and the proxy"

FAILURES = (httpx.HTTPError, httpx.InvalidURL, UnicodeError)
"""What httpx raises instead of an answer; the last for names that no domain can have."""

Failure: TypeAlias = httpx.HTTPError | httpx.InvalidURL | UnicodeError

# they quote header and status lines: a token that cannot be sent, or what a host or proxy echoes
_QUOTING = (httpx.ProtocolError, httpx.ProxyError, httpx.InvalidURL)


def explain_failure(exc: Failure, *, host: str, proxy: httpx.Proxy | None, endpoint: str) -> LarkError:
    """Return what a failed sending means: whether Lark can have got the request, and what to check.

    *exc* is its cause, where that cannot quote a secret. To be raised outside the except block.

    :param proxy: through which Lark is reached, if any.
    """
    causes = list(_causes(exc))
    for cause in causes:
        # frames of the HTTP library hold the token in their locals, and say nothing that helps
        cause.__traceback__ = None
    error = _explain(exc, causes, host=host, proxy=proxy, endpoint=endpoint)
    if not isinstance(exc, _QUOTING):
        error.__cause__ = exc
    return error


def _explain(
    exc: Failure, causes: list[BaseException], *, host: str, proxy: httpx.Proxy | None, endpoint: str
) -> LarkError:
    if not isinstance(exc, httpx.HTTPError):
        told = "the request URL is invalid or too long; check the host, the proxy, the path and the query"
        return BadRequest(told, endpoint=endpoint)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConfigError(_distrust(host, cause), endpoint=endpoint)
    if not isinstance(exc, _NEVER_SENT):
        kind = type(exc).__name__
        return OutcomeUnknown(
            f"no response from {host} ({kind}); the request may have been carried out", endpoint=endpoint
        )
    way = _describe_proxy(proxy)
    return Unreachable(f"cannot connect to {host}{way}: {_reason(exc, causes, has_proxy=bool(way))}", endpoint=endpoint)


def _distrust(host: str, cause: ssl.SSLCertVerificationError) -> str:
    return (
        f"this machine does not trust the certificate of {host} ({cause.verify_message}); check the host, or give the "
        "CA certificate as `verify` (ca_bundle in an Airflow connection)"
    )


def _describe_proxy(proxy: httpx.Proxy | None) -> str:
    if proxy is None:
        return ""
    return f" through the proxy {proxy.url.host}" + (f":{proxy.url.port}" if proxy.url.port else "")


def _reason(exc: httpx.HTTPError, causes: list[BaseException], *, has_proxy: bool) -> str:
    if isinstance(exc, httpx.ProxyError):
        status = re.match(r"[45]\d\d\b", str(exc))
        told = f" (HTTP {status[0]})" if status else ""
        return f"the proxy rejected the connection{told}; check its user and password, and whether it allows this host"
    asked = "the proxy" if has_proxy else "the host"
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"cannot resolve the name of {asked}; {_CHECK}"
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "the server does not speak TLS; check the port, and whether the address should begin with http://"
    if isinstance(exc, httpx.TimeoutException):
        return f"{asked} did not respond in time ({type(exc).__name__}); {_CHECK}"
    return f"{asked} refused the connection ({type(exc).__name__}); {_CHECK}"


def _causes(exc: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = exc
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
