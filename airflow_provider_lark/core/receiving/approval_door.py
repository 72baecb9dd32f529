"""The door for decisions of the approval centre: whether a callback comes from Lark, and what somebody pressed.

The centre signs nothing: a token that we gave it comes back, and what it sends is sealed with a key that we gave it.
Both are made from the secrets that the connection has anyway, so nobody has to think them up or copy them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import ConfigError
from airflow_provider_lark.core.receiving.envelope import Delivery, JsonObject, parse_object
from airflow_provider_lark.core.receiving.refusal import Reason, Refused
from airflow_provider_lark.core.receiving.seal import decrypt, is_same

APPROVAL_DECISION = "approval.external.decision"
"""The type under which decisions stand in the inbox; Lark gives them none."""

REASON_LENGTH_MAX = 10_000
"""Characters of a reason that are kept; a person types a few hundred."""

_ID_LENGTH_MAX = 128


@dataclass(frozen=True, slots=True)
class CallbackSecrets:
    """What the centre shows with a callback, and with what it seals it."""

    token: Secret = field(repr=False)
    key: Secret = field(repr=False)


def callback_secrets(
    app_id: str, *, encrypt_key: Secret | None = None, verification_token: Secret | None = None
) -> CallbackSecrets:
    """Return the secrets of an app's definitions: always the same for the same secrets of its events.

    :raises ConfigError: neither is given.
    """
    known = next((each for each in (encrypt_key, verification_token) if each is not None and each.reveal()), None)
    if known is None:
        raise ConfigError(
            f"app {app_id}: neither an Encrypt Key nor a verification token is set, so callbacks of the approval "
            "centre cannot be verified; copy them from the developer console (Events and callbacks) "
            "into the connection"
        )
    made = {
        purpose: hmac.new(known.reveal().encode(), f"approval {purpose}\0{app_id}".encode(), hashlib.sha256).hexdigest()
        for purpose in ("token", "key")
    }
    return CallbackSecrets(Secret(made["token"]), Secret(made["key"]))


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody pressed in the approval centre.

    :param instance_id: empty where the centre named the task only.
    :param user_id: who pressed; of no other kind of id.
    :param context: what the task carried.
    :param reason: empty where none was given; cut at :data:`REASON_LENGTH_MAX`.
    """

    action: Literal["APPROVE", "REJECT"]
    instance_id: str
    task_id: str
    user_id: str
    context: str = ""
    reason: str = ""


class ApprovalDoor:
    """Lets in what the approval centre sends for the definitions of one app.

    :param secrets: see :func:`callback_secrets`.
    """

    def __init__(self, app_id: str, secrets: CallbackSecrets) -> None:
        self._app_id = app_id
        self._secrets = secrets

    def receive(self, body: bytes, headers: Mapping[str, str], *, now_ms: int) -> Delivery:
        """Tell what somebody pressed.

        :param headers: the centre's say nothing.
        :param now_ms: when it arrived: the centre does not say when it was pressed.
        :raises Refused: it is not from Lark, or no decision.
        """
        outer = parse_object(body)
        if "encrypt" not in outer:
            # our definitions have a key; what comes without its seal was made by somebody who has none
            raise Refused(
                Reason.UNENCRYPTED,
                f"app {self._app_id}: a callback of the approval centre came unencrypted; its definition was not made "
                "by this package, or the request is not from Lark",
            )
        sealed = outer["encrypt"]
        try:
            inner = parse_object(decrypt(sealed if isinstance(sealed, str) else "", self._secrets.key.reveal()))
        except (ValueError, Refused):
            raise Refused(
                Reason.KEY_DIFFERS,
                f"app {self._app_id}: a callback of the approval centre cannot be decrypted; the secrets of the "
                "connection have changed since its definition was made (the next approval makes it anew), or the "
                "request is not from Lark",
            ) from None
        token = inner.get("token")
        if not isinstance(token, str) or not is_same(token, self._secrets.token.reveal()):
            raise Refused(Reason.TOKEN, f"app {self._app_id}: the token of a callback of the approval centre is wrong")
        return self._deliver(read_decision(inner), now_ms)

    def _deliver(self, decision: Decision, now_ms: int) -> Delivery:
        event: JsonObject = {
            name: getattr(decision, name)
            for name in ("action", "instance_id", "task_id", "user_id", "context", "reason")
        }
        # the same person, task, button and words are one decision, however often it is told
        text = json.dumps([self._app_id, event], ensure_ascii=False, sort_keys=True)
        identity = hashlib.sha256(f"approval\0{text}".encode("utf-8", "surrogatepass")).hexdigest()
        # without the token: what is kept may be shown to people who look for a fault
        return Delivery("approval", APPROVAL_DECISION, "", self._app_id, "", now_ms, {"event": event}, (identity,))


def read_decision(event: JsonObject) -> Decision:
    """Read what a callback says, or what was kept of it.

    :raises Refused: it is no decision.
    """
    action = event.get("action_type", event.get("action"))
    user_id = event.get("user_id")
    context, reason = (event.get(name) for name in ("action_context", "reason"))
    context = event.get("context") if context is None else context
    instance_id, task_id = event.get("instance_id"), event.get("task_id") or event.get("id")
    context = context if isinstance(context, str) else ""
    if action not in ("APPROVE", "REJECT") or not isinstance(user_id, str) or not user_id:
        raise Refused(Reason.NO_ENVELOPE, "a callback of the approval centre says neither who decided nor what")
    if not (instance_id or context):
        raise Refused(Reason.NO_ENVELOPE, "a callback of the approval centre does not say of which instance it is")
    for name, value in {"instance_id": instance_id, "task_id": task_id, "user_id": user_id}.items():
        if value and (not isinstance(value, str) or len(value) > _ID_LENGTH_MAX):
            raise Refused(Reason.NO_ENVELOPE, f"a callback of the approval centre has an invalid {name}")
    return Decision(
        action=action,
        # what the task carried names the instance, where the centre does not
        instance_id=str(instance_id or context),
        task_id=str(task_id or ""),
        user_id=user_id,
        context=context[:_ID_LENGTH_MAX],
        reason=reason[:REASON_LENGTH_MAX] if isinstance(reason, str) else "",
    )
