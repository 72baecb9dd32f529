"""Words of the user's own around the rows of a query: a text, Markdown or a card, each a template.

Rendered once the rows are there. Their cells are what anybody typed, so each value is shown exactly, whatever it looks
like: none mentions anybody, makes a link or breaks a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_lark.core.cards.cells import is_plain_number, write_text
from airflow_provider_lark.core.cards.table import CELL_BYTES
from airflow_provider_lark.core.cards.template_file import CardTemplate
from airflow_provider_lark.core.cards.template_values import (
    Ready,
    guarding_voice,
    markdown_words,
    template_errors,
    text_environment,
)
from airflow_provider_lark.core.cards.text import break_markup
from airflow_provider_lark.core.transfer.to_message.file_values import distinct_columns
from airflow_provider_lark.core.transfer.to_message.message import Result

if TYPE_CHECKING:
    from jinja2 import Environment

WordsKind = Literal["text", "markdown", "card"]

WORDS: Sequence[WordsKind] = ("text", "markdown", "card")


@dataclass(frozen=True, slots=True)
class Words:
    """A message around rows.

    In its templates stand, beside what the caller has: ``rows``, dictionaries by column, as many as are shown;
    ``columns``, their names; ``count``, how many rows there are in all; ``shown``, how many of them are in ``rows``;
    ``table``, those as a table.

    :param template: of a card its JSON, whose texts are templates.
    """

    kind: WordsKind
    template: str | CardTemplate

    def render(self, result: Result, shown: int, environment: Environment, context: Mapping[str, Any]) -> Any:
        """Return the text, or the card's JSON, with the first *shown* rows.

        :param environment: whose filters and globals hold, such as Airflow's.
        :raises ConfigError: the template is wrong, or names what is not there.
        """
        known = {**context, **_names(result, shown, self.kind)}
        if isinstance(self.template, CardTemplate):
            return self.template.render(environment, known, speak=guarding_voice)
        is_text = self.kind == "text"
        ready = text_environment(environment) if is_text else guarding_voice(environment).markdown
        with template_errors(self.kind):
            return str(ready.from_string(self.template).render(**known))


def _names(result: Result, shown: int, kind: WordsKind) -> dict[str, Any]:
    columns, rows = distinct_columns(result.names), result.first[:shown]
    table = _lines(columns, rows) if kind == "text" else markdown_table(columns, rows)
    return {
        "rows": [dict(zip(columns, row, strict=True)) for row in rows],
        "columns": columns,
        "count": result.rows,
        "shown": len(rows),
        "table": Ready(table),
    }


def markdown_table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows as a table in Markdown, numbers to the right; a long cell ends with an ellipsis.

    >>> print(markdown_table(["a|b", "n"], [("x", 1)]))
    | a&#124;b | n |
    | --- | ---: |
    | x | 1 |
    """
    if not names:
        return ""
    rules = ["---:" if _is_of_numbers([row[at] for row in rows]) else "---" for at in range(len(names))]
    cells = [list(map(_cell, row)) for row in (names, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (cells[0], rules, *cells[1:]))


def _cell(value: object) -> str:
    return markdown_words(value if is_plain_number(value) else write_text(value, max_bytes=CELL_BYTES))


def _is_of_numbers(values: Sequence[object]) -> bool:
    given = [value for value in values if value is not None]
    return bool(given) and all(map(is_plain_number, given))


def _lines(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    # a text has no tables, and no letters of one width
    return "\n".join(
        " | ".join(break_markup(write_text(value, max_bytes=CELL_BYTES)) for value in row) for row in (names, *rows)
    )
