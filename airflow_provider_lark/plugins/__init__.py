"""What an Airflow installation gets without changes to its DAGs.

::

    lark.py             the plugin that Airflow loads: cheap to import, and empty unless [lark] says otherwise
    notify_settings.py  what [lark] says of notifications, read and checked
    listener.py         tells of every task and run that the settings name
    quiet_notifier.py   LarkNotifier that limits how often it logs the same
    outbox.py           a thread that sends for processes that must not wait: the scheduler, the API server
"""
