"""Keeping two tables in step.

::

    engine.py           SyncEngine: setup, full, incremental, check, uninstall
    mapping.py          what a user writes; targets.py its parts, mapping_reader.py and mapping_file.py read it
    setup.py            finding both tables, ledger, triggers; binding.py holds a mapping against them
    run.py              one run's hands: both sides, ledger, report; lease.py lets one run at a time write
    transaction.py      what a run works with inside one transaction: the rows, and what the ledger knows of them
    decide.py           pure: base, Lark side and SQL side become actions
    ingest.py           Lark to SQL, a bundle a transaction: pull.py, row_states.py, bundle.py, apply_sql.py, persist.py
    changes.py          what changed in Lark since the watermark; sweep.py reads all of it
    push.py             SQL to Lark: create.py (intents), sent.py (updates, deletes), halve.py, lookup.py
    dead_letters.py     rows that could not be synced
    links.py            foreign keys as links
    resolutions.py      conflicts that a person has decided
    consistency.py      do both sides hold the same?
    report.py metrics.py retention.py
"""
