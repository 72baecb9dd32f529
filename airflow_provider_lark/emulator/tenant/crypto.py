"""Signature and encryption of an event (lark-api §5.3)."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

_BLOCK: Final = 16


def sign(timestamp: str, nonce: str, encrypt_key: str, body: bytes) -> str:
    """The value of ``X-Lark-Signature`` for the bytes that are sent.

    >>> sign("1599360473", "nonce1", "test key", b'{"encrypt":"P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="}')[:16]
    'ee8135faf2b7472b'
    """
    return hashlib.sha256(f"{timestamp}{nonce}{encrypt_key}".encode() + body).hexdigest()


def sign_old(timestamp: str, nonce: str, verification_token: str, body: bytes) -> str:
    """The value of ``X-Lark-Signature`` for the old kind of click, which is not encrypted."""
    text = f"{timestamp}{nonce}{verification_token}".encode() + body
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def encrypt(plain: bytes, encrypt_key: str, iv: bytes) -> str:
    """Base64 of *iv* and the AES-256-CBC ciphertext, its key the SHA-256 of *encrypt_key*."""
    # the emulator's only heavy import, and only for apps with an Encrypt Key
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    missing = _BLOCK - len(plain) % _BLOCK
    padded = plain + bytes([missing]) * missing
    key = hashlib.sha256(encrypt_key.encode()).digest()
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(iv)).encryptor()
    return base64.b64encode(iv + encryptor.update(padded) + encryptor.finalize()).decode()
