"""Access tokens of all kinds and their life (lark-api §1.2, §1.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.ids import Ids

LIFE_SECONDS: Final = 7200
RENEWAL_SECONDS: Final = 1800

TokenKind = Literal["tenant", "app", "user"]


@dataclass(frozen=True)
class Token:
    """An issued token.

    :param open_id: whom a user token stands for.
    :param scopes: what that person granted; None: the token is no user's.
    """

    text: str
    kind: TokenKind
    app_id: str
    tenant_key: str
    expires: float
    open_id: str = ""
    scopes: frozenset[str] | None = None


class Tokens:
    """Issues tokens: the same one while 30 minutes remain, then a new one beside the old (§1.2)."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._by_text: dict[str, Token] = {}
        self._newest: dict[tuple[TokenKind, str, str], Token] = {}

    def issue(self, app_id: str, tenant_key: str = "", *, kind: Literal["tenant", "app"] = "tenant") -> tuple[str, int]:
        """The token and the whole seconds it has left."""
        now = self._clock.now()
        token = self._newest.get((kind, app_id, tenant_key))
        if token is None or token.expires - now < RENEWAL_SECONDS:
            prefix = "t-" if kind == "tenant" else "a-"
            token = Token(self._ids.make(prefix, 40), kind, app_id, tenant_key, now + LIFE_SECONDS)
            self._newest[kind, app_id, tenant_key] = token
            self._by_text[token.text] = token
        return token.text, int(token.expires - now)

    def issue_for_user(
        self, app_id: str, tenant_key: str, open_id: str, scopes: frozenset[str], *, prefix: str = "eyJ"
    ) -> str:
        """A new token that acts as the person; it lives as long as the others (§1.3).

        :param prefix: ``eyJ`` of the newer ones, ``u-`` of the older.
        """
        expires = self._clock.now() + LIFE_SECONDS
        token = Token(self._ids.make(prefix, 120), "user", app_id, tenant_key, expires, open_id, scopes)
        self._by_text[token.text] = token
        return token.text

    def find(self, text: str) -> Token | None:
        """The token, also when it has ended."""
        return self._by_text.get(text)

    def is_live(self, token: Token) -> bool:
        """Whether it has not ended yet."""
        return token.expires > self._clock.now()

    def app_of(self, text: str) -> str | None:
        """The app the token stands for; None when unknown or expired."""
        token = self._by_text.get(text)
        return token.app_id if token is not None and self.is_live(token) else None

    def expire_all(self) -> None:
        """End every token at once, as a revocation in mid-run does."""
        self._by_text = {text: replace(token, expires=0.0) for text, token in self._by_text.items()}
        self._newest.clear()

    def expire_for_user(self, app_id: str, open_id: str) -> None:
        """End the tokens with which the app acts as that person."""
        for text, token in list(self._by_text.items()):
            if (token.kind, token.app_id, token.open_id) == ("user", app_id, open_id):
                self._by_text[text] = replace(token, expires=0.0)
