"""What an installation of Airflow gets without a line in a DAG.

::

    lark.py             the plugin that Airflow loads: cheap to import, and empty unless [lark] says otherwise
    notify_settings.py  what [lark] says of notifications, read and checked
    listener.py         tells of every task and run that the settings name
    quiet_notifier.py   LarkNotifier that says the same in the log once in a while
    outbox.py           a thread that sends for processes that must not wait: the scheduler, the API server
"""
