"""From a delivery to the inbox and to the answer for Lark; the same for HTTP and the long connection.

A delivery is acknowledged after the commit, never before.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.core.inbox.inbox import AsyncDeliveryStore, Receipt
from airflow_provider_lark.core.receiving.envelope import Delivery, JsonObject, Kind

log = logging.getLogger(__name__)

ANSWER_SECONDS = 2.5
"""Lark hangs up after 3."""

_COUNT_EVERY = 100
_DOES_NOT_COUNT = 409


@dataclass(frozen=True, slots=True)
class Reply:
    """What Lark is told.

    :param is_stored: False: of an event, Lark sends it again after 15 s, 5 min, 1 h and 6 h; of a click, never.
    :param body: what the person who clicked sees; None for an event.
    :param status: of the answer that carries *body*.
    """

    is_stored: bool
    body: JsonObject | None = field(default=None, repr=False)
    status: int = 200


@dataclass(slots=True)
class Counts:
    """What has come since the start, by what became of it: ``stored``, ``known``, ``not_stored`` or a reason."""

    by_outcome: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: str) -> int:
        """Count one more, and return how many there are now."""
        self.by_outcome[outcome] += 1
        return self.by_outcome[outcome]

    def note(self, outcome: str, message: str) -> None:
        """Count one more; the first and every hundredth stand in the log."""
        number = self.add(outcome)
        if number == 1 or number % _COUNT_EVERY == 0:
            log.warning("%s (%s: %d so far)", message, outcome, number)


class Intake:
    """Hands deliveries to inboxes within the time that Lark leaves; its methods belong to one event loop.

    :param answer_seconds: after so long Lark is told that a delivery is not stored.
    """

    def __init__(self, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._answer_seconds = answer_seconds
        self.counts = Counts()

    @property
    def answer_seconds(self) -> float:
        """After so long Lark is told that a delivery is not stored."""
        return self._answer_seconds

    async def store(self, inbox: AsyncDeliveryStore, delivery: Delivery, *, seconds: float | None = None) -> Reply:
        """Hand *delivery* to *inbox*, and return what Lark is told.

        :param seconds: for this delivery, in place of *answer_seconds*.
        """
        limit = self._answer_seconds if seconds is None else seconds
        try:
            receipt = await asyncio.wait_for(inbox.put(delivery, seconds=limit), limit)
        except TimeoutError:
            self.counts.note("not_stored", f"the inbox took longer than {limit:.1f} s to keep a delivery")
            return not_stored(delivery.kind)
        except LarkError as exc:
            self.counts.note("not_stored", exc.message)
            return not_stored(delivery.kind)
        self.counts.add("stored" if receipt.is_new else "known")
        return _stored(delivery, receipt)


def _stored(delivery: Delivery, receipt: Receipt) -> Reply:
    if delivery.kind == "approval":
        # the centre shows what it is told only with a failure, and a decision that counts needs no words
        return Reply(True) if receipt.reply is None else Reply(True, receipt.reply, _DOES_NOT_COUNT)
    if delivery.kind != "card":
        return Reply(True)
    if receipt.reply is not None:
        return Reply(True, receipt.reply)
    if receipt.first_ms is None:
        return Reply(True, _toast("info", "Received", "已收到"))
    at = f"{datetime.fromtimestamp(receipt.first_ms / 1000, UTC):%H:%M:%S} UTC"
    return Reply(True, _toast("info", f"Already recorded at {at}", f"已于 {at} 记录"))


def not_stored(kind: Kind) -> Reply:
    """Return what Lark is told of a delivery that is not stored, or of which that is not known."""
    if kind == "event":
        return Reply(False)
    if kind == "approval":
        # the centre shows this to the person who decided, and does not send it again
        said = {"message": "未能记录，请再按一次 Not recorded: please press again", "without_prefix": "true"}
        return Reply(False, said, 503)
    return Reply(False, _toast("error", "Not recorded: please press again", "未能记录，请再按一次"))


def _toast(kind: str, english: str, chinese: str) -> JsonObject:
    return {"toast": {"type": kind, "content": english, "i18n": {"en_us": english, "zh_cn": chinese}}}
