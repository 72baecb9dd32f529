"""The port of a token store that outlives a process: shared by workers, the only place of a user's refresh token.

A process caches its tokens in :mod:`.token_cache`; the store is asked when that has none, once per process and token.
The calls block; the drivers run them where blocking is allowed. Times are seconds since the epoch.

Implementations: :class:`MemoryTokenStore`, and the SQL store of :mod:`airflow_provider_lark.core.accounts`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock
from typing import Literal, Protocol

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.clock import Clock, SystemClock

TokenKind = Literal["tenant", "app", "user", "app_ticket"]
"""What a token is; ``app_ticket`` is no token but what a store app buys its app token with."""


@dataclass(frozen=True, slots=True)
class TokenKey:
    """Whose token.

    :param host: the open platform, as :func:`.normalize_host` gives it: one App ID may exist on two.
    :param subject: the tenant_key of a store app's tenant token, the open_id of a user token, else empty.
    """

    host: str
    app_id: str
    kind: TokenKind
    subject: str = ""

    def __str__(self) -> str:
        whose = f" of {self.subject}" if self.subject else ""
        what = "app ticket" if self.kind == "app_ticket" else f"{self.kind} token"
        return f"{what}{whose}, app {self.app_id} at {self.host}"


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token and its life.

    :param text: empty once Lark has refused the token; then there is a refresh token.
    :param refresh: a user's refresh token; Lark takes it once.
    :param scopes: what the user granted.
    :param secret_mark: tells with which App Secret it was got, or a wrong one would pass on the token of the right one.
    """

    text: Secret
    expires_at: float
    refresh: Secret | None = None
    refresh_expires_at: float | None = None
    scopes: tuple[str, ...] = ()
    secret_mark: str = ""


class TokenStore(Protocol):
    """Keeps tokens for all workers of an app; safe to call from several threads.

    Each call may raise a :class:`.LarkError` that says what is wrong with the store and what to do.
    """

    def load(self, key: TokenKey) -> StoredToken | None:
        """Return what is kept, expired or not, or None."""
        ...

    def save(self, key: TokenKey, token: StoredToken) -> None:
        """Keep *token* in place of what was kept, and end the caller's claim."""
        ...

    def drop(self, key: TokenKey, text: Secret) -> None:
        """Forget the token if it still is *text*, which Lark refused; its refresh token stays."""
        ...

    def claim(self, key: TokenKey, *, seconds: float) -> bool:
        """Take the right to renew for *seconds*; False while another worker holds it.

        Needed for refresh tokens, which Lark takes once: two workers must not send the same.
        """
        ...

    def release(self, key: TokenKey) -> None:
        """Give the right back without a new token."""
        ...


class MemoryTokenStore:
    """Keeps tokens for this process; also an example of the port."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = Lock()
        self._tokens: dict[TokenKey, StoredToken] = {}
        self._claimed_until: dict[TokenKey, float] = {}

    def load(self, key: TokenKey) -> StoredToken | None:
        """Return what is kept."""
        return self._tokens.get(key)

    def save(self, key: TokenKey, token: StoredToken) -> None:
        """Keep *token*."""
        with self._lock:
            self._tokens[key] = token
            self._claimed_until.pop(key, None)

    def drop(self, key: TokenKey, text: Secret) -> None:
        """Forget the token if it still is *text*."""
        with self._lock:
            kept = self._tokens.get(key)
            if kept is None or kept.text != text:
                return
            if kept.refresh is None:
                del self._tokens[key]
            else:
                self._tokens[key] = replace(kept, text=Secret(""), expires_at=0.0)

    def claim(self, key: TokenKey, *, seconds: float) -> bool:
        """Take the right to renew."""
        with self._lock:
            now = self._clock.monotonic()
            if now < self._claimed_until.get(key, now):
                return False
            self._claimed_until[key] = now + seconds
            return True

    def release(self, key: TokenKey) -> None:
        """Give the right back."""
        with self._lock:
            self._claimed_until.pop(key, None)
