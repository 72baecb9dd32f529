"""Transfers: a query into a Bitable table, or into a chat, and a Bitable table into a SQL table."""
