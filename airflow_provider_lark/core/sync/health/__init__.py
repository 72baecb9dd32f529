"""Whether a mapping is well, and the one card that says when it is not.

::

    limits.py   what is too much: from how a mapping is to what is wrong with it
    alarm.py    when the card turns red, changes, and turns green again
    card.py     what it says
    watch.py    one look: all of these, on the ledger and on Lark
    closing.py  the end of the card, with its mapping
"""
