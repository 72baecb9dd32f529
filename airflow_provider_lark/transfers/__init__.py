"""Transfers: a query into a Bitable table, and a Bitable table into a SQL table."""
