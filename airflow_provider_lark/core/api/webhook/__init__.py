"""Webhook bots of a group: messages without an app.

::

    address.py   where the bot is; a secret            signing.py   the signature of a message
    messages.py  what is given becomes a body          pace.py      when the next message may go
    answers.py   what Lark answers
    session.py   one message: size, rush, turn, send, read, retry
    client.py    the clients, sync and async           wire.py      httpx, given no secret

"""

from __future__ import annotations
