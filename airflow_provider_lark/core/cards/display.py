"""What a card shows: texts, lines, pictures, sounds, people."""

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
CombinationMode = Literal["double", "triple", "bisect", "trisect"]


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
class ImgCombination(Component):
    """Pictures beside each other, which were uploaded for messages.

    :param img_list: their keys in the order in which they stand; what is over the mode's number Lark does not show.
    :param combination_mode: ``double`` for two, ``triple`` for three; ``bisect`` for six squares, two in a row;
        ``trisect`` for nine, three in a row.
    :param combination_transparent: show what is behind them; Lark puts white there otherwise.
    :param corner_radius: such as ``8px`` or ``5%``.
    """

    tag: ClassVar[str] = "img_combination"

    img_list: Sequence[str]
    combination_mode: CombinationMode = "double"
    combination_transparent: bool | None = None
    corner_radius: str | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return pictures and order."""
        return {
            "combination_mode": self.combination_mode,
            "combination_transparent": self.combination_transparent,
            "corner_radius": self.corner_radius,
            "img_list": [{"img_key": key} for key in self.img_list],
        }


@dataclass(frozen=True)
class Audio(Component):
    """A sound to be played, in a card with ``enable_forward=False``; clients under 7.49 show *fallback* instead.

    :param file_key: an OPUS file that the app which sends the card has uploaded for messages, with its duration.
    :param audio_id: unique in the card; with it a change of the card does not stop what is being played.
    :param width: ``default``, ``fill``, or from ``100px`` on.
    :param time_display: whether the length alone is shown until it is played, or with how much was played beside it.
    :param time_position: of the progress bar.
    :param style: of the button to play.
    :param fill_color: of button, bar and time.
    """

    tag: ClassVar[str] = "audio"

    file_key: str
    audio_id: str | None = None
    width: str | None = None
    style: Literal["normal", "flat", "speak"] | None = None
    show_progress_bar: bool | None = None
    show_time: bool | None = None
    time_display: Literal["default", "both"] | None = None
    time_position: Literal["start", "end", "both_sides"] | None = None
    fill_color: str | None = None
    background_style: str | None = None
    padding: str | None = None
    border_color: str | None = None
    corner_radius: str | None = None
    disabled: bool | None = None
    disabled_tips: Text | None = None
    fallback: Text | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return the sound, and how its player looks."""
        own = ("file_key", "audio_id", "width", "style", "show_progress_bar", "show_time", "time_display")
        look = ("time_position", "fill_color", "background_style", "padding", "disabled")
        instead = plain_text(self.fallback, locale)
        return {
            **{name: getattr(self, name) for name in (*own, *look)},
            "border": filled(color=self.border_color, corner_radius=self.corner_radius) or None,
            "disabled_tips": plain_text(self.disabled_tips, locale),
            "fallback": {"tag": "fallback_text", "text": instead} if instead else None,
        }


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
