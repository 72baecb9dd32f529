"""Whether Lark would accept a card: checked before the call, with the path of each element concerned."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_lark.core.card_json.forms import card_form
from airflow_provider_lark.core.cards.check.bot import check_bot
from airflow_provider_lark.core.cards.check.json_values import check_json
from airflow_provider_lark.core.cards.check.media import check_media
from airflow_provider_lark.core.cards.check.places import check_places
from airflow_provider_lark.core.cards.check.structure import check_structure
from airflow_provider_lark.core.cards.check.tables import check_tables
from airflow_provider_lark.core.cards.check.texts import check_texts
from airflow_provider_lark.core.cards.check.tree import Finding, walk_card
from airflow_provider_lark.core.cards.writing import MESSAGE, Carrier, write_card
from airflow_provider_lark.core.errors import CardInvalid, TooLarge

#: so many findings stand in the text of the error
_FINDINGS_TOLD = 5
_OLD_PARTS = frozenset(
    {"config", "header", "i18n_header", "elements", "i18n_elements", "card_link", "fallback", "schema"}
)
#: what people bring instead of a card, by the key under which the card stands in it
_WRAPPED = {
    "dsl": "this is a file exported from the card builder; use the value of its key dsl",
    "card": "this is a webhook body; use the value of its key card",
    "content": "this is a message; use the card in its key content",
}
_TOP = {"header": 1, "body": 2}


def check_card(card: Mapping[str, Any], *, carrier: Carrier = MESSAGE) -> None:
    """Check *card* before it is sent, also one that was written by hand.

    Cards of JSON 2.0 are checked whole. Of JSON 1.0, templates and card entities only what can be told: that they are
    JSON, that they name what they stand for, and their size.

    :raises CardInvalid: Lark would refuse it; ``.path`` and ``.findings`` say where, and what to do.
    :raises TooLarge: it takes more bytes than *carrier* takes.
    """
    findings = find_problems(card) or ([] if carrier.calls_back else check_bot(card))
    if findings:
        told = "; ".join(str(each) for each in findings[:_FINDINGS_TOLD])
        more = f"; and {len(findings) - _FINDINGS_TOLD} more" if len(findings) > _FINDINGS_TOLD else ""
        raise CardInvalid(
            f"Lark would reject this card: {told}{more}",
            path=findings[0].path,
            findings=tuple(str(each) for each in findings),
        )
    size = len(write_card(card).encode())
    if size > carrier.max_bytes:
        raise TooLarge(
            f"the card has {size:,} bytes, more than the {carrier.max_bytes:,} allowed for "
            f"{carrier.name}{_heaviest(card)}: shorten it, show fewer rows, or send a file"
        )


def find_problems(card: Mapping[str, Any]) -> list[Finding]:
    """Return all that is wrong with *card* beside its size, in its order as far as there is one."""
    if not isinstance(card, dict):
        return [Finding("the card", f"must be an object, not {type(card).__name__}")]
    if unwritable := list(check_json(card)):
        return unwritable
    form = card_form(card)
    if form in {"template", "entity"}:
        return list(_check_reference(card, form))
    if form == "1.0":
        return list(_check_old(card))
    nodes = walk_card(card)
    frame = [*check_structure(card, nodes), *check_places(nodes), *check_texts(card, nodes)]
    found = [*frame, *check_tables(nodes), *check_media(card, nodes)]
    return sorted(dict.fromkeys(found), key=lambda finding: _place(finding.path))


def _place(path: str) -> list[tuple[int, str]]:
    """Return what sorts paths as a reader meets them: the third element before the tenth."""
    parts = [part for part in re.split(r"[.\[\]]", path) if part]
    ranks = [(int(part), "") if part.isdecimal() else (0, part) for part in parts]
    return [(_TOP.get(parts[0], 0), parts[0]), *ranks[1:]] if parts else []


def _check_reference(card: Mapping[str, Any], form: str) -> Iterator[Finding]:
    name = "template_id" if form == "template" else "card_id"
    data = card.get("data")
    if not isinstance(data, dict) or not isinstance(data.get(name), str) or not data[name]:
        yield Finding(f"data.{name}", "is missing")


def _check_old(card: Mapping[str, Any]) -> Iterator[Finding]:
    if card.get("schema", "1.0") != "1.0":
        yield Finding("schema", 'must be the string "2.0" or "1.0"')
    elif "body" in card:
        yield Finding("schema", 'is missing: a card with a body uses JSON 2.0 and needs "schema": "2.0"')
    elif card and not _OLD_PARTS & set(card):
        # JSON 1.0 ignores what it does not know, so this would arrive as an empty card
        hint = next((hint for key, hint in _WRAPPED.items() if key in card), "it has no header, elements or body")
        yield Finding("the card", f"is not a card: {hint}")
    elif not isinstance(card.get("elements", []), list):
        yield Finding("elements", f"must be a list, not {type(card['elements']).__name__}")


def _heaviest(card: Mapping[str, Any]) -> str:
    body = card.get("body")
    elements = body.get("elements") if isinstance(body, dict) else card.get("elements")
    if not isinstance(elements, list) or not elements:
        return ""
    sizes = [len(write_card(each).encode()) for each in elements]
    place = sizes.index(max(sizes))
    path = f"{'body.' if isinstance(body, dict) else ''}elements[{place}]"
    return f", {sizes[place]:,} of them in {path} ({elements[place].get('tag')})"
