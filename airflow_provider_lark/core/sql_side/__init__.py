"""A SQL table behind the port of :mod:`airflow_provider_lark.core.side`; it knows nothing of the ledger.

============================  =======================================================================
:mod:`.store`                 :class:`.SqlStore`: the rows of one table
:mod:`.row_query`             reading rows into canonical values
:mod:`.row_writer`            creating, updating and deleting rows, and whether it happened
:mod:`.statements`            one write, and how many rows it reached
:mod:`.bulk_update`           many rows, each to values of its own, in few statements
:mod:`.reflection`            what columns and constraints a table has
:mod:`.declared`              what SQLAlchemy's reflection leaves out
:mod:`.partitions`            what a table of PostgreSQL is put together from
:mod:`.keys`                  a row's key as text
:mod:`.foreseen_refusals`     rows that the database is known to reject
:mod:`.generated_values`      what the generated columns of a row will hold
:mod:`.unforeseen`            what else may reject or change a row, by name
:mod:`.sequences`             moving sequences past keys written by the sync
============================  =======================================================================
"""
