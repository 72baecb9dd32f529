"""A SQL table behind the port of :mod:`airflow_provider_lark.core.side`, and what the database keeps beside it.

::

    sql.py             a SQL table; tables.py and keys.py describe it
    memory.py          a table in memory
    accounts/          what workers share: tokens, and who an e-mail address is
    capture/           triggers that note what changes in SQL
    ledger/            Ledger: queue, pairs, intents, journal; what is known about both sides
    connections.py     transactions that write, and errors that pass
"""
