"""Under whose token a call goes, and where that token comes from: this process, a store that workers share, or Lark.

::

    credentials.py   what an app, a store app and a user ask Lark for
    keeper.py        looks in the process, then in the store, then asks; one asks at a time
    cache.py         what a process holds: a pure decision
    store.py         the port of a store that outlives the process, and one in memory
    shelf.py         a store that may fail without failing a call
"""
