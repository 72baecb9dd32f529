"""A request from its arrival to its answer.

::

    server.py  bodies.py    sockets and HTTP; visitors.py  which browsers may ask for page and control routes
    dispatch.py             one platform request, start to end
    locks.py  idempotency.py  poison.py     what refuses it, answers it again, or spoils it
    journal.py              what was asked, and how often
"""
