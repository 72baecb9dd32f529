"""What holds other components: columns, panels that open, forms, areas that can be clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from airflow_provider_lark.core.cards.buttons import Behavior, Confirm, render_behaviors
from airflow_provider_lark.core.cards.component import Component, Element, Json, filled, plain_text, render_all
from airflow_provider_lark.core.cards.languages import Locale, Text

FlexMode = Literal["none", "stretch", "flow", "bisect", "trisect"]
Direction = Literal["vertical", "horizontal"]


@dataclass(frozen=True, kw_only=True)
class _Container(Component):
    """:param padding: such as ``8px``; the spacings are ``small``, ``medium``, ``large``, ``extra_large`` or pixels."""

    direction: Direction | None = None
    padding: str | None = None
    horizontal_spacing: str | None = None
    horizontal_align: Literal["left", "center", "right"] | None = None
    vertical_spacing: str | None = None
    vertical_align: Literal["top", "center", "bottom"] | None = None

    def layout(self) -> Json:
        return {
            "direction": self.direction,
            "padding": self.padding,
            "horizontal_spacing": self.horizontal_spacing,
            "horizontal_align": self.horizontal_align,
            "vertical_spacing": self.vertical_spacing,
            "vertical_align": self.vertical_align,
        }


@dataclass(frozen=True)
class Column(_Container):
    """A column of a ColumnSet: anything but tables and forms.

    :param weight: its share of the width, 1 to 5; None takes the width of what is in it.
    """

    tag: ClassVar[str] = "column"

    elements: Sequence[Element]
    weight: int | None = 1
    background_style: str | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return layout and elements."""
        width = {"width": "auto" if self.weight is None else "weighted", "weight": self.weight}
        style = {**self.layout(), "background_style": self.background_style}
        return {**width, **style, "elements": render_all(self.elements, locale)}


@dataclass(frozen=True)
class ColumnSet(_Container):
    """Columns side by side.

    :param flex_mode: what happens where the screen is narrow.
    """

    tag: ClassVar[str] = "column_set"

    columns: Sequence[Column]
    flex_mode: FlexMode = "none"
    background_style: str | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return layout and columns."""
        style = {**self.layout(), "flex_mode": self.flex_mode, "background_style": self.background_style}
        return {**style, "columns": [column.render(locale) for column in self.columns]}


def side_by_side(*elements: Element, flex_mode: FlexMode = "flow") -> ColumnSet:
    """Return *elements* in a row, each as wide as it is; on a narrow screen they go on below."""
    return ColumnSet([Column([element], weight=None) for element in elements], flex_mode, horizontal_spacing="8px")


@dataclass(frozen=True)
class CollapsiblePanel(_Container):
    """A part that opens with a click: long texts, causes, lists. It holds no form and no table.

    :param title: plain text.
    """

    tag: ClassVar[str] = "collapsible_panel"

    title: Text
    elements: Sequence[Element]
    expanded: bool = False
    background_color: str | None = None
    border_color: str | None = "grey"

    def properties(self, locale: Locale | None) -> Json:
        """Return title, border and elements."""
        icon = {"tag": "standard_icon", "token": "down-small-ccm_outlined", "size": "16px 16px"}
        place = {"icon_position": "follow_text", "icon_expanded_angle": -180}
        border = {"color": self.border_color, "corner_radius": "5px"} if self.border_color else None
        return {
            **self.layout(),
            "expanded": self.expanded,
            "background_color": self.background_color,
            "border": border,
            "header": {
                "title": plain_text(self.title, locale),
                "vertical_align": "center",
                "padding": "4px 8px",
                "icon": icon,
                **place,
            },
            "elements": render_all(self.elements, locale),
        }


@dataclass(frozen=True)
class InteractiveContainer(_Container):
    """An area with a border that can be clicked as a whole; without *behaviors* only the border and the colour."""

    tag: ClassVar[str] = "interactive_container"

    elements: Sequence[Element]
    behaviors: Sequence[Behavior] = ()
    background_style: str | None = None
    border_color: str | None = None
    corner_radius: str | None = "8px"
    confirm: Confirm | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return border, behaviour and elements."""
        border = filled(has_border=True, border_color=self.border_color) if self.border_color else {}
        return {
            **self.layout(),
            **border,
            "background_style": self.background_style,
            "corner_radius": self.corner_radius,
            "behaviors": render_behaviors(self.behaviors),
            "confirm": self.confirm.render(locale) if self.confirm else None,
            "elements": render_all(self.elements, locale),
        }


@dataclass(frozen=True)
class Form(_Container):
    """Inputs that are sent together, once, by a button with ``form_action_type="submit"``.

    It stands right in the card, not in a column; every input and button in it has a name of its own.
    """

    tag: ClassVar[str] = "form"

    name: str
    elements: Sequence[Element]

    def properties(self, locale: Locale | None) -> Json:
        """Return name and elements."""
        return {**self.layout(), "name": self.name, "elements": render_all(self.elements, locale)}
