"""The approval centre on the page: what waits for whom, what was decided, and what was clicked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from airflow_provider_lark.emulator.events.decisions import Press
from airflow_provider_lark.emulator.page.talks import name_of
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.approvals import Instance, Task, Texts

MOST: Final = 200


def count_waiting(state: State) -> int | None:
    """How many tasks wait for somebody; None where no app has ever pushed an approval."""
    with state.lock:
        instances = [each for each in state.approvals.all() if each.is_shown]
        waiting = sum(_waits(each, task) for each in instances for task in each.tasks.values())
    return waiting if instances else None


def list_approvals(state: State, presses: Sequence[Press]) -> list[dict[str, Any]]:
    """The newest instances first, each with its tasks and the last press on each of them."""
    last = {(each.instance_id, each.task_id): each for each in presses}
    with state.lock:
        shown = [each for each in state.approvals.all() if each.is_shown][-MOST:]
        return [_describe(state, each, last) for each in reversed(shown)]


def _waits(instance: Instance, task: Task) -> bool:
    return instance.status == "PENDING" and task.status == "PENDING"


def _describe(state: State, instance: Instance, last: dict[tuple[str, str], Press]) -> dict[str, Any]:
    data, approval = instance.data, instance.approval
    asker = name_of(state, instance.open_id) if instance.open_id else None
    return {
        "instance_id": instance.instance_id,
        "title": _said(instance.texts, data.get("title")) or _said(approval.texts, approval.data["approval_name"]),
        "kind": _said(approval.texts, approval.data["approval_name"]),
        "asker": {"": asker} if asker is not None else _said(instance.texts, data.get("user_name")),
        "status": instance.status,
        "form": [
            {name: _said(instance.texts, entry.get(name)) for name in ("name", "value")}
            for entry in (data.get("form") or [])[:3]
        ],
        "link": (data.get("links") or {}).get("pc_link") or "",
        "at_ms": int(data["start_time"]),
        "ended_ms": int(data.get("end_time") or 0),
        "has_callback": bool(approval.external.get("action_callback_url")),
        "tasks": [_task(state, instance, each, last) for each in instance.tasks.values()],
    }


def _task(state: State, instance: Instance, task: Task, last: dict[tuple[str, str], Press]) -> dict[str, Any]:
    pressed = last.get((instance.instance_id, task.task_id))
    return {
        "task_id": task.task_id,
        "person": name_of(state, task.open_id),
        "status": task.status,
        "waits": _waits(instance, task),
        "actions": [
            {
                "type": each["action_type"],
                "name": _said(instance.texts, each.get("action_name")),
                "asks_reason": bool(each.get("is_need_reason") or each.get("is_reason_required")),
                "needs_reason": bool(each.get("is_reason_required")),
            }
            for each in task.data.get("action_configs") or []
        ],
        "pressed": None if pressed is None else pressed.to_dict(),
    }


def _said(texts: Texts, key: object) -> dict[str, str]:
    """What a key says, by language; the default one first."""
    return dict(texts.get(str(key or ""), {}))
