"""What a request and an answer are, without sending any: values and pure functions.

::

    flow.py                 what a call may want (send this, wait so long), and what it gets
    routes.py  limits.py    what Lark's documents say of each API
    query.py  forms.py  upload.py           what a request holds
    answers.py  results.py  paging.py       what an answer holds
    secret.py               text that does not show
"""
