"""Cards: building them, checking them, and the ready ones.

::

    limits.py  tags.py           what Lark's documents say
    check.py                     check_card: is asked before every call, for built and for raw cards
    tree.py  json_values.py  its parts:
    check_structure.py  check_places.py  check_texts.py  check_tables.py  check_bot.py
    writing.py                   a card's JSON, its size, what carries it, and which kind it is
    markdown_tables.py           tables within Markdown

Imports nothing but core.errors, and nothing of Airflow.
"""
