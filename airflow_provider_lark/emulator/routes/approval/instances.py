"""Instances of approvals and their tasks: pushed, compared, listed (lark-api §13.2, §13.3)."""

from __future__ import annotations

import base64
import re
from typing import Any, Final

from airflow_provider_lark.emulator.routes.approval.definitions import approval_of
from airflow_provider_lark.emulator.routes.approval.reading import (
    bad,
    check_key,
    check_links,
    list_of,
    moment_of,
    one_of,
    person_of,
    text_of,
    texts_of,
)
from airflow_provider_lark.emulator.routes.gate import known_only
from airflow_provider_lark.emulator.routes.router import FIFTY_A_SECOND, THOUSAND_A_MINUTE, Handler, Route
from airflow_provider_lark.emulator.state.approvals import Push
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.approvals import Copy, Instance, Task, Texts
from airflow_provider_lark.emulator.wire import Request

MAX_TASKS: Final = 300
MAX_COPIES: Final = 200
MAX_FORM: Final = 2048
MAX_PAGE: Final = 500
MAX_QUERY: Final = 20
_STATUSES: Final = frozenset({"PENDING", "APPROVED", "REJECTED", "CANCELED", "DELETED", "HIDDEN", "TERMINATED"})
_TASK_STATUSES: Final = frozenset({"PENDING", "APPROVED", "REJECTED", "TRANSFERRED", "DONE"})
_MODES: Final = frozenset({"REPLACE", "UPDATE"})
_MEMBERS: Final = frozenset(
    {"approval_code", "status", "extra", "instance_id", "links", "title", "form", "user_id", "user_name", "open_id"}
    | {"department_id", "department_name", "start_time", "end_time", "update_time", "display_method", "update_mode"}
    | {"task_list", "cc_list", "i18n_resources", "trusteeship_url_token", "trusteeship_user_id_type"}
    | {"trusteeship_urls", "trusteeship_cache_config", "resource_region"}
)
_TASK_MEMBERS: Final = frozenset(
    {"task_id", "user_id", "open_id", "title", "links", "status", "extra", "create_time", "end_time", "update_time"}
    | {"action_context", "action_configs", "display_method", "exclude_statistics", "node_id", "node_name"}
    | {"generate_type"}
)
_COPY_MEMBERS: Final = frozenset(
    {"cc_id", "user_id", "open_id", "links", "read_status", "extra", "title", "create_time", "update_time"}
    | {"display_method"}
)
_TOKEN: Final = re.compile(rb"after:([0-9]{1,9})")


def push(state: State, request: Request) -> dict[str, Any]:
    """Take the state of an instance, or what of it is newer."""
    body = request.json()
    approval = approval_of(state, request.caller.app_id, text_of(body, "approval_code"))
    one_of(body, "status", _STATUSES)
    text_of(body, "instance_id")
    check_links(body)
    for name in ("start_time", "end_time", "update_time"):
        moment_of(body, name)
    mode = one_of({"update_mode": body.get("update_mode") or "REPLACE"}, "update_mode", _MODES)
    texts = texts_of(body)
    for name in ("title", "user_name", "department_name"):
        check_key(texts, body, name)
    _check_form(texts, body)
    starter = person_of(state, body, "")
    if starter is None and not body.get("user_name"):
        raise bad("open_id, user_id or user_name is required")
    tasks = [_task(state, each, texts) for each in list_of(body, "task_list", MAX_TASKS)]
    copies = [_copy(state, each) for each in list_of(body, "cc_list", MAX_COPIES)]
    open_id = "" if starter is None else starter.open_id
    given = Push(request.caller.app_id, approval, open_id, dict(body), texts, tasks, copies, mode == "REPLACE")
    state.approvals.push(given)
    return {"data": {name: value for name, value in body.items() if name != "i18n_resources"}}


def _check_form(texts: Texts, body: dict[str, Any]) -> None:
    form = list_of(body, "form", 100)
    for entry in form:
        for name in ("name", "value"):
            check_key(texts, entry, name, "form.")
    said = (max(map(len, texts[entry[name]].values())) for entry in form for name in ("name", "value") if name in entry)
    if sum(said) > MAX_FORM:
        raise bad(f"form has more than {MAX_FORM} characters")


def _task(state: State, given: dict[str, Any], texts: Texts) -> Task:
    where = "task_list."
    known_only(state, given, _TASK_MEMBERS, "task_list")
    one_of(given, "status", _TASK_STATUSES, where)
    check_links(given, where)
    moment_of(given, "create_time", where)
    moment_of(given, "end_time", where)
    moment_of(given, "update_time", where, required=False)
    check_key(texts, given, "title", where)
    check_key(texts, given, "node_name", where)
    if given.get("generate_type") == "":
        raise bad("generate_type must not be empty")
    actions = list_of(given, "action_configs", 2, where)
    for action in actions:
        kind = text_of(action, "action_type", "action_configs.")
        if kind not in {"APPROVE", "REJECT"} and not action.get("action_name"):
            raise bad("a custom action needs an action_name")
        check_key(texts, action, "action_name", "action_configs.")
    person = person_of(state, given, where)
    if person is None:
        raise bad("task_list needs open_id or user_id")
    return Task(text_of(given, "task_id", where), person.open_id, given)


def _copy(state: State, given: dict[str, Any]) -> Copy:
    where = "cc_list."
    known_only(state, given, _COPY_MEMBERS, "cc_list")
    one_of(given, "read_status", frozenset({"READ", "UNREAD"}), where)
    check_links(given, where)
    moment_of(given, "create_time", where)
    moment_of(given, "update_time", where)
    person = person_of(state, given, where)
    if person is None:
        raise bad("cc_list needs open_id or user_id")
    return Copy(text_of(given, "cc_id", where), person.open_id, given)


def check(state: State, request: Request) -> dict[str, Any]:
    """What differs from what the caller believes."""
    instances = request.json().get("instances")
    if not isinstance(instances, list):
        raise bad("instances must be a list")
    found: list[dict[str, Any]] = []
    for given in instances:
        if not isinstance(given, dict) or not isinstance(given.get("tasks"), list):
            raise bad("an instance has instance_id, update_time and tasks")
        tasks = {
            text_of(each, "task_id", "tasks."): moment_of(each, "update_time", "tasks.")
            for each in list_of(given, "tasks", MAX_TASKS)
        }
        told = state.approvals.differences(
            request.caller.app_id, text_of(given, "instance_id"), moment_of(given, "update_time"), tasks
        )
        found += [told] if told else []
    return {"diff_instances": found}


def list_tasks(state: State, request: Request) -> dict[str, Any]:
    """Instances with their tasks; the members stand in the body of a GET."""
    body = request.json() if request.body else {}
    ids, codes, people = (_names(body, name) for name in ("instance_ids", "approval_codes", "user_ids"))
    status = body.get("status")
    if status is not None:
        one_of(body, "status", _TASK_STATUSES)
    if not request.query.get("page_token") and not ids and not (codes and status):
        raise bad("give instance_ids, or approval_codes and status")
    app_id = request.caller.app_id
    found = []
    for instance in state.approvals.all():
        own = instance.app_id == app_id and (not ids or instance.instance_id in ids)
        if not own or (codes and not {instance.approval.code, instance.approval.own_code} & set(codes)):
            continue
        tasks = [each for each in instance.tasks.values() if _fits(state, each, people, status)]
        if tasks or ids:
            found.append(_listed(instance, tasks))
    return _page(request, found)


def _names(body: dict[str, Any], name: str) -> list[str]:
    given = body.get(name) or []
    most = MAX_QUERY if name != "user_ids" else MAX_PAGE
    if not isinstance(given, list) or len(given) > most:
        raise bad(f"{name} must be a list of at most {most}")
    return [str(each) for each in given]


def _fits(state: State, task: Task, people: list[str], status: str | None) -> bool:
    user = state.directory.find(task.open_id, "open_id")
    return (not people or (user is not None and user.user_id in people)) and status in (None, task.status)


def _listed(instance: Instance, tasks: list[Task]) -> dict[str, Any]:
    return {
        "instance_id": instance.instance_id,
        "approval_id": instance.approval.code,
        "approval_code": instance.data["approval_code"],
        "status": instance.status,
        "update_time": str(instance.updated_ms),
        "tasks": [{"id": each.task_id, "status": each.status, "update_time": str(each.updated_ms)} for each in tasks],
    }


def _page(request: Request, found: list[dict[str, Any]]) -> dict[str, Any]:
    size = request.query.get("page_size") or "50"
    if not size.isdecimal() or not 1 <= int(size) <= MAX_PAGE:
        raise bad(f"page_size must be 1..{MAX_PAGE}")
    token, start = request.query.get("page_token"), 0
    if token:
        try:
            match = _TOKEN.fullmatch(base64.urlsafe_b64decode(token.encode()))
        except ValueError:
            match = None
        if match is None:
            raise bad("the page_token is not valid")
        start = int(match[1])
    end = start + int(size)
    if end >= len(found):
        return {"data": found[start:], "has_more": False}
    return {
        "data": found[start:end],
        "has_more": True,
        "page_token": base64.urlsafe_b64encode(b"after:%d" % end).decode(),
    }


def _route(method: str, tail: str, handler: Handler, members: frozenset[str], scopes: tuple[str, ...]) -> Route:
    return Route(
        method,
        f"/open-apis/approval/v4/{tail}",
        handler,
        query=frozenset({"page_size", "page_token"}) if method == "GET" else frozenset(),
        members=members,
        scopes=("approval:approval", *scopes),
        rate=FIFTY_A_SECOND,
        also=THOUSAND_A_MINUTE,
        tokens=frozenset({"tenant"}),
        coverage="partly" if tail == "external_instances" else "emulated",
        note="no trusteeship, no departments" if tail == "external_instances" else "",
    )


ROUTES: Final = (
    _route("POST", "external_instances", push, _MEMBERS, ("approval:external_instance",)),
    _route(
        "POST",
        "external_instances/check",
        check,
        frozenset({"instances"}),
        ("approval:approval:readonly", "approval:external_instance"),
    ),
    _route(
        "GET",
        "external_tasks",
        list_tasks,
        frozenset({"approval_codes", "instance_ids", "user_ids", "status"}),
        ("approval:approval:readonly", "approval:external_task"),
    ),
)
