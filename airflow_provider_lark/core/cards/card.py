"""The card itself: header, body, and what holds for all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from airflow_provider_lark.core.cards.check import check_card
from airflow_provider_lark.core.cards.component import Element, Icon, Json, clean, filled, plain_text, render_all
from airflow_provider_lark.core.cards.languages import Locale, Text, content_of
from airflow_provider_lark.core.cards.text import web_url
from airflow_provider_lark.core.cards.writing import MESSAGE, Carrier
from airflow_provider_lark.core.errors import CardInvalid

HeaderTemplate = Literal[
    "blue", "wathet", "turquoise", "green", "yellow", "orange", "red", "carmine", "violet", "purple", "indigo", "grey",
    "default",
]  # fmt: skip
"""Colour of the header: green for done, orange for a warning, red for an error, grey for what is void."""
TagColor = Literal[
    "neutral", "blue", "turquoise", "lime", "orange", "violet", "indigo", "wathet", "green", "yellow", "red", "purple",
    "carmine",
]  # fmt: skip


@dataclass(frozen=True)
class TextTag:
    """A coloured word behind the title."""

    text: Text
    color: TagColor = "blue"

    def render(self, locale: Locale | None) -> Json:
        """Return its JSON."""
        return {"tag": "text_tag", "text": plain_text(self.text, locale), "color": self.color}


@dataclass(frozen=True)
class Header:
    """Title and colour.

    :param title: plain text, shown up to four lines.
    :param subtitle: plain text, shown in one line.
    :param text_tag_list: at most three.
    """

    title: Text
    template: HeaderTemplate = "default"
    subtitle: Text | None = None
    text_tag_list: Sequence[TextTag] = ()
    icon: Icon | None = None

    def render(self, locale: Locale | None) -> Json:
        """Return its JSON."""
        return filled(
            title=plain_text(self.title, locale),
            subtitle=plain_text(self.subtitle, locale),
            template=self.template,
            text_tag_list=[tag.render(locale) for tag in self.text_tag_list] or None,
            icon=self.icon.render() if self.icon else None,
        )


@dataclass(frozen=True)
class Card:
    """A card of JSON 2.0.

    :param summary: the line in the list of chats; without it Lark takes the title.
    :param card_link: what a click anywhere opens.
    :param enable_forward: whether people may forward it; Lark's default is yes.
    """

    elements: Sequence[Element]
    header: Header | None = None
    summary: Text | None = None
    width_mode: Literal["default", "compact", "fill"] | None = None
    card_link: str | None = None
    enable_forward: bool | None = None
    vertical_spacing: str | None = None

    def render(self, locale: Locale | None = None, *, carrier: Carrier = MESSAGE) -> Json:
        """Return the card's JSON, checked.

        :param locale: its only language; None for all that the texts have, of which each reader sees their own.
        :raises CardInvalid: Lark would refuse it; ``.path`` says where.
        :raises TooLarge: it takes more bytes than *carrier* takes.
        """
        card = self.assemble(locale)
        check_card(card, carrier=carrier)
        return card

    def assemble(self, locale: Locale | None = None) -> Json:
        """Return the card's JSON, not checked."""
        body = filled(vertical_spacing=self.vertical_spacing, elements=render_all(self.elements, locale))
        header = self.header.render(locale) if self.header else None
        own = filled(card_link=self._link(), header=header, body=body)
        languages = sorted(set(_languages(own)))
        config = filled(
            update_multi=True,
            enable_forward=self.enable_forward,
            width_mode=self.width_mode,
            summary=None if self.summary is None else content_of(clean(self.summary), locale),
            locales=languages or None,
        )
        return {"schema": "2.0", "config": config, **own}

    def _link(self) -> Json | None:
        if self.card_link is None:
            return None
        target = web_url(self.card_link)
        if target is None:
            raise CardInvalid("only http and https URLs with a host can be opened from a card", path="card_link.url")
        return {"url": target}


def _languages(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value.get("i18n_content", ())
        for each in value.values():
            yield from _languages(each)
    elif isinstance(value, list):
        for each in value:
            yield from _languages(each)
