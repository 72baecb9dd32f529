"""One card for many failures: the state that processes on many machines share, in the accounts' database.

::

    news.py         what there is to note, and what a card is made of
    noting.py       a failure, a retry, a recovery is written down: what the card has to show from then on
    claims.py       one process at a time brings the card up to date, and says so; a crash leaves neither a lost nor a
                    second card
    alert_store.py  both, each in a transaction of its own

Whoever has news notes it first, which raises the card's *version*. Then whoever has claimed the card reads all of it,
sends or updates the card, and notes the version that is shown. Others wait until theirs is, or claim the card of one
that died.
"""
