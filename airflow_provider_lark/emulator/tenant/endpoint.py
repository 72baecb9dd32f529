"""An app's request URL: how events reach it, and the check that it is the app's (lark-api §5.3)."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from airflow_provider_lark.emulator.formats.jsontext import parse_json
from airflow_provider_lark.emulator.ids import Ids
from airflow_provider_lark.emulator.tenant import crypto

CONNECT_SECONDS: Final = 2.0
_MAX_ANSWER: Final = 65_536
RECORD_CHANGED: Final = "drive.file.bitable_record_changed_v1"
FIELD_CHANGED: Final = "drive.file.bitable_field_changed_v1"
APP_TICKET: Final = "app_ticket"


class Unacknowledged(Exception):
    """The URL did not take what was sent; the message says how."""


@dataclass(frozen=True)
class Endpoint:
    """Where an app wants its events, and the secrets it shares with the platform."""

    url: str
    encrypt_key: str = field(default="", repr=False)
    verification_token: str = field(default="", repr=False)
    event_types: frozenset[str] = frozenset({RECORD_CHANGED, FIELD_CHANGED})
    """The events added to the app in the console (§5.1, step a)."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        # asking for the port also checks it
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
            msg = "an event URL begins with http:// or https:// and names a host"
            raise ValueError(msg)

    def seal(self, payload: Mapping[str, object], ids: Ids) -> bytes:
        """The body that is sent: encrypted when the app has an Encrypt Key."""
        plain = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        if not self.encrypt_key:
            return plain
        sealed = crypto.encrypt(plain, self.encrypt_key, ids.noise(16))
        return json.dumps({"encrypt": sealed}).encode()

    def signature(self, body: bytes, now: float, ids: Ids) -> dict[str, str]:
        """The headers that prove the sender; none without an Encrypt Key."""
        if not self.encrypt_key:
            return {}
        timestamp, nonce = str(int(now)), ids.make("", 10)
        return {
            "X-Lark-Request-Timestamp": timestamp,
            "X-Lark-Request-Nonce": nonce,
            "X-Lark-Signature": crypto.sign(timestamp, nonce, self.encrypt_key, body),
        }

    def old_signature(self, body: bytes, now: float, ids: Ids) -> dict[str, str]:
        """The headers of the old kind of click: signed with the Verification Token (§5.4)."""
        timestamp, nonce = str(int(now)), ids.make("", 10)
        return {
            "X-Lark-Request-Timestamp": timestamp,
            "X-Lark-Request-Nonce": nonce,
            "X-Lark-Signature": crypto.sign_old(timestamp, nonce, self.verification_token, body),
        }

    def verify(self, ids: Ids, *, timeout_seconds: float) -> None:
        """Send a challenge, without signature, and see that it comes back.

        :raises Unacknowledged: it did not.
        """
        challenge = ids.make("", 36)
        asked = {"challenge": challenge, "token": self.verification_token, "type": "url_verification"}
        status, answer = Post(self.url).send(self.seal(asked, ids), {}, timeout_seconds=timeout_seconds)
        try:
            returned = parse_json(answer).get("challenge")
        except (ValueError, AttributeError):
            returned = None
        if status != http.client.OK or returned != challenge:
            msg = f"{self.url} answered the challenge with HTTP {status}, not with the challenge"
            raise Unacknowledged(msg)


class Post:
    """One request to an app's URL, which :meth:`cut` may end from another thread."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._parts = urlsplit(url)
        self._connection: http.client.HTTPConnection | None = None

    def send(self, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float) -> tuple[int, bytes]:
        """Status and body of the answer.

        :raises Unacknowledged: no answer in time, or none at all.
        """
        connection = self._connection = self._open(min(CONNECT_SECONDS, timeout_seconds))
        path = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        try:
            connection.connect()
            connection.sock.settimeout(timeout_seconds)
            connection.request("POST", path, body, {"Content-Type": "application/json; charset=utf-8", **headers})
            answer = connection.getresponse()
            return answer.status, answer.read(_MAX_ANSWER)
        except TimeoutError as exc:
            msg = f"{self._url} did not answer within {timeout_seconds:g} s"
            raise Unacknowledged(msg) from exc
        except (OSError, http.client.HTTPException, UnicodeError) as exc:
            msg = f"{self._url} gave no answer: {type(exc).__name__}"
            raise Unacknowledged(msg) from exc
        finally:
            connection.close()

    def _open(self, timeout_seconds: float) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=timeout_seconds, context=context)
        return http.client.HTTPConnection(host, port, timeout=timeout_seconds)

    def cut(self) -> None:
        """Close the connection under a waiting :meth:`send`."""
        sock = self._connection.sock if self._connection is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
