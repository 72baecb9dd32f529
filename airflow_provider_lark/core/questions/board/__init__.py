"""One card for all that a sync leaves to people: conflicts, held deletes, rows that failed.

::

    state.py   what the card shows
    card.py    pure: from that, and from who decided what, to the card
    words.py   its words, and what people are told who press it
    rows.py    the table read and written in one transaction     store.py   the boards of one app

Each thing that can be decided is a question of its own, bound to what was shown, so all rules of questions hold for it:
who may answer, what a second click means, that a changed thing replaces the old question. The board is what they share:
one message, drawn anew whenever one of them is answered, or the sync finds something else. Where the sync asks no more,
or elsewhere, the message is closed; where no run comes any more, nothing is decided.
"""
