"""The automation of one table: its steps as they should be, and what those that stand in a base say. Sans I/O.

Steps are those of lark-api §4.8.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_provider_lark.core.api.services.workflows import Workflow
from airflow_provider_lark.core.api.wire.answers import JsonObject
from airflow_provider_lark.core.api.wire.secret import Secret
from airflow_provider_lark.core.receiving.address_check import show_url
from airflow_provider_lark.core.receiving.feed_door import TOKEN_HEADER
from airflow_provider_lark.core.receiving.seal import is_same

CONTROLS: Final = ("pasteUpdate", "automationBatchUpdate", "syncUpdate", "appendImport")
"""Changes that do not start a trigger which does not list them."""

TITLE_START: Final = "Airflow feed "
TRIGGER: Final = "ChangeRecordTrigger"
_HTTP: Final = "HTTPClientAction"
_SHOWN_MAX: Final = 200
"""Characters of what somebody wrote into an automation that are shown."""

_CHANGED, _POST = "airflow_feed_changed", "airflow_feed_post"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the automation of one table should be.

    :param table_name: the table's name now; triggers name no ids.
    :param address: where it posts; empty: not known.
    """

    app_id: str
    app_token: str
    table_id: str
    table_name: str
    address: str
    token: Secret = field(repr=False)

    @property
    def title(self) -> str:
        """Under which people see it in the base."""
        return f"{TITLE_START}{self.table_id} ({self.app_id})"


@dataclass(frozen=True, slots=True)
class Told:
    """What an automation that posts to a receiver says of itself.

    :param about: app, base and table in what it posts.
    :param is_plain: nothing stands between trigger and post, or after it, and the post is as it was made.
    :param has_conditions: the trigger passes records over.
    """

    about: tuple[str, str, str]
    address: str
    token: Secret = field(repr=False)
    table_name: str
    controls: frozenset[str]
    is_plain: bool
    has_conditions: bool


def steps_of(wanted: Wanted, conditions: Sequence[JsonObject] | None) -> list[JsonObject]:
    """Return the steps of the automation.

    :param conditions: of the trigger; None where it needs none. An empty list would be refused.
    """
    about = {"app": wanted.app_id, "base": wanted.app_token, "table": wanted.table_id}
    head = json.dumps(about)[:-1] + ', "record": "'
    trigger = {
        "table_name": wanted.table_name,
        "trigger_control_list": list(CONTROLS),
        "condition_list": None if conditions is None else list(conditions),
    }
    post = {
        "method": "POST",
        "url": _text(wanted.address),
        "headers": [
            {"key": "Content-Type", "value": _text("application/json")},
            {"key": TOKEN_HEADER, "value": _text(wanted.token.reveal())},
        ],
        "body_type": "raw",
        "raw_body": [*_text(head), {"value_type": "ref", "value": f"$.{_CHANGED}.recordId"}, *_text('"}')],
        "response_type": "none",
    }
    return [
        {"id": _CHANGED, "type": TRIGGER, "title": "A record was added or edited", "next": _POST, "data": trigger},
        {"id": _POST, "type": _HTTP, "title": "Tell the receiver of Airflow", "next": None, "data": post},
    ]


def all_records(field_name: str) -> list[JsonObject]:
    """Return conditions that every record meets, for a server that wants some: the field is empty, or it is not."""
    return [
        {"conjunction": "and", "conditions": [{"field_name": field_name, "operator": operator}]}
        for operator in ("isNotEmpty", "isEmpty")
    ]


def read(workflow: Workflow) -> Told | None:
    """Return what an automation says of itself; None: it is no feed."""
    for step in workflow.steps:
        data = _data(step)
        shown = {str(each.get("key", "")).lower(): each.get("value") for each in _objects(data.get("headers"))}
        if step.get("type") == _HTTP and TOKEN_HEADER.lower() in shown:
            return _read(workflow, step, _join(shown[TOKEN_HEADER.lower()]))
    return None


def _read(workflow: Workflow, post: Mapping[str, Any], token: str) -> Told:
    trigger = next((each for each in workflow.steps if each.get("next") == post.get("id")), {})
    data, body = _data(trigger), _body(_data(post))
    controls, conditions = data.get("trigger_control_list"), data.get("condition_list")
    is_plain = (
        len(workflow.steps) == 2
        and trigger.get("type") == TRIGGER
        and not post.get("next")
        and str(_data(post).get("method", "POST")).upper() == "POST"
        and body.get("record") == f"$.{trigger.get('id')}.recordId"
    )
    return Told(
        about=(str(body.get("app")), str(body.get("base")), str(body.get("table"))),
        address=_join(_data(post).get("url")),
        token=Secret(token),
        table_name=str(data.get("table_name", "")),
        controls=frozenset(map(str, controls)) if isinstance(controls, list) else frozenset(),
        is_plain=is_plain,
        has_conditions=bool(conditions) and not _let_all_through(_objects(conditions)),
    )


def faults(told: Told, wanted: Wanted) -> list[str]:
    """Return what of an automation is not as it should be, as parts of a sentence about it; nothing of a secret."""
    found: list[str] = []
    if told.about != (wanted.app_id, wanted.app_token, wanted.table_id) or not told.is_plain:
        found.append("somebody has changed its steps")
    if told.table_name != wanted.table_name:
        found.append(
            f"it watches the table {told.table_name[:_SHOWN_MAX]!r}, which is called {wanted.table_name!r} now"
        )
    if wanted.address and told.address != wanted.address:
        found.append(f"it posts to {show_url(told.address)[:_SHOWN_MAX]}, not to {wanted.address}")
    if not is_same(told.token.reveal(), wanted.token.reveal()):
        found.append(
            "its token is not that of the connection: the App Secret has changed since, or somebody changed it"
        )
    if missing := [each for each in CONTROLS if each not in told.controls]:
        found.append(f"edits by {', '.join(missing)} do not start it")
    if told.has_conditions:
        found.append("its conditions pass some records over")
    return found


def _let_all_through(groups: Sequence[JsonObject]) -> bool:
    alone = [one[0] for group in groups if len(one := _objects(group.get("conditions"))) == 1]
    seen: dict[str, set[str]] = {}
    for each in alone:
        seen.setdefault(str(each.get("field_name")), set()).add(str(each.get("operator")))
    return any({"isEmpty", "isNotEmpty"} <= operators for operators in seen.values())


def _body(data: Mapping[str, Any]) -> JsonObject:
    try:
        told = json.loads(_join(data.get("raw_body")))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _text(value: str) -> list[JsonObject]:
    return [{"value_type": "text", "value": value}]


def _join(value: object) -> str:
    """Return texts and references as one text."""
    return "".join(str(each.get("value", "")) for each in _objects(value))


def _data(step: Mapping[str, Any]) -> Mapping[str, Any]:
    data = step.get("data")
    return data if isinstance(data, dict) else {}


def _objects(value: object) -> list[JsonObject]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
