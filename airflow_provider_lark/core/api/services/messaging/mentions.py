"""Mentions, whose form differs: a text has ``<at user_id="…">``, a post an element, a card ``<at id=…>``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_lark.core.errors import BadRequest

ALL = "all"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_MOBILE = re.compile(r"\+[0-9][0-9 ().-]{5,23}")


def check_mentions(mentions: Sequence[str]) -> list[str]:
    """Return ids, each once and without blanks; e-mail addresses and mobile numbers pass, to be looked up.

    :raises BadRequest: one is not an id.
    """
    if isinstance(mentions, str):
        raise BadRequest("mentions: expected a list of ids, e-mail addresses or mobile numbers, found a string")
    people = [str(each).strip() for each in mentions]
    for at, person in enumerate(people):
        if not is_mention(person):
            raise BadRequest(
                f"mentions[{at}]: not a user id; give an open_id (ou_…), union_id (on_…), user_id, e-mail address, "
                f"mobile number with country code (+86…), or {ALL!r}"
            )
    return list(dict.fromkeys(people))


def is_mention(text: str) -> bool:
    """Tell whether *text* can stand for a person, or for everybody: anything else would be read as markup."""
    return _ID.fullmatch(text) is not None or is_contact(text)


def is_email(text: str) -> bool:
    """Tell whether *text* has the form of an e-mail address."""
    return re.fullmatch(r"[^\s@<>\"']+@[^\s@<>\"']+", text) is not None


def is_contact(text: str) -> bool:
    """Tell whether *text* has to be looked up: it is an e-mail address, or a mobile number with its country code.

    A number without one may as well be a user_id.
    """
    return is_email(text) or _MOBILE.fullmatch(text) is not None


def mention_in_text(people: Sequence[str]) -> str:
    """Return what stands before a text."""
    return "".join(f'<at user_id="{each}"></at> ' for each in _ids(people))


def mention_in_post(people: Sequence[str]) -> list[dict[str, str]]:
    """Return a paragraph."""
    return [{"tag": "at", "user_id": each} for each in _ids(people)]


def mention_in_card(raw: Mapping[str, Any], form: str, people: Sequence[str]) -> dict[str, Any]:
    """Return *raw* with a first element that mentions *people*.

    :raises BadRequest: nothing can be put into it, for its content stands elsewhere.
    """
    element = {"tag": "markdown", "content": " ".join(f"<at id={each}></at>" for each in _ids(people))}
    if form == "2.0":
        body = raw.get("body") or {}
        return {**raw, "body": {**body, "elements": [element, *body.get("elements", ())]}}
    if form == "1.0" and "i18n_elements" not in raw:
        return {**raw, "elements": [element, *raw.get("elements", ())]}
    raise BadRequest(
        "mentions: not supported for a template or a card in several languages; put the mentions into its content"
    )


def _ids(people: Sequence[str]) -> list[str]:
    checked = check_mentions(people)
    if any(is_contact(each) for each in checked):
        raise BadRequest(
            "mentions: an e-mail address or mobile number cannot be mentioned directly; look up the user's open_id "
            "first with client.contact.batch_get_id"
        )
    return checked
