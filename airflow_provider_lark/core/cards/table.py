"""Tables: of columns and rows as Lark has them, and of the result of a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from airflow_provider_lark.core.cards.cells import decimals_of, is_plain_number, write_number, write_text
from airflow_provider_lark.core.cards.component import Component, Json, clean, filled
from airflow_provider_lark.core.cards.languages import Locale, Text, joined
from airflow_provider_lark.core.cards.limits import TABLE_PAGE_MAX, TABLE_PRECISION_MAX

DataType = Literal["text", "lark_md", "markdown", "number", "options", "persons", "date"]

#: bytes of a cell: enough to know the value by, and fifty rows still fit
CELL_BYTES = 300


@dataclass(frozen=True)
class TableColumn:
    """A column.

    :param name: the key of its cells in the rows.
    :param display_name: its heading; without languages of its own, so that several stand beside each other.
    :param data_type: of ``text`` nothing is interpreted; ``lark_md`` and ``markdown`` are trusted Markdown; ``date``
        takes milliseconds since 1970; ``persons`` ids; ``options`` a text or ``[{"text", "color"}]``.
    :param precision: decimals of a ``number``, 0 to 10; None shows them as they are.
    :param symbol: one character before a ``number``.
    :param width: ``auto``, ``80px`` to ``600px``, or a percentage.
    """

    name: str
    display_name: Text | None = None
    data_type: DataType = "text"
    precision: int | None = None
    symbol: str | None = None
    separator: bool | None = None
    date_format: str | None = None
    width: str | None = None
    horizontal_align: Literal["left", "center", "right"] | None = None

    def render(self, locale: Locale | None) -> Json:
        """Return its JSON."""
        form = filled(precision=self.precision, symbol=self.symbol, separator=self.separator)
        return filled(
            name=self.name,
            display_name=None if self.display_name is None else joined(clean(self.display_name), locale),
            data_type=self.data_type,
            format=form or None,
            date_format=self.date_format,
            width=self.width,
            horizontal_align=self.horizontal_align,
        )


@dataclass(frozen=True)
class Table(Component):
    """A table, right in the card: it stands in no column and no panel. A card holds five.

    :param columns: at most 50.
    :param rows: objects of column name and cell; a cell that is missing stays empty.
    :param page_size: rows shown at once, 1 to 10.
    """

    tag: ClassVar[str] = "table"

    columns: Sequence[TableColumn]
    rows: Sequence[Mapping[str, Any]]
    page_size: int = 5
    row_height: str = "low"
    freeze_first_column: bool | None = None

    def properties(self, locale: Locale | None) -> Json:
        """Return columns and rows."""
        return {
            "page_size": self.page_size,
            "row_height": self.row_height,
            "freeze_first_column": self.freeze_first_column,
            "header_style": {"background_style": "grey", "bold": True, "lines": 1},
            "columns": [column.render(locale) for column in self.columns],
            "rows": [dict(row) for row in self.rows],
        }


def table_of_rows(
    names: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    page_size: int = TABLE_PAGE_MAX,
    cell_bytes: int = CELL_BYTES,
) -> Table:
    """Return the result of a query as a table.

    A column whose values are all numbers becomes one of numbers, unless one of them has more digits than a client
    keeps; everything else is shown as text, of which nothing is interpreted: a link, a mention or a formula in a cell
    is just text. NULL is an empty cell; bytes are told by their number.

    :param names: the columns as the query names them, also doubled or empty ones.
    :param cell_bytes: what is longer ends with an ellipsis.
    """
    cells = [list(row) for row in rows]
    numbers = [_all_numbers([row[place] for row in cells]) for place in range(len(names))]
    columns = []
    for place, name in enumerate(names):
        decimals = decimals_of([row[place] for row in cells]) if numbers[place] else None
        shown = write_text(name, max_bytes=cell_bytes)
        kind: DataType = "number" if numbers[place] else "text"
        precision = decimals if decimals is not None and decimals <= TABLE_PRECISION_MAX else None
        columns.append(TableColumn(f"c{place}", shown, kind, precision=precision))
    written = [_write_row(row, numbers, cell_bytes) for row in cells]
    return Table(columns, written, page_size=page_size)


def _all_numbers(values: Sequence[object]) -> bool:
    given = [value for value in values if value is not None]
    return bool(given) and all(is_plain_number(value) for value in given)


def _write_row(row: Sequence[object], numbers: Sequence[bool], cell_bytes: int) -> dict[str, Any]:
    pairs = zip(row, numbers, strict=True)
    return {
        f"c{place}": write_number(value) if number else write_text(value, max_bytes=cell_bytes)
        for place, (value, number) in enumerate(pairs)
        if value is not None
    }
