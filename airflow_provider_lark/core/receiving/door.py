"""The door: whether a request comes from Lark, and what it carries. Sans I/O; the same for every way in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.receiving.envelope import (
    Delivery,
    JsonObject,
    is_old_card_action,
    parse_object,
    read_delivery,
    token_of,
)
from airflow_provider_lark.core.receiving.refusal import Reason, Refused
from airflow_provider_lark.core.receiving.seal import decrypt, event_signature, is_same, old_card_signature

#: Lark's last redelivery comes 7 hours and 5 minutes after the first try, with the same headers
WINDOW_SECONDS = 8 * 3600

_TIMESTAMP = "x-lark-request-timestamp"
_NONCE = "x-lark-request-nonce"
_SIGNATURE = "x-lark-signature"

Signer = Callable[[str, str, str, bytes], str]


@dataclass(frozen=True, slots=True)
class Challenge:
    """Lark checks the address: answer with this object, within a second."""

    answer: dict[str, str] = field(repr=False)


class Door:
    """Lets in what Lark sent to one app.

    With an Encrypt Key, what comes must be encrypted and signed with it; only the check of the address comes unsigned.
    Without one, it must carry the verification token. The old kind of click is signed with the verification token and
    never encrypted.

    :param app_id: whose deliveries these are; those of another app are refused.
    :param encrypt_key: as in the developer console, *Events and callbacks*, *Encryption strategy*.
    :param verification_token: from the same page.
    :raises ConfigError: neither is given; anyone could send anything.
    """

    def __init__(
        self, app_id: str, *, encrypt_key: Secret | None = None, verification_token: Secret | None = None
    ) -> None:
        self._app_id = app_id
        self._key = encrypt_key.reveal() if encrypt_key is not None else ""
        self._token = verification_token.reveal() if verification_token is not None else ""
        if not self._key and not self._token:
            raise ConfigError(
                f"app {app_id}: neither an Encrypt Key nor a verification token is set, so requests cannot be "
                "verified as coming from Lark; copy them from the developer console (Events and callbacks) into the "
                "connection"
            )

    def receive(self, body: bytes, headers: Mapping[str, str], *, now_ms: int) -> Challenge | Delivery:
        """Tell what a request is.

        :param body: the bytes as they came.
        :param headers: by any spelling; those of a long connection are empty.
        :raises Refused: it is not from Lark, not for this app, or too old.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        outer = parse_object(body)
        if "encrypt" in outer:
            inner = self._open(outer, body, lower)
        else:
            inner = outer
            self._check_plain(outer, body, lower)
        if inner.get("type") == "url_verification":
            return self._answer_challenge(inner)
        if "encrypt" in outer:
            self._check_token_of_sealed(inner)
        if "encrypt" in outer or is_old_card_action(inner):
            _check_age(lower[_TIMESTAMP], now_ms)
        return _read(self._app_id, inner, now_ms)

    def _open(self, outer: JsonObject, body: bytes, headers: Mapping[str, str]) -> JsonObject:
        sealed = outer["encrypt"]
        if not self._key:
            raise Refused(
                Reason.KEY_MISSING,
                f"app {self._app_id}: deliveries come encrypted, and the connection has no Encrypt Key; copy it from "
                "the developer console into event_encrypt_key_secret of the connection",
            )
        is_signed = _is_signed(headers, event_signature, self._key, body)
        try:
            inner = parse_object(decrypt(sealed if isinstance(sealed, str) else "", self._key))
        except (ValueError, Refused) as exc:
            if is_signed and isinstance(exc, Refused):
                raise
            # answered like every other forgery, so that nobody can try out texts against the key
            raise Refused(
                Reason.KEY_DIFFERS,
                f"app {self._app_id}: a delivery cannot be decrypted; the Encrypt Key of the connection differs from "
                "the one in the developer console, or the request is not from Lark",
            ) from None
        if is_signed or (_SIGNATURE not in headers and inner.get("type") == "url_verification"):
            return inner
        if _SIGNATURE in headers:
            raise Refused(Reason.SIGNATURE, f"app {self._app_id}: the signature of a delivery is wrong")
        raise Refused(Reason.UNSIGNED, f"app {self._app_id}: an encrypted delivery came without a signature")

    def _check_plain(self, body: JsonObject, raw: bytes, headers: Mapping[str, str]) -> None:
        if is_old_card_action(body):
            if not self._token or not _is_signed(headers, old_card_signature, self._token, raw):
                raise Refused(Reason.SIGNATURE, f"app {self._app_id}: the signature of an old-style click is wrong")
            return
        if self._key:
            raise Refused(
                Reason.UNENCRYPTED,
                f"app {self._app_id}: the connection has an Encrypt Key, and a delivery came unencrypted; set the "
                "same key in the developer console, or remove it from the connection",
            )
        if not self._is_token(token_of(body)):
            raise Refused(Reason.TOKEN, f"app {self._app_id}: the verification token of a delivery is wrong")

    def _check_token_of_sealed(self, body: JsonObject) -> None:
        # the signature proves the sender; a token that comes along must fit all the same, as in Lark's own library
        token = token_of(body)
        if self._token and token is not None and not is_old_card_action(body) and not self._is_token(token):
            raise Refused(
                Reason.TOKEN,
                f"app {self._app_id}: a signed delivery carries another verification token than the connection; "
                "copy it from the developer console again",
            )

    def _is_token(self, token: object) -> bool:
        return isinstance(token, str) and bool(token) and is_same(token, self._token)

    def _answer_challenge(self, body: JsonObject) -> Challenge:
        challenge = body.get("challenge")
        # where no token is set, having encrypted it proves the sender
        if self._token and not self._is_token(body.get("token")):
            raise Refused(Reason.TOKEN, f"app {self._app_id}: the address was checked with a wrong verification token")
        if not isinstance(challenge, str):
            raise Refused(Reason.NO_ENVELOPE, f"app {self._app_id}: the address was checked without a challenge")
        return Challenge({"challenge": challenge})


def receive_trusted(app_id: str, body: bytes, *, now_ms: int) -> Delivery:
    """Read a delivery that came over a connection which the app opened itself: neither signed nor encrypted.

    :raises Refused: it is not a delivery, or belongs to another app.
    """
    return _read(app_id, parse_object(body), now_ms)


def _read(app_id: str, body: JsonObject, now_ms: int) -> Delivery:
    delivery = read_delivery(body, now_ms=now_ms)
    if delivery.app_id and delivery.app_id != app_id:
        raise Refused(
            Reason.OTHER_APP,
            f"app {app_id}: a delivery is meant for app {delivery.app_id}; its console names the address of this one",
        )
    return delivery


def _is_signed(headers: Mapping[str, str], sign: Signer, secret: str, body: bytes) -> bool:
    given = [headers.get(name, "") for name in (_TIMESTAMP, _NONCE, _SIGNATURE)]
    return all(given[::2]) and is_same(given[2], sign(given[0], given[1], secret, body))


def _check_age(timestamp: str, now_ms: int) -> None:
    """Refuse what was recorded and is played back; a clock of ours that is off by an hour refuses nothing."""
    try:
        sent_ms = int(timestamp) * 1000
    except ValueError:
        raise Refused(Reason.STALE, "the timestamp of a delivery is not a number of seconds") from None
    if abs(now_ms - sent_ms) > WINDOW_SECONDS * 1000:
        raise Refused(
            Reason.STALE,
            "a delivery was signed more than 8 hours ago, or the clock of this machine is wrong by as much",
        )
