"""One way, without a ledger: rows of a query into a Bitable table or a message, records of a table into SQL."""
