"""A card as it is sent: its JSON, its size, and what carries it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_lark.core.cards.limits import CARD_MAX_BYTES, READY_CARD_BYTES, WEBHOOK_MAX_BYTES


@dataclass(frozen=True)
class Carrier:
    """What takes a card to a chat, and how much of it.

    :param max_bytes: the largest card, as :func:`write_card` writes it.
    :param ready_bytes: up to which size our own cards grow, as :meth:`measure` measures.
    :param as_text: the card travels as a text within JSON, where every quote takes two bytes.
    :param calls_back: a click can be told to the app; the card of a custom bot can only open links.
    """

    name: str
    max_bytes: int
    ready_bytes: int
    as_text: bool
    calls_back: bool = True

    def less(self, taken_bytes: int) -> Carrier:
        """Return the same with less room, as something else stands in the message too."""
        return replace(self, ready_bytes=self.ready_bytes - taken_bytes)

    def measure(self, card: Mapping[str, Any]) -> int:
        """Return how many bytes *card* takes in the request's body."""
        text = write_card(card)
        return len(_write(text).encode() if self.as_text else text.encode())


MESSAGE = Carrier("a message", CARD_MAX_BYTES, READY_CARD_BYTES, as_text=True)
"""A message of an app, sent or updated."""

WEBHOOK = Carrier("a webhook bot", WEBHOOK_MAX_BYTES, 19_500, as_text=False, calls_back=False)
"""The webhook of a custom bot; half a kilobyte is left to signature and envelope."""


def write_card(card: Mapping[str, Any]) -> str:
    """Return the JSON of *card*, as short as it can be; what is not ASCII stands as it is."""
    return _write(card)


def _write(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
