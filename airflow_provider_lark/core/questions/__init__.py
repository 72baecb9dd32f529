"""Questions on cards and in the approval centre, and their answers: who may answer, which answers count, the decision.

::

    click.py    what somebody pressed, on a card or in the approval centre
    fields.py   what a form asks for, as the card declares it     values.py   its answers as typed values
    terms.py    who may answer, with what, and how many must
    rules.py    pure: what a click on a question means
    toasts.py   what the person who pressed is told               shown.py    the card as it looks afterwards
    question.py a question as it is kept                          stored.py  JSON that a later version may have written
    centre_terms.py  how it stands in the approval centre         centre_view.py  what is pushed there
    centre.py   the centre brought to show what the database says
    rows.py     the tables read and written in one transaction    store.py    the questions of one app
    audit.py    every click on a question
    board/      many questions on one card: what a sync leaves to people
    desk.py     answers clicks at the door, in place of an inbox that only keeps them

A question is decided under a lock on its row: of two who press at once, the first wins, wherever they press. Every
click on it is kept, also one that is refused.
"""
