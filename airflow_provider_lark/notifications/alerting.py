"""One card for all failures of a run or a task: noted in the database first, then shown by whoever has claimed it."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_lark.core.alerts.alert_store import AlertStore
from airflow_provider_lark.core.alerts.news import Alert
from airflow_provider_lark.core.api.codes.messages import CARD_TOO_OLD, UNCHANGEABLE_CARD
from airflow_provider_lark.core.api.services.messaging import content
from airflow_provider_lark.core.api.services.messaging.content import Content
from airflow_provider_lark.core.clock import Clock
from airflow_provider_lark.core.errors import BadRequest, LarkError, NotFound, RetriableError, TooLarge
from airflow_provider_lark.notifications.alert_cards import alert_card, has_own_card, own_card
from airflow_provider_lark.notifications.people import People

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient

GAP_SECONDS = 0.25
"""Between two updates of a card, whoever makes them: Lark takes five a second. What comes meanwhile goes with it."""

CALL_SECONDS = 3.0
_LOOK_SECONDS = 0.15
_RETRY_SECONDS = 0.5
_LEFT_AT_ONCE = 3


class AlertBoard:
    """Brings cards up to date, one process at a time for each.

    :param client: gives the client when the first card has to be sent or changed: most recoveries need none.
    :param find_people: gives those whom a red card notifies.
    :param tell: is told what gives way to what, and why.
    """

    def __init__(
        self,
        store: AlertStore,
        client: Callable[[], LarkClient],
        *,
        find_people: Callable[[Alert], People],
        tell: Callable[[str, str, BadRequest], None],
        clock: Clock,
    ) -> None:
        self._store = store
        self._client = client
        self._find_people = find_people
        self._tell = tell
        self._clock = clock

    def show(self, card_id: str, version: int, until: float) -> bool:
        """Return whether the card shows *version*; wait until then for whoever else is about it.

        :param until: seconds of the monotonic clock.
        :raises LarkError: this process had claimed the card, and Lark or the database would not have it.
        """
        wanted = version
        while self._clock.monotonic() < until:
            match self._store.claim(card_id, wanted):
                case "shown":
                    return True
                case "mine":
                    wanted = self._work(card_id, wanted, until)
                case "taken":
                    self._clock.sleep(_LOOK_SECONDS)
        return self._store.is_shown(card_id, version)

    def finish_others(self, host: str, app_id: str, until: float, *, besides: Container[str]) -> None:
        """Bring cards up to date that a process which died, or a Lark that was down, left behind.

        :param besides: those that were just tried.
        :raises LarkError: as :meth:`show`.
        """
        for card_id, version in self._store.find_unfinished(host, app_id, limit=_LEFT_AT_ONCE):
            if card_id not in besides and self._clock.monotonic() < until:
                self.show(card_id, version, until)

    def _work(self, card_id: str, version: int, until: float) -> int:
        """Use the claim until there is nothing new to show, or the time is over; return what has to be shown then.

        That is *version*, or a later one where another claimed the card and what it shows may have been overwritten.
        """
        wanted: int | None = version
        try:
            while wanted is not None and self._clock.monotonic() < until:
                version = max(version, wanted)
                wanted = self._step(card_id, version, until)
        finally:
            if wanted is not None:
                with suppress(LarkError):
                    self._store.release(card_id)
        return version

    def _step(self, card_id: str, version: int, until: float) -> int | None:
        """Show what there is, and return what is to be shown next; None: nothing, or another has claimed the card."""
        began = self._clock.monotonic()
        alert = self._store.begin(card_id)
        if alert is None:
            return None
        people = self._find_people(alert)
        if alert.message_id is not None:
            self._clock.sleep(GAP_SECONDS)
        if self._clock.monotonic() - began >= GAP_SECONDS:
            # news has come, and the claim runs from here
            again = self._store.begin(card_id)
            if again is None:
                return None
            alert = replace(again, is_in_doubt=alert.is_in_doubt)
        try:
            message_id = self._put(alert, people)
        except RetriableError as exc:
            wait_seconds = max(_RETRY_SECONDS, getattr(exc, "retry_after_seconds", None) or 0.0)
            if self._clock.monotonic() + wait_seconds >= until:
                raise
            self._clock.sleep(wait_seconds)
            return version
        except (BadRequest, NotFound) as exc:
            if alert.message_id is None or exc.code not in UNCHANGEABLE_CARD:
                raise
            self._store.forget_message(card_id)
            return version
        return self._store.note_shown(card_id, None if alert.is_in_doubt else alert.version, message_id)

    def _put(self, alert: Alert, people: People) -> str:
        """Send or update the card, and return its id; what Lark refuses gives way to less."""
        tries = _tries(alert, people)
        for place, (name, make) in enumerate(tries, start=1):
            said = None
            try:
                said = make()
                return self._call(alert, said)
            except BadRequest as exc:
                # a receiver who is none is told without Lark, and an old card does not get younger by saying less
                is_about_content = said is None or isinstance(exc, TooLarge) or exc.code not in {None, CARD_TOO_OLD}
                if place == len(tries) or not is_about_content:
                    raise
                self._tell(name, tries[place][0], exc)
        raise AssertionError("the last try returns or raises")

    def _call(self, alert: Alert, said: Content) -> str:
        messaging = self._client().messaging
        if alert.message_id is not None:
            messaging.update_card(message_id=alert.message_id, card=said, sent_form="2.0")
            return alert.message_id
        sent = messaging.send(
            receiver_id=alert.place.receiver,
            content=said,
            receiver_id_type=alert.place.receiver_type,  # type: ignore[arg-type]  # checked there
            uuid=alert.uuid,
        )
        return sent.message_id


def _tries(alert: Alert, people: People) -> Sequence[tuple[str, Callable[[], Content]]]:
    tries: list[tuple[str, Callable[[], Content]]] = []
    if has_own_card(alert):
        tries.append(("the custom message", lambda: own_card(alert, people.asked)))
    tries.append(("the default card", lambda: _card(alert, people.concerned)))
    if people.concerned:
        tries.append(("the default card without mentions", lambda: _card(alert, ())))
    # its words may be what Lark refuses: sensitive ones, or data that must not leave
    tries.append(("the default card without the exception", lambda: _card(alert, (), with_exception=False)))
    return tries


def _card(alert: Alert, mentions: tuple[str, ...], *, with_exception: bool = True) -> Content:
    return content.card(alert_card(alert, mentions, with_exception=with_exception))
