"""The two sides behind one port, and the ledger between them.

::

    base.py            the port: rows in canonical values, addressed by a side's own ids
    bitable.py         a Bitable table
    sql.py             a SQL table; tables.py and keys.py describe it
    memory.py          a table in memory
    capture/           triggers that note what changes in SQL
    ledger/            queue, pairs, intents, journal: what is known about both sides
    connections.py     transactions that write, and errors that pass
"""
