"""What all clients of one app in this process share: the token and the pace."""

from __future__ import annotations

import os
from hashlib import sha256

from airflow_provider_lark.core.api.ratelimit import RateLimiter
from airflow_provider_lark.core.api.secret import Secret
from airflow_provider_lark.core.api.token import TokenCache


class AppState:
    """Token and pace of one app."""

    def __init__(self) -> None:
        self.tokens = TokenCache()
        self.limiter = RateLimiter()


_STATES: dict[tuple[int, str, str, str], AppState] = {}


def app_state(host: str, app_id: str, app_secret: Secret) -> AppState:
    """Return the state shared by all clients with the same host, App ID and App Secret in this process."""
    # the secret belongs to the key, or a wrong one would pass on the token of the right one;
    # the process id, because a fork inherits locks that nobody will release
    digest = sha256(app_secret.reveal().encode(errors="surrogatepass")).hexdigest()
    return _STATES.setdefault((os.getpid(), host, app_id, digest), AppState())
