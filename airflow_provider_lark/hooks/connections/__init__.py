"""What a connection says: read and checked; every message names the connection and never a secret.

::

    lark.py  webhook.py     the two types of connection; settings.py  what both are made of
    extra.py                the members of a Lark connection's extra
    diagnosis.py            whether a Lark connection works
    rabbitmq.py  redis.py   connections of other types that a Lark connection names
"""
