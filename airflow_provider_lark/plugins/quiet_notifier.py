"""LarkNotifier for a whole installation: a failure of its own is logged once in a while only."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.clock import SYSTEM_CLOCK, Clock
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.notifications.lark import LarkNotifier
from airflow_provider_lark.notifications.voice import Voice
from airflow_provider_lark.notifications.within import run_within

if TYPE_CHECKING:
    from airflow_provider_lark.notifications.context import Occasion

AGAIN_SECONDS = 600.0


@dataclass
class Told:
    """What was said, and when it may be said again; safe to share between threads."""

    clock: Clock = SYSTEM_CLOCK
    _until: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def is_due(self, words: str) -> bool:
        """Tell whether *words* were not said within the last ten minutes; from now on they were."""
        now = self.clock.monotonic()
        with self._lock:
            self._until = {each: until for each, until in self._until.items() if until > now}
            is_due = words not in self._until
            self._until.setdefault(words, now + AGAIN_SECONDS)
            return is_due


@dataclass(frozen=True)
class QuietVoice(Voice):
    """Says that nobody could be told why, and by which settings, once in ten minutes."""

    told: Told = field(default_factory=Told)

    def warn(self, words: str) -> None:
        """Say it, unless it was said."""
        if self.told.is_due(words):
            super().warn(words)

    def failure(self, target: str, occasion: Occasion | None, exc: Exception) -> None:
        """Say it, unless the same has hindered another occasion."""
        why = str(exc) if isinstance(exc, LarkError) else type(exc).__name__
        # what Lark calls the request differs each time
        if self.told.is_due(f"{target} {getattr(exc, 'code', None) or why}"):
            what = "what happened" if occasion is None else occasion.name
            self.log.warning(
                "%s: could not notify %s about %s; further failures of this kind are not logged for ten minutes "
                "(settings: [lark] notify_conn_id, notify_receive_id): %s",
                *(self.name, target, what, why),
            )


class QuietNotifier(LarkNotifier):
    """Tells whom ``[lark]`` names."""

    _shared = Told()
    _tells_others = False

    def deliver(self, occasion: Occasion, budget_seconds: float) -> None:
        """Tell of *occasion*, which was read before, or say in the log why not.

        :param budget_seconds: how long that may take, the reading of the connection apart.
        """
        try:
            run_within(budget_seconds, self._prepare(occasion))
        except Exception as exc:  # noqa: BLE001 - the outermost edge: an error here must not stop what it tells of
            self._voice.failure(self._target, occasion, exc)

    @property
    def _voice(self) -> Any:
        return QuietVoice(self.log, type(self).__name__, self._shared)
