"""Tables: how many, how wide, and whether their rows fit their columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_lark.core.card_json.markdown_tables import MARKDOWN_TABLES_MAX, TABLES_MAX, find_tables
from airflow_provider_lark.core.cards.check.tree import Finding, Node
from airflow_provider_lark.core.cards.limits import TABLE_COLUMNS_MAX, TABLE_PAGE_MAX, TABLE_PRECISION_MAX

DATA_TYPES = ("text", "lark_md", "markdown", "number", "options", "persons", "date")
_ROW_HEIGHTS = {"low", "middle", "high", "auto"}
_PIXELS = re.compile(r"(\d+)px")


def check_tables(nodes: list[Node]) -> Iterator[Finding]:
    """Yield what is wrong with tables, those in Markdown included."""
    yield from _check_number(nodes)
    for node in nodes:
        if node.tag == "table":
            yield from _check_table(node)


def _check_number(nodes: list[Node]) -> Iterator[Finding]:
    """Count for each language of the card: what it shows to one reader is what Lark counts."""
    languages = {key for node in nodes for key in _localized(node)}
    told: set[str] = set()
    for language in (None, *sorted(languages)):
        total = 0
        for node in nodes:
            own = _tables_of(node, language)
            if node.tag != "table" and own > MARKDOWN_TABLES_MAX and node.path not in told:
                told.add(node.path)
                yield Finding(
                    node.path,
                    f"{own} tables in one markdown component, more than the {MARKDOWN_TABLES_MAX} allowed: split it",
                )
            if total <= TABLES_MAX < total + own and "" not in told:
                told.add("")
                yield Finding(
                    node.path,
                    f"the {TABLES_MAX + 1}th table of the card, but only {TABLES_MAX} are allowed (11310): leave it "
                    "out, move it to a second card, or send a file",
                )
            total += own


def _localized(node: Node) -> Mapping[str, Any]:
    localized = node.data.get("i18n_content")
    return localized if node.tag == "markdown" and isinstance(localized, dict) else {}


def _tables_of(node: Node, language: str | None) -> int:
    if node.tag == "table":
        return 1
    text = _localized(node).get(language, node.data.get("content")) if language else node.data.get("content")
    return len(find_tables(text)) if node.tag == "markdown" and isinstance(text, str) and "|" in text else 0


def _check_table(node: Node) -> Iterator[Finding]:
    size = node.data.get("page_size", 5)
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= TABLE_PAGE_MAX:
        yield Finding(f"{node.path}.page_size", f"must be a whole number from 1 to {TABLE_PAGE_MAX}")
    height = node.data.get("row_height", "low")
    pixels = _PIXELS.fullmatch(height) if isinstance(height, str) else None
    if height not in _ROW_HEIGHTS and not (pixels and 32 <= int(pixels[1]) <= 124):
        yield Finding(f"{node.path}.row_height", "must be low, middle, high, auto or 32px to 124px")
    columns, rows = node.data.get("columns"), node.data.get("rows", [])
    if not isinstance(columns, list) or not columns:
        yield Finding(f"{node.path}.columns", "a table needs a list of columns")
        return
    if len(columns) > TABLE_COLUMNS_MAX:
        path = f"{node.path}.columns[{TABLE_COLUMNS_MAX}]"
        yield Finding(path, f"{len(columns)} columns, but only {TABLE_COLUMNS_MAX} are shown: select some")
    yield from _check_columns(columns, node.path)
    kinds = {c["name"]: c.get("data_type", "text") for c in columns if isinstance(c, dict) and "name" in c}
    yield from _check_rows(rows, kinds, f"{node.path}.rows")


def _check_columns(columns: list[Any], path: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for place, column in enumerate(columns):
        here = f"{path}.columns[{place}]"
        name = column.get("name") if isinstance(column, dict) else None
        if not isinstance(name, str) or not name:
            yield Finding(f"{here}.name", "a column needs a name, the key of its cells in each row")
            continue
        if name in seen:
            yield Finding(f"{here}.name", "is already used by another column: names must be unique in a table")
        seen.add(name)
        if column.get("data_type", "text") not in DATA_TYPES:
            yield Finding(f"{here}.data_type", f"must be one of {', '.join(DATA_TYPES)}")
        yield from _check_format(column.get("format"), f"{here}.format")


def _check_format(form: Any, path: str) -> Iterator[Finding]:
    if not isinstance(form, dict):
        return
    precision, symbol = form.get("precision", 0), form.get("symbol", "")
    if isinstance(precision, bool) or not isinstance(precision, int) or not 0 <= precision <= TABLE_PRECISION_MAX:
        yield Finding(f"{path}.precision", f"must be a whole number from 0 to {TABLE_PRECISION_MAX}")
    if not isinstance(symbol, str) or len(symbol) > 1:
        yield Finding(f"{path}.symbol", "must be one character")


def _check_rows(rows: Any, kinds: Mapping[str, Any], path: str) -> Iterator[Finding]:
    if not isinstance(rows, list):
        yield Finding(path, f"must be a list, not {type(rows).__name__}")
        return
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            yield Finding(f"{path}[{place}]", "a row must be an object of column names and cells (200914)")
            continue
        for name, cell in row.items():
            if name not in kinds:
                yield Finding(f"{path}[{place}].{name}", "no column has this name (200915)")
            wanted = _CELLS.get(kinds.get(name, ""))
            if wanted and cell is not None and not wanted[0](cell):
                yield Finding(f"{path}[{place}].{name}", f"must be {wanted[1]}, not {type(cell).__name__} (200914)")


def _is_number(cell: Any) -> bool:
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)


def _are_options(cell: Any) -> bool:
    if isinstance(cell, list):
        return all(isinstance(each, dict) and isinstance(each.get("text"), str) for each in cell)
    return isinstance(cell, str)


def _are_persons(cell: Any) -> bool:
    return isinstance(cell, str) or (isinstance(cell, list) and all(isinstance(each, str) for each in cell))


_CELLS = {
    "number": (_is_number, "a number"),
    "date": (_is_number, "a number: milliseconds since 1970"),
    "options": (_are_options, 'a string, or a list of {"text", "color"}'),
    "persons": (_are_persons, "an id, or a list of ids"),
}
