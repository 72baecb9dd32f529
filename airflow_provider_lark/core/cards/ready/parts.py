"""What ready cards are made of: a headline, facts in columns, a cause to unfold, buttons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from airflow_provider_lark.core.cards.buttons import Button
from airflow_provider_lark.core.cards.card import Card, Header, HeaderTemplate, TextTag
from airflow_provider_lark.core.cards.component import Element, Json
from airflow_provider_lark.core.cards.display import Div, Markdown, note
from airflow_provider_lark.core.cards.languages import Locale, Text, combine, joined
from airflow_provider_lark.core.cards.layout import CollapsiblePanel, Column, ColumnSet, side_by_side
from airflow_provider_lark.core.cards.ready import words
from airflow_provider_lark.core.cards.ready.facts import Origin
from airflow_provider_lark.core.cards.shortening import cut_end, cut_middle
from airflow_provider_lark.core.cards.text import (
    clean_text,
    code_block,
    local_time,
    mention,
    one_line,
    reachable_url,
)

#: bytes of a name, a reason or a note
VALUE_BYTES = 300
#: bytes of a headline
TITLE_BYTES = 200
#: bytes of an address: a longer one makes no button
_URL_BYTES = 1_500
_MENTIONS_MAX = 20
# of a long text, the characters at each end among which the line is looked for that says what went wrong
_EDGE = 10_000
_FACTS_A_ROW = 2


@dataclass(frozen=True)
class Frame:
    """The head of a card.

    :param summary: the line in the list of chats.
    """

    title: Text
    template: HeaderTemplate
    summary: Text
    subtitle: Text | None = None
    tags: Sequence[TextTag] = ()


def frame_card(frame: Frame, elements: Iterable[Element | None], locale: Locale | None) -> Json:
    """Return the card of *frame* and those *elements* that are there."""
    header = Header(
        shorten(frame.title, TITLE_BYTES),
        frame.template,
        subtitle=shorten(frame.subtitle, TITLE_BYTES) if frame.subtitle else None,
        text_tag_list=frame.tags,
    )
    given = [element for element in elements if element is not None]
    summary = shorten(frame.summary, TITLE_BYTES)
    return Card(given, header, summary=summary, vertical_spacing="12px").assemble(locale)


def shorten(text: Text, max_bytes: int) -> Text:
    """Return *text* in one line of at most *max_bytes*."""
    return combine(lambda each: cut_end(one_line(each), max_bytes), text)


def name(text: str | None) -> Text | None:
    """Return a text of others in one line; None for nothing."""
    return cut_end(one_line(text), VALUE_BYTES) or None if text else None


def moment(when: datetime | None) -> Element | None:
    """Return *when* in the reader's time zone; None for None."""
    return Markdown(local_time(when)) if when else None


def span(seconds: float | None) -> Text | None:
    """Return how long it took; None for None."""
    return None if seconds is None else words.span(seconds)


def red_count(number: int) -> Element | None:
    """Return a count that wants a look; None for none."""
    return Div(f"{number:,}", text_color="red") if number else None


def headline(text: Text | None) -> Element | None:
    """Return what matters most, a little larger; None for nothing."""
    shown = shorten(text, VALUE_BYTES * 2) if text else ""
    return Div(shown, text_size="heading", lines=4) if shown else None


def fact_rows(facts: Iterable[tuple[Text, Text | Element | None]]) -> list[Element]:
    """Return label and value of those *facts* that have one, two side by side."""
    given = [(label, Div(shown) if isinstance(shown, Text) else shown) for label, shown in facts if shown]
    columns = [Column([note(label), shown], vertical_spacing="2px") for label, shown in given]
    rows = [columns[place : place + _FACTS_A_ROW] for place in range(0, len(columns), _FACTS_A_ROW)]
    return [ColumnSet(row, horizontal_spacing="12px") for row in rows]


def bullets(title: Text, lines: Sequence[Text], more: int = 0) -> list[Element]:
    """Return *lines* as a list under *title*, and how many *more* there are; nothing for none."""
    if not lines:
        return []
    shown = [*lines, *([words.and_more(more)] if more > 0 else [])]
    listed = combine(lambda *each: "\n".join(f"• {cut_end(one_line(line), VALUE_BYTES)}" for line in each), *shown)
    # close together, as label and value of a fact are
    return [ColumnSet([Column([note(title), Div(listed)], vertical_spacing="2px")])]


def panel(title: Text, text: str | None, max_bytes: int, locale: Locale | None, language: str) -> Element | None:
    """Return *text* as code to unfold, its first line and its last lines if it is longer; None for nothing.

    :param text: a clean one: this is asked for many lengths, and cleaning megabytes takes its time.
    """
    if not text or text.isspace() or max_bytes <= 0:
        return None
    shown = cut_middle(text, max_bytes, gap=lambda count: joined(words.left_out(count), locale))
    return CollapsiblePanel(title, [Markdown(code_block(shown, language))])


def buttons(origin: Origin, extra: Sequence[tuple[Text, str | None]] = ()) -> Element | None:
    """Return the buttons that lead somewhere, in one row; None for none."""
    places = [*extra, (words.LOG, origin.log_url), (words.GRID, origin.grid_url), (words.RUNBOOK, origin.runbook_url)]
    targets = [(text, reachable_url(url)) for text, url in places]
    shown = [(text, url) for text, url in targets if url and len(url) <= _URL_BYTES]
    made = [Button(text, url, "primary" if place == 0 else "default") for place, (text, url) in enumerate(shown)]
    return side_by_side(*made) if made else None


def people(origin: Origin) -> Element | None:
    """Return a line that notifies those who are concerned; None for none."""
    named = list(dict.fromkeys(origin.mentions))[:_MENTIONS_MAX]
    return Markdown(" ".join(mention(user_id) for user_id in named)) if named else None


def remark(origin: Origin) -> Element | None:
    """Return the author's note, small and grey; None for none."""
    return note(cut_end(clean_text(origin.note), VALUE_BYTES * 2)) if origin.note and origin.note.strip() else None


def clean_lines(text: str | None) -> str | None:
    """Return *text* as :func:`panel` takes it."""
    return clean_text(text).strip("\n") if text else None


def error_line(exception: str | None) -> str:
    """Return the line of a traceback, or of a message, that says what went wrong; empty for nothing."""
    text = exception or ""
    if len(text) > 2 * _EDGE:
        text = f"{text[:_EDGE]}\n{text[-_EDGE:]}"
    lines = [line for line in clean_text(text).split("\n") if line.strip()]
    frames = [place for place, line in enumerate(lines) if line.startswith("  File ")]
    if frames and (after := [line for line in lines[frames[-1] + 1 :] if not line.startswith(" ")]):
        return one_line(after[0])
    return one_line(lines[0]) if lines else ""
