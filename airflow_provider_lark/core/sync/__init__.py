"""Keeping two tables in step.

==========================  =======================================================================
:mod:`.engine`              SyncEngine: setup, plan, full, incremental, check, uninstall
:mod:`.flow`                the order of a run's steps
:mod:`.mapping`             what a user writes, and the files that it stands in
:mod:`.binding`             a mapping held against both tables; the setup: fields, ledger, triggers
:mod:`.decide`              pure: base, Lark side and SQL side become actions
:mod:`.run`                 one run's hands: transactions, lease, guard, the writing to SQL
:mod:`.pull`                Lark to SQL: what changed, a bundle a transaction; complete scans
:mod:`.push`                SQL to Lark: creates, updates, deletes, each noted before it is sent
:mod:`.plan`                what a run would do, without doing it
:mod:`.consistency`         do both sides hold the same?
:mod:`.doctor`              what is wrong with a connection, a base, a mapping
:mod:`.report`              what a run answers; :mod:`.metrics` what waits, :mod:`.retention` what is forgotten
==========================  =======================================================================
"""
