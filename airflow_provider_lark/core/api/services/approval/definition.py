"""Definitions: which kind of approval an instance is of, and where the centre tells what people decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from airflow_provider_lark.core.api.services.approval.texts import Text, Texts
from airflow_provider_lark.core.api.wire.answers import JsonObject
from airflow_provider_lark.core.api.wire.limits import APPROVAL_CODE_MAX, APPROVAL_VIEWERS_MAX
from airflow_provider_lark.core.api.wire.query import check_text
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.errors import BadRequest


@dataclass(frozen=True, slots=True)
class DecisionCallback:
    """Where the centre tells that somebody pressed approve or reject.

    :param url: it must be reachable for Lark.
    :param token: comes with every callback; without it nobody could tell one from a forgery.
    :param key: with one the callback comes encrypted.
    """

    url: str
    token: Secret
    key: Secret | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A kind of approval, by a code of one's own.

    :param approval_code: up to 128 characters; the definition under it is replaced, or made.
    :param name: what people see where an instance has no title.
    :param group_code: in which group of the centre it stands; one that is new needs *group_name*.
    :param biz_name: of the system that asks; the centre writes "from" before it.
    :param callback: without one, people can look at an instance and not decide it in the centre.
    :param allow_batch: whether people may decide several at once.
    :param managers: up to 200 people who administer it.
    """

    approval_code: str
    name: Text
    group_code: str = ""
    group_name: Text = ""
    description: Text = ""
    biz_name: Text = ""
    callback: DecisionCallback | None = field(default=None, repr=False)
    allow_batch: bool = False
    managers: Sequence[str] = ()
    default_locale: str = "zh-CN"


def write_definition(definition: Definition) -> JsonObject:
    """Return the body that makes or replaces a definition.

    :raises BadRequest: it is not within Lark's limits.
    """
    check_code(definition.approval_code)
    if not definition.name:
        raise BadRequest(f"approval {definition.approval_code}: name is empty")
    if isinstance(definition.managers, str) or len(definition.managers) > APPROVAL_VIEWERS_MAX:
        raise BadRequest(
            f"approval {definition.approval_code}: managers: expected a list of at most {APPROVAL_VIEWERS_MAX} ids"
        )
    texts = Texts(definition.default_locale)
    # shown on both kinds of device, yet nobody starts an instance there: for that it would need an address
    external: JsonObject = {"support_pc": True, "support_mobile": True}
    body: JsonObject = {"approval_code": definition.approval_code, "approval_name": texts.add(definition.name)}
    for name in ("group_name", "description"):
        if getattr(definition, name):
            body[name] = texts.add(getattr(definition, name))
    if definition.group_code:
        body["group_code"] = definition.group_code
    if definition.biz_name:
        external["biz_name"] = texts.add(definition.biz_name)
    if definition.allow_batch:
        external["allow_batch_operate"] = True
    if definition.callback is not None:
        external |= _write_callback(definition.approval_code, definition.callback)
    if definition.managers:
        body["managers"] = list(definition.managers)
    return {**body, "external": external, "i18n_resources": texts.resources()}


def check_code(code: str) -> None:
    """Refuse a code that Lark would refuse.

    :raises BadRequest: it is empty or too long.
    """
    if not 1 <= len(check_text(code, "approval_code")) <= APPROVAL_CODE_MAX:
        raise BadRequest(f"approval_code must have 1 to {APPROVAL_CODE_MAX} characters, got {len(code)}")


def _write_callback(code: str, callback: DecisionCallback) -> JsonObject:
    parts = urlsplit(callback.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadRequest(f"approval {code}: the callback's address must begin with http:// or https:// and name a host")
    token = callback.token.reveal()
    if not token:
        raise BadRequest(f"approval {code}: the callback's token is empty; anyone could decide")
    written = {"action_callback_url": callback.url, "action_callback_token": token}
    if callback.key is not None and callback.key.reveal():
        written["action_callback_key"] = callback.key.reveal()
    return written
