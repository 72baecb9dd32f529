"""Access tokens: on whose behalf a call is made, and where the token comes from: this process, a store, Lark.

::

    app.py              the app, for whom it acts, and what its clients share
    credentials.py      what an app, a store app and a user ask Lark for; token_answer.py  what it answers
    token_source.py     looks in the process, then in the store, then asks; one asks at a time
    token_cache.py      what a process holds: a pure decision
    token_store.py      the port of a store that outlives the process, and one in memory
    tolerant_store.py   a store that may fail without failing a call
"""
