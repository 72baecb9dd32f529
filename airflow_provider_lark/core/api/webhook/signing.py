"""The signature of a message to a webhook bot, and the body that carries it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from airflow_provider_lark.core.api.wire.secret import Secret


def sign(secret: Secret, timestamp: str) -> str:
    """Return the signature for *timestamp*, seconds since the epoch: time and secret are the key, the message is empty.

    >>> sign(Secret("demo"), "1599360473")
    'l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8='
    """
    key = f"{timestamp}\n{secret.reveal()}".encode()
    return base64.b64encode(hmac.new(key, digestmod=hashlib.sha256).digest()).decode()


def signed(body: Mapping[str, Any], secret: Secret | None, now: float) -> dict[str, Any]:
    """Return *body* as it is sent at *now*: with time and signature in front where the bot wants them.

    :param secret: the bot's signing secret; None: it has none.
    """
    if secret is None:
        return dict(body)
    timestamp = str(int(now))
    return {"timestamp": timestamp, "sign": sign(secret, timestamp), **body}
