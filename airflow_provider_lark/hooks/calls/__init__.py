"""How calls go where a task says so.

::

    calling.py      what both hooks share; settings.py  time-out, proxy and retries of one task
    api_call.py     a call of any API; upload_files.py  the files that it sends
"""
