"""The port behind which tokens outlive a process: shared by workers, and the only place of a user's refresh token.

A process keeps what it has in :mod:`.token`; a store is asked when that has nothing, so once a process and token.
The calls block; the drivers run them where blocking is allowed. Times are seconds since the epoch.

Implementations: :class:`MemoryTokenStore`, and the SQL store of :mod:`airflow_provider_lark.core.stores.accounts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from airflow_provider_lark.core.api.secret import Secret

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


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token and its life.

    :param refresh: a user's refresh token; Lark takes it once.
    :param scopes: what the user granted.
    """

    text: Secret
    expires_at: float
    refresh: Secret | None = None
    refresh_expires_at: float | None = None
    scopes: tuple[str, ...] = ()


class TokenStore(Protocol):
    """Keeps tokens for all workers of an app; safe to call from several threads."""

    def load(self, key: TokenKey) -> StoredToken | None:
        """Return what is kept, expired or not; None when nothing is, or when it cannot be read (which is logged)."""
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
