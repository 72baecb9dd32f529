"""Who may ask the control routes and the page: programs, and browsers that show the page itself.

A web site that is open in the same browser could change the emulator otherwise: by a request of its own, which the
browser marks with ``Origin`` or ``Sec-Fetch-Site``, or by letting its name mean this machine (DNS rebinding), which
``Host`` tells. Programs send neither of the first two. What Lark's own API answers is not looked at here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from airflow_provider_lark.emulator.wire import Request

_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - looked for, not bound
_OWN: Final = frozenset({"same-origin", "none"})


def refuse_visitor(request: Request, listens_on: str, allowed: Collection[str]) -> str | None:
    """Why the request is not for the control routes and the page; None when it is.

    :param listens_on: the address that the server is bound to.
    :param allowed: further names under which it may be asked for, without ports.
    """
    names = {listens_on.lower(), *(each.lower() for each in allowed)}
    host = request.headers.get("host", "")
    if host and not _is_own_name(_name_of(f"//{host}"), names):
        return (
            f"the emulator does not accept the host name {host[:80]!r}: "
            f"use {listens_on} or localhost, or start it with --allow-host"
        )
    if _is_foreign(request, host, names - {listens_on.lower()}):
        return "the request comes from another web site, not from the emulator's own page"
    return None


def _name_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_own_name(name: str, names: Collection[str]) -> bool:
    if name in names or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    # an address, unlike a name, cannot be made to mean another machine
    return address.is_loopback or not _EVERYWHERE.isdisjoint(names)


def _is_foreign(request: Request, host: str, allowed: Collection[str]) -> bool:
    headers = request.headers
    origin = headers.get("origin")
    if origin is not None:
        # behind a proxy the Host may be the one that the proxy asks
        same = origin.lower() in {f"http://{host.lower()}", f"https://{host.lower()}"}
        return not same and _name_of(origin) not in allowed
    site = headers.get("sec-fetch-site")
    return site is not None and site not in _OWN and not _follows_link(request.method, headers)


def _follows_link(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a person came by a link of another site: they see the page, and that site sees nothing."""
    shown = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return shown and method in {"GET", "HEAD"}
