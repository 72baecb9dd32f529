"""Tasks of Airflow that wait for a person, answered from Lark.

::

    reading.py      what a task asks, from its context       asking.py  who that is in Lark, and the card
    airflow_api.py  Airflow's REST API, as far as needed     bridge.py  carries answers over, and closes cards
"""
