"""The door for decisions of the approval centre: who may speak, and what is kept of what they say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.receiving.approval_door import (
    APPROVAL_DECISION,
    REASON_LENGTH_MAX,
    ApprovalDoor,
    callback_secrets,
    read_decision,
)
from airflow_provider_lark.core.receiving.envelope import Delivery
from airflow_provider_lark.core.receiving.refusal import Refused
from tests.core.receiving.sealing import dump, encrypt

SECRETS = callback_secrets("cli_1", encrypt_key=Secret("test key"))
NOW = 1_608_725_989_000


def callback(**changes: Any) -> dict[str, Any]:
    """What the centre sends for our definitions, before it seals it; what is None is left out."""
    told = {
        "action_type": "APPROVE",
        "action_context": "af-1",
        "user_id": "b85s39b",
        "approval_code": "A3895051",
        "instance_id": "af-1",
        "task_id": "af-1-lin",
        "reason": "ok",
        "attachments": [],
        "token": SECRETS.token.reveal(),
        **changes,
    }
    return {name: value for name, value in told.items() if value is not None}


def receive(body: Any, key: str = SECRETS.key.reveal()) -> Delivery:
    return ApprovalDoor("cli_1", SECRETS).receive(encrypt(dump(body), key), {}, now_ms=NOW)


def test_decision_is_kept_without_the_token() -> None:
    delivery = receive(callback())
    assert (delivery.kind, delivery.type, delivery.subject, delivery.created_ms) == (
        "approval",
        APPROVAL_DECISION,
        "af-1",
        NOW,
    )
    decision = read_decision(delivery.event)
    assert (decision.action, decision.instance_id, decision.task_id) == ("APPROVE", "af-1", "af-1-lin")
    assert (decision.user_id, decision.reason) == ("b85s39b", "ok")
    assert SECRETS.token.reveal() not in str(delivery.body)


def test_secrets_are_the_same_each_time_and_another_apps_differ() -> None:
    again = callback_secrets("cli_1", encrypt_key=Secret("test key"), verification_token=Secret("other"))
    assert (again.token, again.key) == (SECRETS.token, SECRETS.key)
    other = callback_secrets("cli_2", encrypt_key=Secret("test key"))
    by_token = callback_secrets("cli_1", encrypt_key=Secret(""), verification_token=Secret("test key"))
    assert len({SECRETS.token.reveal(), SECRETS.key.reveal(), other.token.reveal(), other.key.reveal()}) == 4
    assert by_token.token == SECRETS.token
    assert "canary" not in repr(callback_secrets("a", encrypt_key=Secret("canary")))
    with pytest.raises(ConfigError, match="cannot be verified"):
        callback_secrets("cli_1", verification_token=Secret(""))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        pytest.param(callback(token="forged"), "wrong_token", id="token"),
        pytest.param(callback(token=None), "wrong_token", id="no token"),
        pytest.param(callback(token=""), "wrong_token", id="empty token"),
        pytest.param(callback(token=["x"]), "wrong_token", id="token that is no text"),
        pytest.param(callback(action_type="LATER"), "no_envelope", id="other button"),
        pytest.param(callback(user_id=None), "no_envelope", id="nobody"),
        pytest.param(callback(user_id={"a": 1}), "no_envelope", id="user that is no text"),
        pytest.param(callback(instance_id=None, action_context=None), "no_envelope", id="no instance"),
        pytest.param(callback(instance_id="i" * 129), "no_envelope", id="instance too long"),
    ],
)
def test_what_is_no_decision_of_ours_is_refused(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused) as refused:
        receive(given)
    assert refused.value.reason == reason
    assert SECRETS.token.reveal() not in refused.value.message
    assert refused.value.status >= 400


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(dump(callback()), "unencrypted", id="unencrypted, with the right token"),
        pytest.param(encrypt(dump(callback()), "other key"), "encrypt_key_differs", id="other key"),
        pytest.param(dump({"encrypt": 5}), "encrypt_key_differs", id="no text"),
        pytest.param(dump({"encrypt": "AAAA"}), "encrypt_key_differs", id="too short"),
        pytest.param(b"[" * 100_000, "too_deep", id="deep"),
        pytest.param(b"\xff", "not_json", id="no text at all"),
        pytest.param(encrypt(b"no json", SECRETS.key.reveal()), "encrypt_key_differs", id="sealed, no JSON"),
        pytest.param(
            encrypt(b'{"a":' * 80 + b"1" + b"}" * 80, SECRETS.key.reveal()), "encrypt_key_differs", id="sealed, deep"
        ),
    ],
)
def test_what_was_not_sealed_by_the_centre_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        ApprovalDoor("cli_1", SECRETS).receive(body, {}, now_ms=NOW)
    assert refused.value.reason == reason


def test_same_press_is_one_decision_and_another_button_is_another() -> None:
    first = receive(callback()).identities
    assert receive(callback(attachments=[{"file_name": "a"}])).identities == first
    others = [
        receive(callback(**change)).identities
        for change in ({"action_type": "REJECT"}, {"user_id": "u2"}, {"reason": "no"}, {"task_id": "t2"})
    ]
    assert len({first, *others}) == 5


def test_decision_from_a_search_is_told_by_what_its_task_carried() -> None:
    decision = read_decision(receive(callback(instance_id=None, task_id=None, id="af-1-lin")).event)
    assert (decision.instance_id, decision.task_id) == ("af-1", "af-1-lin")


def test_long_reason_is_cut_and_an_odd_one_is_none() -> None:
    assert len(read_decision(receive(callback(reason="字" * 50_000)).event).reason) == REASON_LENGTH_MAX
    assert read_decision(receive(callback(reason={"a": 1})).event).reason == ""
    half = json.dumps(callback(reason="a\ud800")).encode()
    delivery = ApprovalDoor("cli_1", SECRETS).receive(encrypt(half, SECRETS.key.reveal()), {}, now_ms=NOW)
    assert read_decision(delivery.event).reason == "a?"
