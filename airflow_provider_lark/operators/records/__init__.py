"""What the operators of Bitable share.

::

    base.py      reaching a base or a table, telling lineage and outlets, opening it in Lark
    results.py   what a task returns of its records, and how much of it XCom may hold
"""
