"""From Lark to SQL: what was read is decided about and applied, a bundle a transaction."""
