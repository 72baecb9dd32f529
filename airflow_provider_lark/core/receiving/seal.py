"""Signature and encryption of deliveries, as Lark's event documents give them (docs/reference/lark-api.md, events)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

_BLOCK_BYTES = 16


def event_signature(timestamp: str, nonce: str, encrypt_key: str, body: bytes) -> str:
    """Return the signature of an event, or of a click: over the bytes as they came, still encrypted.

    >>> body = b'{"encrypt":"P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="}'
    >>> event_signature("1599360473", "nonce1", "test key", body)
    'ee8135faf2b7472beb66183fd3bde52c40839d19923d173fb3c273d8bb72e2d9'
    """
    return hashlib.sha256(f"{timestamp}{nonce}{encrypt_key}".encode() + body).hexdigest()


def old_card_signature(timestamp: str, nonce: str, verification_token: str, body: bytes) -> str:
    """Return the signature of the old kind of click, ``card.action.trigger_v1``.

    >>> old_card_signature("1599360473", "nonce1", "vtoken", b'{"a":1}')
    '63981800cf80fb4254bd7147aef7a522f133811c'
    """
    text = f"{timestamp}{nonce}{verification_token}".encode() + body
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def is_same(given: str, expected: str) -> bool:
    """Compare two texts in a time that says nothing about where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass"))


def decrypt(sealed: str, encrypt_key: str) -> bytes:
    """Open an ``encrypt`` member: base64 of the IV and the AES-256-CBC text under the SHA-256 of the key.

    >>> decrypt("P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=", "test key")
    b'hello world'

    :raises ValueError: *sealed* was not made with this key, or is damaged.
    """
    try:
        raw = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise ValueError("not base64") from exc
    iv, text = raw[:_BLOCK_BYTES], raw[_BLOCK_BYTES:]
    if not text or len(text) % _BLOCK_BYTES:
        raise ValueError("not whole blocks")
    decryptor = Cipher(algorithms.AES256(hashlib.sha256(encrypt_key.encode()).digest()), modes.CBC(iv)).decryptor()
    padded = decryptor.update(text) + decryptor.finalize()
    unpadder = PKCS7(algorithms.AES256.block_size).unpadder()
    return unpadder.update(padded) + unpadder.finalize()
