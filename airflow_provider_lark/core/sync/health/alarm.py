"""When the card turns red, changes, and turns green again. Pure: what is stored and sent comes from the caller."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Act = Literal["nothing", "send", "update"]
"""What is to be done with the card: a new one notifies people, a changed one does not."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is known of the card of a mapping.

    :param uuid: under which the card of this trouble is sent, so that it arrives once; empty before there is any.
    :param message_id: the card; empty until it is sent.
    :param good_checks: how many checks in a row have found nothing since the card turned red.
    :param red_ms: when it turned red.
    :param shown: what the card says, by its hash.
    """

    is_red: bool = False
    uuid: str = ""
    message_id: str = ""
    good_checks: int = 0
    red_ms: int = 0
    shown: str = ""


def move(before: Alarm, *, is_bad: bool, good_wanted: int, now_ms: int, uuid: str) -> Alarm:
    """Return the alarm after a check.

    It turns red at once, and green only after *good_wanted* checks in a row that found nothing: a value that dances
    around its limit makes one card.

    :param uuid: for the card, should this be new trouble.
    """
    if is_bad:
        if before.is_red:
            return replace(before, good_checks=0)
        return Alarm(is_red=True, uuid=uuid, red_ms=now_ms)
    if not before.is_red:
        return before
    good = before.good_checks + 1
    return replace(before, good_checks=good, is_red=good < good_wanted)


def act_of(alarm: Alarm, shown: str) -> Act:
    """Return what is to be done so that the card says what has the hash *shown*.

    A trouble that is over before anybody was told of it is not told.
    """
    if not alarm.message_id:
        return "send" if alarm.is_red else "nothing"
    return "nothing" if alarm.shown == shown else "update"
