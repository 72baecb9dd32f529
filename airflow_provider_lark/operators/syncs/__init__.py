"""What the operators of a sync are built upon.

::

    base.py      a mapping, the engine of it, lineage and outlets
    writing.py   guards, decisions in a chat, and the dry run of those that write
"""
