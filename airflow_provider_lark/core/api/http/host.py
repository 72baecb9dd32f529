"""The address of an Open Platform, as a person types it into a connection."""

from __future__ import annotations

import logging
import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from airflow_provider_lark.core.errors import ConfigError

log = logging.getLogger(__name__)

FEISHU_HOST = "https://open.feishu.cn"
LARK_HOST = "https://open.larksuite.com"

_EXAMPLES = f"use {FEISHU_HOST} (Feishu), {LARK_HOST} (Lark) or the address of your own deployment"
_BLANK = re.compile(r"\s")
_PUBLIC_DOMAINS = ("feishu.cn", "larksuite.com")


def normalize_host(host: str) -> str:
    """Return *host* without a trailing slash or ``/open-apis``.

    :raises ConfigError: no http(s) address; the message says what to write.
    """
    text = host.strip().rstrip("/").removesuffix("/open-apis")
    if "://" not in text:
        raise ConfigError(f"host has no scheme: {_EXAMPLES}, including https://")
    parts = _split(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or _BLANK.search(text):
        raise ConfigError(f"host is not an http(s) address: {_EXAMPLES}")
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            f"host contains a user name or password, which belong in the login and password fields: {_EXAMPLES}"
        )
    if parts.query or parts.fragment:
        raise ConfigError(f"host must not have a query or fragment: {_EXAMPLES}")
    _refuse_web_address(parts.hostname)
    if parts.scheme == "http" and not is_local(text):
        log.warning("host %s uses plain http, so the App Secret is sent unencrypted; use https://", parts.hostname)
    return text


def is_local(host: str) -> bool:
    """Tell whether *host* is this machine."""
    name = urlsplit(host).hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # read for its check: it raises on a port that is no number
        (parts.hostname or "").encode("idna")  # likewise: on a name that no domain can have
    except ValueError:
        # without the cause: its text may quote a password
        raise ConfigError(f"host is not a valid address: {_EXAMPLES}") from None
    return parts


def _refuse_web_address(hostname: str) -> None:
    for domain in _PUBLIC_DOMAINS:
        if hostname == domain or (hostname.endswith(f".{domain}") and not hostname.startswith("open.")):
            raise ConfigError(f"host {hostname} is the website, not the API: use https://open.{domain}")
