"""Who may speak: signatures, keys, tokens and the check of the address (issue inputs 7.01 to 7.06, 7.41)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.receiving.door import WINDOW_SECONDS, Challenge, Door, receive_trusted
from airflow_provider_lark.core.receiving.envelope import DEPTH_MAX, Delivery
from airflow_provider_lark.core.receiving.refusal import Reason, Refused
from tests.core.receiving.sealing import click, dump, encrypt, event, old_click, signed, signed_click

KEY, TOKEN, AT = "test key", "vtoken", 1_599_360_473
NOW_MS = AT * 1000


def door(*, key: str | None = KEY, token: str | None = TOKEN) -> Door:
    return Door(
        "cli_1", encrypt_key=(key and Secret(key)) or None, verification_token=(token and Secret(token)) or None
    )


def receive(gate: Door, body: bytes, headers: dict[str, str] | None = None, *, now_ms: int = NOW_MS) -> Any:
    return gate.receive(body, headers or {}, now_ms=now_ms)


def refusal(gate: Door, body: bytes, headers: dict[str, str] | None = None, *, now_ms: int = NOW_MS) -> Refused:
    with pytest.raises(Refused) as caught:
        receive(gate, body, headers, now_ms=now_ms)
    return caught.value


CHALLENGE = (
    b'{"encrypt":"AAECAwQFBgcICQoLDA0OD6alpwIsMFbSsWTHppjb1mGOKBkY13tTrQCEtlgMV7U1GxjJVWZpL40WMrM2RoHfmjqvv8RtXaHlSu'
    b'+nCjkxKrBhu9Kf60NEtnpo7LYSSDav"}'
)


def test_encrypted_and_unsigned_check_of_the_address_is_answered() -> None:
    assert receive(door(), CHALLENGE) == Challenge({"challenge": "abc123"})


def test_check_of_the_address_with_another_token_is_not_echoed() -> None:
    refused = refusal(door(token="other"), CHALLENGE)
    assert (refused.reason, refused.status) == (Reason.TOKEN, 401)
    assert "abc123" not in str(refused)


def test_check_of_the_address_without_a_token_of_ours_is_proved_by_its_encryption() -> None:
    assert receive(door(token=None), CHALLENGE) == Challenge({"challenge": "abc123"})


def test_plain_check_of_the_address_needs_the_token() -> None:
    body = {"challenge": "c", "token": TOKEN, "type": "url_verification"}
    assert receive(door(key=None), dump(body)) == Challenge({"challenge": "c"})
    assert refusal(door(key=None), dump({**body, "token": "x"})).reason == Reason.TOKEN


def test_plain_check_of_the_address_is_refused_where_a_key_is_set() -> None:
    body = dump({"challenge": "c", "token": TOKEN, "type": "url_verification"})
    refused = refusal(door(), body)
    assert (refused.reason, refused.status) == (Reason.UNENCRYPTED, 503)


@pytest.mark.parametrize("challenge", [None, 7, ["c"], {}])
def test_check_of_the_address_without_a_text_to_echo_is_refused(challenge: object) -> None:
    body = dump({"challenge": challenge, "token": TOKEN, "type": "url_verification"})
    assert refusal(door(key=None), body).reason == Reason.NO_ENVELOPE


def test_any_other_unsigned_encrypted_delivery_is_refused() -> None:
    refused = refusal(door(), encrypt(dump(event()), KEY))
    assert (refused.reason, refused.status) == (Reason.UNSIGNED, 401)


@pytest.mark.parametrize("token", [None, "", 0, [], {}, "other", "vtoken "])
def test_token_that_is_no_token_never_fits(token: object) -> None:
    gate = door(key=None)
    assert refusal(gate, dump(event(token=token))).reason == Reason.TOKEN
    old = {"uuid": "u1", "token": token, "type": "event_callback", "event": {"type": "x"}}
    assert refusal(gate, dump(old)).reason == Reason.TOKEN


def test_absent_token_never_fits() -> None:
    """Input 7.02, as are the two around it."""
    body = event()
    del body["header"]["token"]
    assert refusal(door(key=None), dump(body)).reason == Reason.TOKEN


@pytest.mark.parametrize(("key", "token"), [(None, None), ("", ""), (None, "")])
def test_app_without_key_and_token_is_not_served(key: str | None, token: str | None) -> None:
    with pytest.raises(ConfigError, match="neither an Encrypt Key nor a verification token"):
        Door(
            "cli_1",
            encrypt_key=None if key is None else Secret(key),
            verification_token=None if token is None else Secret(token),
        )


def test_encrypted_delivery_without_a_key_of_ours_is_not_acknowledged() -> None:
    body = encrypt(dump(event()), KEY)
    refused = refusal(door(key=None), body, signed(body, KEY, at=AT))
    assert (refused.reason, refused.status) == (Reason.KEY_MISSING, 503)
    assert "event_encrypt_key_secret" in str(refused)


def test_delivery_under_a_new_key_is_not_acknowledged_and_taken_once_the_key_is_set() -> None:
    body = encrypt(dump(event()), "new key")
    headers = signed(body, "new key", at=AT)
    assert refusal(door(), body, headers).reason == Reason.KEY_DIFFERS
    assert receive(door(key="new key"), body, headers).event_id == "e1"


def test_signature_covers_the_bytes_as_they_came() -> None:
    """Input 7.04: vectors computed outside of this project; the body is plain, which only an old click may be."""
    from airflow_provider_lark.core.receiving.seal import event_signature

    text = (
        '{"schema": "2.0",  "header": {"event_id": "e1", "token": "vtoken"}, '
        '"event": {"name": "中文", "n": 1.0, "s": "\\u4e2d"}}'
    )
    raw = text.encode()
    assert len(raw) == 121
    right = "7c70edeed42b186e34211ec01a4e072c210cc6b7c6402bf1e6d522156906e7bf"
    of_another_form = "7af6d437b8a89e8b2cecb172e84940eb18261c5b5b39985de661cf1b572d954c"
    assert event_signature("1599360473", "nonce1", KEY, raw) == right != of_another_form


def test_body_that_is_signed_in_another_form_is_refused() -> None:
    body = encrypt(dump(event()), KEY)
    spaced = body.replace(b'{"encrypt": ', b'{ "encrypt":')
    assert json.loads(spaced) == json.loads(body)
    assert refusal(door(), spaced, signed(body, KEY, at=AT)).reason == Reason.SIGNATURE


@pytest.mark.parametrize("missing", ["X-Lark-Request-Timestamp", "X-Lark-Signature"])
def test_signature_with_a_header_missing_is_refused(missing: str) -> None:
    body = encrypt(dump(event()), KEY)
    headers = signed(body, KEY, at=AT)
    del headers[missing]
    assert refusal(door(), body, headers).status == 401


def test_headers_are_read_in_any_spelling() -> None:
    body = encrypt(dump(event()), KEY)
    headers = {name.lower(): value for name, value in signed(body, KEY, at=AT).items()}
    assert isinstance(receive(door(), body, headers), Delivery)


@pytest.mark.parametrize("after_seconds", [0, 15, 315, 3915, 25_515])
def test_every_redelivery_of_lark_is_taken(after_seconds: int) -> None:
    body = encrypt(dump(event()), KEY)
    now_ms = (AT + after_seconds) * 1000
    assert receive(door(), body, signed(body, KEY, at=AT), now_ms=now_ms).event_id == "e1"


@pytest.mark.parametrize("skew_seconds", [3600, -3600])
def test_clock_that_is_off_by_an_hour_refuses_nothing(skew_seconds: int) -> None:
    body = encrypt(dump(event()), KEY)
    assert receive(door(), body, signed(body, KEY, at=AT), now_ms=(AT + skew_seconds) * 1000).event_id == "e1"


@pytest.mark.parametrize("after_seconds", [WINDOW_SECONDS + 1, 2 * 86_400, -WINDOW_SECONDS - 1])
def test_what_was_recorded_and_is_played_back_is_refused(after_seconds: int) -> None:
    body = encrypt(dump(event()), KEY)
    refused = refusal(door(), body, signed(body, KEY, at=AT), now_ms=(AT + after_seconds) * 1000)
    assert (refused.reason, refused.status) == (Reason.STALE, 401)


def test_timestamp_that_is_no_number_is_refused() -> None:
    import hashlib

    body = encrypt(dump(event()), KEY)
    signature = hashlib.sha256(b"nownonce1" + KEY.encode() + body).hexdigest()
    headers = {
        "X-Lark-Request-Timestamp": "now",
        "X-Lark-Request-Nonce": "nonce1",
        "X-Lark-Signature": signature,
    }
    assert refusal(door(), body, headers).reason == Reason.STALE


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.NOT_JSON),
        (b"hello", Reason.NOT_JSON),
        (b"[]", Reason.NOT_JSON),
        (b'"x"', Reason.NOT_JSON),
        (b'{"header": ', Reason.NOT_JSON),
        (b"\xff\xfe{\x00}\x00", Reason.NOT_JSON),
        (b'{"n": ' + b"9" * 5000 + b"}", Reason.NOT_JSON),
        (b"[" * 100_000, Reason.TOO_DEEP),
        (b'{"a":' * 500 + b"1" + b"}" * 500, Reason.TOO_DEEP),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, Reason.TOO_DEEP),
    ],
)
def test_what_is_no_delivery_is_refused_without_a_traceback(body: bytes, reason: Reason) -> None:
    refused = refusal(door(key=None), body)
    assert (refused.reason, refused.status) == (reason, 400)


def test_nesting_up_to_the_limit_is_read() -> None:
    body: dict[str, Any] = event()
    inner: object = 1
    for _ in range(DEPTH_MAX - 2):
        inner = [inner]
    body["event"]["deep"] = inner
    assert receive(door(key=None), dump(body)).event_id == "e1"
    body["event"]["deep"] = [[inner]]
    assert refusal(door(key=None), dump(body)).reason == Reason.TOO_DEEP


def test_deep_nesting_inside_an_encrypted_body_is_refused() -> None:
    body = encrypt(b'{"a":' + b"[" * 1_000_000 + b"}", KEY)
    assert refusal(door(), body, signed(body, KEY, at=AT)).reason == Reason.TOO_DEEP


def test_forgeries_against_the_key_all_look_alike_from_outside() -> None:
    """Nobody may learn from the answer whether a text of theirs came out of the decryption well formed."""
    good = json.loads(encrypt(dump(event()), KEY))["encrypt"]
    tampered = good[:-8] + ("A" * 7) + "="
    answers = {
        refusal(door(), dump({"encrypt": text})).status
        for text in [good, tampered, "", "x", "AAAA", good[:64], json.loads(encrypt(b"no json", KEY))["encrypt"]]
    }
    assert answers == {401}


@pytest.mark.parametrize("sealed", [None, 7, [], {}])
def test_encrypt_that_is_no_text_is_refused(sealed: object) -> None:
    assert refusal(door(), dump({"encrypt": sealed})).status == 401


def test_unencrypted_delivery_is_refused_where_a_key_is_set() -> None:
    body = dump(event())
    assert refusal(door(), body).reason == Reason.UNENCRYPTED
    assert refusal(door(), body, signed(body, KEY, at=AT)).reason == Reason.UNENCRYPTED


def test_forged_token_inside_a_signed_delivery_is_refused() -> None:
    body = encrypt(dump(event(token="forged")), KEY)
    assert refusal(door(), body, signed(body, KEY, at=AT)).reason == Reason.TOKEN


def test_delivery_for_another_app_is_refused_by_name() -> None:
    body = encrypt(dump(event(app_id="cli_2")), KEY)
    refused = refusal(door(), body, signed(body, KEY, at=AT))
    assert (refused.reason, refused.status) == (Reason.OTHER_APP, 503)
    assert "cli_2" in str(refused)


def test_json_that_is_no_envelope_is_refused() -> None:
    assert refusal(door(key=None), dump({"token": TOKEN, "hello": 1})).reason == Reason.NO_ENVELOPE


def test_old_click_is_signed_with_the_token_also_where_a_key_is_set() -> None:
    body = dump(old_click({"a": 1}))
    delivery = receive(door(), body, signed_click(body, TOKEN, at=AT))
    assert (delivery.kind, delivery.type) == ("card", "card.action.trigger_v1")
    assert refusal(door(), body, signed_click(body, "other", at=AT)).reason == Reason.SIGNATURE
    assert refusal(door(token=None), body, signed_click(body, "", at=AT)).reason == Reason.SIGNATURE
    assert refusal(door(), body).reason == Reason.SIGNATURE
    stale = signed_click(body, TOKEN, at=AT - WINDOW_SECONDS - 1)
    assert refusal(door(), body, stale).reason == Reason.STALE


def test_old_envelope_is_verified_by_its_token_and_known_by_its_uuid() -> None:
    body = (
        b'{"uuid":"u1","token":"vtoken","ts":"1599360473.5","type":"event_callback","event":'
        b'{"type":"approval_instance","approval_code":"A","instance_code":"I","status":"APPROVED"}}'
    )
    by_webhook = receive(door(key=None), body)
    by_socket = receive_trusted("cli_1", body, now_ms=NOW_MS)
    assert by_webhook.identities == by_socket.identities
    assert (by_webhook.type, by_webhook.event_id) == ("approval_instance", "u1")
    assert by_webhook.created_ms == 1_599_360_473_500


def test_what_a_long_connection_brings_is_neither_signed_nor_encrypted() -> None:
    assert receive_trusted("cli_1", dump(click({"a": 1})), now_ms=NOW_MS).kind == "card"
    with pytest.raises(Refused, match="cli_2"):
        receive_trusted("cli_1", dump(event(app_id="cli_2")), now_ms=NOW_MS)


def test_refusals_and_deliveries_show_no_secret() -> None:
    body = encrypt(dump(event(token="forged")), KEY)
    refused = refusal(door(), body, signed(body, KEY, at=AT))
    shown = f"{refused!r} {door()!r} {receive_trusted('cli_1', dump(event()), now_ms=NOW_MS)!r}"
    assert KEY not in shown
    assert TOKEN not in shown
