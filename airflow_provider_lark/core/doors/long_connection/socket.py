"""Opening the WebSocket of a long connection: the only module here that knows ``websockets``."""

from __future__ import annotations

import importlib.metadata
import logging
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_lark import __version__
from airflow_provider_lark.core.api.codes.long_connection import explain_handshake
from airflow_provider_lark.core.api.wire.results import ConnectionAddress
from airflow_provider_lark.core.doors.long_connection import proxy
from airflow_provider_lark.core.doors.long_connection.frame import FRAME_BYTES_MAX
from airflow_provider_lark.core.errors import ConfigError, LarkError, Unreachable

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

OPEN_SECONDS = 15.0
_CLOSE_SECONDS = 2.0
_LEAST_VERSION = 15
_READS_HTTP_1_0_SINCE = 16
_INSTALL = "pip install 'airflow-provider-lark[long-connection]'"

# at DEBUG the library would log the address, which holds a ticket
_quiet = logging.getLogger(f"{__name__}.websockets")
_quiet.setLevel(logging.WARNING)


class Addressed(Protocol):
    """Says how to reach an address: proxy and certificates; a client of the core does."""

    def websocket_options(self, url: Any) -> dict[str, Any]:
        """Return arguments of ``websockets.connect``."""
        ...


def require_websockets() -> None:
    """See that ``websockets`` is there, and new enough.

    :raises ConfigError: it is not.
    """
    try:
        version = importlib.metadata.version("websockets")
    except importlib.metadata.PackageNotFoundError:
        raise ConfigError(f"the long connection needs the package websockets: {_INSTALL}") from None
    if _major(version) < _LEAST_VERSION:
        raise ConfigError(f"the long connection needs websockets {_LEAST_VERSION} or newer, not {version}: {_INSTALL}")


def _major(version: str) -> int:
    return int(version.partition(".")[0])


async def open_socket(address: ConnectionAddress, client: Addressed, *, subject: str) -> ClientConnection:
    """Open the WebSocket at *address*.

    :param subject: whose connection it is, for errors.
    :raises LarkError: it is refused, or cannot be reached; permanent where another try would be refused too.
    """
    from websockets.asyncio.client import connect
    from websockets.exceptions import WebSocketException

    version = _major(importlib.metadata.version("websockets"))
    options = client.websocket_options(address.url)
    if options["proxy"] is not None:
        options["proxy"] = proxy.address_for(version, options["proxy"], subject=subject)
    try:
        return await connect(
            address.url.reveal(),
            open_timeout=OPEN_SECONDS,
            close_timeout=_CLOSE_SECONDS,
            # Lark has pings of its own, and answers no others
            ping_interval=None,
            compression=None,
            max_size=FRAME_BYTES_MAX,
            user_agent_header=f"airflow-provider-lark/{__version__}",
            logger=_quiet,
            **options,
        )
    except (WebSocketException, OSError, TimeoutError) as exc:
        error = _explain(exc, version, subject=subject, has_proxy=options["proxy"] is not None)
    # outside the except block: the library's errors may quote the address, and its frames hold it
    raise error


def _explain(exc: Exception, version: int, *, subject: str, has_proxy: bool) -> LarkError:
    from websockets.exceptions import InvalidProxy, InvalidProxyMessage, InvalidProxyStatus, InvalidStatus

    if isinstance(exc, InvalidStatus):
        headers = exc.response.headers
        status, code = headers.get("Handshake-Status", ""), headers.get("Handshake-Autherrcode", "")
        meaning = explain_handshake(status, code)
        told = f"handshake-status {status}" if status else f"HTTP {exc.response.status_code}"
        return meaning.error(
            f"{subject}: {meaning.what} ({told}); {meaning.hint}", code=_number(code) or _number(status)
        )
    if isinstance(exc, InvalidProxy):
        return ConfigError(f"{subject}: {proxy.INVALID}")
    if isinstance(exc, InvalidProxyStatus):
        return Unreachable(
            f"{subject}: the proxy rejected the connection (HTTP {exc.response.status_code}); check its user and "
            "password, and whether it allows CONNECT to this host"
        )
    hint = "check the network, the proxy and its rules for WebSockets"
    if isinstance(exc, InvalidProxyMessage) and version < _READS_HTTP_1_0_SINCE:
        hint += f"; one that answers in HTTP/1.0 needs websockets {_READS_HTTP_1_0_SINCE} or newer"
    way = " through the proxy" if has_proxy else ""
    return Unreachable(f"{subject}: cannot connect{way} ({type(exc).__name__}); {hint}")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
