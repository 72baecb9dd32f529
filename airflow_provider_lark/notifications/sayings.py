"""What a notifier of an app sends, in the order in which it tries: your own text, the card, a shorter card."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_lark.core.api.services.messaging import content
from airflow_provider_lark.core.api.services.messaging.content import Content
from airflow_provider_lark.core.cards.check import check_card
from airflow_provider_lark.core.cards.markdown_card import markdown_card
from airflow_provider_lark.core.cards.writing import MESSAGE
from airflow_provider_lark.core.errors import OutcomeUnknown
from airflow_provider_lark.core.transfer.batch_tokens import batch_token
from airflow_provider_lark.hooks.parameters import CALL_FIELDS
from airflow_provider_lark.notifications.context import Occasion
from airflow_provider_lark.notifications.occasion_cards import make_card, shorten_text, shorten_title

if TYPE_CHECKING:
    from airflow_provider_lark.core import LarkClient
    from airflow_provider_lark.core.api.services.messaging.wire import SentMessage
    from airflow_provider_lark.notifications.base import OccasionNotifier
    from airflow_provider_lark.notifications.people import People

_TEXT_BYTES = 120_000
_MARKDOWN_BYTES = 20_000


@dataclass(frozen=True)
class Saying:
    """Something to say.

    :param name: what it is called.
    :param uuid: the same in every process that tells the same; None: nothing tells that.
    """

    name: str
    make: Callable[[], Content]
    uuid: str | None

    def send(self, client: LarkClient, content: Content, receiver: str, kind: str | None) -> SentMessage:
        """Send *content*, which :attr:`make` has made.

        :param kind: of the receiver's id; None: what it looks like.
        :raises BadRequest: it cannot be sent so, or the receiver is none.
        """
        (delivery,) = client.messaging.send_to_each(
            receiver_ids=[receiver],
            content=content,
            receiver_id_type=kind,  # type: ignore[arg-type]  # checked there
            uuid=self.uuid,
        )
        if delivery.message is None:
            raise delivery.error or OutcomeUnknown("no answer")
        return delivery.message


def sayings(notifier: OccasionNotifier, occasion: Occasion, people: People) -> list[Saying]:
    """Return what to try, one after the other."""
    token = partial(_uuid, notifier, occasion)
    card = partial(_card, notifier)
    tries = []
    if make := _own_words(notifier, people.asked):
        tries.append(Saying("the custom message", make, token("own")))
    tries.append(Saying("the default card", partial(card, occasion, people.concerned), token("card")))
    if people.concerned:
        tries.append(Saying("the default card without mentions", partial(card, occasion, ()), token("no mentions")))
    if "exception" in occasion.facts:
        # its words may be what Lark refuses: sensitive ones, or data that must not leave
        bare = replace(occasion, facts={name: value for name, value in occasion.facts.items() if name != "exception"})
        tries.append(Saying("the default card without the exception", partial(card, bare, ()), token("no exception")))
    return tries


def _own_words(notifier: OccasionNotifier, people: Sequence[str]) -> Callable[[], Content] | None:
    if notifier.text:
        return lambda: content.text(shorten_text(str(notifier.text), _TEXT_BYTES, twice=True), mentions=people)
    if notifier.markdown:
        return lambda: _checked(_markdown(notifier), people)
    if notifier.card:
        return lambda: _checked(notifier.card, people)
    return None


def _markdown(notifier: OccasionNotifier) -> Any:
    said = shorten_text(str(notifier.markdown), _MARKDOWN_BYTES, twice=True)
    title = shorten_title(str(notifier.title)) if notifier.title else None
    return markdown_card(said, title=title).assemble()


def _checked(card: Any, people: Sequence[str]) -> Content:
    said = content.card(card, mentions=people)
    # refuses what is no text, which the check takes for granted
    said.write()
    check_card(card)
    return said


def _card(notifier: OccasionNotifier, occasion: Occasion, mentions: tuple[str, ...]) -> Content:
    given: dict[str, Any] = {"mentions": mentions}
    given |= {name: value for name in ("runbook_url", "note") if (value := getattr(notifier, name))}
    return content.card(make_card(occasion, given, notifier.locale, MESSAGE))


def _uuid(notifier: OccasionNotifier, occasion: Occasion, what: str) -> str | None:
    """Return what is the same wherever and whenever this notifier tells this: it is of what it was given to say, since
    what it says may hold the time, a host or an address in memory.
    """
    if not occasion.mark:
        return None
    places = [str(occasion.facts.get(name)) for name in ("dag_id", "run_id", "task_id")]
    seed = json.dumps([*places, occasion.kind, occasion.state, *occasion.mark])
    said = {name: given for name, given in notifier.templates.items() if name not in CALL_FIELDS}
    return batch_token(seed, 0, [what, notifier.locale, said])
