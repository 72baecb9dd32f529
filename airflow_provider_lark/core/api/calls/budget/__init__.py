"""One rate budget for all processes of an app: who may use how many places of each limit, and until when.

::

    budget.py      which calls may go here, and when the store is asked
    holding.py     the places that this process has of one window
    division.py    how the places are divided among those who want some: pure
    store.py       where that is written down, for whoever implements it
    change.py      from one store to another and back, while others still count in the first
"""
