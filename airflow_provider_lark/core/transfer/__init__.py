"""Transfers in one direction, without a ledger: rows of a query into a Bitable table or a message, records into SQL."""
