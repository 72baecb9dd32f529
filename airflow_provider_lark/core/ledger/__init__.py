"""The state of the sync between two runs, kept in the business database so that both commit together.

:class:`Ledger` is the one face of it: ``Ledger(conn, "orders").queue.claim(…)``, ``.pairs.by_keys(…)``. Its verbs work
inside the caller's transaction and never commit.

============================  =======================================================================
:mod:`.ledger`                the face: the parts below, bound to a connection and a table
:mod:`.tables`                the tables
:mod:`.migrate`               brings a database to the newest schema
:mod:`.queue`                 changes that the triggers captured: add, claim, complete, retry
:mod:`.claims`                claiming keys of the queue, so that one worker has each
:mod:`.backlog`               how much waits in the queue
:mod:`.dead_letters`          rows and records that could not be synced
:mod:`.deletes`               deletes held back by the limit
:mod:`.parts`                 what the parts have in common, and those that live in the queue's table
:mod:`.pairs`                 SQL key ⇄ Lark record, with the values on which both agreed
:mod:`.scans`                 what a running scan has seen, to find what is missing
:mod:`.checkpoint`            how far Lark's changes have been taken in
:mod:`.intents`               writes that were decided and may or may not have reached Lark
:mod:`.conflicts`             rows that both sides changed
:mod:`.decisions`             what people decided at a shell
:mod:`.blacklist`             keys that the sync leaves alone
:mod:`.sync_log`              one line for each change, with its outcome
:mod:`.runs`                  one line for each run
:mod:`.alarms`                the card that says when a table's sync is not well
:mod:`.lease`                 who may write to a table until when
============================  =======================================================================
"""

from airflow_provider_lark.core.ledger.ledger import Ledger

__all__ = ["Ledger"]
