"""Inputs: texts, choices, dates, people, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import ClassVar, Literal

from airflow_provider_lark.core.cards.buttons import Behavior, Button, Confirm, render_behaviors
from airflow_provider_lark.core.cards.component import Component, Json, filled, plain_text
from airflow_provider_lark.core.cards.languages import Locale, Text

InputType = Literal["text", "multiline_text", "password"]


@dataclass(frozen=True)
class Option:
    """What can be chosen; *value* is what comes back."""

    text: Text
    value: str

    def render(self, locale: Locale | None) -> Json:
        """Return its JSON."""
        return {"text": plain_text(self.text, locale), "value": self.value}


@dataclass(frozen=True, kw_only=True)
class _Item(Component):
    """:param name: needed in a form, unique in the card; the key of the answer.
    :param required: in a form only.
    """

    name: str | None = None
    required: bool | None = None
    disabled: bool | None = None
    width: str | None = None
    placeholder: Text | None = None
    behaviors: Sequence[Behavior] = ()
    confirm: Confirm | None = None

    def item(self, locale: Locale | None) -> Json:
        return {
            "name": self.name,
            "required": self.required,
            "disabled": self.disabled,
            "width": self.width,
            "placeholder": plain_text(self.placeholder, locale),
            "behaviors": render_behaviors(self.behaviors),
            "confirm": self.confirm.render(locale) if self.confirm else None,
        }


@dataclass(frozen=True)
class Input(_Item):
    """A field for text.

    :param max_length: 1 to 1000 characters.
    :param rows: of a ``multiline_text``.
    """

    tag: ClassVar[str] = "input"

    label: Text | None = None
    input_type: InputType = "text"
    default_value: str | None = None
    max_length: int | None = None
    rows: int | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return label, kind and limits."""
        return {
            **self.item(locale),
            "label": plain_text(self.label, locale),
            "input_type": self.input_type,
            "default_value": self.default_value,
            "max_length": self.max_length,
            "rows": self.rows,
        }


@dataclass(frozen=True)
class SelectStatic(_Item):
    """A choice of one."""

    tag: ClassVar[str] = "select_static"

    options: Sequence[Option]
    initial_option: str | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return the options."""
        options = [option.render(locale) for option in self.options]
        return {**self.item(locale), "options": options, "initial_option": self.initial_option}


@dataclass(frozen=True)
class MultiSelectStatic(_Item):
    """A choice of several; in a form only."""

    tag: ClassVar[str] = "multi_select_static"

    options: Sequence[Option]
    selected_values: Sequence[str] = ()

    def properties(self, locale: Locale | None) -> Json:
        """Return the options."""
        options = [option.render(locale) for option in self.options]
        return {**self.item(locale), "options": options, "selected_values": list(self.selected_values) or None}


@dataclass(frozen=True)
class SelectPerson(_Item):
    """A choice of a person.

    :param options: open_ids; none for the people of the chat.
    """

    tag: ClassVar[str] = "select_person"

    options: Sequence[str] = ()
    initial_option: str | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return the people."""
        return {**self.item(locale), "options": _people(self.options), "initial_option": self.initial_option}


@dataclass(frozen=True)
class MultiSelectPerson(_Item):
    """A choice of several people; in a form only.

    :param options: open_ids; none for the people of the chat.
    """

    tag: ClassVar[str] = "multi_select_person"

    options: Sequence[str] = ()
    selected_values: Sequence[str] = ()

    def properties(self, locale: Locale | None) -> Json:
        """Return the people."""
        chosen = list(self.selected_values) or None
        return {**self.item(locale), "options": _people(self.options), "selected_values": chosen}


def _people(open_ids: Sequence[str]) -> list[Json] | None:
    return [{"value": open_id} for open_id in open_ids] or None


@dataclass(frozen=True)
class DatePicker(_Item):
    """A day; the answer is such as ``2024-04-01 +0800``."""

    tag: ClassVar[str] = "date_picker"

    initial_date: date | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return the day to begin with."""
        return {**self.item(locale), "initial_date": f"{self.initial_date:%Y-%m-%d}" if self.initial_date else None}


@dataclass(frozen=True)
class PickerTime(_Item):
    """A time of day; the answer is such as ``08:30 +0800``."""

    tag: ClassVar[str] = "picker_time"

    initial_time: time | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return the time to begin with."""
        shown = None if self.initial_time is None else f"{self.initial_time:%H:%M}"
        return {**self.item(locale), "initial_time": shown}


@dataclass(frozen=True)
class PickerDatetime(_Item):
    """A day and a time in the reader's time zone; the answer is such as ``2024-04-29 07:07 +0800``."""

    tag: ClassVar[str] = "picker_datetime"

    initial_datetime: datetime | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return the moment to begin with."""
        shown = f"{self.initial_datetime:%Y-%m-%d %H:%M}" if self.initial_datetime else None
        return {**self.item(locale), "initial_datetime": shown}


@dataclass(frozen=True)
class Checker(Component):
    """A task that can be ticked off.

    :param buttons: at most three.
    """

    tag: ClassVar[str] = "checker"

    text: Text
    checked: bool = False
    name: str | None = None
    behaviors: Sequence[Behavior] = ()
    buttons: Sequence[Button] = ()

    def properties(self, locale: Locale | None) -> Json:
        """Return text, state and buttons."""
        area = {"buttons": [button.render(locale) for button in self.buttons]} if self.buttons else None
        text = plain_text(self.text, locale)
        own = {"text": text, "checked": self.checked, "name": self.name, "button_area": area}
        return {**own, "behaviors": render_behaviors(self.behaviors)}


@dataclass(frozen=True)
class ImgOption:
    """A picture that can be chosen; *value* is what comes back.

    :param img_key: of a picture that was uploaded for messages.
    :param hover_tips: what is shown while the pointer rests on it.
    """

    img_key: str
    value: str
    hover_tips: Text | None = None
    disabled: bool | None = None
    disabled_tips: Text | None = None

    def render(self, locale: Locale | None) -> Json:
        """Return its JSON."""
        tips = {name: plain_text(getattr(self, name), locale) for name in ("hover_tips", "disabled_tips")}
        return filled(img_key=self.img_key, value=self.value, disabled=self.disabled, **tips)


@dataclass(frozen=True)
class SelectImg(Component):
    """A choice of pictures: of one, answered by a click; in a form also of several, answered with the form.

    :param layout: as wide as what holds them, two or three in a row.
    :param can_preview: in a form: whether a click shows the picture large.
    :param name: needed in a form, unique in the card; the key of the answer.
    """

    tag: ClassVar[str] = "select_img"

    options: Sequence[ImgOption]
    multi_select: bool = False
    layout: Literal["stretch", "bisect", "trisect"] = "bisect"
    aspect_ratio: Literal["1:1", "16:9", "4:3"] | None = None
    can_preview: bool | None = None
    name: str | None = None
    required: bool | None = None
    disabled: bool | None = None
    disabled_tips: Text | None = None
    behaviors: Sequence[Behavior] = ()
    confirm: Confirm | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return the pictures and how they are chosen."""
        own = ("multi_select", "layout", "aspect_ratio", "can_preview", "name", "required", "disabled")
        return {
            **{name: getattr(self, name) for name in own},
            "disabled_tips": plain_text(self.disabled_tips, locale),
            "options": [option.render(locale) for option in self.options],
            "behaviors": render_behaviors(self.behaviors),
            "confirm": self.confirm.render(locale) if self.confirm else None,
        }
