"""What Lark does to a delivery before it sends it, written anew for tests: the door must not check itself."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from typing import Any


def encrypt(plain: bytes, key: str, iv: bytes = bytes(range(16))) -> bytes:
    """Return a body with the member ``encrypt``, made by the openssl program."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    command = ["openssl", "enc", "-aes-256-cbc", "-K", digest, "-iv", iv.hex()]
    sealed = subprocess.run(command, input=plain, capture_output=True, check=True).stdout
    return json.dumps({"encrypt": base64.b64encode(iv + sealed).decode()}).encode()


def signed(body: bytes, key: str, *, at: int, nonce: str = "nonce1") -> dict[str, str]:
    """Return the headers of an event."""
    signature = hashlib.sha256(f"{at}{nonce}{key}".encode() + body).hexdigest()
    return _headers(at, nonce, signature)


def signed_click(body: bytes, token: str, *, at: int, nonce: str = "nonce1") -> dict[str, str]:
    """Return the headers of an old-style click."""
    signature = hashlib.sha1(f"{at}{nonce}{token}".encode() + body, usedforsecurity=False).hexdigest()
    return _headers(at, nonce, signature)


def _headers(at: int, nonce: str, signature: str) -> dict[str, str]:
    return {"X-Lark-Request-Timestamp": str(at), "X-Lark-Request-Nonce": nonce, "X-Lark-Signature": signature}


def event(**header: Any) -> dict[str, Any]:
    """Return an event in the new envelope."""
    return {
        "schema": "2.0",
        "header": {
            "event_id": "e1",
            "event_type": "drive.file.bitable_record_changed_v1",
            "create_time": "1608725989000",
            "token": "vtoken",
            "app_id": "cli_1",
            "tenant_key": "t1",
            **header,
        },
        "event": {"file_token": "bas1", "table_id": "tbl1", "action_list": []},
    }


def click(value: object = None, *, at_us: int = 1_608_725_989_000_000, **action: Any) -> dict[str, Any]:
    """Return a click on a card."""
    body = event(event_type="card.action.trigger", create_time=str(at_us), event_id=f"c{at_us}{value}{action}")
    body["event"] = {
        "operator": {"open_id": "ou_1", "tenant_key": "t1"},
        "token": "c-1",
        "action": {"value": value, "tag": "button", **action},
        "host": "im_message",
        "context": {"open_message_id": "om_1", "open_chat_id": "oc_1"},
    }
    return body


def old_click(value: object = None, **action: Any) -> dict[str, Any]:
    """Return a click of the old kind."""
    return {
        "open_id": "ou_1",
        "user_id": "u1",
        "open_message_id": "om_1",
        "open_chat_id": "oc_1",
        "tenant_key": "t1",
        "token": "c-2",
        "action": {"value": value, "tag": "button", **action},
    }


def dump(body: object) -> bytes:
    """Return JSON as bytes."""
    return json.dumps(body, ensure_ascii=False).encode()
