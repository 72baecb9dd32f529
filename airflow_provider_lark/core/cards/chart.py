"""Charts: any VChart spec, and lines, bars and pies from the columns of a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from airflow_provider_lark.core.cards.cells import write_text
from airflow_provider_lark.core.cards.component import Component, Json
from airflow_provider_lark.core.cards.languages import Locale
from airflow_provider_lark.core.cards.points import LABEL_BYTES, ChartKind, Points

ColorTheme = Literal["brand", "rainbow", "complementary", "converse", "primary"]


@dataclass(frozen=True)
class Chart(Component):
    """A chart; Lark advises at most five in a card, and takes none in a form.

    :param chart_spec: a spec of VChart 1.10 without functions; the data stand in it, and count for the card's 30 KB.
    :param height: ``auto``, or ``1px`` to ``999px``.
    """

    tag: ClassVar[str] = "chart"

    chart_spec: Mapping[str, Any]
    aspect_ratio: Literal["1:1", "2:1", "4:3", "16:9"] | None = "16:9"
    color_theme: ColorTheme = "brand"
    height: str | None = None
    preview: bool | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return spec and style."""
        return {
            "chart_spec": dict(self.chart_spec),
            "aspect_ratio": self.aspect_ratio,
            "color_theme": self.color_theme,
            "height": self.height,
            "preview": self.preview,
        }


def chart_of_rows(
    kind: ChartKind,
    names: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    x: str,
    y: str | Sequence[str],
    series: str | None = None,
    title: str | None = None,
) -> Chart:
    """Return a chart of the result of a query.

    NULL and what is no finite number make a gap.

    :param names: the columns as the query names them.
    :param x: the column along the axis, or of a pie's slices.
    :param y: the column of numbers; several become a series each, with the column's name.
    :param series: a column whose values tell the series apart; with a single *y*, not in a pie.
    :raises BadRequest: there is no such column, the numbers are none, or the choice makes no chart. The message says
        which column, and names the nearest ones.
    """
    points = Points(kind, names, x=x, y=y, series=series)
    points.add(rows)
    return chart_of_points(points, title=title)


def chart_of_points(points: Points, *, title: str | None = None) -> Chart:
    """Return a chart of *points*."""
    values = [
        {"x": each.x, "y": each.y, **({} if each.series is None else {"s": each.series})} for each in points.values
    ]
    spec: dict[str, Any] = {"type": points.kind, "data": {"values": values}}
    if title:
        spec["title"] = {"text": write_text(title, max_bytes=LABEL_BYTES * 2)}
    return Chart({**spec, **_axes(points.kind, points.has_series)})


def _axes(kind: ChartKind, several: bool) -> dict[str, Any]:
    if kind == "pie":
        style = {"outerRadius": 0.9, "label": {"visible": True}, "legends": {"visible": True, "orient": "right"}}
        return {"categoryField": "x", "valueField": "y", **style}
    # bars of several series stand beside each other
    field: str | list[str] = ["x", "s"] if several and kind == "bar" else "x"
    return {"xField": field, "yField": "y", **({"seriesField": "s", "legends": {"visible": True}} if several else {})}
