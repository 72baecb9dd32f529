"""One side comes from a backup: the ledger is older than Lark, or the SQL table is older than the ledger."""
