"""Lark's URL verification, sent by ourselves: whether a receiver answers, and has the same keys.

It changes nothing: a receiver answers it and stores nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from airflow_provider_lark.core.api.wire.secret import Secret

ANSWER_SECONDS = 1.0
"""So long Lark waits for the answer."""


def make_check(challenge: str, *, encrypt_key: Secret | None, verification_token: Secret | None) -> bytes:
    """Return the body of the request, as Lark sends it: encrypted where there is an Encrypt Key, and never signed."""
    token = verification_token.reveal() if verification_token is not None else ""
    plain = json.dumps({"challenge": challenge, "token": token, "type": "url_verification"}).encode()
    if encrypt_key is None:
        return plain
    return json.dumps({"encrypt": _encrypt(plain, encrypt_key)}).encode()


def is_answer(status: int, body: bytes, challenge: str) -> bool:
    """Tell whether a receiver with the same keys has answered."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return status == 200 and isinstance(answer, dict) and answer.get("challenge") == challenge


def _encrypt(plain: bytes, encrypt_key: Secret) -> str:
    iv, padder = secrets.token_bytes(16), PKCS7(algorithms.AES256.block_size).padder()
    key = hashlib.sha256(encrypt_key.reveal().encode()).digest()
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(iv)).encryptor()
    padded = padder.update(plain) + padder.finalize()
    return base64.b64encode(iv + encryptor.update(padded) + encryptor.finalize()).decode()


def show_url(url: str) -> str:
    """Return an address without what may be secret in it, and without the slash at its end: user, query, fragment."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return "an address that cannot be read"
    place = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme}://{place}{parts.path.rstrip('/')}"
