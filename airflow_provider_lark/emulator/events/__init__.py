"""Changes told to apps: what an event says, how it is sealed, when it is sent again (lark-api §5)."""
