"""Changes sent to apps: the content of an event, its encryption, and when it is sent again (lark-api §5)."""
