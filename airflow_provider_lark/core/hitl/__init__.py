"""Tasks of Airflow that wait for a person (human in the loop), answered from a card; nothing here imports Airflow.

::

    request.py   what a task asks, where, and whom                params.py   Params as form fields, and back
    card.py      the card, and the terms under which it asks      endings.py  what a card says at the end
    progress.py  how far an answer has come on its way            store.py    requests in the database, beside questions
    step.py      pure: what to do next about one request

The answer stands in the question (``core.questions``) until Airflow has taken it, so whoever carries it over may die at
any moment. Airflow takes one answer a request; the second of two that carry it over is refused, and finds its own.
"""
