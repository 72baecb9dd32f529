"""Mappings: which tables are kept in sync, and how; and the files that they are read from."""
