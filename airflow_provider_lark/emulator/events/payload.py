"""What events say: their envelopes, and changes of records and fields (lark-api §5.2, §5.3)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from airflow_provider_lark.emulator.fieldtypes.reading import serial_text
from airflow_provider_lark.emulator.tenant.changes import FieldChanged, RecordChange, RecordsChanged
from airflow_provider_lark.emulator.tenant.directory import Directory
from airflow_provider_lark.emulator.tenant.kinds import COMPUTED, FieldType
from airflow_provider_lark.emulator.tenant.model import Cells, Field, Record


def envelope(
    event_type: str,
    event: dict[str, Any],
    *,
    event_id: str,
    create_time: str,
    token: str,
    app_id: str,
    tenant_key: str,
) -> dict[str, Any]:
    """An event in the newer envelope."""
    header = {
        "event_id": event_id,
        "event_type": event_type,
        "create_time": create_time,
        "token": token,
        "app_id": app_id,
        "tenant_key": tenant_key,
    }
    return {"schema": "2.0", "header": header, "event": event}


def ticket_envelope(app_id: str, ticket: str, *, event_id: str, now: float, token: str) -> dict[str, Any]:
    """An app_ticket, which comes in the older envelope (§1.2)."""
    event = {"app_id": app_id, "app_ticket": ticket, "type": "app_ticket"}
    return {"ts": f"{now:.6f}", "uuid": event_id, "token": token, "type": "event_callback", "event": event}


def changed_event(
    change: RecordsChanged | FieldChanged, directory: Directory, subscribers: Sequence[str], now: float
) -> dict[str, Any]:
    """The ``event`` of a change; all rows of one call in one event."""
    if isinstance(change, RecordsChanged):
        actions = [_record_action(each, change, directory) for each in change.records]
        actions = [each for each in actions if each is not None]
    else:
        actions = [_field_action(change)]
    return {
        "file_type": "bitable",
        "file_token": change.base.app_token,
        "table_id": change.table.table_id,
        "revision": change.base.revision,
        "operator_id": _ids_of(change.actor, directory),
        "action_list": actions,
        "subscriber_id_list": [_ids_of(each, directory) for each in subscribers],
        "update_time": int(now),
    }


def _ids_of(open_id: str, directory: Directory) -> dict[str, str]:
    user = directory.find(open_id, "open_id")
    if user is None:
        return {"union_id": "", "user_id": "", "open_id": open_id}
    return {"union_id": user.union_id, "user_id": user.user_id, "open_id": user.open_id}


def _record_action(change: RecordChange, all_: RecordsChanged, directory: Directory) -> dict[str, Any] | None:
    """None: nothing changed but what formulas and lookups make of it, which is no news (§5.2)."""
    before, after = change.before, change.after
    columns = [
        each
        for each in all_.table.fields
        if each.type not in COMPUTED and (before or {}).get(each.field_id) != (after or {}).get(each.field_id)
    ]
    if before is not None and after is not None and not columns:
        return None
    action: dict[str, Any] = {"record_id": change.record_id, "action": _action_name(change)}
    if before is not None:
        action["before_value"] = [_cell(each, before, directory) for each in columns]
    if after is not None:
        action["after_value"] = [_cell(each, after, directory) for each in columns]
    if change.record is not None and directory.switches.events_tell_auto_numbers:
        action["before_value" if after is None else "after_value"] += _auto_numbers(change.record, all_)
    return action


def _auto_numbers(record: Record, all_: RecordsChanged) -> list[dict[str, Any]]:
    numbers = [each for each in all_.table.fields if each.type == FieldType.AUTO_NUMBER]
    return [{"field_id": each.field_id, "field_value": serial_text(record, each, all_.base)} for each in numbers]


def _action_name(change: RecordChange) -> str:
    if change.before is None:
        return "record_added"
    return "record_deleted" if change.after is None else "record_edited"


def _cell(column: Field, cells: Cells, directory: Directory) -> dict[str, Any]:
    held = cells.get(column.field_id)
    told: dict[str, Any] = {"field_id": column.field_id, "field_value": "" if held is None else _text_of(column, held)}
    if column.type == FieldType.USER:
        told["field_identity_value"] = {"users": [_identity(each, directory) for each in held or []]}
    return told


def _identity(open_id: str, directory: Directory) -> dict[str, Any]:
    person = directory.person_object(open_id, "open_id")
    return {
        "user_id": _ids_of(open_id, directory),
        "name": person["name"],
        "en_name": person["en_name"],
        "avatar_url": person["avatar_url"],
    }


def _text_of(column: Field, held: Any) -> str:
    """Always a string: text, numbers and a single select's option id as they are, the rest as JSON.

    Documented are these three; the form of the others is undocumented (§5.2).
    """
    shape = _WRAPPED.get(column.type)
    if shape is not None:
        held = [{shape: each} for each in held]
    return held if isinstance(held, str) else json.dumps(held, ensure_ascii=False, separators=(",", ":"))


_WRAPPED: Final[dict[int, str]] = {
    FieldType.USER: "id",
    FieldType.GROUP_CHAT: "id",
    FieldType.ATTACHMENT: "file_token",
}


def _field_action(change: FieldChanged) -> dict[str, Any]:
    column = change.after or change.before
    action: dict[str, Any] = {"action": change.action, "field_id": column.field_id if column is not None else ""}
    if change.before is not None:
        action["before_value"] = _describe(change.before)
    if change.after is not None:
        action["after_value"] = _describe(change.after)
    return action


def _describe(column: Field) -> dict[str, Any]:
    return {
        "id": column.field_id,
        "name": column.name,
        "type": column.type,
        "description": column.description,
        "property": column.settings or {},
    }


def create_time(now: float, digits: int) -> str:
    """A header's ``create_time``: digits of ms, or of µs."""
    return str(int(now * (1000 if digits == 13 else 1_000_000)))
