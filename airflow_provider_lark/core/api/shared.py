"""What all clients of one app in this process share: the tokens and the pace."""

from __future__ import annotations

import os
from hashlib import sha256

from airflow_provider_lark.core.api.kept import ChatNameCache, SentMessages
from airflow_provider_lark.core.api.ratelimit import RateLimiter
from airflow_provider_lark.core.api.secret import Secret
from airflow_provider_lark.core.api.tokens.cache import TokenCache
from airflow_provider_lark.core.api.tokens.store import MemoryTokenStore, StoredToken, TokenKey


class AppState:
    """Tokens and pace of one app.

    :ivar memory: what clients without a token store keep beside the tokens in use: refresh tokens, an app ticket.
    :ivar unsaved: refresh tokens that the token store could not take; Lark has forgotten those before them.
    :ivar told_trouble: what the log was last told about the token store.
    :ivar ticket_asked_at: when Lark was last asked for the app ticket, on a monotonic clock.
    """

    def __init__(self) -> None:
        self.limiter = RateLimiter()
        self.memory = MemoryTokenStore()
        self.unsaved: dict[TokenKey, StoredToken] = {}
        self.told_trouble: str | None = None
        self.ticket_asked_at = float("-inf")
        self.wiki_bases: dict[str, str] = {}
        self.chat_names = ChatNameCache()
        self.sent = SentMessages()
        self._caches: dict[TokenKey, TokenCache] = {}

    def cache(self, key: TokenKey) -> TokenCache:
        """Return where the token of *key* is while it is in use."""
        return self._caches.setdefault(key, TokenCache())


_STATES: dict[tuple[int, str, str, str], AppState] = {}


def app_state(host: str, app_id: str, app_secret: Secret) -> AppState:
    """Return the state shared by all clients with the same host, App ID and App Secret in this process."""
    # the secret belongs to the key, or a wrong one would pass on the token of the right one;
    # the process id, because a fork inherits locks that nobody will release
    return _STATES.setdefault((os.getpid(), host, app_id, mark_secret(app_secret)), AppState())


def mark_secret(secret: Secret) -> str:
    """Return what tells *secret* from others without showing it."""
    return sha256(secret.reveal().encode(errors="surrogatepass")).hexdigest()
