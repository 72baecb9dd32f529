"""Webhook bots of groups (lark-api §6.4): an address, and who may use it for what."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Final
from uuid import UUID

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.ids import Ids

PATH: Final = "/open-apis/bot/v2/hook/"
MOST_KEYWORDS: Final = 10
MOST_IPS: Final = 10
HALF_HOUR_SECONDS: Final = 1800
_RATES: Final = ((5, 1.0), (100, 60.0))
_SIGNED_SECONDS: Final = 3600


@dataclass
class Hook:
    """A webhook bot.

    :param secret: with which messages must be signed; empty: they need not.
    :param keywords: of which a message must hold one; empty: it need not.
    :param ips: addresses, ranges (``10.0.0.1/24``) and patterns (``10.0.0.*``) that may call; empty: all.
    """

    hook_id: str
    chat_id: str
    name: str
    url: str
    secret: str = field(default="", repr=False)
    keywords: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    is_enabled: bool = True
    sent_at: deque[float] = field(default_factory=lambda: deque(maxlen=100), repr=False)

    def admits(self, peer: str) -> bool:
        """Whether a caller with that IP address may use it."""
        return not self.ips or any(_covers(each, peer) for each in self.ips)

    def accepts(self, timestamp: object, sign: object, now: float) -> bool:
        """Whether the request is signed as it has to be: by a time within the hour, and the secret."""
        if not self.secret:
            return True
        if isinstance(timestamp, bool) or not str(timestamp).isascii() or not str(timestamp).isdecimal():
            return False
        if abs(now - int(str(timestamp)[:15])) > _SIGNED_SECONDS:
            return False
        mac = hmac.new(f"{timestamp}\n{self.secret}".encode(), b"", hashlib.sha256)
        return hmac.compare_digest(base64.b64encode(mac.digest()).decode(), str(sign))

    def takes(self, texts: Iterable[str]) -> bool:
        """Whether one of its keywords stands in *texts*."""
        said = "\n".join(texts)
        return not self.keywords or any(each in said for each in self.keywords)

    def is_too_fast(self, now: float) -> bool:
        """Whether another message now would be the sixth in a second, or the 101st in a minute."""
        return any(
            len(self.sent_at) >= most and now - self.sent_at[-most] < period_seconds for most, period_seconds in _RATES
        )


class Hooks:
    """All webhook bots of the tenant, by what follows ``/hook/``."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._hooks: dict[str, Hook] = {}

    def add(
        self, origin: str, chat_id: str, name: str, *, secret: str, keywords: Iterable[str], ips: Iterable[str]
    ) -> Hook:
        """Add a bot to a group.

        :raises ValueError: more than ten keywords, or ten addresses, or one that is none.
        """
        hook_id = str(UUID(bytes=self._ids.noise(16), version=4))
        hook = Hook(hook_id, chat_id, name, f"{origin}{PATH}{hook_id}", secret, tuple(keywords), tuple(ips))
        if len(hook.keywords) > MOST_KEYWORDS or len(hook.ips) > MOST_IPS:
            msg = f"a bot may have at most {MOST_KEYWORDS} keywords and {MOST_IPS} IP addresses"
            raise ValueError(msg)
        for each in hook.ips:
            _covers(each, "127.0.0.1")
        self._hooks[hook_id] = hook
        return hook

    def find(self, hook_id: str) -> Hook | None:
        """The bot of that address; None also after it was removed."""
        return self._hooks.get(hook_id)

    def remove(self, hook_id: str) -> None:
        """Remove a bot from its group, or give it another address: the old one is no good any more.

        :raises KeyError: there is none.
        """
        del self._hooks[hook_id]


def _covers(given: str, peer: str) -> bool:
    if given.endswith("*"):
        return peer.startswith(given.rstrip("*"))
    return ip_address(peer) in ip_network(given, strict=False)
