"""A proxy's address as the installed ``websockets`` reads it: before 17 it decodes neither user nor password."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, unquote, urlsplit

from airflow_provider_lark.core.errors import ConfigError

DECODES_SINCE = 17
"""The first version that reads user and password as others do: ``%40`` is an ``@``."""

INVALID = "the proxy's address is not valid; use http://host:port"

# what ends or splits the part of an address in which they stand, and what the library would encode by itself
_UNFIT = re.compile(r"[^!-~]|[/?#\\\[\]]")


def address_for(version: int, proxy: str, *, subject: str) -> str:
    """Return the address *proxy* in the form that ``websockets`` of this major version takes.

    :param subject: whose connection it is, for errors.
    :raises ConfigError: it is no address, or this version has no form for such a user or password.
    """
    read = _read(proxy)
    if read is None:
        raise ConfigError(f"{subject}: {INVALID}")
    parts, user, password = read
    _, at, place = parts.netloc.rpartition("@")
    if version >= DECODES_SINCE:
        user, password = quote(user, safe=""), quote(password, safe="")
    elif ":" in user or _UNFIT.search(user + password):
        raise ConfigError(
            f"{subject}: websockets {version} cannot send this user or password to a proxy; install websockets "
            f"{DECODES_SINCE} or newer, or choose a password of ASCII characters without blanks and / ? # \\ [ ]"
        )
    # also without a password, which others send as an empty one
    login = f"{user}:{password}@" if at else ""
    return f"{parts.scheme}://{login}{place}"


def _read(proxy: str) -> tuple[SplitResult, str, str] | None:
    # None instead of an error: its text quotes the address, and with it a password
    try:
        parts = urlsplit(proxy)
        user, password = (unquote(part or "", errors="strict") for part in (parts.username, parts.password))
        # one that is no number is an error when it is read
        return None if parts.port == 0 else (parts, user, password)
    except ValueError:
        return None
