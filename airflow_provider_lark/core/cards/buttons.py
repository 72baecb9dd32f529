"""Buttons and menus, and what a click does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from airflow_provider_lark.core.cards.component import Component, Icon, Json, filled, plain_text
from airflow_provider_lark.core.cards.languages import Locale, Text
from airflow_provider_lark.core.cards.text import web_url
from airflow_provider_lark.core.errors import CardInvalid

ButtonType = Literal[
    "default", "primary", "danger", "text", "primary_text", "danger_text", "primary_filled", "danger_filled", "laser"
]


@dataclass(frozen=True)
class OpenUrl:
    """Open a page; blanks and Chinese characters of *url* are percent-encoded.

    :raises CardInvalid: *url* is no address of http or https.
    """

    url: str

    def render(self) -> Json:
        """Return its JSON."""
        return {"type": "open_url", "default_url": _link(self.url)}


@dataclass(frozen=True)
class Callback:
    """Tell the app, which gets *value* back in ``card.action.trigger``; not in cards of a custom bot."""

    value: Mapping[str, Any]

    def render(self) -> Json:
        """Return its JSON."""
        return {"type": "callback", "value": dict(self.value)}


Behavior = OpenUrl | Callback


def render_behaviors(behaviors: Sequence[Behavior]) -> list[Json] | None:
    """Return the JSON of *behaviors*; None for none."""
    return [each.render() for each in behaviors] or None


def _link(url: str) -> str:
    target = web_url(url)
    if target is None:
        raise CardInvalid("only http and https URLs with a host can be opened from a card", path="url")
    return target


@dataclass(frozen=True)
class Confirm:
    """What is asked before a click counts."""

    title: Text
    text: Text

    def render(self, locale: Locale | None) -> Json:
        """Return its JSON."""
        return {"title": plain_text(self.title, locale), "text": plain_text(self.text, locale)}


@dataclass(frozen=True)
class Button(Component):
    """A button.

    :param text: at most 100 characters.
    :param url: what it opens; short for ``behaviors=[OpenUrl(url)]``.
    :param name: needed in a form, and unique in the card.
    """

    tag: ClassVar[str] = "button"

    text: Text
    url: str | None = None
    type: ButtonType = "default"
    behaviors: Sequence[Behavior] = ()
    name: str | None = None
    form_action_type: Literal["submit", "reset"] | None = None
    confirm: Confirm | None = None
    icon: Icon | None = None
    size: Literal["tiny", "small", "medium", "large"] | None = None
    width: str | None = None
    hover_tips: Text | None = None
    disabled: bool | None = None
    disabled_tips: Text | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return text, style and behaviour."""
        behaviors = [*([OpenUrl(self.url)] if self.url else []), *self.behaviors]
        return {
            "text": plain_text(self.text, locale),
            "type": self.type,
            "size": self.size,
            "width": self.width,
            "icon": self.icon.render() if self.icon else None,
            "hover_tips": plain_text(self.hover_tips, locale),
            "disabled": self.disabled,
            "disabled_tips": plain_text(self.disabled_tips, locale),
            "confirm": self.confirm.render(locale) if self.confirm else None,
            "behaviors": render_behaviors(behaviors),
            "name": self.name,
            "form_action_type": self.form_action_type,
        }


@dataclass(frozen=True)
class OverflowOption:
    """A button within a menu: it opens *url*, or sends *value* back."""

    text: Text
    url: str | None = None
    value: str | None = None

    def render(self, locale: Locale | None) -> Json:
        """Return its JSON."""
        target = {"url": _link(self.url)} if self.url else None
        return filled(text=plain_text(self.text, locale), multi_url=target, value=self.value)


@dataclass(frozen=True)
class Overflow(Component):
    """Buttons behind three dots."""

    tag: ClassVar[str] = "overflow"

    options: Sequence[OverflowOption]
    behaviors: Sequence[Behavior] = field(default=())
    width: str | None = None
    confirm: Confirm | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return the options and what a click does."""
        return {
            "options": [option.render(locale) for option in self.options],
            "behaviors": render_behaviors(self.behaviors),
            "width": self.width,
            "confirm": self.confirm.render(locale) if self.confirm else None,
        }
