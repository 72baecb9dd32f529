"""Ready-made cards: pure functions from plain facts to a card's JSON.

::

    task.py         task_failed_card, task_retrying_card, task_succeeded_card, task_state_card
    run.py          run_failed_card, run_troubled_card, run_succeeded_card
    deadline.py     deadline_card
    quality.py      quality_card: the checks of common-sql's operators
    result.py       result_card: the rows of a query, with or without a chart
    sync.py         sync_card
    consistency.py  consistency_card
    backlog.py      backlog_card
    facts.py        what the others take in common: where it happened, who is concerned, where to look
    parts.py  words.py  fitting.py     what they are made of

Each takes ``locale`` (None: English and Chinese, each reader sees their own) and the ``carrier``, and keeps within what
that takes: the longest part is cut, the rest stays. What is not known is left out: no "None", no empty row, no button
that leads nowhere. Nothing in a card moves by itself, so that the same facts make the same card.
"""
