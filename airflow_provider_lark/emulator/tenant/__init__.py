"""The parts of a tenant, each by itself; :mod:`airflow_provider_lark.emulator.state` holds it and changes it.

::

    model.py  kinds.py          bases, tables, fields, records and views; the types of fields
    directory.py  chats.py      people and groups
    changes.py                  what changed, as subscribers are told
    endpoint.py  crypto.py      an app's request URL, and the seal of what it is sent
"""
