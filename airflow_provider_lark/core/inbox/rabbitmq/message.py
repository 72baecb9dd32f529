"""A delivery as a message: sealed with the keys of the token store, bound to its app."""

from __future__ import annotations

import json

import amqp

from airflow_provider_lark.core.accounts.encryption import VARIABLE, Keyring
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.receiving.envelope import Delivery

_SHORT_BYTES = 255
"""The longest property of a message."""

_PERSISTENT = 2


class Unreadable(Exception):
    """A message that holds no delivery to this app, or that no key opens; its text says which."""


def make_message(keyring: Keyring, app_id: str, delivery: Delivery, *, at_ms: int) -> amqp.Message:
    """Return *delivery* as a persistent message.

    :param at_ms: when it came, UTC milliseconds.
    """
    told = {
        "app_id": app_id,
        "kind": delivery.kind,
        "type": delivery.type,
        "event_id": delivery.event_id,
        "sender_app_id": delivery.app_id,
        "tenant_key": delivery.tenant_key,
        "created_ms": delivery.created_ms,
        # of the old kind of click they depend on when it came
        "identities": delivery.identities,
        "body": delivery.body,
    }
    return amqp.Message(
        keyring.encrypt(Secret(json.dumps(told, ensure_ascii=False))),
        content_type="application/octet-stream",
        delivery_mode=_PERSISTENT,
        application_headers={"key_id": keyring.current_id},
        type=_short(delivery.type),
        app_id=_short(app_id),
        timestamp=at_ms // 1000,
    )


def read_message(keyring: Keyring, app_id: str, message: amqp.Message) -> Delivery:
    """Return the delivery that *message* holds.

    :raises Unreadable: it holds none, or one to another app, or no key opens it.
    """
    sealed, headers = message.body, message.headers or {}
    key_id = headers.get("key_id")
    text = sealed.decode("ascii", "replace") if isinstance(sealed, bytes) else str(sealed)
    plain = keyring.decrypt(text, key_id=key_id if isinstance(key_id, str) else None)
    if plain is None:
        raise Unreadable(f"none of the keys in {VARIABLE} can decrypt it; add the key it was encrypted with")
    try:
        told = json.loads(plain.reveal())
        if told["app_id"] != app_id:
            raise Unreadable("it is for another app")
        return Delivery(
            told["kind"],
            told["type"],
            told["event_id"],
            told["sender_app_id"],
            told["tenant_key"],
            told["created_ms"],
            told["body"],
            tuple(told["identities"]),
        )
    except (ValueError, TypeError, KeyError):
        raise Unreadable("it was encrypted with our key, but holds no delivery") from None


def _short(text: str) -> str:
    return text.encode("utf-8", "ignore")[:_SHORT_BYTES].decode("utf-8", "ignore")
