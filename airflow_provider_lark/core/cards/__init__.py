"""Cards: building them, checking them, and the ready ones.

::

    card.py                      Card and Header; Card.render() gives checked JSON
    display.py  layout.py  buttons.py  inputs.py  table.py  chart.py     the components, by Lark's names
    component.py  languages.py   what they share: rendering; texts in one language or several
    markdown_card.py             a card of a text in Markdown
    ready/                       cards of facts: tasks, runs, checks, results, syncs, backlogs
    template_file.py             cards from .json files with Jinja in their texts
    text.py  shortening.py       texts of others: escaped, and cut to fit
    cells.py  points.py          values of a database in a table; points of a chart
    check/                       check_card: is asked before every call, for built and for raw cards
    writing.py                   a card's JSON, its size, and what carries it
    limits.py  tags.py           what Lark's documents say

Imports nothing but core.errors and core.card_json, and nothing of Airflow.
"""
