"""What Lark really does where its sources disagree or are silent, tried on a scratch base of a real tenant.

Each experiment is a function of a :class:`~.Scratch`; what it settles is a :class:`~.Finding`, with the value of the
emulator's switch where there is one. ``lark-api §11`` lists the points.

::

    finding.py   a question and its answer
    scratch.py   the base and its tables
    fields.py    what becomes of fields, options and links
    filters.py   what filters find
    reads.py     pages, order, limits
    writes.py    tokens, limits, times of modification
    base_v3.py   what of base/v3 answers, and what revisions tell
    run.py       all of them, one after the other
"""
