"""Log lines of a notifier: each names it, and none shows a secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.errors import BadRequest, LarkError

if TYPE_CHECKING:
    from airflow_provider_lark.notifications.context import Occasion


@dataclass(frozen=True)
class Voice:
    """The log lines of one notifier.

    :param name: its class.
    """

    log: Any
    name: str

    def warn(self, words: str) -> None:
        """Say what a person may act on."""
        self.log.warning("%s: %s", self.name, words)

    def dead_link(self, occasion: Occasion) -> None:
        """Say that the card has no button, where its log has an address that only this machine knows."""
        from airflow_provider_lark.core.cards.text import reachable_url

        url = occasion.facts.get("log_url")
        if url and reachable_url(url) is None:
            self.warn(
                "the card has no buttons because Airflow's address is local; set [api] base_url to an address users "
                "can open"
            )

    def replacement(self, lost: str, instead: str, exc: BadRequest) -> None:
        """Say what Lark would not take."""
        self.log.warning("%s: cannot send %s, sending %s instead: %s", self.name, lost, instead, exc)

    def failure(self, target: str, occasion: Occasion | None, exc: Exception) -> None:
        """Say whom it could not tell about what."""
        # of other errors the text may hold anything, an address too
        why = exc if isinstance(exc, LarkError) else type(exc).__name__
        what = "what happened" if occasion is None else occasion.name
        self.log.error("%s: could not notify %s about %s: %s", self.name, target, what, why)
