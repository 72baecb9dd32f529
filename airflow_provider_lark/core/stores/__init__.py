"""The two sides behind one port, and the ledger between them.

::

    base.py            the port: rows in canonical values, addressed by a side's own ids
    bitable.py         a Bitable table
    sql.py             a SQL table; tables.py and keys.py describe it
    memory.py          a table in memory
    record_table.py    the records of one table by name and in plain values; bitable_upsert.py, search_filter.py and
                       table_design.py are what operators do with it
    accounts/          what workers share: tokens, and who an e-mail address is
    capture/           triggers that note what changes in SQL
    ledger/            queue, pairs, intents, journal: what is known about both sides
    connections.py     transactions that write, and errors that pass
"""
