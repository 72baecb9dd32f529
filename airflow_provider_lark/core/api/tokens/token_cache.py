"""The tokens cached in a process: one of each kind for all clients of an app, fetched by one client at a time.

A token that is still valid serves everybody while one client renews it, so a renewal stops no one.
"""

from __future__ import annotations

from enum import Enum
from threading import Lock

from airflow_provider_lark.core.api.wire.limits import TOKEN_MARGIN_SECONDS
from airflow_provider_lark.core.api.wire.secret import Secret

POLL_SECONDS = 0.02
"""How often a client looks whether another one has fetched the token."""


class CacheMiss(Enum):
    """What to do without a token."""

    FETCH = "fetch it, then store or give up"
    WAIT = "somebody else is fetching it"


class TokenCache:
    """Holds one token; safe to share between threads and event loops. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._token: Secret | None = None
        self._renew_at = 0.0
        self._expires_at = 0.0
        self._fetching = False

    def claim(self, now: float) -> Secret | CacheMiss:
        """Return a valid token, or whose turn it is.

        Whoever is told to fetch must call :meth:`store` or :meth:`give_up`.
        """
        with self._lock:
            valid = self._valid(now)
            if valid is not None and (now < self._renew_at or self._fetching):
                return valid
            if self._fetching:
                return CacheMiss.WAIT
            self._fetching = True
            return CacheMiss.FETCH

    def peek(self, now: float) -> Secret | None:
        """Return a valid token without taking the turn to renew it."""
        with self._lock:
            return self._valid(now)

    def store(self, token: Secret, *, asked_at: float, expire_seconds: float) -> None:
        """Keep *token*, which lives for *expire_seconds* from the moment it was asked for."""
        # a token that comes with little life left is used for most of it, or every call would renew
        margin_seconds = min(TOKEN_MARGIN_SECONDS, expire_seconds / 10)
        with self._lock:
            self._token = token
            self._expires_at = asked_at + expire_seconds
            self._renew_at = self._expires_at - margin_seconds
            self._fetching = False

    def give_up(self) -> None:
        """Let somebody else try."""
        with self._lock:
            self._fetching = False

    def drop(self, token: Secret) -> None:
        """Forget *token*, which Lark refused; a newer one is kept."""
        with self._lock:
            if self._token == token:
                self._token = None
                self._expires_at = self._renew_at = 0.0

    def _valid(self, now: float) -> Secret | None:
        return self._token if now < self._expires_at else None
