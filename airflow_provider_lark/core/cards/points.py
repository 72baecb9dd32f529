"""The points of a chart, from rows that come part by part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Literal, NamedTuple

from airflow_provider_lark.core.cards.cells import write_text
from airflow_provider_lark.core.errors import BadRequest, TooLarge

ChartKind = Literal["line", "bar", "pie"]

LABEL_BYTES = 60
"""Bytes of a label on an axis, or of a series."""

POINTS_MAX = 100_000
"""Points that are kept; no chart shows more."""


class Point(NamedTuple):
    """A number, where it stands, and to which series it belongs: None where there are no several."""

    x: str
    y: int | float
    series: str | None = None


class Points:
    """The points of one chart, gathered from the result of a query.

    :param names: the columns as the query names them.
    :param x: the column along the axis, or of a pie's slices.
    :param y: the column of numbers; several become a series each, with the column's name.
    :param series: a column whose values tell the series apart; with a single *y*, not in a pie.
    :ivar left_out: how many were no numbers: NULL, NaN, infinite.
    :raises BadRequest: a column is not there, or there twice, or the choice makes no chart.
    """

    def __init__(
        self, kind: ChartKind, names: Sequence[str], *, x: str, y: str | Sequence[str], series: str | None = None
    ) -> None:
        numbers = [y] if isinstance(y, str) else list(y)
        if not numbers or (len(numbers) > 1 and (series is not None or kind == "pie")):
            raise BadRequest(
                "y: only line and bar charts support several columns, and only without series; use one column"
            )
        if kind == "pie" and series is not None:
            raise BadRequest("series: not supported in a pie chart; use the column as x")
        self.kind = kind
        self.values: list[Point] = []
        self.left_out = 0
        self.has_series = series is not None or len(numbers) > 1
        self._x = _place(x, names)
        self._numbers = [(name, _place(name, names)) for name in numbers]
        self._series = None if series is None else _place(series, names)

    def add(self, rows: Sequence[Sequence[object]]) -> None:
        """Take the points of *rows*.

        :raises BadRequest: a column of numbers holds something else.
        :raises TooLarge: they are more than any chart shows.
        """
        for row in rows:
            for name, place in self._numbers:
                number = _number(row[place], name)
                if number is None:
                    self.left_out += 1
                    continue
                if self.kind == "pie" and number < 0:
                    raise BadRequest(
                        f"column {name!r} contains a negative number, which a pie chart cannot show; filter it out in "
                        "the query"
                    )
                label = write_text(row[self._x], max_bytes=LABEL_BYTES)
                self.values.append(Point(label, number, self._series_of(row, name)))
        if len(self.values) > POINTS_MAX:
            raise TooLarge(
                f"the chart has more than {POINTS_MAX:,} points: aggregate in the query (GROUP BY), or LIMIT it"
            )

    def _series_of(self, row: Sequence[object], name: str) -> str | None:
        if self._series is not None:
            return write_text(row[self._series], max_bytes=LABEL_BYTES)
        return name if self.has_series else None


def _place(name: str, names: Sequence[str]) -> int:
    if names.count(name) == 1:
        return list(names).index(name)
    if name in names:
        raise BadRequest(
            f"the result has {names.count(name)} columns named {name!r}: give them different names with AS"
        )
    near = get_close_matches(name, names, n=3, cutoff=0.5) or list(names)[:10]
    raise BadRequest(f"the result has no column {name!r}; known: {', '.join(map(repr, near)) or 'none'}")


def _number(value: object, name: str) -> int | float | None:
    """Return *value* as a chart draws it: a double; None for a gap."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise BadRequest(
            f"column {name!r} contains a {type(value).__name__}, which is not a number a chart can show; CAST it in "
            "the query"
        )
    try:
        number = float(value)
    except (OverflowError, ValueError):
        # beyond any double; a signalling NaN
        return None
    if not math.isfinite(number):
        return None
    whole = isinstance(value, int) or number.is_integer()
    return int(number) if whole and abs(number) <= _WHOLE_MAX else number


# beyond it a JavaScript number is no longer the one that was sent
_WHOLE_MAX = 2**53
