"""Automations, and the blocks of a base as which they are deleted: base/v3 (lark-api §4.8)."""

from __future__ import annotations

from typing import Any, Final, Literal

from airflow_provider_lark.emulator.errors import ApiError, invalid, optional_text
from airflow_provider_lark.emulator.routes.resolve import base_of
from airflow_provider_lark.emulator.routes.router import Handler, Rate, Route
from airflow_provider_lark.emulator.state import workflows
from airflow_provider_lark.emulator.state.platform import State
from airflow_provider_lark.emulator.tenant.model import Base
from airflow_provider_lark.emulator.tenant.workflows import Step, Workflow
from airflow_provider_lark.emulator.wire import Request

PAGE_MOST: Final = 100


def _base(state: State, request: Request) -> Base:
    if not state.switches.serves_workflows:
        raise ApiError(99991201, "base/v3 is switched off")
    # under advanced permissions, those who do not manage the base do not even see them
    return base_of(state, request, writes=True)


def _found(state: State, request: Request) -> tuple[Base, Workflow]:
    base = _base(state, request)
    workflow = base.workflows.get(request.params["workflow_id"])
    if workflow is None:
        raise ApiError(2200, "no such workflow")
    return base, workflow


def _described(state: State, base: Base, workflow: Workflow) -> dict[str, Any]:
    steps = workflow.steps
    if state.switches.workflows_follow_renames:
        steps = [_renamed(base, workflow, each) for each in steps]
    return {
        "workflow_id": workflow.workflow_id,
        "title": workflow.title,
        "status": workflow.status,
        "steps": steps,
        "creator_id": workflow.creator_id,
        "updater_id": workflow.updater_id,
        "create_time": workflow.created,
        "update_time": workflow.updated,
    }


def _renamed(base: Base, workflow: Workflow, step: Step) -> Step:
    table = base.tables.get(workflow.table_ids.get(step["id"], ""))
    return step if table is None else {**step, "data": {**step["data"], "table_name": table.name}}


def list_workflows(state: State, request: Request) -> dict[str, Any]:
    """The automations of a base, without their steps."""
    base, body = _base(state, request), request.json()
    size, token, status = body.get("page_size", 20), body.get("page_token") or "0", body.get("status")
    if type(size) is not int or not 1 <= size <= PAGE_MOST:
        raise invalid("page_size", size, f"page_size must be 1..{PAGE_MOST}")
    if status not in (None, "enabled", "disabled"):
        raise invalid("status", status, "status must be enabled or disabled")
    if not isinstance(token, str) or not token.isdigit():
        raise invalid("page_token", token, "the page_token is not valid")
    found = [each for each in base.workflows.values() if status in (None, each.status)]
    start = int(token)
    items = []
    for each in found[start : start + size]:
        told = _described(state, base, each)
        del told["steps"]
        items.append({**told, "trigger_type": "" if each.trigger is None else each.trigger["type"]})
    more = {"page_token": str(start + size)} if start + size < len(found) else {}
    return {"items": items, "has_more": bool(more), "total": len(found), **more}


def get_workflow(state: State, request: Request) -> dict[str, Any]:
    """One automation; here its times are texts."""
    told = _described(state, *_found(state, request))
    return {**told, "create_time": str(told["create_time"]), "update_time": str(told["update_time"])}


def create_workflow(state: State, request: Request) -> dict[str, Any]:
    """Make an automation, which is off at first; the same client_token gives the same one."""
    base, body = _base(state, request), request.json()
    token = body.get("client_token")
    if not isinstance(token, str) or not token:
        raise ApiError(800004006, "client_token is required", msg="client token is empty")
    known = next((each for each in base.workflows.values() if each.client_token == token), None)
    if known is not None:
        return _described(state, base, known)
    steps, table_ids = workflows.check_steps(base, body.get("steps"), state.switches)
    now = state.now_ms // 1000
    made = Workflow(
        state.ids.make("wkf", 13),
        optional_text(body.get("title"), "title"),
        steps,
        table_ids,
        request.actor,
        request.actor,
        now,
        now,
        client_token=token,
    )
    base.workflows[made.workflow_id] = made
    return _described(state, base, made)


def update_workflow(state: State, request: Request) -> dict[str, Any]:
    """Replace title and steps; what is left out is emptied, and whether it is on stays."""
    base, workflow = _found(state, request)
    body = request.json()
    steps, table_ids = workflows.check_steps(base, body.get("steps"), state.switches)
    workflow.title, workflow.steps, workflow.table_ids = optional_text(body.get("title"), "title"), steps, table_ids
    workflow.updater_id, workflow.updated = request.actor, state.now_ms // 1000
    return _described(state, base, workflow)


def _switch(state: State, request: Request, *, enabled: bool) -> dict[str, Any]:
    _, workflow = _found(state, request)
    request.json()
    workflow.is_enabled = enabled
    return {"workflow_id": workflow.workflow_id, "status": workflow.status}


def enable_workflow(state: State, request: Request) -> dict[str, Any]:
    """Switch an automation on."""
    return _switch(state, request, enabled=True)


def disable_workflow(state: State, request: Request) -> dict[str, Any]:
    """Switch an automation off."""
    return _switch(state, request, enabled=False)


def _block_id(state: State, workflow: Workflow) -> str:
    return workflow.workflow_id if state.switches.workflows_are_blocks else f"blk{workflow.workflow_id[3:]}"


def list_blocks(state: State, request: Request) -> dict[str, Any]:
    """What the side bar of a base shows: tables and automations."""
    base = _base(state, request)
    request.json()
    tables = [{"id": each.table_id, "type": "table", "name": each.name} for each in base.tables.values()]
    others = [
        {"id": _block_id(state, each), "type": "workflow", "name": each.title} for each in base.workflows.values()
    ]
    blocks = [{**each, "parent_id": None} for each in (*tables, *others)]
    return {"blocks": blocks, "total": len(blocks)}


def delete_block(state: State, request: Request) -> dict[str, Any]:
    """Delete an automation by its block."""
    base, block_id = _base(state, request), request.params["block_id"]
    found = next((each for each in base.workflows.values() if _block_id(state, each) == block_id), None)
    if found is None:
        raise ApiError(2200, "no such block, or not an automation: the emulator deletes no others this way")
    del base.workflows[found.workflow_id]
    return {}


_BASE: Final = "/open-apis/base/v3/bases/:app_token"
_ONE: Final = f"{_BASE}/workflows/:workflow_id"
_NOTE: Final = (
    "only ChangeRecordTrigger followed by HTTPClientAction runs; conditions isEmpty and isNotEmpty, references to "
    "recordId and startTime"
)
_Right = Literal["read", "create", "update"]


def _route(method: str, template: str, handler: Handler, right: _Right, *members: str) -> Route:
    return Route(
        method,
        template,
        handler,
        query=frozenset({"user_id_type"}) if method == "GET" else frozenset(),
        members=frozenset(members) if method != "GET" else None,
        scopes=(f"base:workflow:{right}",),
        rate=Rate(20),
        coverage="partly",
        note=_NOTE,
    )


ROUTES: Final = (
    _route("POST", f"{_BASE}/workflows/list", list_workflows, "read", "page_size", "page_token", "status"),
    _route("GET", _ONE, get_workflow, "read"),
    _route("POST", f"{_BASE}/workflows", create_workflow, "create", "client_token", "title", "steps", "user_id_type"),
    _route("PUT", _ONE, update_workflow, "update", "title", "status", "steps", "user_id_type"),
    _route("PATCH", f"{_ONE}/enable", enable_workflow, "update"),
    _route("PATCH", f"{_ONE}/disable", disable_workflow, "update"),
    Route(
        "POST",
        f"{_BASE}/blocks/list",
        list_blocks,
        members=frozenset({"parent_id"}),
        scopes=("base:block:read",),
        rate=Rate(20),
        coverage="partly",
        note="tables and automations only",
    ),
    Route(
        "DELETE",
        f"{_BASE}/blocks/:block_id",
        delete_block,
        scopes=("base:block:write",),
        rate=Rate(10),
        coverage="partly",
        note="automations only",
    ),
)
