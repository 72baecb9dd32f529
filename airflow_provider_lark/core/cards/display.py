"""What a card shows: texts, lines, pictures, people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from airflow_provider_lark.core.cards.component import Component, Icon, Json, filled, plain_text
from airflow_provider_lark.core.cards.languages import Locale, Text, content_of

TextSize = Literal[
    "heading-0", "heading-1", "heading-2", "heading-3", "heading-4", "heading", "normal", "notation", "xxxx-large",
    "xxx-large", "xx-large", "x-large", "large", "medium", "small", "x-small",
]  # fmt: skip
Align = Literal["left", "center", "right"]
PersonSize = Literal["extra_small", "small", "medium", "large"]


@dataclass(frozen=True)
class Markdown(Component):
    """A text in Markdown, which is trusted: pass what others wrote through ``escape_markdown`` or ``code_block``."""

    tag: ClassVar[str] = "markdown"

    content: Text
    text_size: TextSize | None = None
    text_align: Align | None = None
    icon: Icon | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return text and style."""
        icon = self.icon.render() if self.icon else None
        style = filled(text_size=self.text_size, text_align=self.text_align, icon=icon)
        return {**content_of(self.content, locale), **style}


@dataclass(frozen=True)
class Div(Component):
    """A plain text, whatever it holds.

    :param lines: so many are shown, the rest is cut with an ellipsis.
    """

    tag: ClassVar[str] = "div"

    text: Text
    text_size: TextSize | None = None
    text_color: str | None = None
    text_align: Align | None = None
    lines: int | None = None
    icon: Icon | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return text and icon."""
        style = {"text_size": self.text_size, "text_color": self.text_color, "text_align": self.text_align}
        text = plain_text(self.text, locale, **style, lines=self.lines)
        return {"text": text, "icon": self.icon.render() if self.icon else None}


def note(text: Text) -> Div:
    """Return a small grey text, as the tag ``note`` was one in JSON 1.0."""
    return Div(text, text_size="notation", text_color="grey")


@dataclass(frozen=True)
class Hr(Component):
    """A line across the card."""

    tag: ClassVar[str] = "hr"


@dataclass(frozen=True)
class Img(Component):
    """A picture that was uploaded for messages.

    :param alt: what is shown while the pointer rests on it; empty for nothing.
    """

    tag: ClassVar[str] = "img"

    img_key: str
    alt: Text = ""
    title: Text | None = None
    preview: bool | None = None
    corner_radius: str | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return picture and texts."""
        texts = {"alt": plain_text(self.alt, locale), "title": plain_text(self.title, locale)}
        return {"img_key": self.img_key, **texts, "preview": self.preview, "corner_radius": self.corner_radius}


@dataclass(frozen=True)
class Person(Component):
    """A person's picture and name; they are shown, not notified: for that there is ``mention``."""

    tag: ClassVar[str] = "person"

    user_id: str
    size: PersonSize = "small"
    show_avatar: bool = True
    show_name: bool = True

    def properties(self, locale: Locale | None) -> Json:
        """Return who, and how."""
        shown = {"show_avatar": self.show_avatar, "show_name": self.show_name}
        return {"user_id": self.user_id, "size": self.size, **shown}


@dataclass(frozen=True)
class PersonList(Component):
    """People, by open_id, union_id or user_id; an id that nobody has is left out rather than refused."""

    tag: ClassVar[str] = "person_list"

    persons: Sequence[str]
    lines: int | None = 2
    size: PersonSize = "small"
    show_avatar: bool = True
    show_name: bool = True
    drop_invalid_user_id: bool = True

    def properties(self, locale: Locale | None) -> Json:
        """Return who, and how."""
        shown = {"show_avatar": self.show_avatar, "show_name": self.show_name, "size": self.size, "lines": self.lines}
        persons = [{"id": user_id} for user_id in self.persons]
        return {"persons": persons, "drop_invalid_user_id": self.drop_invalid_user_id, **shown}
