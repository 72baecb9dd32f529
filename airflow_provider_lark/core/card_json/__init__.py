"""What the client and the builders of cards both know of a card: its kind, and its tables in Markdown."""
