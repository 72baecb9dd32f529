"""A mapping bound to its two tables: which field meets which column, and what the setup makes for it."""
