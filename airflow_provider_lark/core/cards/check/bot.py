"""What the card of a custom bot cannot do, because there is no app behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_lark.core.cards.check.tree import Finding, Node, walk_card
from airflow_provider_lark.core.cards.tags import NAMED_IN_FORMS

_AT_EMAIL = re.compile(r"<at\s[^>]*email\s*=", re.IGNORECASE)
_ANSWERED = NAMED_IN_FORMS - {"button", "checker"} | {"form"}


def check_bot(card: Mapping[str, Any]) -> list[Finding]:
    """Return what of *card* a custom bot's webhook refuses, or what would be dead in it."""
    return [finding for node in walk_card(card) for finding in _check(node)]


def _check(node: Node) -> Iterator[Finding]:
    if node.tag in _ANSWERED:
        yield Finding(
            node.path, f"a webhook bot does not receive input, so a {node.tag} has no effect: send the card as an app"
        )
    behaviors = node.data.get("behaviors")
    for place, each in enumerate(behaviors if isinstance(behaviors, list) else ()):
        if isinstance(each, dict) and each.get("type") == "callback":
            path = f"{node.path}.behaviors[{place}]"
            yield Finding(path, "a webhook bot does not receive callbacks: use open_url, or send the card as an app")
    texts = [node.data.get("content"), *_values(node.data.get("i18n_content"))]
    if any(isinstance(text, str) and _AT_EMAIL.search(text) for text in texts):
        why = "a webhook bot can only mention users by open_id or user_id (100290)"
        yield Finding(node.path, f"{why}: use <at id=ou_…></at>, or send the card as an app")


def _values(localized: Any) -> list[Any]:
    return list(localized.values()) if isinstance(localized, dict) else []
