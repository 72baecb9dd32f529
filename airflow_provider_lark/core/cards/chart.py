"""Charts: any VChart spec, and lines, bars and pies from the columns of a query."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, ClassVar, Literal

from airflow_provider_lark.core.cards.cells import is_plain_number, write_number, write_text
from airflow_provider_lark.core.cards.component import Component, Json
from airflow_provider_lark.core.cards.languages import Locale
from airflow_provider_lark.core.errors import BadRequest

ChartKind = Literal["line", "bar", "pie"]
ColorTheme = Literal["brand", "rainbow", "complementary", "converse", "primary"]

#: bytes of a label on an axis
_LABEL_BYTES = 60


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

    :param names: the columns as the query names them.
    :param x: the column along the axis, or of a pie's slices.
    :param y: the column of numbers; several become a series each, with the column's name.
    :param series: a column whose values tell the series apart; with a single *y*, not in a pie.
    :raises BadRequest: there is no such column, the numbers are none, or the choice makes no chart. The message says
        which column, and names the nearest ones.
    """
    values = [y] if isinstance(y, str) else list(y)
    if not values or (len(values) > 1 and (series is not None or kind == "pie")):
        raise BadRequest("a chart takes one column as y; only lines and bars take several, and then no series")
    if kind == "pie" and series is not None:
        raise BadRequest("a pie has no series: take the column as x")
    places = {name: _place(name, names) for name in (x, *values, *([series] if series is not None else []))}
    several = series is not None or len(values) > 1
    points = list(_points(rows, places, x=x, values=values, series=series))
    spec: dict[str, Any] = {"type": kind, "data": {"values": points}}
    if title:
        spec["title"] = {"text": write_text(title, max_bytes=_LABEL_BYTES * 2)}
    return Chart({**spec, **_axes(kind, several)})


def _axes(kind: ChartKind, several: bool) -> dict[str, Any]:
    if kind == "pie":
        style = {"outerRadius": 0.9, "label": {"visible": True}, "legends": {"visible": True, "orient": "right"}}
        return {"categoryField": "x", "valueField": "y", **style}
    # bars of several series stand beside each other
    field: str | list[str] = ["x", "s"] if several and kind == "bar" else "x"
    return {"xField": field, "yField": "y", **({"seriesField": "s", "legends": {"visible": True}} if several else {})}


def _place(name: str, names: Sequence[str]) -> int:
    if name in names:
        return list(names).index(name)
    near = get_close_matches(name, names, n=3, cutoff=0.5) or list(names)[:10]
    raise BadRequest(f"the result has no column {name!r}; it has {', '.join(map(repr, near))}")


def _points(
    rows: Sequence[Sequence[object]],
    places: Mapping[str, int],
    *,
    x: str,
    values: Sequence[str],
    series: str | None,
) -> Iterator[dict[str, Any]]:
    for row in rows:
        for name in values:
            value = row[places[name]]
            if value is None:
                continue
            if not is_plain_number(value):
                kind = type(value).__name__
                raise BadRequest(f"the column {name!r} holds a {kind} that is no number a chart can draw")
            point: dict[str, Any] = {
                "x": write_text(row[places[x]], max_bytes=_LABEL_BYTES),
                "y": write_number(value),
            }
            if series is not None:
                point["s"] = write_text(row[places[series]], max_bytes=_LABEL_BYTES)
            elif len(values) > 1:
                point["s"] = name
            yield point
