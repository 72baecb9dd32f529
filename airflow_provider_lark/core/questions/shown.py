"""The card of a question as it looks after an answer: nothing can be pressed any more, and it says who answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow_provider_lark.core.cards.languages import Localized, localize
from airflow_provider_lark.core.cards.limits import CARD_MAX_BYTES
from airflow_provider_lark.core.cards.ready.fitting import largest
from airflow_provider_lark.core.cards.text import bold, escape_markdown, local_time, mention
from airflow_provider_lark.core.cards.writing import MESSAGE
from airflow_provider_lark.core.questions.rules import State, Vote
from airflow_provider_lark.core.questions.terms import Terms

STATUS_ID = "lark_status"
"""The element_id of what says how the question stands."""

WHILE_OPEN = "lark_open_"
"""With this begins the element_id of what is told only as long as the question can be answered."""

WHILE_ASKED = f"{WHILE_OPEN}too_"
"""With this begins that of what also holds as long as it can be answered elsewhere."""

PEOPLE_ID = f"{WHILE_OPEN}people"
"""The element_id of the list of those who may answer."""

PEOPLE_SHOWN = 20

_PRESSED = frozenset(
    {"button", "overflow", "input", "select_static", "multi_select_static", "select_person", "multi_select_person"}
    | {"date_picker", "picker_time", "picker_datetime", "select_img", "checker"}
)
_COLORS: dict[str, str] = {"expired": "grey", "replaced": "grey", "withdrawn": "grey"}
_LONGEST, _SHORT = 500, 60
_ENVELOPE_BYTES = 300
"""Of the request that carries a card, beside it."""


def status_card(
    terms: Terms, state: State, votes: Sequence[Vote], *, decision: str | None = None
) -> dict[str, Any] | None:
    """Return the card as everybody sees it now; None where the card is not known, or is a template.

    While the question is open it can still be pressed, and says who has answered so far. Where that is more than a card
    holds, what was filled in is cut, and the first who answered are only counted.

    :param decision: the choice that was decided.
    """
    card = terms.card
    if card is None or card.get("type") == "template":
        return None
    for longest in (_LONGEST, _SHORT, 0):
        made = _card_with(card, terms, state, _lines(terms, state, votes, decision, longest=longest), decision)
        if _fits(made):
            return made

    def make(named: int) -> dict[str, Any]:
        return _card_with(card, terms, state, _lines(terms, state, votes, decision, named=named), decision)

    return largest(make, len(votes), _fits) or make(0)


def _fits(card: Mapping[str, Any]) -> bool:
    return MESSAGE.measure(card) <= CARD_MAX_BYTES - _ENVELOPE_BYTES


def _card_with(
    card: Mapping[str, Any], terms: Terms, state: State, lines: Localized, decision: str | None
) -> dict[str, Any]:
    if card.get("schema") != "2.0":
        return _old_card(card, lines, is_open=state == "open")
    body = dict(card.get("body") or {})
    elements = [each for each in body.get("elements") or [] if each.get("element_id") != STATUS_ID]
    if state != "open":
        elements = _settled([each for each in elements if not _is_over(terms, each)])
    body["elements"] = [*elements, _markdown(lines)] if lines.choose("en_us") else elements
    return _recolored({**card, "body": body}, terms, state, decision)


def _lines(
    terms: Terms,
    state: State,
    votes: Sequence[Vote],
    decision: str | None,
    *,
    named: int | None = None,
    longest: int = 0,
) -> Localized:
    """Return what the card says.

    :param named: how many are named, the last ones; default: all.
    :param longest: the most characters of what somebody filled in; 0: nothing of it is shown.
    """
    counted = 0 if named is None else len(votes) - named
    english = [_vote_line(terms, each, "en_us", longest) for each in votes[counted:]]
    chinese = [_vote_line(terms, each, "zh_cn", longest) for each in votes[counted:]]
    if counted:
        english.insert(0, f"{counted} answered before")
        chinese.insert(0, f"此前已有 {counted} 人回答")
    if state == "open" and votes:
        most = max(sum(each.choice == choice.value for each in votes) for choice in terms.choices or ()) if votes else 0
        english.append(f"{most} of {terms.needed} needed")
        chinese.append(f"{most} / {terms.needed}")
    elif state in _CLOSED and terms.ending is None:
        label = escape_markdown(_label(terms, decision)) if decision else ""
        english.append(_CLOSED[state][0] + (f": {label}" if label else ""))
        chinese.append(_CLOSED[state][1] + (f"：{label}" if label else ""))
    if terms.ending is not None:
        at = "" if terms.ended_at_ms is None else f" · {_local(terms.ended_at_ms)}"
        english.append(escape_markdown(terms.ending["en_us"][:_LONGEST]) + at)
        chinese.append(escape_markdown(terms.ending["zh_cn"][:_LONGEST]) + at)
    elif terms.relay and state == "answered":
        english.append(escape_markdown(f"⏳ On its way to {terms.relay}"))
        chinese.append(escape_markdown(f"⏳ 正在转交 {terms.relay}"))
    return localize(en_us="\n".join(english), zh_cn="\n".join(chinese))


_CLOSED: dict[str, tuple[str, str]] = {
    "expired": ("⏱ Time over", "⏱ 已超时"),
    "replaced": ("Replaced by a newer question", "已被新问题取代"),
    "withdrawn": ("Closed", "已关闭"),
}


def _vote_line(terms: Terms, vote: Vote, locale: str, longest: int) -> str:
    who = mention(vote.open_id) if vote.open_id.startswith("ou_") else escape_markdown(vote.name)
    at = _local(vote.at_ms)
    label = (
        bold(_label(terms, vote.choice)) if terms.choices else ("**Answered**" if locale == "en_us" else "**已回答**")
    )
    sign = "❌" if (choice := terms.choice(vote.choice)) is not None and choice.is_rejection else "✅"
    filled = "".join(
        f"\n{_filled_line(terms, name, value, longest)}"
        for name, value in vote.values.items()
        if longest and value not in (None, [], "")
    )
    return f"{sign} {label} · {who} · {at}{filled}"


def _local(at_ms: int) -> str:
    return local_time(datetime.fromtimestamp(at_ms / 1000, UTC))


def _filled_line(terms: Terms, name: str, value: Any, longest: int) -> str:
    field = next((each for each in terms.fields if each.name == name), None)
    label = field.shown_name if field is not None else name
    if field is not None and field.kind in ("person", "persons"):
        people = value if isinstance(value, list) else [value]
        return f"{escape_markdown(label)}: {' '.join(mention(each) for each in people)}"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    shown = text if len(text) <= longest else f"{text[:longest]} …"
    return f"{escape_markdown(label)}: {escape_markdown(shown)}"


def _label(terms: Terms, choice: str) -> str:
    known = terms.choice(choice)
    return known.label if known is not None else choice


def _markdown(lines: Localized) -> dict[str, Any]:
    texts = dict(lines.texts)
    return {"tag": "markdown", "element_id": STATUS_ID, "content": texts["en_us"], "i18n_content": texts}


def _settled(elements: Sequence[Any]) -> list[Any]:
    """Return *elements* without what can be pressed; links stay."""
    kept: list[Any] = []
    for each in elements:
        if not isinstance(each, dict) or _can_be_pressed(each):
            continue
        if each.get("tag") == "form":
            # what stands in a form beside its fields goes on below, without the form
            kept.extend(_settled(each.get("elements") or []))
            continue
        settled = {name: value for name, value in each.items() if name != "behaviors" or _is_link(each)}
        if _can_be_pressed(settled.get("extra")):
            # of JSON 1.0: what stands beside a text
            del settled["extra"]
        for name in ("elements", "columns", "actions"):
            if isinstance(settled.get(name), list):
                settled[name] = _settled(settled[name])
                if not settled[name]:
                    break
        else:
            kept.append(settled)
    return kept


def _is_over(terms: Terms, element: Any) -> bool:
    """Tell whether an element of a closed card told what held only as long as it could be answered."""
    id_ = str(element.get("element_id") or "") if isinstance(element, dict) else ""
    return id_.startswith(WHILE_OPEN) and not (terms.is_asked_elsewhere and id_.startswith(WHILE_ASKED))


def with_people(card: Mapping[str, Any], allowed: Mapping[str, str]) -> dict[str, Any]:
    """Return *card* with *allowed* as the people who may answer; where it names nobody, it goes on naming nobody."""
    body = dict(card.get("body") or {})
    body["elements"] = [
        {**each, "persons": [{"id": id_} for id_ in shown_people(allowed)]}
        if isinstance(each, dict) and each.get("element_id") == PEOPLE_ID
        else each
        for each in body.get("elements") or []
    ]
    return {**card, "body": body}


def shown_people(allowed: Mapping[str, str] | None) -> list[str]:
    """Return the ids of those who may answer that a card can show as people."""
    return [each for each in allowed or () if each.startswith(("ou_", "on_"))][:PEOPLE_SHOWN]


def _can_be_pressed(element: Any) -> bool:
    return isinstance(element, dict) and element.get("tag") in _PRESSED and not _is_link(element)


def _is_link(element: Mapping[str, Any]) -> bool:
    behaviors = element.get("behaviors") or []
    if not behaviors:
        # as JSON 1.0 writes it
        return bool(element.get("url") or element.get("multi_url")) and not element.get("value")
    return all(isinstance(each, dict) and each.get("type") == "open_url" for each in behaviors)


def _recolored(card: dict[str, Any], terms: Terms, state: State, decision: str | None) -> dict[str, Any]:
    header = card.get("header")
    if state == "open" or not isinstance(header, dict):
        return card
    if terms.relay and state == "answered" and terms.ending is None:
        # green is what has arrived
        return card
    if terms.is_void:
        return {**card, "header": {**header, "template": "grey"}}
    choice = terms.choice(decision or "")
    color = _COLORS.get(state) or ("red" if choice is not None and choice.is_rejection else "green")
    return {**card, "header": {**header, "template": color}}


def _old_card(card: Mapping[str, Any], lines: Localized, *, is_open: bool) -> dict[str, Any]:
    texts = dict(lines.texts)
    note = {"tag": "div", "text": {"tag": "lark_md", "content": texts["en_us"]}}
    told = dict(card)
    for name in ("elements", "i18n_elements"):
        given = card.get(name)
        if isinstance(given, list):
            told[name] = [*(given if is_open else _settled(given)), *([note] if texts["en_us"] else [])]
        elif isinstance(given, dict):
            told[name] = {
                locale: [
                    *(each if is_open else _settled(each)),
                    *([{**note, "text": {"tag": "lark_md", "content": texts.get(locale, texts["en_us"])}}]),
                ]
                for locale, each in given.items()
            }
    return told
