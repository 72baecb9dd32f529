"""Tenant access tokens and their life (reference §1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.ids import Ids

LIFE_SECONDS: Final = 7200
RENEWAL_SECONDS: Final = 1800


@dataclass(frozen=True)
class Token:
    """An issued token."""

    text: str
    app_id: str
    expires: float


class Tokens:
    """Issues tokens: the same one while 30 minutes remain, then a new one beside the old (§1.2)."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._by_text: dict[str, Token] = {}
        self._newest: dict[str, Token] = {}

    def issue(self, app_id: str) -> tuple[str, int]:
        """The token and the whole seconds it has left."""
        now = self._clock.now()
        token = self._newest.get(app_id)
        if token is None or token.expires - now < RENEWAL_SECONDS:
            token = Token(self._ids.token(), app_id, now + LIFE_SECONDS)
            self._newest[app_id] = token
            self._by_text[token.text] = token
        return token.text, int(token.expires - now)

    def app_of(self, text: str) -> str | None:
        """The app the token stands for; None when unknown or expired."""
        token = self._by_text.get(text)
        if token is None or token.expires <= self._clock.now():
            return None
        return token.app_id

    def expire_all(self) -> None:
        """End every token at once, as a revocation in mid-run does."""
        self._by_text.clear()
        self._newest.clear()
