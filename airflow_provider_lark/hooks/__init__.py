"""From Airflow connections to the core.

::

    lark.py        LarkHook: a Lark connection becomes a client
    connection.py  what a Lark connection says, read and checked; extra.py reads its extra
    webhook.py     LarkWebhookHook, the same for a webhook bot; webhook_connection.py reads its connection
    calling.py     what both hooks share; call_settings.py how the calls of one task go
    api_call.py    a call of any API, on a worker or in the triggerer: call_events.py; upload_files.py what it sends
    diagnosis.py   whether a Lark connection works, as a message
    accounts.py    where workers share tokens and looked-up users
    database.py    a SQL connection becomes a SQLAlchemy engine
    backlog.py     how full the sync queue is, and whether a sensor may go on
    parameters.py  what tasks give, also as a template's text, read into what the core takes
    table_place.py the table that a task works on, as link, asset and lineage name it; assets.py reads such URIs
    record_condition.py   how many records a sensor waits for
    figures/       what is sent through Airflow's stats
    errors.py      the one translation of errors for Airflow
"""
