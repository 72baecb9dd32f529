"""Keeping two tables in sync.

==========================  =======================================================================
:mod:`.engine`              SyncEngine: setup, plan, full, incremental, check, uninstall
:mod:`.flow`                the order of a run's steps
:mod:`.mapping`             what a user writes, and the files that it stands in
:mod:`.binding`             a mapping checked against both tables; the setup: fields, ledger, triggers
:mod:`.decide`              pure: base, Lark side and SQL side become actions
:mod:`.newest`              which of two edits counts
:mod:`.run`                 what a run works with: transactions, lease, guard, writing to SQL
:mod:`.pull`                Lark to SQL: what changed, a bundle a transaction; complete scans
:mod:`.push`                SQL to Lark: creates, updates, deletes, each noted before it is sent
:mod:`.plan`                what a run would do, without doing it
:mod:`.consistency`         the check that both sides agree
:mod:`.doctor`              what is wrong with a connection, a base, a mapping
:mod:`.report`              what a run returns; :mod:`.metrics` the backlog, :mod:`.retention` what is deleted
:mod:`.choices`             what people choose about conflicts, held deletes and rows that failed
:mod:`.status`              how a mapping is; :mod:`.figures` what each run tells whoever watches
==========================  =======================================================================
"""
