"""The app as which a client calls, and what the clients of one app in this process share of its tokens."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_lark.core.api.tokens.token_cache import TokenCache
from airflow_provider_lark.core.api.tokens.token_store import MemoryTokenStore, StoredToken, TokenKey
from airflow_provider_lark.core.api.wire.secret import Secret


@dataclass(frozen=True, slots=True)
class App:
    """An app, and for whom it acts.

    :param host: the open platform, as :func:`.normalize_host` gives it.
    :param tenant_key: of a store app: in which tenant it acts.
    :param user: the open_id of whom it acts for.
    """

    app_id: str
    app_secret: Secret
    host: str
    tenant_key: str | None = None
    user: str | None = None


class TokenState:
    """The tokens in use, and what is known of their store.

    :ivar memory: what clients without a token store keep beside the tokens in use: refresh tokens, an app ticket.
    :ivar unsaved: refresh tokens that the token store could not take; Lark has forgotten those before them.
    :ivar told_failure: what the log was last told about the token store.
    :ivar ticket_asked_at: when Lark was last asked for the app ticket, on a monotonic clock.
    """

    def __init__(self) -> None:
        self.memory = MemoryTokenStore()
        self.unsaved: dict[TokenKey, StoredToken] = {}
        self.told_failure: str | None = None
        self.ticket_asked_at = float("-inf")
        self._caches: dict[TokenKey, TokenCache] = {}

    def cache(self, key: TokenKey) -> TokenCache:
        """Return where the token of *key* is while it is in use."""
        return self._caches.setdefault(key, TokenCache())
