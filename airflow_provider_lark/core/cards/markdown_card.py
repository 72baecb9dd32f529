"""A card made of a Markdown text with any number of tables."""

from __future__ import annotations

from airflow_provider_lark.core.card_json.markdown_tables import split_markdown
from airflow_provider_lark.core.cards.card import Card, Header, HeaderTemplate
from airflow_provider_lark.core.cards.display import Markdown
from airflow_provider_lark.core.cards.languages import Text


def markdown_card(text: str, *, title: Text | None = None, template: HeaderTemplate = "blue") -> Card:
    """Return a card that shows *text*, which is trusted Markdown.

    Lark refuses a card with more than five tables, and a component with more than four: the text is split between
    tables, and from the sixth on they stand as code blocks, so that nothing is lost.
    """
    header = None if title is None else Header(title, template)
    return Card([Markdown(part) for part in split_markdown(text)], header)
