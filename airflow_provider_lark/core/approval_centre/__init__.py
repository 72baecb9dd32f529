"""Questions in Lark's approval centre: asked by a task, decided by people, withdrawn.

::

    ask.py      what is asked, and of whom
    rules.py    pure: what a press means, and where the question stands after it
    shown.py    pure: the question as the centre shows it
    rows.py     the tables, read and written in one transaction     store.py   the questions of one app
    settling.py decisions from the inbox to their questions
    centre.py   the centre brought to show what the database says

The database decides: of two decisions the first counts, whoever brings it, and the centre is told what stands there.
Every decision is kept, also one that is refused. A push carries a time that the row gave out, which only grows, so
neither two workers at once nor a clock that is off bring back what was before.
"""
