"""What the platform refuses about a card: ``checks.py``; components, forms, tables, charts and audio: ``rules.py``."""
