"""The approval centre: ``client.approval``. Approvals of one's own system under 审批 → 待办, and what became of them.

The centre keeps no process: it shows what is pushed, and tells a callback what people pressed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_lark.core.api.calls.namespace import ApiCall, ApiPages, D, Namespace
from airflow_provider_lark.core.api.services.approval.definition import (
    DecisionCallback,
    Definition,
    check_code,
    write_definition,
)
from airflow_provider_lark.core.api.services.approval.instance import (
    Action,
    ExternalCopy,
    ExternalInstance,
    ExternalTask,
    TaskStatus,
    UpdateMode,
    write_instance,
)
from airflow_provider_lark.core.api.wire.answers import JsonObject, data_of, pick_objects
from airflow_provider_lark.core.api.wire.flow import Flow, Pages
from airflow_provider_lark.core.api.wire.limits import (
    APPROVAL_QUERY_MAX,
    APPROVAL_TASK_PAGE_MAX,
)
from airflow_provider_lark.core.api.wire.paging import walk_pages
from airflow_provider_lark.core.api.wire.query import QueryValue
from airflow_provider_lark.core.api.wire.results import UserIdType
from airflow_provider_lark.core.api.wire.routes import (
    CHECK_INSTANCES,
    DEFINE_APPROVAL,
    GET_APPROVAL,
    LIST_APPROVAL_TASKS,
    PUSH_INSTANCE,
)
from airflow_provider_lark.core.errors import BadRequest

__all__ = [
    "Action",
    "Approval",
    "DecisionCallback",
    "Definition",
    "ExternalCopy",
    "ExternalInstance",
    "ExternalTask",
    "InstanceState",
    "InstanceTasks",
    "TaskPage",
]


@dataclass(frozen=True, slots=True)
class InstanceState:
    """When an instance and its tasks changed last, UTC milliseconds; 0 for what the centre does not have.

    :param tasks: by task_id.
    """

    instance_id: str
    updated_ms: int
    tasks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task as the centre shows it."""

    task_id: str
    status: str
    updated_ms: int


@dataclass(frozen=True, slots=True)
class InstanceTasks:
    """An instance as the centre shows it."""

    instance_id: str
    approval_code: str
    status: str
    updated_ms: int
    tasks: tuple[TaskState, ...]


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Instances with those of their tasks that were asked for."""

    items: list[InstanceTasks]
    has_more: bool
    page_token: str | None


class Approval(Namespace[D]):
    """The approval API, of approvals that another system carries out."""

    @ApiCall
    def upsert_definition(self, definition: Definition, *, user_id_type: UserIdType = "open_id") -> Flow[str]:
        """Make a kind of approval, or replace the one under its code; return the code that Lark gave it.

        Go on using the own one: Lark's may differ, and changes nothing.

        :raises BadRequest: it is not within Lark's limits.
        :raises AccessDenied: the app lacks the scope ``approval:approval`` or ``approval:external_approval``.
        """
        json = write_definition(definition)
        query: dict[str, QueryValue] = {"user_id_type": user_id_type}
        subject = f"approval {definition.approval_code}"
        body = yield from self.session.call(DEFINE_APPROVAL, query=query, json=json, subject=subject)
        return str(data_of(body)["approval_code"])

    @ApiCall
    def get_definition(self, *, approval_code: str, user_id_type: UserIdType = "open_id") -> Flow[JsonObject]:
        """Return a definition as Lark has it, without the secrets of its callback.

        :raises NotFound: it does not exist.
        """
        check_code(approval_code)
        body = yield from self.session.call(
            GET_APPROVAL,
            {"approval_code": approval_code},
            query={"user_id_type": user_id_type},
            subject=f"approval {approval_code}",
        )
        found = dict(data_of(body))
        hidden = ("action_callback_token", "action_callback_key")
        external = found.get("external") or {}
        found["external"] = {name: value for name, value in external.items() if name not in hidden}
        return found

    @ApiCall
    def push_instance(self, instance: ExternalInstance, *, mode: UpdateMode = "UPDATE") -> Flow[None]:
        """Show an instance as it is now.

        With ``UPDATE`` a state that is not later than the one that Lark has is dropped without a word, of the instance
        and of each of its tasks for itself; :meth:`check_instances` tells.

        :raises BadRequest: it is not within Lark's limits, or an id stands in it twice.
        :raises NotFound: there is no such definition.
        """
        json = write_instance(instance, mode)
        yield from self.session.call(PUSH_INSTANCE, json=json, subject=f"approval instance {instance.instance_id}")

    @ApiCall
    def check_instances(self, states: Sequence[InstanceState]) -> Flow[list[InstanceState]]:
        """Return what the centre has of those instances of which it has something else than *states*.

        Of an instance that it does not have, *updated_ms* is 0; of one that only differs in itself, no task is named.
        """
        if not states:
            return []
        asked = [
            {
                "instance_id": each.instance_id,
                "update_time": str(each.updated_ms),
                "tasks": [{"task_id": id_, "update_time": str(at)} for id_, at in each.tasks.items()],
            }
            for each in states
        ]
        body = yield from self.session.call(
            CHECK_INSTANCES, json={"instances": asked}, subject=f"{len(states)} approval instances"
        )
        endpoint = CHECK_INSTANCES.endpoint
        told = pick_objects(data_of(body), "diff_instances", {"instance_id": str}, endpoint=endpoint)
        return [
            InstanceState(
                each["instance_id"],
                _ms(each.get("update_time")),
                {
                    task["task_id"]: _ms(task.get("update_time"))
                    for task in pick_objects(each, "tasks", {"task_id": str}, endpoint=endpoint)
                },
            )
            for each in told
        ]

    @ApiPages
    def task_pages(
        self,
        *,
        instance_ids: Sequence[str] = (),
        approval_codes: Sequence[str] = (),
        user_ids: Sequence[str] = (),
        status: TaskStatus | None = None,
    ) -> Pages[TaskPage]:
        """Yield instances and their tasks as the centre has them.

        By *instance_ids*, up to 20; or by *approval_codes*, up to 20, with *status*, and those of certain people by
        *user_ids*.

        :raises BadRequest: neither is given, or too many are.
        """
        for name, values in (("instance_ids", instance_ids), ("approval_codes", approval_codes)):
            if isinstance(values, str) or len(values) > APPROVAL_QUERY_MAX:
                raise BadRequest(f"{name}: expected a list of at most {APPROVAL_QUERY_MAX}")
        if not instance_ids and not (approval_codes and status):
            raise BadRequest("approval tasks: give instance_ids, or approval_codes and status")
        wanted: dict[str, Any] = {
            "instance_ids": list(instance_ids),
            "approval_codes": list(approval_codes),
            "user_ids": list(user_ids),
            "status": status,
        }
        json = {name: value for name, value in wanted.items() if value}

        def fetch(page_token: str | None) -> Flow[TaskPage]:
            # the members stand in the body of a GET
            query: dict[str, QueryValue] = {"page_size": APPROVAL_TASK_PAGE_MAX, "page_token": page_token}
            body = yield from self.session.call(LIST_APPROVAL_TASKS, query=query, json=json, subject="approval tasks")
            data = data_of(body)
            items = pick_objects(data, "data", {"instance_id": str}, endpoint=LIST_APPROVAL_TASKS.endpoint)
            return TaskPage([_read_tasks(each) for each in items], data["has_more"], data.get("page_token") or None)

        return walk_pages(fetch, subject="approval tasks")


def _read_tasks(item: Mapping[str, Any]) -> InstanceTasks:
    tasks = pick_objects(item, "tasks", {"id": str}, endpoint=LIST_APPROVAL_TASKS.endpoint)
    return InstanceTasks(
        instance_id=item["instance_id"],
        approval_code=str(item.get("approval_code") or ""),
        status=str(item.get("status") or ""),
        updated_ms=_ms(item.get("update_time")),
        tasks=tuple(
            TaskState(each["id"], str(each.get("status") or ""), _ms(each.get("update_time"))) for each in tasks
        ),
    )


def _ms(value: object) -> int:
    text = str(value or "0")
    return int(text) if text.isascii() and text.isdecimal() else 0
