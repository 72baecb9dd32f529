"""A chart as a picture, drawn without a screen."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

from airflow_provider_lark.core.cards.points import Point, Points
from airflow_provider_lark.core.cards.shortening import cut_end
from airflow_provider_lark.core.cards.text import one_line
from airflow_provider_lark.core.errors import BadRequest, ConfigError
from airflow_provider_lark.core.transfer.to_message.chart_fonts import choose_fonts

#: inches, of 200 points each: 1,600 x 900
_SIZE = (8.0, 4.5)
_DPI = 200
_LABELS_MAX = 12
_GROUPS_MAX = 20
_BLUE = "#3370FF"
_TITLE_BYTES = 200
#: of which an inch has 72
_AXIS_POINTS = 500
#: as many bars have room for an outline of their own; more are strokes, which take no memory and time of their own
_BARS_MAX = 1_000
#: beyond it the arithmetic of a scale overflows, and the picture is empty
_LARGEST = 1e150


def draw_chart(points: Points, *, title: str = "", font: str | None = None) -> bytes:
    """Return a PNG of *points*, 1,600 by 900.

    :param font: the font to take first, a name or the path of a file.
    :raises ConfigError: matplotlib is not installed, or no font here has a character that has to be drawn.
    :raises BadRequest: there are too many slices or series to tell apart, or a pie has no shares.
    """
    try:
        from cycler import cycler
        from matplotlib import colormaps, rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as exc:
        raise ConfigError(
            "a chart image requires matplotlib: install airflow-provider-lark[charts] where tasks run, or put the "
            "chart into the card, which is rendered by each reader's client"
        ) from exc
    heading = cut_end(one_line(title), _TITLE_BYTES)
    _check_groups(points)
    fonts = choose_fonts([heading, *(text for each in points.values for text in (each.x, each.series or ""))], font)
    # a dollar is a dollar, and a minus the one that every font has
    settings: Any = {"font.family": fonts, "text.parse_math": False, "axes.unicode_minus": False}
    # as many colours as there may be series: the usual ten would come twice
    settings["axes.prop_cycle"] = cycler(color=[colormaps["tab20"](at) for at in range(_GROUPS_MAX)])
    with rc_context(settings):
        figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
        canvas: Any = FigureCanvasAgg(figure)
        axes: Any = figure.add_subplot()
        if heading:
            axes.set_title(heading, loc="left", fontsize=13, wrap=True)
        _DRAW[points.kind](axes, points.values)
        written = io.BytesIO()
        canvas.print_png(written)
    return written.getvalue()


def _check_groups(points: Points) -> None:
    of_pie = points.kind == "pie"
    count = len(points.values) if of_pie else len({each.series for each in points.values})
    if count > _GROUPS_MAX:
        what, other = ("slices", " or use chart='bar'") if of_pie else ("series", "")
        raise BadRequest(
            f"the chart would have {count:,} {what}, more than the {_GROUPS_MAX} that can be distinguished: keep only "
            f"the largest in the query,{other or ' or plot fewer columns'}"
        )
    if any(abs(each.y) > _LARGEST for each in points.values):
        raise BadRequest(
            f"the chart cannot show numbers beyond {_LARGEST:g}: scale them down in the query, or leave them out"
        )
    if of_pie and sum(each.y for each in points.values) <= 0:
        raise BadRequest("a pie chart needs numbers above 0, but they add up to 0")


def _groups(points: Sequence[Point]) -> tuple[list[str], dict[str | None, list[tuple[int, float]]]]:
    """Return the labels along the axis, and of each series places and numbers.

    Without series each point has a place of its own, though two be called the same.
    """
    if all(each.series is None for each in points):
        return [each.x for each in points], {None: [(place, each.y) for place, each in enumerate(points)]}
    places = {label: place for place, label in enumerate(dict.fromkeys(each.x for each in points))}
    groups: dict[str | None, list[tuple[int, float]]] = {}
    for each in points:
        groups.setdefault(each.series, []).append((places[each.x], each.y))
    return list(places), groups


def _line(axes: Any, points: Sequence[Point]) -> None:
    labels, groups = _groups(points)
    for name, pairs in groups.items():
        # of one place only there is no line
        mark = "o" if len(pairs) <= 40 else None
        style = {"color": _BLUE} if name is None else {"label": name}
        axes.plot(*zip(*sorted(pairs), strict=True), marker=mark, markersize=4, **style)
    _finish(axes, labels, has_legend=None not in groups)


def _bar(axes: Any, points: Sequence[Point]) -> None:
    labels, groups = _groups(points)
    width = 0.8 / len(groups)
    for at, (name, pairs) in enumerate(groups.items()):
        shift = (at - (len(groups) - 1) / 2) * width
        style = {"color": _BLUE} if name is None else {"label": name}
        places, numbers = [place + shift for place, _ in pairs], [number for _, number in pairs]
        if len(points) > _BARS_MAX:
            # as wide as a bar would be, so that none covers those of another series
            thickness = max(0.1, _AXIS_POINTS * width / len(labels))
            axes.vlines(places, 0, numbers, linewidths=thickness, **{"color": f"C{at}", **style})
        else:
            axes.bar(places, numbers, width, **style)
    _finish(axes, labels, has_legend=None not in groups)


def _pie(axes: Any, points: Sequence[Point]) -> None:
    total = sum(each.y for each in points)
    slices = axes.pie([each.y for each in points], startangle=90, counterclock=False)[0]
    shares = [f"{each.x}  {each.y / total:.1%}" for each in points]
    axes.legend(slices, shares, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)


def _finish(axes: Any, labels: Sequence[str], *, has_legend: bool) -> None:
    step = max(1, ceil(len(labels) / _LABELS_MAX))
    shown = list(range(0, len(labels), step))
    long = sum(len(labels[place]) for place in shown) > 80
    turned = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if long else {}
    axes.set_xticks(shown, [labels[place] for place in shown], fontsize=8, **turned)
    axes.tick_params(axis="y", labelsize=8)
    axes.yaxis.set_major_formatter(lambda number, _: f"{number:,.15g}")
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if has_legend:
        legend = axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
        for each in legend.legend_handles:
            # strokes may be thinner than anybody sees in a legend
            each.set_linewidth(2)


_DRAW: dict[str, Callable[[Any, Sequence[Point]], None]] = {"line": _line, "bar": _bar, "pie": _pie}
