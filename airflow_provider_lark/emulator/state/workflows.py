"""What an automation may look like, and when one starts (lark-api §4.8)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from airflow_provider_lark.emulator.errors import ApiError
from airflow_provider_lark.emulator.switches import Switches
from airflow_provider_lark.emulator.tenant.model import Base, Cells, Table
from airflow_provider_lark.emulator.tenant.workflows import CONTROLS, How, Step, Workflow

CHANGE: Final = "ChangeRecordTrigger"
HTTP: Final = "HTTPClientAction"
TYPES: Final = frozenset(
    {
        *("AddRecordTrigger", "SetRecordTrigger", CHANGE, "TimerTrigger", "ReminderTrigger", "ButtonTrigger"),
        *("LarkMessageTrigger", "AddRecordAction", "SetRecordAction", "FindRecordAction", HTTP, "Delay"),
        *("LarkMessageAction", "GenerateAiTextAction", "AIAnalysisAction"),
        *("IfElseBranch", "SwitchBranch", "AIClassificationBranch", "Loop"),
    }
)
OUTPUTS: Final = frozenset({"recordId", "startTime"})
"""What of a trigger can be named by the emulator's steps; the platform has more."""

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_BODIES: Final = frozenset({"none", "raw", "form-data", "form-urlencoded"})
_REF: Final = re.compile(r"\$\.([^.]+)\.(.+)")


def check_steps(base: Base, given: object, switches: Switches) -> tuple[list[Step], dict[str, str]]:
    """Return the steps of an automation, and the tables that they name.

    :raises ApiError: 2200 two have one id, or ``next`` leads nowhere; 800010701 for everything else.
    """
    if given is None:
        given = []
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise _refused("steps must be a list of objects")
    steps: list[Step] = given
    ids = [each["id"] for each in steps if isinstance(each.get("id"), str) and each["id"]]
    if len(set(ids)) < len(steps):
        raise ApiError(2200, "the ids of steps must be texts, each once")
    if any(each.get("next") is not None and each["next"] not in ids for each in steps):
        raise ApiError(2200, "next leads to a step that is not there")
    table_ids: dict[str, str] = {}
    for step in steps:
        if not _is_one(step.get("type"), TYPES):
            raise _refused(f"Undefined Step Type {step.get('type')!r}")
        if not isinstance(step.get("data"), dict):
            raise _refused(f"step {step['id']}: data must be an object")
        if step["type"] == CHANGE:
            table_ids[step["id"]] = _check_trigger(base, step["data"], switches)
        elif step["type"] == HTTP:
            _check_http(step["data"], set(ids))
    return steps, table_ids


def _check_trigger(base: Base, data: dict[str, Any], switches: Switches) -> str:
    table = next((each for each in base.tables.values() if each.name == data.get("table_name")), None)
    if table is None:
        raise _refused(f"table_name {data.get('table_name')!r} names no table of the base")
    controls = data.get("trigger_control_list") or []
    if not isinstance(controls, list) or not all(_is_one(each, CONTROLS) for each in controls):
        raise _refused(f"trigger_control_list holds something else than {sorted(CONTROLS)}")
    groups = data.get("condition_list")
    if groups is None and not switches.workflows_need_conditions:
        return table.table_id
    if not isinstance(groups, list) or not groups or not all(_conditions(each) for each in groups):
        raise _refused("recordInfo.conditions must be non-empty")
    for condition in (one for group in groups for one in _conditions(group)):
        if table.field_named(str(condition.get("field_name"))) is None:
            raise _refused(f"a condition names no field: {condition.get('field_name')!r}")
        if not _is_one(condition.get("operator"), {"isEmpty", "isNotEmpty"}):
            raise _refused("the emulator knows the conditions isEmpty and isNotEmpty only")
    return table.table_id


def _conditions(group: object) -> list[dict[str, Any]]:
    found = group.get("conditions") if isinstance(group, dict) else None
    return found if isinstance(found, list) and all(isinstance(each, dict) for each in found) else []


def _check_http(data: dict[str, Any], step_ids: set[str]) -> None:
    if not _is_one(data.get("method", "POST"), _METHODS) or not _is_one(data.get("body_type", "raw"), _BODIES):
        raise _refused("method or body_type of an HTTP request is unknown")
    if not data.get("url"):
        raise _refused("an HTTP request needs a url")
    lists = [data.get(name) or [] for name in ("headers", "queries")]
    if not all(isinstance(each, list) for each in lists):
        raise _refused("headers and queries are lists of {key, value}")
    pairs = [each for some in lists for each in some]
    if not all(isinstance(each, dict) and isinstance(each.get("key"), str) for each in pairs):
        raise _refused("headers and queries are lists of {key, value}")
    for value in (data["url"], data.get("raw_body") or [], *(each.get("value") for each in pairs)):
        _check_value(value, step_ids)
    if data.get("response_type", "json") == "json":
        try:
            json.loads(data.get("response_value") or "")
        except (TypeError, ValueError):
            raise _refused("response_value must be an example of the answer, as JSON text") from None


def _check_value(value: object, step_ids: set[str]) -> None:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise _refused("a value is a list of {value_type, value}")
    for each in value:
        if not _is_one(each.get("value_type"), {"text", "ref"}) or not isinstance(each.get("value"), str):
            raise _refused("the emulator sends texts and refs only")
        found = _REF.fullmatch(each["value"]) if each["value_type"] == "ref" else None
        if each["value_type"] == "ref" and (found is None or found[1] not in step_ids or found[2] not in OUTPUTS):
            raise _refused(f'path "{each["value"]}" does not exist in the output path tree')


def _is_one(value: object, known: Collection[str]) -> bool:
    # what is no text may not be hashable either
    return isinstance(value, str) and value in known


def _refused(detail: str) -> ApiError:
    return ApiError(800010701, detail, msg=detail)


def started(base: Base, table: Table, how: How, switches: Switches) -> Iterator[tuple[Workflow, Step]]:
    """Yield the automations that a change of records in *table* starts, each with its trigger."""
    for workflow in base.workflows.values():
        trigger = workflow.trigger
        if not workflow.is_enabled or trigger is None or trigger["type"] != CHANGE:
            continue
        data = trigger["data"]
        by_id = workflow.table_ids.get(trigger["id"]) == table.table_id
        is_table = by_id if switches.workflows_follow_renames else data["table_name"] == table.name
        if is_table and _is_wanted(how, data, switches):
            yield workflow, trigger


def _is_wanted(how: How, data: dict[str, Any], switches: Switches) -> bool:
    if how == "api":
        return switches.workflows_fire_on_api
    return how == "edit" or how in (data.get("trigger_control_list") or [])


def meets(table: Table, trigger: Step, cells: Cells) -> bool:
    """Whether a record meets the conditions of a trigger: those of one group all, or it has none."""
    groups = trigger["data"].get("condition_list")
    return not groups or any(all(_holds(table, one, cells) for one in _conditions(group)) for group in groups)


def _holds(table: Table, condition: dict[str, Any], cells: Cells) -> bool:
    column = table.field_named(str(condition.get("field_name")))
    is_empty = column is None or column.field_id not in cells
    return is_empty is (condition["operator"] == "isEmpty")


def render(value: Sequence[dict[str, Any]], outputs: dict[str, str]) -> str:
    """Return texts and references joined, as a request holds them.

    :param outputs: what the trigger gives, by name.
    """
    parts = []
    for each in value:
        found = _REF.fullmatch(each["value"]) if each["value_type"] == "ref" else None
        parts.append(each["value"] if found is None else outputs[found[2]])
    return "".join(parts)
