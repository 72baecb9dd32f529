"""The people concerned by an occasion, and their users in Lark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from airflow_provider_lark.core.api.services.messaging.mentions import ALL, is_contact, is_email, is_mention
from airflow_provider_lark.core.errors import LarkError
from airflow_provider_lark.notifications.context import Kind, Occasion

Lookup = Callable[[Sequence[str]], Mapping[str, str | None]]
Tell = Callable[[str], None]

_URGENT: tuple[Kind, ...] = ("task_failed", "run_failed", "deadline")
"""Of which somebody should hear at once: not of a try that another one follows, nor of a success."""

_BETWEEN = re.compile(r"[\s,;|<>()\"']+")
"""What stands around addresses: ``Lin <lin@example.com>, wang@example.com``."""

_SEPARATOR = re.compile(r"[,;\n]")
"""Between several in one text; a mobile number has blanks of its own."""


class People(NamedTuple):
    """Ids of those to mention.

    :param asked: by the notifier's author; ``all`` may be one.
    :param concerned: they and the owners.
    """

    asked: tuple[str, ...]
    concerned: tuple[str, ...]


def split_people(given: Iterable[object]) -> list[str]:
    """Return those whom *given* names; a text may name several, as templates give them."""
    return [name for each in given for part in _SEPARATOR.split(str(each)) if (name := part.strip())]


def owners_to_mention(occasion: Occasion) -> list[str]:
    """Return the e-mail addresses of the owners, where they should be notified."""
    if occasion.kind not in _URGENT:
        return []
    return [each for each in _BETWEEN.split(str(occasion.facts.get("owner", ""))) if is_email(each)]


def find_people(asked: Sequence[str], owners: Sequence[str], look_up: Lookup, tell: Tell) -> People:
    """Return who *asked* and *owners* are; whoever is not found is left out.

    :param look_up: finds open_ids by e-mail address or mobile number.
    :param tell: is told once of those who are not found.
    """
    if nobody := [each for each in asked if not is_mention(each)]:
        who = ", ".join(nobody)
        tell(f"cannot mention {who}: give user ids, e-mail addresses or mobile numbers with country code")
        asked = [each for each in asked if is_mention(each)]
    contacts = list(dict.fromkeys(each for each in (*asked, *owners) if is_contact(each)))
    known: Mapping[str, str | None] = {}
    if contacts:
        try:
            known = look_up(contacts)
        except LarkError as exc:
            tell(f"cannot look up the users to mention: {exc}")
        else:
            if missing := [each for each in contacts if not known.get(each)]:
                who = ", ".join(missing)
                why = (
                    "no user with this e-mail address or mobile number in the tenant, or the user is outside the app's "
                    "contact range"
                )
                tell(f"cannot mention {who}: {why}")
    everybody = _ids((*asked, *owners), known)
    return People(_ids(asked, known), tuple(each for each in everybody if each != ALL))


def _ids(people: Iterable[str], known: Mapping[str, str | None]) -> tuple[str, ...]:
    ids = (known.get(each) if is_contact(each) else each for each in people)
    return tuple(dict.fromkeys(each for each in ids if each))
