"""One way, without a ledger: rows of a query into a Bitable table, records of a table into SQL."""
