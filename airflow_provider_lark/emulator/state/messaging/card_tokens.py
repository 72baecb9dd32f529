"""The tokens of callbacks: with each, the card can be changed twice within 30 minutes (lark-api §5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airflow_provider_lark.emulator.clock import Clock
from airflow_provider_lark.emulator.ids import Ids

TOKEN_SECONDS: Final = 1800
TOKEN_USES: Final = 2


@dataclass
class CardToken:
    """Which card it changes, and for whom.

    :param is_answered: whether the app has answered the callback; before, the token is good for nothing.
    """

    token: str
    app_id: str
    message_id: str
    expires: float
    uses_left: int = TOKEN_USES
    is_answered: bool = False


class CardTokens:
    """Every token that was handed out."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._tokens: dict[str, CardToken] = {}

    def make(self, app_id: str, message_id: str) -> CardToken:
        """A token for the callback of one click."""
        made = CardToken(self._ids.make("c-", 40), app_id, message_id, self._clock.now() + TOKEN_SECONDS)
        self._tokens[made.token] = made
        return made

    def find(self, token: str, app_id: str) -> CardToken | None:
        """The token, while it is good for something."""
        known = self._tokens.get(token)
        if known is None or known.app_id != app_id or known.expires <= self._clock.now():
            return None
        return known if known.is_answered and known.uses_left > 0 else None
