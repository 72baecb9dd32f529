"""What all builders share: rendering to JSON, texts, icons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from airflow_provider_lark.core.cards.languages import Locale, Text, content_of
from airflow_provider_lark.core.cards.text import clean_text

Json = dict[str, Any]
"""A part of a card."""


class Element(Protocol):
    """What may stand in a list of elements."""

    def render(self, locale: Locale | None = None) -> Json:
        """Return the element's JSON; *locale* None keeps all languages of its texts."""
        ...


def filled(**properties: Any) -> Json:
    """Return the properties that have a value: what is not set is not sent."""
    return {key: value for key, value in properties.items() if value is not None}


def plain_text(text: Text | None, locale: Locale | None, **more: Any) -> Json | None:
    """Return a text object in which nothing is taken for Markdown, whatever *text* holds."""
    if text is None:
        return None
    return {"tag": "plain_text", **content_of(clean(text), locale), **filled(**more)}


def clean(text: Text) -> Text:
    """Return *text* without what no message can hold."""
    return clean_text(text) if isinstance(text, str) else text.each(clean_text)


def render_all(elements: Sequence[Element], locale: Locale | None) -> list[Json]:
    """Return the JSON of *elements* in their order."""
    return [element.render(locale) for element in elements]


@dataclass(frozen=True)
class Icon:
    """An icon of Lark's library.

    :param token: its name there, such as ``error_filled``.
    """

    token: str
    color: str | None = None

    def render(self) -> Json:
        """Return its JSON."""
        return {"tag": "standard_icon", "token": self.token, **filled(color=self.color)}


@dataclass(frozen=True, kw_only=True)
class Component:
    """The base of the builders.

    :param element_id: unique in the card: letters, digits, underscores, a letter first, at most 20 characters.
    :param margin: such as ``4px`` or ``0px 0px 8px 0px``.
    """

    tag: ClassVar[str]

    element_id: str | None = None
    margin: str | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return the component's own properties; those that are None are left out."""
        return {}

    def render(self, locale: Locale | None = None) -> Json:
        """Return the component's JSON; *locale* None keeps all languages of its texts."""
        own = filled(**self.properties(locale), margin=self.margin, element_id=self.element_id)
        return {"tag": self.tag, **own}


@dataclass(frozen=True)
class Raw:
    """A component as JSON, for what no builder makes; it is checked with the card like any other."""

    json: Json

    def render(self, locale: Locale | None = None) -> Json:
        """Return it as it is."""
        return self.json
