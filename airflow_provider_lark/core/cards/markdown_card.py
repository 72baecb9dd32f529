"""A card of a text in Markdown, whatever its length of tables."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_lark.core.cards.card import Card, Header, HeaderTemplate
from airflow_provider_lark.core.cards.display import Markdown
from airflow_provider_lark.core.cards.languages import Text
from airflow_provider_lark.core.cards.limits import MARKDOWN_TABLES_MAX, TABLES_MAX
from airflow_provider_lark.core.cards.markdown_tables import fence_tables, find_tables


def markdown_card(text: str, *, title: Text | None = None, template: HeaderTemplate = "blue") -> Card:
    """Return a card that shows *text*, which is trusted Markdown.

    Lark refuses a card with more than five tables, and a component with more than four: the text is split between
    tables, and from the sixth on they stand as code blocks, so that nothing is lost.
    """
    header = None if title is None else Header(title, template)
    return Card([Markdown(part) for part in _parts(fence_tables(text, keep=TABLES_MAX))], header)


def _parts(text: str) -> Iterator[str]:
    tables = find_tables(text)
    if len(tables) <= MARKDOWN_TABLES_MAX:
        yield text
        return
    lines = text.split("\n")
    # the line before a table may be its caption: cut right behind the last one that fits
    cut = tables[MARKDOWN_TABLES_MAX - 1].end
    yield "\n".join(lines[:cut])
    yield from _parts("\n".join(lines[cut:]).lstrip("\n"))
