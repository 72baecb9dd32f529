"""Instances: one approval as it stands, with a task for each person who is asked. The whole state is pushed each time.

All times are UTC milliseconds. Lark takes a state only when its *updated_ms* is later than the one that it has, so a
delayed push never undoes a newer one; and it does not say whether it took it: :meth:`.Approval.check_instances` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from airflow_provider_lark.core.api.services.approval.definition import check_code
from airflow_provider_lark.core.api.services.approval.texts import Text, Texts, longest
from airflow_provider_lark.core.api.wire.answers import JsonObject
from airflow_provider_lark.core.api.wire.limits import (
    APPROVAL_COPIES_MAX,
    APPROVAL_FORM_LENGTH_MAX,
    APPROVAL_FORM_MAX,
    APPROVAL_TASKS_MAX,
)
from airflow_provider_lark.core.api.wire.query import check_text
from airflow_provider_lark.core.errors import BadRequest

InstanceStatus = Literal["PENDING", "APPROVED", "REJECTED", "CANCELED", "DELETED", "HIDDEN", "TERMINATED"]
TaskStatus = Literal["PENDING", "APPROVED", "REJECTED", "TRANSFERRED", "DONE"]
UpdateMode = Literal["REPLACE", "UPDATE"]
"""``UPDATE`` heeds *updated_ms* and leaves tasks alone that are not named; ``REPLACE`` does neither."""

_MS_MIN, _MS_MAX = 10**12, 10**14


@dataclass(frozen=True, slots=True)
class Action:
    """A button of a task.

    :param asks_reason: whether the person is asked for a reason, which they may leave out.
    :param needs_reason: whether they may not.
    """

    type: Literal["APPROVE", "REJECT"]
    asks_reason: bool = False
    needs_reason: bool = False


@dataclass(frozen=True, slots=True)
class ExternalTask:
    """What one person is asked.

    :param task_id: unique within the instance, also among its copies.
    :param open_id: or *user_id*: who is asked.
    :param link: where the details are; the centre opens it.
    :param ended_ms: 0 while it is open.
    :param context: comes back with the callback.
    :param actions: at most two buttons; they are shown on phones.
    :param complete_reason: why it ended: ``approved``, ``rejected``, ``recall``, ``auto_skip``, ``others``, …
    """

    task_id: str
    link: str
    status: TaskStatus
    created_ms: int
    updated_ms: int
    open_id: str = ""
    user_id: str = ""
    ended_ms: int = 0
    title: Text = ""
    context: str = ""
    actions: Sequence[Action] = ()
    complete_reason: str = ""


@dataclass(frozen=True, slots=True)
class ExternalCopy:
    """Who is told without being asked."""

    copy_id: str
    link: str
    created_ms: int
    updated_ms: int
    open_id: str = ""
    user_id: str = ""
    is_read: bool = False


@dataclass(frozen=True, slots=True)
class ExternalInstance:
    """One approval.

    :param approval_code: of its definition.
    :param instance_id: one's own, unique in the app.
    :param link: where the details are.
    :param open_id: or *user_id*: who asks; without either, *user_name* is shown.
    :param form: up to three names and values, of 2,048 characters together.
    :param ended_ms: 0 while it is open.
    :param tasks: up to 300.
    :param copies: up to 200.
    """

    approval_code: str
    instance_id: str
    status: InstanceStatus
    link: str
    started_ms: int
    updated_ms: int
    ended_ms: int = 0
    title: Text = ""
    form: Sequence[tuple[Text, Text]] = ()
    open_id: str = ""
    user_id: str = ""
    user_name: Text = ""
    tasks: Sequence[ExternalTask] = ()
    copies: Sequence[ExternalCopy] = ()
    default_locale: str = "zh-CN"


def write_instance(instance: ExternalInstance, mode: UpdateMode) -> JsonObject:
    """Return the body that pushes the state of an instance.

    :raises BadRequest: it is not within Lark's limits, or an id stands in it twice.
    """
    check_instance(instance)
    texts = Texts(instance.default_locale)
    body: JsonObject = {
        "approval_code": instance.approval_code,
        "instance_id": instance.instance_id,
        "status": instance.status,
        "links": _links(instance.link),
        "start_time": str(instance.started_ms),
        "end_time": str(instance.ended_ms),
        "update_time": str(instance.updated_ms),
        "update_mode": mode,
        **_person(instance.open_id, instance.user_id),
        "task_list": [_write_task(each, texts) for each in instance.tasks],
        "cc_list": [_write_copy(each) for each in instance.copies],
    }
    for name in ("title", "user_name"):
        if getattr(instance, name):
            body[name] = texts.add(getattr(instance, name))
    if instance.form:
        body["form"] = [{"name": texts.add(name), "value": texts.add(value)} for name, value in instance.form]
    return {**body, "i18n_resources": texts.resources()}


def check_instance(instance: ExternalInstance) -> None:
    """Refuse what Lark would refuse, or take and not show.

    :raises BadRequest: says what, and of which instance.
    """
    check_code(instance.approval_code)
    if not check_text(instance.instance_id, "instance_id"):
        raise BadRequest("instance_id is empty")
    where = f"instance {instance.instance_id}"
    if not (instance.open_id or instance.user_id or instance.user_name):
        raise BadRequest(f"{where}: nobody is named who asks; give open_id, user_id or user_name")
    _check_count(where, "tasks", instance.tasks, APPROVAL_TASKS_MAX)
    _check_count(where, "copies", instance.copies, APPROVAL_COPIES_MAX)
    _check_form(where, instance.form)
    ids = [
        instance.instance_id,
        *(each.task_id for each in instance.tasks),
        *(each.copy_id for each in instance.copies),
    ]
    twice = sorted(id_ for id_, count in Counter(ids).items() if count > 1)
    if twice or not all(ids):
        what = f"{', '.join(twice[:3])}: the ids of instance, tasks and copies" if twice else "ids"
        raise BadRequest(f"{where}: {what} must be unique and not empty, or Lark shows nothing")
    _check_times(where, {"started_ms": instance.started_ms, "updated_ms": instance.updated_ms}, instance.ended_ms)
    _check_link(where, instance.link)
    for task in instance.tasks:
        _check_task(f"{where}, task {task.task_id}", task)
    for copy in instance.copies:
        at = f"{where}, copy {copy.copy_id}"
        _check_person(at, copy.open_id, copy.user_id)
        _check_times(at, {"created_ms": copy.created_ms, "updated_ms": copy.updated_ms}, 0)
        _check_link(at, copy.link)


def _check_task(where: str, task: ExternalTask) -> None:
    _check_person(where, task.open_id, task.user_id)
    _check_times(where, {"created_ms": task.created_ms, "updated_ms": task.updated_ms}, task.ended_ms)
    _check_link(where, task.link)
    kinds = [each.type for each in task.actions]
    if len(set(kinds)) != len(kinds):
        raise BadRequest(f"{where}: has {', '.join(kinds)} as actions; each of APPROVE and REJECT may stand there once")


def _check_form(where: str, form: Sequence[tuple[Text, Text]]) -> None:
    if len(form) > APPROVAL_FORM_MAX:
        raise BadRequest(f"{where}: form has {len(form)} entries, and Lark shows {APPROVAL_FORM_MAX}")
    length = sum(longest(part) for entry in form for part in entry)
    if length > APPROVAL_FORM_LENGTH_MAX:
        raise BadRequest(f"{where}: form has {length} characters; at most {APPROVAL_FORM_LENGTH_MAX}")


def _check_count(where: str, name: str, values: Sequence[object], most: int) -> None:
    if len(values) > most:
        raise BadRequest(f"{where}: has {len(values)} {name}; at most {most}")


def _check_person(where: str, open_id: str, user_id: str) -> None:
    if not (open_id or user_id):
        raise BadRequest(f"{where}: nobody is named; give open_id or user_id")


def _check_times(where: str, times: Mapping[str, int], ended_ms: int) -> None:
    wrong = [name for name, value in times.items() if not _MS_MIN <= value < _MS_MAX]
    if ended_ms and not _MS_MIN <= ended_ms < _MS_MAX:
        wrong.append("ended_ms")
    if wrong:
        raise BadRequest(f"{where}: {', '.join(wrong)}: expected UTC milliseconds, 13 digits")


def _check_link(where: str, link: str) -> None:
    if not link.startswith(("http://", "https://")):
        raise BadRequest(f"{where}: link must be an address that begins with http:// or https://")


def _write_task(task: ExternalTask, texts: Texts) -> JsonObject:
    written: JsonObject = {
        "task_id": task.task_id,
        **_person(task.open_id, task.user_id),
        "links": _links(task.link),
        "status": task.status,
        "create_time": str(task.created_ms),
        "end_time": str(task.ended_ms),
        "update_time": str(task.updated_ms),
    }
    if task.title:
        written["title"] = texts.add(task.title)
    if task.context:
        written["action_context"] = task.context
    if task.complete_reason:
        written["extra"] = f'{{"complete_reason":"{task.complete_reason}"}}'
    if task.actions:
        written["action_configs"] = list(_write_actions(task.actions))
    return written


def _write_actions(actions: Iterable[Action]) -> Iterable[JsonObject]:
    for each in actions:
        asks = each.asks_reason or each.needs_reason
        yield {"action_type": each.type, "is_need_reason": asks, "is_reason_required": each.needs_reason}


def _write_copy(copy: ExternalCopy) -> JsonObject:
    return {
        "cc_id": copy.copy_id,
        **_person(copy.open_id, copy.user_id),
        "links": _links(copy.link),
        "read_status": "READ" if copy.is_read else "UNREAD",
        "create_time": str(copy.created_ms),
        "update_time": str(copy.updated_ms),
    }


def _person(open_id: str, user_id: str) -> dict[str, str]:
    return {name: value for name, value in (("open_id", open_id), ("user_id", user_id)) if value}


def _links(link: str) -> dict[str, str]:
    return {"pc_link": link, "mobile_link": link}
