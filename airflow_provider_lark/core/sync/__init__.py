"""Keeping two tables in step.

::

    mapping.py      what a user writes: which table, which fields, which policies
    mapping_file.py dicts, YAML files and the short form become mappings
    binding.py      a mapping held against the two real tables
    decide.py       pure: base, Lark side and SQL side become actions
    cycle.py        reads, decides and applies one bundle of keys
    push.py         the only writer to Lark: batches, intents, bisection
    engine.py       SyncEngine: setup, full, incremental, check
    report.py       what a run answers
    metrics.py      backlog
"""
