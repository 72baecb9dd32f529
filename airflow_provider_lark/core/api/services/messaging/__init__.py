"""Messages: ``client.messaging``.

::

    content.py    what a message says, by type; mentions.py  people in it
    receivers.py  to whom; names.py  chats by name
    sending.py  changing.py  reading.py  sharing.py     the calls
    wire.py       what they return

Images and files go up and down by ``client.resources``, groups are ``client.chats``, emojis ``client.reactions``.
"""

from __future__ import annotations

from airflow_provider_lark.core.api.calls.namespace import D
from airflow_provider_lark.core.api.services.messaging.changing import Changing
from airflow_provider_lark.core.api.services.messaging.content import Content
from airflow_provider_lark.core.api.services.messaging.reading import Reading
from airflow_provider_lark.core.api.services.messaging.receivers import ReceiverIdType, infer_receiver_id_type
from airflow_provider_lark.core.api.services.messaging.sending import Sending
from airflow_provider_lark.core.api.services.messaging.sharing import Sharing

__all__ = ["Content", "Messaging", "ReceiverIdType", "infer_receiver_id_type"]


class Messaging(Sending[D], Changing[D], Reading[D], Sharing[D]):
    """The messaging API."""
