"""Decisions in the approval centre, sent to the system that asked (lark-api §13.5)."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from airflow_provider_lark.emulator.formats.jsontext import parse_json
from airflow_provider_lark.emulator.ids import Ids
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant import crypto
from airflow_provider_lark.emulator.tenant.approvals import Instance, Task
from airflow_provider_lark.emulator.tenant.endpoint import Post, Unacknowledged

MAX_KEPT: Final = 10_000
_REFUSED_FROM: Final = 400
_DECIDED: Final = {"APPROVE": "APPROVED", "REJECT": "REJECTED"}


@dataclass(frozen=True)
class Press:
    """One press, and what the person saw of it.

    :param status: of the callback's answer; 0: none came in time.
    :param shown: what the client says; empty: that it is done.
    """

    instance_id: str
    task_id: str
    action_type: str
    open_id: str
    reason: str
    status: int
    shown: str
    at_ms: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


class Decisions:
    """Presses on tasks, each carried to ``action_callback_url`` while the person waits."""

    def __init__(self, state: State, ids: Ids) -> None:
        self._state = state
        self._ids = ids
        self._log: deque[Press] = deque(maxlen=MAX_KEPT)

    def log(self) -> list[Press]:
        """All presses, oldest first."""
        return list(self._log)

    def clear(self) -> None:
        """Forget all presses."""
        self._log.clear()

    def press(
        self,
        instance_id: str,
        task_id: str,
        action_type: str = "APPROVE",
        *,
        reason: str = "",
        by: str | None = None,
        way: Literal["list", "search"] = "list",
        app_id: str | None = None,
    ) -> Press:
        """Let a person press a button of a task, and wait for the answer of the system that asked.

        :param by: the open_id of who presses, a delegate say; None: who is asked.
        :param way: from the list of what waits, or from a search, which names the task by ``id`` only.
        :param app_id: whose instance, where several apps have one of that id.
        :raises ValueError: the client shows no such button.
        """
        with self._state.lock:
            instance, task = self._find(instance_id, task_id, app_id)
            self._check(instance, task, action_type, reason)
            open_id = by or task.open_id
            user = self._state.directory.find_person(open_id, "open_id")
            if user is None:
                raise KeyError(open_id)
            external = instance.approval.external
            payload = self._payload(instance, task, way)
            payload |= {"action_type": action_type, "user_id": user.user_id, "reason": reason}
            body = self._seal(payload, external.get("action_callback_key") or "")
            if self._state.switches.approval_press_decides:
                decided, at = _DECIDED.get(action_type, "DONE"), str(self._state.now_ms)
                task.data = {**task.data, "status": decided, "update_time": at, "end_time": at}
            url, seconds = external["action_callback_url"], self._state.switches.approval_callback_seconds
        # without the lock: the system may push its answer before it answers
        status, shown = _send(url, body, seconds)
        pressed = Press(
            instance_id, task_id, action_type, open_id, reason, status, shown, int(self._state.clock.now() * 1000)
        )
        self._log.append(pressed)
        return pressed

    def _find(self, instance_id: str, task_id: str, app_id: str | None) -> tuple[Instance, Task]:
        for instance in self._state.approvals.all():
            if instance.instance_id == instance_id and app_id in (None, instance.app_id):
                return instance, instance.tasks[task_id]
        raise KeyError(instance_id)

    def _check(self, instance: Instance, task: Task, action_type: str, reason: str) -> None:
        if not instance.is_shown:
            msg = "the centre does not show the instance: an id occurs in it twice"
            raise ValueError(msg)
        if not instance.approval.external.get("action_callback_url"):
            msg = "the definition has no action_callback_url: its tasks have no buttons"
            raise ValueError(msg)
        if instance.status != "PENDING" or task.status != "PENDING":
            msg = f"the task is {task.status} and the instance {instance.status}: it has no buttons"
            raise ValueError(msg)
        configs = task.data.get("action_configs") or []
        config = next((each for each in configs if each["action_type"] == action_type), None)
        if config is None:
            msg = f"the task has no button {action_type}"
            raise ValueError(msg)
        if config.get("is_reason_required") and not reason.strip():
            msg = f"{action_type} needs a reason"
            raise ValueError(msg)

    def _payload(self, instance: Instance, task: Task, way: str) -> dict[str, Any]:
        approval = instance.approval
        is_own = self._state.switches.approval_callback_code == "own"
        payload: dict[str, Any] = {
            "approval_code": approval.own_code if is_own else approval.code,
            "action_context": task.data.get("action_context") or "",
            "attachments": [],
            "token": approval.external.get("action_callback_token") or "",
        }
        if way == "list":
            return {**payload, "instance_id": instance.instance_id, "task_id": task.task_id}
        return {**payload, "id": task.task_id}

    def _seal(self, payload: dict[str, Any], key: str) -> bytes:
        plain = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
        if not key:
            return plain
        return json.dumps({"encrypt": crypto.encrypt(plain, key, self._ids.noise(16))}).encode()


def _send(url: str, body: bytes, seconds: float) -> tuple[int, str]:
    """The status of the answer, and what the person is shown of it."""
    try:
        status, answer = Post(url).send(body, {}, timeout_seconds=seconds)
    except Unacknowledged as error:
        return 0, str(error)
    if status < _REFUSED_FROM:
        return status, ""
    try:
        told = parse_json(answer)
        own = told.get("message") if str(told.get("without_prefix")).lower() == "true" else None
    except (ValueError, AttributeError):
        own = None
    return status, str(own) if own else f"the callback address answered HTTP {status}"
