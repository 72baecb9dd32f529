"""Carrying out what calls ask for, over httpx: one driver blocks, one runs on an event loop.

::

    driver.py       the two drivers
    transport.py    a request in httpx's terms; failures.py  why it got no answer
    host.py         the address of an Open Platform, as a person types it
"""
