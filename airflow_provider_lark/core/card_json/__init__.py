"""What the client and the card builders share: the kind of a card, and its tables in Markdown."""
