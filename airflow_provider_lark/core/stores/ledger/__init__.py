"""What the sync engine knows between two runs, kept in the business database so that both commit together.

============================  =======================================================================
:mod:`.schema`                the tables
:mod:`.migrate`               brings a database to the newest schema
:mod:`.queue`                 changes that the triggers captured: complete, retry, backlog
:mod:`.claims`                claiming keys of the queue, so that one worker has each
:mod:`.parked`                what could not be synced, and claims handed back
:mod:`.held`                  deletes that a guard holds back
:mod:`.pairs`                 SQL key ⇄ Lark record, with the values on which both agreed
:mod:`.scans`                 what a running scan has seen, to find what it has not
:mod:`.checkpoint`            how far Lark's changes have been taken in
:mod:`.intents`               creates that were decided and may or may not have reached Lark
:mod:`.journal`               the log, the conflicts and the blacklist
:mod:`.conflicts`             which keys wait for a person's verdict
:mod:`.lease`                 who may write to a table until when
============================  =======================================================================

Every function takes a connection inside the caller's transaction and never commits, and the name of the
mapping's SQL table (``schema.table`` when a schema is given).
"""
