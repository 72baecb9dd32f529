"""The kinds of cards; a card of one kind cannot be updated to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

CardForm = Literal["1.0", "2.0", "template", "entity"]


def card_form(card: Mapping[str, Any]) -> CardForm:
    """Return which kind of card *card* is.

    A message keeps its kind for life: 1.0 and 2.0 cannot replace each other (200830, 200800), nor a raw card one made
    from a template.
    """
    kind = card.get("type")
    if kind == "template":
        return "template"
    if kind == "card":
        return "entity"
    return "2.0" if card.get("schema") == "2.0" else "1.0"
