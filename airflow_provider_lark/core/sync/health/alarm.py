"""When the card turns red, changes, and turns green again. Pure: what is stored and sent comes from the caller."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Literal
from uuid import UUID, uuid5

from airflow_provider_lark.core.sync.health.limits import Trouble

Act = Literal["nothing", "send", "update"]
"""What is to be done with the card: a new one notifies people, a changed one does not."""

_AGAIN = UUID("5f0b8a0e-7f5c-4f0c-9d39-3f5f0b7f0c11")


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is known of the card of a mapping.

    :param uuid: under which the card of this trouble is sent, so that it arrives once; empty before there is any.
    :param message_id: the card; empty until it is sent.
    :param good_checks: how many checks in a row have found nothing since the card turned red.
    :param red_ms: when it turned red.
    :param shown: what the card says, by :func:`words_shown`; empty where that is not certain.
    """

    is_red: bool = False
    uuid: str = ""
    message_id: str = ""
    good_checks: int = 0
    red_ms: int = 0
    shown: str = ""

    @property
    def looks_red(self) -> bool:
        """Whether there is a card that does not say that all is well again, as far as is known."""
        return bool(self.message_id) and self.shown != _GREEN


def words_shown(*, is_red: bool, troubles: Sequence[Trouble] = ()) -> str:
    """Return the hash of what a card says; all green ones say the same."""
    told = json.dumps([is_red, [list(each) for each in troubles]])
    return blake2b(told.encode(), digest_size=16).hexdigest()


_GREEN = words_shown(is_red=False)


def move(before: Alarm, *, is_bad: bool, good_wanted: int, now_ms: int, uuid: str) -> Alarm:
    """Return the alarm after a check.

    It turns red at once, and green only after *good_wanted* checks in a row that found nothing: a value that dances
    around its limit makes one card. A card that Lark did not let turn green is still red, and goes on.

    :param uuid: for the card, should this be new trouble.
    """
    if is_bad:
        if before.is_red or before.looks_red:
            return replace(before, is_red=True, good_checks=0)
        return Alarm(is_red=True, uuid=uuid, red_ms=now_ms)
    if not before.is_red:
        return before
    good = before.good_checks + 1
    return replace(before, good_checks=good, is_red=good < good_wanted)


def end(before: Alarm) -> Alarm:
    """Return the alarm of a mapping that is no more: should it come back, new trouble is a new card."""
    return replace(before, is_red=False, good_checks=0, shown=_GREEN)


def act_of(alarm: Alarm, shown: str) -> Act:
    """Return what is to be done so that the card says what has the hash *shown*.

    A trouble that is over before anybody was told of it is not told.
    """
    if not alarm.message_id:
        return "send" if alarm.is_red else "nothing"
    return "nothing" if alarm.shown == shown else "update"


def uuid_again(uuid: str) -> str:
    """Return under what a card is sent that takes the place of the one sent under *uuid*: whoever finds that one gone,
    another task or the next try, sends the same.
    """
    return str(uuid5(_AGAIN, uuid))


def note_shown(kept: Alarm, began: Alarm, sent: Alarm) -> Alarm:
    """Return what is to be kept after the card was brought up to date.

    Where another task has done so meanwhile, what stands there may be either's: the next check shows it again.

    :param kept: what is known now.
    :param began: what was known before Lark was called.
    :param sent: what the call made of it.
    """
    if kept.uuid not in (began.uuid, sent.uuid):
        # new trouble has a card of its own
        return kept
    is_certain = kept.shown in (began.shown, sent.shown)
    return replace(kept, uuid=sent.uuid, message_id=sent.message_id, shown=sent.shown if is_certain else "")
