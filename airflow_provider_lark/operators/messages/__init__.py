"""What the operators of messages share.

::

    base.py         a client, ids of messages, what a message says
    files.py        files and images of a task
    delivering.py   a message on its way to its receivers
    sent_once.py    what a task remembers over its tries
"""
